//! The key under which everything secret is sealed at rest.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Why a text is not an encryption key. It never quotes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an encryption key is 32 bytes, as 64 hexadecimal digits or as base64")]
pub(crate) struct EncryptionKeyFault;

/// 256 bits for AES-256-GCM. It never prints, and its memory is cleared when it goes.
pub(crate) struct EncryptionKey(secrecy::SecretBox<[u8; 32]>);

impl EncryptionKey {
    /// Takes 32 bytes.
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(secrecy::SecretBox::new(Box::new(bytes)))
    }

    /// Reads 64 hexadecimal digits or the base64 of 32 bytes, blanks around it aside.
    ///
    /// # Errors
    /// [`EncryptionKeyFault`] for anything else; the text is not quoted.
    pub(crate) fn parse(text: &str) -> Result<Self, EncryptionKeyFault> {
        let text = text.trim();
        let bytes = if text.len() == 64 { from_hex(text) } else { STANDARD.decode(text).ok() };
        let bytes: [u8; 32] = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(EncryptionKeyFault)?;
        Ok(Self::from_bytes(bytes))
    }

    /// The key as the text that [`EncryptionKey::parse`] reads, for the file that development mode makes.
    pub(crate) fn to_text(&self) -> secrecy::SecretString {
        secrecy::SecretString::from(STANDARD.encode(self.expose()))
    }

    pub(super) fn expose(&self) -> &[u8; 32] {
        secrecy::ExposeSecret::expose_secret(&self.0)
    }
}

impl std::fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EncryptionKey(…)")
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read() {
        let hex = EncryptionKey::parse(&"0f".repeat(32)).expect("hexadecimal");
        let base64 = EncryptionKey::parse(&format!(" {}\n", STANDARD.encode([0x0f; 32]))).expect("base64");
        assert_eq!(hex.expose(), base64.expose());
    }

    #[test]
    fn other_lengths_are_refused_without_being_quoted() {
        for text in ["", "secret", &"0f".repeat(31), &STANDARD.encode([1; 33]), &"zz".repeat(32)] {
            assert_eq!(EncryptionKey::parse(text).err(), Some(EncryptionKeyFault));
        }
    }

    #[test]
    fn it_never_prints() {
        let key = EncryptionKey::from_bytes([0x41; 32]);
        assert_eq!(format!("{key:?}"), "EncryptionKey(…)");
    }
}
