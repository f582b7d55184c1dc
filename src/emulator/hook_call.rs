//! The hook call as Prelude makes it: its body, its signature, its headers.

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::EmulatorError;
use super::identity::{AppKey, Salt};

/// Who asks for what, from where. The values are sent as they stand: a test may break any rule with them.
///
/// # Reference
/// docs/CONTRACT.md C2
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HookRequest {
    /// The scope that is asked for.
    pub(crate) scope: String,
    /// The user who asks.
    pub(crate) user_id: String,
    /// `(type, value)` of each e-mail address and phone number.
    pub(crate) identifiers: Vec<(String, String)>,
    /// The browser's or app's own words.
    pub(crate) user_agent: String,
    /// `WEB`, `ANDROID` or `IOS`.
    pub(crate) platform: String,
    /// The device's address.
    pub(crate) ip: String,
    /// What the page sent, in its order; a key may stand twice, to test that. Empty: the field is left out.
    pub(crate) metadata: Vec<(String, String)>,
}

impl HookRequest {
    /// Writes the body: Prelude's fields in Prelude's order, no spaces.
    ///
    /// # Errors
    /// [`EmulatorError::Serialisation`].
    pub(crate) fn body(&self) -> Result<Vec<u8>, EmulatorError> {
        let identifiers = self.identifiers.iter().map(|(kind, value)| WireIdentifier { kind, value });
        let body = WireBody {
            scope_requested: &self.scope,
            user_id: &self.user_id,
            identifiers: identifiers.collect(),
            signals: WireSignals { user_agent: &self.user_agent, platform: &self.platform, ip: &self.ip },
            metadata: Pairs(&self.metadata),
        };
        serde_json::to_vec(&body).map_err(|_| EmulatorError::Serialisation)
    }
}

#[derive(Serialize)]
struct WireBody<'a> {
    scope_requested: &'a str,
    user_id: &'a str,
    identifiers: Vec<WireIdentifier<'a>>,
    signals: WireSignals<'a>,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    metadata: Pairs<'a>,
}

#[derive(Serialize)]
struct WireIdentifier<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct WireSignals<'a> {
    user_agent: &'a str,
    platform: &'a str,
    ip: &'a str,
}

/// A JSON object in the order of its pairs, doubles included.
#[derive(Debug)]
pub(super) struct Pairs<'a>(pub(super) &'a [(String, String)]);

impl Pairs<'_> {
    /// Whether there is nothing to write.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// Whether the signature header starts with `rsassa-pss-sha256=`; Prelude documents both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prefix {
    /// As the webhook page shows it.
    Prefixed,
    /// As the hook page shows it.
    Bare,
}

/// Whether the base64url of the signature ends in `=` characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Padding {
    /// Two `=` for RSA-2048.
    Padded,
    /// None.
    Unpadded,
}

/// What the contract leaves open about signatures, as switches.
///
/// # Reference
/// docs/CONTRACT.md C3.3, C3.4
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SignatureStyle {
    /// The salt's length.
    pub(crate) salt: Salt,
    /// The header's beginning.
    pub(crate) prefix: Prefix,
    /// The header's end.
    pub(crate) padding: Padding,
}

impl SignatureStyle {
    /// Every style that a receiver must accept.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [Salt::Digest, Salt::Max].into_iter().flat_map(|salt| {
            [Prefix::Prefixed, Prefix::Bare].into_iter().flat_map(move |prefix| {
                [Padding::Unpadded, Padding::Padded].map(|padding| Self { salt, prefix, padding })
            })
        })
    }
}

impl Default for SignatureStyle {
    fn default() -> Self {
        Self { salt: Salt::Digest, prefix: Prefix::Prefixed, padding: Padding::Unpadded }
    }
}

/// A call ready to be sent: its headers and its exact bytes. Tests change what they like before sending it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutgoingCall {
    /// Header names and values, in order; a name may stand twice.
    pub(crate) headers: Vec<(String, String)>,
    /// The body's bytes.
    pub(crate) body: Vec<u8>,
}

