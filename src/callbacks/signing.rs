//! Whether bytes are a provider's: an HMAC over the raw body, and over what stands beside it.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{Context, HMAC_SHA256, HMAC_SHA512, Key, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::source::CallbackFault;
use crate::domain::{EventId, SecretBytes, SignatureText, Signed, SignedHash, Timestamp};

/// How far a signed timestamp may be from our clock, either way.
const FRESH_SECONDS: u64 = 300;
/// The longest header that is looked at.
const HEADER_BYTES_MAX: usize = 2048;
/// The most signatures that one event may carry: two while a secret rotates, and a few to spare.
const SIGNATURES_MAX: usize = 8;
/// The most digits of a timestamp in whole seconds.
const TIMESTAMP_DIGITS_MAX: usize = 11;

/// How a scheme signs.
pub(super) struct Signing {
    /// The header that has the signatures, in lower case.
    pub(super) header: Box<str>,
    /// How that header is written.
    pub(super) layout: Layout,
    /// What signatures hash with.
    pub(super) hash: Hashing,
    /// A header with a timestamp that must be fresh though nobody signed it, in lower case.
    pub(super) unsigned_timestamp: Option<Box<str>>,
}

/// How a signature header is written, and with it what is signed.
pub(super) enum Layout {
    /// Signatures alone, between commas or spaces, each after a prefix that may be empty.
    Plain {
        /// What stands before each.
        prefix: Box<str>,
        /// How they are written.
        text: SignatureText,
        /// What they are made over.
        signed: Signed,
    },
    /// `v1,BASE64` between spaces; other versions are passed over (Standard Webhooks 1.x).
    Versioned,
    /// `t=SECONDS,v1=HEX`, over `t.body`; perhaps several such groups between spaces, several `v1` in a group; other names
    /// are passed over.
    Pairs,
}

/// Which hash counts.
pub(super) enum Hashing {
    /// This one.
    Fixed(SignedHash),
    /// The one that a header names, SHA-256 without it; what is weaker is refused. Either takes the secret.
    Named {
        /// The header, in lower case.
        header: &'static str,
    },
}

/// A secret, ready for use.
pub(super) struct Keys {
    sha256: Key,
    sha512: Key,
}

impl Keys {
    /// Prepares a secret.
    pub(super) fn of(secret: &SecretBytes) -> Self {
        Self {
            sha256: Key::new(HMAC_SHA256, secret.expose()),
            sha512: Key::new(HMAC_SHA512, secret.expose()),
        }
    }

    const fn by(&self, hash: SignedHash) -> &Key {
        match hash {
            SignedHash::Sha256 => &self.sha256,
            SignedHash::Sha512 => &self.sha512,
        }
    }
}

/// What a header claims: signatures of `head` followed by the body.
struct Claim<'a> {
    head: String,
    timestamp: Option<&'a str>,
    signatures: Vec<Vec<u8>>,
}

/// The headers of a call, as they came; names in any case.
#[derive(Clone, Copy)]
pub(super) struct Headers<'a>(pub(super) &'a [(&'a str, &'a str)]);

impl<'a> Headers<'a> {
    /// A header that may be there once and is not longer than any that counts.
    fn optional(self, name: &str) -> Result<Option<&'a str>, CallbackFault> {
        let mut found = self.0.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((_, value)), None) if value.len() <= HEADER_BYTES_MAX => Ok(Some(value)),
            _ => Err(CallbackFault::Malformed),
        }
    }

    fn required(self, name: &str) -> Result<&'a str, CallbackFault> {
        self.optional(name)?.ok_or(CallbackFault::Unsigned)
    }
}

impl Signing {
    /// Verifies a call: one of the secrets made one of the signatures, over exactly these bytes, and lately where the
    /// scheme has a timestamp. Comparison takes the same time wherever two signatures differ.
    ///
    /// - returns: the event's id, where a signed header has it.
    ///
    /// # Errors
    /// [`CallbackFault`], but for [`CallbackFault::NotAnEvent`]; the body has not been parsed then.
    pub(super) fn verify(
        &self,
        keys: &[Keys],
        headers: Headers<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<EventId>, CallbackFault> {
        let header = headers.required(&self.header)?;
        let hash = self.hash.choose(headers)?;
        let unsigned = self.unsigned_timestamp.as_deref().map(|name| headers.required(name)).transpose()?;
        let (claims, id) = self.layout.claims(header, headers)?;
        let mut fault = CallbackFault::WrongSignature;
        for claim in claims.iter().filter(|claim| claim.holds(keys, hash, body)) {
            let timestamps = [claim.timestamp, unsigned];
            if timestamps.into_iter().flatten().all(|timestamp| is_fresh(timestamp, now)) {
                return Ok(id);
            }
            fault = CallbackFault::Stale;
        }
        Err(fault)
    }
}

impl Hashing {
    fn choose(&self, headers: Headers<'_>) -> Result<SignedHash, CallbackFault> {
        match self {
            Self::Fixed(hash) => Ok(*hash),
            Self::Named { header } => match headers.optional(header)? {
                None | Some("HMAC_SHA256_HEX") => Ok(SignedHash::Sha256),
                Some("HMAC_SHA512_HEX") => Ok(SignedHash::Sha512),
                Some(_) => Err(CallbackFault::Malformed),
            },
        }
    }
}

impl Layout {
    fn claims<'a>(
        &self,
        header: &'a str,
        headers: Headers<'a>,
    ) -> Result<(Vec<Claim<'a>>, Option<EventId>), CallbackFault> {
        match self {
            Self::Plain { prefix, text, signed } => {
                let each = header.split([',', ' ']).filter(|part| !part.is_empty());
                let signatures = decoded(each.map(|part| part.strip_prefix(&**prefix)), *text)?;
                one_claim(signed, headers, signatures)
            }
            Self::Versioned => {
                let each = header.split(' ').filter(|part| !part.is_empty());
                // A signature of another version is there for other receivers.
                let ours = each.filter_map(|part| part.strip_prefix("v1,")).map(Some);
                let signed = Signed::IdTimestampBody {
                    id: "webhook-id".into(),
                    timestamp: "webhook-timestamp".into(),
                };
                one_claim(&signed, headers, decoded(ours, SignatureText::Base64)?)
            }
            Self::Pairs => pairs(header).map(|claims| (claims, None)),
        }
    }
}

