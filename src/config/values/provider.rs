//! What the tables of identity-check providers hold.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;

use crate::config::shape::Wrong;
use crate::domain::{COMPLETED, Pointer, Scheme, SecretBytes, StepKey};

/// The fewest bytes of a secret: 128 bits, if they are random.
const SECRET_BYTES_MIN: usize = 16;
const SECRET_BYTES_MAX: usize = 512;
const HEADER_CHARS_MAX: usize = 64;
const WORD_CHARS_MAX: usize = 128;

/// A secret as a provider shows it. It never prints and is wiped when it goes.
pub(crate) struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes 16 to 512 bytes of text.
    ///
    /// # Errors
    /// [`Wrong`], without a character of the text.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Wrong> {
        if (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&text.len()) {
            return Ok(Self(Zeroizing::new(text.to_owned())));
        }
        let help =
            "copy it whole from the provider's pages, and let the provider make a new one if it is short";
        Err(Wrong::impossible("is not a secret of 16 to 512 characters", help))
    }

    /// The bytes that key the HMAC: the text itself, but for Standard Webhooks, whose secrets are `whsec_` and base64.
    ///
    /// # Errors
    /// [`Wrong`], without a character of the text.
    pub(in crate::config) fn bytes(&self, scheme: Scheme) -> Result<SecretBytes, Wrong> {
        if scheme != Scheme::StandardWebhooks {
            return Ok(SecretBytes::new(Zeroizing::new(self.0.as_bytes().to_vec())));
        }
        let encoded = self.0.strip_prefix("whsec_").unwrap_or(&self.0);
        let bytes = STANDARD.decode(encoded).map(Zeroizing::new).ok();
        bytes.filter(|bytes| bytes.len() >= SECRET_BYTES_MIN).map(SecretBytes::new).ok_or_else(|| {
            let help = "copy it whole from the provider's pages";
            Wrong::impossible("is not `whsec_` and at least 16 bytes in base64", help)
        })
    }
}

/// Which parts a generic provider signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignedParts {
    /// The body.
    Body,
    /// A header's timestamp, too.
    TimestampBody,
    /// And a header's id.
    IdTimestampBody,
}

/// Reads the key of a custom step.
pub(in crate::config) fn custom_step(text: &str) -> Result<StepKey, Wrong> {
    let help = "write a custom step of steps.yaml, such as \"kyc_review\"";
    let key = StepKey::new(text).map_err(|_| Wrong::impossible("has a text that is no step key", help))?;
    if key.is_managed() || key.as_str() == COMPLETED {
        return Err(Wrong::impossible("has a step that Prelude carries out itself", help));
    }
    Ok(key)
}

/// Reads a JSON pointer.
pub(in crate::config) fn pointer(text: &str) -> Result<Pointer, Wrong> {
    let help = "write such as \"/data/attributes/name\" (RFC 6901)";
    Pointer::new(text).ok_or_else(|| Wrong::impossible("is not a JSON pointer", help))
}

/// Reads a word of a provider.
pub(in crate::config) fn outcome_word(text: &str) -> Result<Box<str>, Wrong> {
    let sound = !text.is_empty() && text.trim() == text && text.chars().count() <= WORD_CHARS_MAX;
    let help = "write each word exactly as the provider does, without spaces around it";
    sound.then(|| text.into()).ok_or_else(|| Wrong::impossible("has a text that is no word", help))
}

/// Reads the name of a header; returns it in lower case.
pub(in crate::config) fn header_name(text: &str) -> Result<Box<str>, Wrong> {
    let sound = text.len() <= HEADER_CHARS_MAX
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let name = || text.to_ascii_lowercase().into();
    sound
        .then(name)
        .ok_or_else(|| Wrong::impossible("is not a header's name", "write such as \"X-Signature\""))
}

/// Reads what stands before a signature.
pub(in crate::config) fn header_prefix(text: &str) -> Result<Box<str>, Wrong> {
    let sound =
        text.len() <= HEADER_CHARS_MAX && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
    let wrong = || Wrong::impossible("is not a signature's prefix", "write such as \"sha256=\"");
    sound.then(|| text.into()).ok_or_else(wrong)
}