impl OutgoingCall {
    /// Signs a body and dresses it as a hook call.
    ///
    /// # Errors
    /// [`EmulatorError::Signing`].
    ///
    /// # Reference
    /// docs/CONTRACT.md C3.1 to C3.4
    pub(crate) fn signed(key: &AppKey, body: Vec<u8>, style: SignatureStyle) -> Result<Self, EmulatorError> {
        let signature = key.sign(&body, style.salt)?;
        let encoded = match style.padding {
            Padding::Padded => URL_SAFE.encode(signature),
            Padding::Unpadded => URL_SAFE_NO_PAD.encode(signature),
        };
        let header = match style.prefix {
            Prefix::Prefixed => format!("rsassa-pss-sha256={encoded}"),
            Prefix::Bare => encoded,
        };
        let headers = [
            ("Content-Type", "application/json"),
            ("User-Agent", "Prelude-SessionStepUpHook/1.0"),
            ("X-Webhook-Signature-Key-Id", key.kid()),
            ("X-Webhook-Signature", &header),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Ok(Self { headers, body })
    }

    /// The value of a header, by its name in any case; the first where there are several.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Replaces a header, or adds it.
    pub(crate) fn set_header(&mut self, name: &str, value: &str) {
        self.remove_header(name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a header away.
    pub(crate) fn remove_header(&mut self, name: &str) {
        self.headers.retain(|(candidate, _)| !candidate.eq_ignore_ascii_case(name));
    }
}

#[cfg(test)]
mod tests {
    use super::super::our_side;
    use super::*;

    fn request() -> HookRequest {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        HookRequest {
            scope: "transfer:write".to_owned(),
            user_id: "usr_1".to_owned(),
            identifiers: vec![pair("phone_number", "+33612345678")],
            user_agent: "Mozilla/5.0".to_owned(),
            platform: "WEB".to_owned(),
            ip: "203.0.113.42".to_owned(),
            metadata: vec![pair("z", "1"), pair("a", "\"2\""), pair("z", "3")],
        }
    }

    #[test]
    fn the_body_has_preludes_fields_in_order() {
        let head = concat!(
            r#"{"scope_requested":"transfer:write","user_id":"usr_1","#,
            r#""identifiers":[{"type":"phone_number","value":"+33612345678"}],"#,
            r#""signals":{"user_agent":"Mozilla/5.0","platform":"WEB","ip":"203.0.113.42"}"#,
        );
        let mut request = request();
        let body = String::from_utf8(request.body().expect("a body")).expect("text");
        assert_eq!(body, format!(r#"{head},"metadata":{{"z":"1","a":"\"2\"","z":"3"}}}}"#));
        request.metadata.clear();
        let body = String::from_utf8(request.body().expect("a body")).expect("text");
        assert_eq!(body, format!("{head}}}"));
    }

    #[tokio::test]
    async fn each_style_shows_in_the_header() {
        let identity = our_side::identity().await;
        let mut seen = Vec::new();
        for style in SignatureStyle::all() {
            let key = identity.signing_key();
            let call = OutgoingCall::signed(&key, b"{}".to_vec(), style).expect("a call");
            assert_eq!(call.header("x-webhook-signature-key-id"), Some(key.kid()));
            let value = call.header("x-webhook-signature").expect("signed").to_owned();
            assert_eq!(value.starts_with("rsassa-pss-sha256="), style.prefix == Prefix::Prefixed);
            assert_eq!(value.ends_with("=="), style.padding == Padding::Padded);
            let bare = value.strip_prefix("rsassa-pss-sha256=").unwrap_or(&value).trim_end_matches('=');
            assert_eq!(bare.len(), 342);
            seen.push(bare.to_owned());
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((count, seen.len()), (8, 8), "no two signatures are alike");
    }

    #[tokio::test]
    async fn headers_can_be_replaced_and_removed() {
        let identity = our_side::identity().await;
        let body = request().body().expect("a body");
        let mut call =
            OutgoingCall::signed(&identity.signing_key(), body, SignatureStyle::default()).expect("a call");
        call.set_header("content-type", "text/plain");
        assert_eq!(call.headers.len(), 4);
        assert_eq!(call.header("Content-Type"), Some("text/plain"));
        call.remove_header("X-WEBHOOK-SIGNATURE");
        assert_eq!(call.header("X-Webhook-Signature"), None);
    }
}