fn one_claim<'a>(
    signed: &Signed,
    headers: Headers<'a>,
    signatures: Vec<Vec<u8>>,
) -> Result<(Vec<Claim<'a>>, Option<EventId>), CallbackFault> {
    let claim = |head, timestamp| vec![Claim { head, timestamp, signatures }];
    match signed {
        Signed::Body => Ok((claim(String::new(), None), None)),
        Signed::TimestampBody { timestamp } => {
            let timestamp = headers.required(timestamp)?;
            Ok((claim(format!("{timestamp}."), Some(timestamp)), None))
        }
        Signed::IdTimestampBody { id, timestamp } => {
            let (id, timestamp) = (headers.required(id)?, headers.required(timestamp)?);
            let event = EventId::given(id).ok_or(CallbackFault::Malformed)?;
            Ok((claim(format!("{id}.{timestamp}."), Some(timestamp)), Some(event)))
        }
    }
}

/// Reads `t=1,v1=00,v1=01 t=2,v1=02`.
fn pairs(header: &str) -> Result<Vec<Claim<'_>>, CallbackFault> {
    let mut claims = Vec::new();
    let mut count = 0_usize;
    for group in header.split(' ').filter(|group| !group.is_empty()) {
        let fields = || group.split(',').filter_map(|field| field.trim().split_once('='));
        let mut moments = fields().filter(|(name, _)| *name == "t").map(|(_, value)| value);
        let (Some(timestamp), None) = (moments.next(), moments.next()) else {
            return Err(CallbackFault::Malformed);
        };
        let ours = fields().filter(|(name, _)| *name == "v1").map(|(_, value)| Some(value));
        let signatures = decoded(ours, SignatureText::Hex)?;
        count += signatures.len();
        claims.push(Claim { head: format!("{timestamp}."), timestamp: Some(timestamp), signatures });
    }
    if count == 0 || count > SIGNATURES_MAX || claims.len() > SIGNATURES_MAX {
        return Err(CallbackFault::Malformed);
    }
    Ok(claims)
}

/// Decodes one signature or several; one that is not written as it should be spoils them all.
fn decoded<'a>(
    written: impl Iterator<Item = Option<&'a str>>,
    text: SignatureText,
) -> Result<Vec<Vec<u8>>, CallbackFault> {
    let decode = |written: &str| match text {
        SignatureText::Hex => from_hex(written),
        SignatureText::Base64 => STANDARD.decode(written).ok(),
    };
    let each = written.take(SIGNATURES_MAX + 1).map(|written| written.and_then(decode));
    let signatures: Vec<_> = each.collect::<Option<_>>().ok_or(CallbackFault::Malformed)?;
    if signatures.is_empty() || signatures.len() > SIGNATURES_MAX {
        return Err(CallbackFault::Malformed);
    }
    Ok(signatures)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    // Checked first: `from_str_radix` takes a sign.
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let byte = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    text.as_bytes().chunks(2).map(byte).collect()
}

impl Claim<'_> {
    fn holds(&self, keys: &[Keys], hash: SignedHash, body: &[u8]) -> bool {
        keys.iter().any(|keys| {
            let tag = tag(keys.by(hash), &self.head, body);
            self.signatures.iter().any(|signature| verify_slices_are_equal(tag.as_ref(), signature).is_ok())
        })
    }
}

fn tag(key: &Key, head: &str, body: &[u8]) -> Tag {
    let mut context = Context::with_key(key);
    context.update(head.as_bytes());
    context.update(body);
    context.sign()
}

/// Whether a timestamp in whole seconds is near enough to now, either way.
fn is_fresh(timestamp: &str, now: Timestamp) -> bool {
    let plain =
        timestamp.len() <= TIMESTAMP_DIGITS_MAX && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = timestamp.parse::<i64>().ok().filter(|_| plain);
    seconds.is_some_and(|seconds| now.unix_seconds().abs_diff(seconds) <= FRESH_SECONDS)
}
