//! What goes to a collector of traces besides spans, and how.

use secrecy::{ExposeSecret as _, SecretString};

use super::place::HttpUrl;
use super::provider::header_name;
use crate::config::shape::Wrong;

/// Where collectors take traces over HTTP, unless somebody says otherwise.
const TRACES_PATH: &str = "/v1/traces";
const HEADERS_MAX: usize = 16;
const HEADER_BYTES_MAX: usize = 4096;
/// Headers that say how a batch is sent, which is not the settings' to say.
const OURS: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
    "user-agent",
];
const ATTRIBUTE_NAME_CHARS_MAX: usize = 128;
const ATTRIBUTE_VALUE_CHARS_MAX: usize = 256;

/// How batches of spans are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TraceCompression {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
}

/// Headers that go with every batch, such as a collector's password. They never print.
#[derive(Debug, Clone)]
pub(crate) struct TraceHeaders(Vec<(Box<str>, SecretString)>);

impl TraceHeaders {
    /// Takes `name=value`, commas between them; in a value `%` and two hexadecimal digits stand for a character.
    ///
    /// # Errors
    /// [`Wrong`], without a character of the text.
    ///
    /// # Reference
    /// OpenTelemetry Protocol Exporter: the form of `OTEL_EXPORTER_OTLP_HEADERS`
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = |message: &str| {
            let help = "write such as authorization=Bearer%20…, names and values with commas between, each name once";
            Wrong::impossible(message, help)
        };
        let mut headers: Vec<(Box<str>, SecretString)> = Vec::new();
        for header in text.split(',') {
            let read = header.split_once('=').and_then(|(name, value)| {
                let name = header_name(name.trim()).ok().filter(|name| !name.is_empty())?;
                Some((name, decoded(value.trim())?))
            });
            let (name, value) = read.ok_or_else(|| wrong("has a text that is no header"))?;
            if OURS.contains(&&*name) || headers.iter().any(|(other, _)| *other == name) {
                return Err(wrong("has a header twice, or one that Doorstep sets itself"));
            }
            headers.push((name, value));
        }
        if headers.len() > HEADERS_MAX { Err(wrong("has too many headers")) } else { Ok(Self(headers)) }
    }

    /// Names, in lower case, and values, for whoever sends them.
    pub(crate) fn expose(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, value.expose_secret()))
    }
}

/// A header's value: visible ASCII and blanks between, once decoded.
fn decoded(text: &str) -> Option<SecretString> {
    let mut parts = text.split('%');
    let mut value = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        value.push(char::from(u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?));
        value.push_str(rest);
    }
    let is_value = (1..=HEADER_BYTES_MAX).contains(&value.len())
        && value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && value.trim().len() == value.len();
    let value = SecretString::from(value);
    is_value.then_some(value)
}

/// Reads where a collector takes traces. An address without a path is a collector's own, which takes them at [`TRACES_PATH`].
///
/// # Errors
/// [`Wrong`], without quoting.
///
/// # Reference
/// OpenTelemetry Protocol Exporter, "Endpoint URLs for OTLP/HTTP"
pub(in crate::config) fn collector(text: &str) -> Result<HttpUrl, Wrong> {
    let url = HttpUrl::parse(text)?;
    if url.as_str().contains('?') {
        return Err(Wrong::impossible(
            "has a query",
            "write the address alone, such as \"https://collector.acme.example:4318\"; what proves who we are belongs in \
             tracing.headers_file",
        ));
    }
    Ok(if url.has_path() { url } else { url.at(TRACES_PATH) })
}

/// Reads an attribute of this process: `name=value`, blanks around both taken away.
///
/// # Errors
/// [`Wrong`], without quoting.
///
/// # Reference
/// OpenTelemetry, Resource SDK: the form of `OTEL_RESOURCE_ATTRIBUTES`
pub(in crate::config) fn attribute(text: &str) -> Result<(Box<str>, Box<str>), Wrong> {
    let wrong = || {
        Wrong::impossible(
            "has a text that is no attribute",
            "write such as \"deployment.environment.name=production\": a name of at most 128 visible ASCII characters, and a value of \
             at most 256",
        )
    };
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    let (name, value) = (name.trim(), value.trim());
    let is_name = (1..=ATTRIBUTE_NAME_CHARS_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_graphic());
    let is_value = (1..=ATTRIBUTE_VALUE_CHARS_MAX).contains(&value.chars().count());
    if is_name && is_value { Ok((name.into(), value.into())) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_names_and_values() {
        let read = |text: &str| {
            let headers = TraceHeaders::parse(text).ok()?;
            Some(headers.expose().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>())
        };
        let two = ["authorization: Basic YTpi==", "x-scope-orgid: a,b"].map(ToOwned::to_owned);
        assert_eq!(read("Authorization=Basic%20YTpi==, X-Scope-OrgID = a%2cb").as_deref(), Some(&two[..]));
        assert_eq!(read("authorization=Basic YTpi==").as_deref(), Some(&two[..1]));
        let long = format!("a={}", "x".repeat(4097));
        let many = (0..17).map(|one| format!("h{one}=x")).collect::<Vec<_>>().join(",");
        let bad = ["", "a", "=b", "a=", "a=b,", "a b=c", "a=b,A=c", "Host=x", "content-type=x", &long, &many];
        for bad in bad.into_iter().chain(["a=%", "a=%2", "a=%+1", "a=%zz", "a=%0a", "a=ä", "a=%20"]) {
            assert_eq!(read(bad), None, "{bad}");
        }
        let shown = format!("{:?}", TraceHeaders::parse("a=CANARY").expect("headers"));
        assert!(!shown.contains("CANARY"), "{shown}");
    }

    #[test]
    fn an_address_without_a_path_is_a_collectors_own() {
        let read = |text: &str| collector(text).map(|url| url.as_str().to_owned()).ok();
        for base in ["https://c.example:4318", "https://c.example:4318/"] {
            assert_eq!(read(base).as_deref(), Some("https://c.example:4318/v1/traces"));
        }
        for whole in ["https://c.example/v1/traces", "https://c.example/otlp", "http://localhost:4318/x/"] {
            assert_eq!(read(whole).as_deref(), Some(whole));
        }
        for bad in ["c.example:4318", "http://c.example:4318", "https://c.example/?key=1", "grpc://c.example"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_attribute_has_a_name_and_a_value() {
        let read = |text: &str| attribute(text).map(|(name, value)| format!("{name}|{value}")).ok();
        assert_eq!(read("a.b=c").as_deref(), Some("a.b|c"));
        assert_eq!(read(" k8s.pod.label.x/y = a = b ").as_deref(), Some("k8s.pod.label.x/y|a = b"));
        let long = format!("a={}", "x".repeat(257));
        for bad in ["", "a", "a=", "=b", " =b", "a b=c", "ä=c", &long] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
