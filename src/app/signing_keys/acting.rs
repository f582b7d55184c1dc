//! What people do to keys: the next one made, a customer's taken in, one withdrawn.

use serde::Serialize;

use super::{NewKey, SigningKeys, SigningKeysError, generated};
use crate::domain::{
    Actor, KeyAct, KeyChange, KeyDeed, KeyLedger, KeyOutcome, Kid, SigningKeyRecord, Timestamp,
};
use crate::keys::{EncryptionKey, IdentifierDigest, Start, plan};

/// How often a change is judged anew because others changed the keys meanwhile.
pub(super) const TRIES_MAX: usize = 8;

/// A key that was made or taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MadeKey {
    /// Its name.
    pub(crate) kid: Kid,
    /// From when it signs.
    pub(crate) activate_at: Timestamp,
}

/// Who signs after a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Successor {
    /// The key that signs anyway: the withdrawn one was not the signer.
    SignsAnyway {
        /// Its name.
        kid: Kid,
    },
    /// The key that was pending signs from now on.
    CalledUp {
        /// Its name.
        kid: Kid,
    },
    /// A key that was made for it.
    Made {
        /// Its name.
        kid: Kid,
    },
}

/// What a withdrawal does to tokens that left before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct InFlight {
    /// How many have not ended.
    pub(crate) tokens: u64,
    /// Until when Prelude may still trust the key, from the set that it keeps.
    pub(crate) trusted_until: Timestamp,
}

/// How a withdrawal ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub(crate) enum Withdrawn {
    /// The key is withdrawn.
    #[serde(rename = "revoked")]
    Done {
        /// Who signs now; nobody where every key is over.
        signer: Option<Successor>,
        /// What becomes of its tokens.
        in_flight: InFlight,
    },
    /// It was before. Nothing was changed.
    #[serde(rename = "already_revoked")]
    Before,
    /// There is no such key.
    Unknown,
}

impl SigningKeys {
    /// Makes the next key now; it signs after the usual lead.
    ///
    /// # Errors
    /// [`SigningKeysError`]; no key was kept.
    pub(crate) async fn rotate(&self, by: Actor) -> Result<MadeKey, SigningKeysError> {
        let key = generated(self.terms.bits).await?;
        self.keep(&key, KeyDeed::Rotate, by).await
    }

    /// Takes a customer's key in; it signs after the usual lead.
    ///
    /// - `pem`: PKCS#1 or PKCS#8.
    ///
    /// # Errors
    /// [`SigningKeysError`]; no key was kept.
    pub(crate) async fn import(&self, pem: &str, by: Actor) -> Result<MadeKey, SigningKeysError> {
        self.keep(&NewKey::from_pem(pem)?, KeyDeed::Import, by).await
    }

    async fn keep(&self, key: &NewKey, deed: KeyDeed, by: Actor) -> Result<MadeKey, SigningKeysError> {
        for _ in 0..TRIES_MAX {
            let (ledger, now) = (self.store.key_ledger().await?, self.now());
            if ledger.keys.iter().any(|known| known.kid == *key.kid()) {
                return Err(SigningKeysError::Known(key.kid().clone()));
            }
            if !plan::has_room(&ledger.keys, now) {
                return Err(SigningKeysError::Full);
            }
            // Where nobody signs, there is nothing to wait for.
            let start = match plan::signer_of(&ledger.keys, now) {
                Some(_) => Start::with_lead(now, &self.terms),
                None => Start::at_once(now),
            };
            let row = key.sealed(start, self.sealing_key().await?, &*self.random)?;
            let made = MadeKey { kid: row.kid.clone(), activate_at: row.activate_at };
            let rows = plan::with(&ledger.keys, row, now, &self.terms);
            let act = KeyAct { deed, kid: Some(made.kid.clone()), at: now, by: Some(by.clone()) };
            if self.change(&ledger, act, rows).await? == KeyOutcome::Done {
                return Ok(made);
            }
        }
        Err(SigningKeysError::Contended)
    }

