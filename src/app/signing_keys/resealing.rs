//! Everything that is sealed moves under another encryption key, while servers that have both go on.

use super::acting::TRIES_MAX;
use super::{SigningKeys, SigningKeysError};
use crate::domain::{
    Actor, KeyAct, KeyChange, KeyDeed, KeyOutcome, ResealedSecret, SealedSecret, SigningKeyRecord,
};
use crate::keys::seal;

/// How much was sealed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Resealed {
    /// Private parts of signing keys.
    pub(crate) signing_keys: usize,
    /// Other secrets, such as the key that hashes identifiers, which itself stays the same.
    pub(crate) secrets: usize,
}

impl SigningKeys {
    /// Seals everything anew under the current encryption key, in one transaction.
    ///
    /// What is sealed stays the same, so processes that have both keys notice nothing. From then on everybody seals
    /// under the current key, and the previous one can be taken away.
    ///
    /// # Errors
    /// [`SigningKeysError`]: something opens under neither key, or the store did not answer. Nothing was changed.
    pub(crate) async fn reseal(&self, by: Actor) -> Result<Resealed, SigningKeysError> {
        for _ in 0..TRIES_MAX {
            let ledger = self.store.key_ledger().await?;
            let private = ledger.keys.iter().filter(|row| row.has_private_key());
            let rows = private.map(|row| self.resealed_key(row)).collect::<Result<Vec<_>, _>>()?;
            let secrets = self.store.secrets().await?.into_iter().map(|secret| self.resealed_secret(secret));
            let secrets = secrets.collect::<Result<Vec<_>, _>>()?;
            let done = Resealed { signing_keys: rows.len(), secrets: secrets.len() };
            let act = KeyAct { deed: KeyDeed::Reseal, kid: None, at: self.now(), by: Some(by.clone()) };
            let change = KeyChange { judged_at: ledger.revision, act, rows, secrets: Some(secrets) };
            if self.store.change_keys(change).await? == KeyOutcome::Done {
                return Ok(done);
            }
        }
        Err(SigningKeysError::Contended)
    }

    fn resealed_key(&self, row: &SigningKeyRecord) -> Result<SigningKeyRecord, SigningKeysError> {
        let sealed_private_key = self.sealed_anew(&row.sealed_private_key, row.kid.as_str())?;
        Ok(SigningKeyRecord { sealed_private_key, ..row.clone() })
    }

    fn resealed_secret(&self, secret: SealedSecret) -> Result<ResealedSecret, SigningKeysError> {
        let sealed = self.sealed_anew(&secret.sealed, &secret.name)?;
        Ok(ResealedSecret { before: secret, sealed })
    }

    fn sealed_anew(&self, sealed: &[u8], purpose: &str) -> Result<Vec<u8>, SigningKeysError> {
        let opened = self.encryption_keys.open(sealed, purpose)?;
        Ok(seal(&opened, purpose, self.encryption_keys.current(), &*self.random)?)
    }
}
