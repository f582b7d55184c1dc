//! The encryption keys that are loaded: the one to seal under and, while everything moves to it, the one before.

use rsa::pkcs8::der::zeroize::Zeroizing;

use super::seal::open;
use super::{EncryptionKey, KeyError};

/// One or two encryption keys. Both open; what the store is sealed under says which of them seals.
#[derive(Debug)]
pub(crate) struct EncryptionKeys {
    current: EncryptionKey,
    previous: Option<EncryptionKey>,
}

impl EncryptionKeys {
    /// Takes the key in force and, meanwhile, the one before it.
    pub(crate) const fn new(current: EncryptionKey, previous: Option<EncryptionKey>) -> Self {
        Self { current, previous }
    }

    /// The key that everything is to be sealed under.
    pub(crate) const fn current(&self) -> &EncryptionKey {
        &self.current
    }

    /// Opens what was sealed for `purpose` under either key.
    ///
    /// # Errors
    /// [`KeyError::DoesNotOpen`] where neither does.
    pub(crate) fn open(&self, sealed: &[u8], purpose: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        open(sealed, purpose, self.that_opens(sealed, purpose)?)
    }

    /// The key that something is sealed under.
    ///
    /// # Errors
    /// [`KeyError::DoesNotOpen`] where neither opens it.
    pub(crate) fn that_opens(&self, sealed: &[u8], purpose: &str) -> Result<&EncryptionKey, KeyError> {
        std::iter::once(&self.current)
            .chain(&self.previous)
            .find(|key| open(sealed, purpose, key).is_ok())
            .ok_or_else(|| KeyError::DoesNotOpen(purpose.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::seal;
    use crate::random::SystemRandom;

    #[test]
    fn both_open_and_each_says_so() {
        let key = |byte| EncryptionKey::from_bytes([byte; 32]);
        let keys = EncryptionKeys::new(key(2), Some(key(1)));
        for byte in [1, 2] {
            let sealed = seal(b"secret", "name", &key(byte), &SystemRandom).expect("seals");
            assert_eq!(keys.open(&sealed, "name").expect("opens").as_slice(), b"secret");
            let opener = keys.that_opens(&sealed, "name").expect("one of the two");
            assert!(open(&sealed, "name", opener).is_ok());
        }
        let sealed = seal(b"secret", "name", &key(3), &SystemRandom).expect("seals");
        assert!(matches!(keys.open(&sealed, "name"), Err(KeyError::DoesNotOpen(_))));
    }
}