    /// Withdraws a key for ever: it signs nothing and stands in no key set any more, here at once and in other processes
    /// within seconds. If it was the signer, the pending key signs at once, or one that is made for it.
    ///
    /// # Errors
    /// [`SigningKeysError`]; the key signs on.
    pub(crate) async fn revoke(&self, kid: &Kid, by: Actor) -> Result<Withdrawn, SigningKeysError> {
        let mut replacement = None;
        for _ in 0..TRIES_MAX {
            let (ledger, now) = (self.store.key_ledger().await?, self.now());
            let Some(row) = ledger.keys.iter().find(|row| row.kid == *kid) else {
                return Ok(Withdrawn::Unknown);
            };
            if row.revoked_at.is_some() {
                return Ok(Withdrawn::Before);
            }
            let was_signer = plan::signer_of(&ledger.keys, now).is_some_and(|signer| signer.kid == *kid);
            let (rows, told): (_, fn(Kid) -> Successor) =
                match plan::without(&ledger.keys, kid, now, &self.terms) {
                    plan::Withdrawal::Settled(rows) if was_signer => {
                        (rows, |kid| Successor::CalledUp { kid })
                    }
                    plan::Withdrawal::Settled(rows) => (rows, |kid| Successor::SignsAnyway { kid }),
                    plan::Withdrawal::NeedsReplacement(rows) => {
                        (self.with_replacement(rows, &mut replacement).await?, |kid| Successor::Made { kid })
                    }
                };
            let signer = plan::signer_of(&rows, self.now()).map(|signer| told(signer.kid.clone()));
            let act = KeyAct { deed: KeyDeed::Revoke, kid: Some(kid.clone()), at: now, by: Some(by.clone()) };
            if self.change(&ledger, act, rows).await? == KeyOutcome::Done {
                // The record takes no token of the key any more, so this is all of them.
                return Ok(Withdrawn::Done { signer, in_flight: self.in_flight(kid).await? });
            }
        }
        Err(SigningKeysError::Contended)
    }

    /// Adds a key that signs at once: made now, or in the try before.
    async fn with_replacement(
        &self,
        rows: Vec<SigningKeyRecord>,
        replacement: &mut Option<NewKey>,
    ) -> Result<Vec<SigningKeyRecord>, SigningKeysError> {
        let new = match replacement.take() {
            Some(new) => new,
            None => generated(self.terms.bits).await?,
        };
        let now = self.now();
        let row = new.sealed(Start::at_once(now), self.sealing_key().await?, &*self.random)?;
        *replacement = Some(new);
        Ok(plan::with(&rows, row, now, &self.terms))
    }

    async fn in_flight(&self, kid: &Kid) -> Result<InFlight, SigningKeysError> {
        let now = self.now();
        let tokens = self.store.tokens_in_flight(kid, now).await?;
        let kept = self.terms.jwks_cache + self.terms.jwks_max_age();
        Ok(InFlight { tokens, trusted_until: now.plus(kept) })
    }

    /// Carries a change out, unless somebody else came first.
    pub(super) async fn change(
        &self,
        before: &KeyLedger,
        act: KeyAct,
        after: Vec<SigningKeyRecord>,
    ) -> Result<KeyOutcome, SigningKeysError> {
        let rows = plan::changed(&before.keys, after);
        let change = KeyChange { judged_at: before.revision, act, rows, secrets: None };
        Ok(self.store.change_keys(change).await?)
    }

    /// The encryption key that the store is sealed under: while two are loaded, everybody seals under the same one, and
    /// only [`SigningKeys::reseal`] moves to the other.
    pub(super) async fn sealing_key(&self) -> Result<&EncryptionKey, SigningKeysError> {
        let name = IdentifierDigest::SECRET_NAME;
        match self.store.secret(name).await? {
            Some(sealed) => Ok(self.encryption_keys.that_opens(&sealed, name)?),
            None => Ok(self.encryption_keys.current()),
        }
    }
}
