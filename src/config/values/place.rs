//! Names of places: Prelude's application, its hosts and addresses.

use std::fmt;

use url::{Host, Url};

use crate::config::shape::Wrong;

/// Prelude's name for the customer's application, which is also a label of its host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AppId {
    text: Box<str>,
    session_domain: SessionDomain,
}

impl AppId {
    /// Checks that the text can be a label of a host name: 1 to 63 of `a-z 0-9 -`, no hyphen at either end.
    ///
    /// # Errors
    /// [`Wrong`], without quoting.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Wrong> {
        let domain =
            is_label(text).then(|| SessionDomain::of(&format!("{text}.session.prelude.dev"))).flatten();
        let Some(session_domain) = domain else {
            return Err(Wrong::impossible(
                "cannot be an application's id",
                "copy it from Prelude's dashboard: 1 to 63 small letters and digits",
            ));
        };
        Ok(Self { text: text.into(), session_domain })
    }

    /// The id.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Where Prelude serves the application's sessions unless the customer has a domain of its own.
    pub(in crate::config) const fn session_domain(&self) -> &SessionDomain {
        &self.session_domain
    }
}

/// The host that serves the application's sessions and key sets: a name, without scheme, port or path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionDomain(Box<str>);

impl SessionDomain {
    /// Checks a host name: labels of `a-z 0-9 -` joined by dots, 253 characters at most, not an IP address.
    ///
    /// # Errors
    /// [`Wrong`], without quoting.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Wrong> {
        Self::of(text).ok_or_else(|| {
            Wrong::impossible(
                "is not a host name in small letters",
                "write the name alone, such as \"acme.session.prelude.dev\": no scheme, port or path",
            )
        })
    }

    fn of(text: &str) -> Option<Self> {
        let labels = text.len() <= 253 && text.split('.').all(is_label);
        // The URL parser has the last word: `1.2` is an address to it and `xn--` labels have rules of their own.
        let url = Url::parse(&format!("https://{text}/")).ok().filter(|_| labels)?;
        (url.host() == Some(Host::Domain(text))).then(|| Self(text.into()))
    }

    /// The host name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a document on this host, over https.
    ///
    /// - `path`: starts with `/`.
    pub(in crate::config) fn https(&self, path: &'static str) -> HttpUrl {
        HttpUrl { text: format!("https://{}{path}", self.0).into(), over: Transport::Tls }
    }
}

fn is_label(text: &str) -> bool {
    let alphabet = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    alphabet && (1..=63).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-')
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Tls,
    Plain,
}

/// An address to fetch from: https, or plain http on this machine; no credentials, no fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpUrl {
    text: Box<str>,
    over: Transport,
}

impl HttpUrl {
    /// Checks an absolute URL.
    ///
    /// # Errors
    /// [`Wrong`], without quoting.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Wrong> {
        const HELP: &str = "write such as \"https://acme.session.prelude.dev/.well-known/jwks.json\"";
        // The URL parser drops blanks and turns backslashes: neither was meant.
        let odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
        let over = match text.split_once("://") {
            Some(("https", _)) => Transport::Tls,
            Some(("http", _)) => Transport::Plain,
            _ => return Err(Wrong::of_type("is not an http or https URL", HELP)),
        };
        let parsed = Url::parse(text).ok().filter(|_| !text.contains(odd));
        let url = parsed.ok_or_else(|| Wrong::of_type("is not a URL", HELP))?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(Wrong::impossible("has a user, a password or a fragment", HELP));
        }
        if over == Transport::Plain && !is_loopback(&url) {
            return Err(Wrong::impossible(
                "would fetch over plain http from another machine",
                "use https; plain http is for localhost, 127.0.0.1 and [::1] in development mode",
            ));
        }
        Ok(Self { text: url.as_str().into(), over })
    }

    /// The address in its normal form.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it names more than a host.
    pub(in crate::config) fn has_path(&self) -> bool {
        self.text.split('/').skip(3).any(|part| !part.is_empty())
    }

    /// The address of a path on the same host.
    ///
    /// - `path`: starts with `/`.
    pub(in crate::config) fn at(&self, path: &'static str) -> Self {
        let host = self.text.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        Self { text: format!("{host}{path}").into(), over: self.over }
    }

    /// Whether it is plain http.
    pub(crate) fn is_plain(&self) -> bool {
        self.over == Transport::Plain
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
