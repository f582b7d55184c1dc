//! The key that seals what is kept secret at rest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroize as _;
use secrecy::{ExposeSecret as _, SecretBox};

use crate::config::shape::Wrong;

/// A key of 256 bits. It never prints and is wiped when it goes.
pub(crate) struct EncryptionKey(SecretBox<[u8; 32]>);

impl EncryptionKey {
    /// Reads 32 bytes: base64 with padding (`openssl rand -base64 32`) or 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`Wrong`], without a character of the text.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Wrong> {
        let mut bytes = from_hex(text).or_else(|| from_base64(text)).ok_or_else(|| {
            Wrong::impossible(
                "is not 32 bytes in base64 or hexadecimal",
                "make one with `openssl rand -base64 32`",
            )
        })?;
        let key = Self(SecretBox::new(Box::new(bytes)));
        bytes.zeroize();
        Ok(key)
    }

    /// The key's bytes, for whoever seals and opens.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EncryptionKey(…)")
    }
}

fn from_base64(text: &str) -> Option<[u8; 32]> {
    let mut decoded = STANDARD.decode(text).ok()?;
    let bytes = <[u8; 32]>::try_from(decoded.as_slice()).ok();
    decoded.zeroize();
    bytes
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    // Checked first: `from_str_radix` takes a sign.
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_base64_and_from_hexadecimal() {
        let expected: Vec<u8> = (0..32).collect();
        let hexadecimal: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
        for text in [STANDARD.encode(&expected), hexadecimal.clone(), hexadecimal.to_uppercase()] {
            assert_eq!(EncryptionKey::parse(&text).expect("a key").expose().as_slice(), expected);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let good = STANDARD.encode([0xfb; 32]);
        let wrong = [
            String::new(),
            STANDARD.encode([1; 31]),
            STANDARD.encode([1; 33]),
            good.trim_end_matches('=').to_owned(),
            good.replace('+', "-"),
            format!(" {good}"),
            format!("{good}\n"),
            "0".repeat(63),
            format!("+{}", "0".repeat(63)),
            "é".repeat(32),
        ];
        for text in wrong {
            assert!(EncryptionKey::parse(&text).is_err(), "{text:?}");
        }
    }
}
