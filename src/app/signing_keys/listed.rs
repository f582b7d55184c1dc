//! Keys as they are shown: never a private part.

use std::fmt;

use serde::Serialize;

use super::SigningKeysError;
use crate::domain::{KeyAction, KeyLedger, Kid, SigningKeyRecord, Timestamp};
use crate::keys::{KeyState, RenderedJwks, Times, public_pem, published, state};

/// A key, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct KeyTold {
    kid: Kid,
    state: &'static str,
    bits: u32,
    publish_at: Timestamp,
    activate_at: Timestamp,
    retire_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    created_at: Timestamp,
    /// Whether the private part is still there.
    has_private_key: bool,
}

/// All keys, newest first, and what was done to them last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct KeyList {
    keys: Vec<KeyTold>,
    actions: Vec<KeyAction>,
}

impl KeyList {
    /// Tells every key's state at a moment.
    pub(crate) fn of(ledger: &KeyLedger, actions: Vec<KeyAction>, now: Timestamp) -> Self {
        let times: Vec<_> = ledger.keys.iter().map(Times::of).collect();
        let told = |(place, row): (usize, &SigningKeyRecord)| KeyTold {
            kid: row.kid.clone(),
            state: state(&times, place, now).map_or("", KeyState::as_str),
            bits: row.bits,
            publish_at: row.publish_at,
            activate_at: row.activate_at,
            retire_at: row.retire_at,
            revoked_at: row.revoked_at,
            created_at: row.created_at,
            has_private_key: row.has_private_key(),
        };
        Self { keys: ledger.keys.iter().enumerate().map(told).rev().collect(), actions }
    }
}

/// One line a key, then one line an action.
impl fmt::Display for KeyList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for key in &self.keys {
            write!(f, "{}  {:<8}  {} bits  signs from {}", key.kid, key.state, key.bits, key.activate_at)?;
            match (key.revoked_at, key.retire_at) {
                (Some(at), _) => writeln!(f, "  revoked {at}")?,
                (None, Some(at)) => writeln!(f, "  published until {at}")?,
                (None, None) => writeln!(f)?,
            }
        }
        for KeyAction { act, .. } in &self.actions {
            write!(f, "\n{}  {:<6}", act.at, act.deed.as_str())?;
            match &act.by {
                Some(by) => write!(f, "  {by}")?,
                None => write!(f, "  by itself")?,
            }
            if let Some(kid) = &act.kid {
                write!(f, "  {kid}")?;
            }
        }
        Ok(())
    }
}

/// The public half of one key, or of all that stand in the key set, as a JWK set.
///
/// - returns: `None` where there is no such key.
pub(crate) fn exported_jwks(ledger: &KeyLedger, kid: Option<&Kid>, now: Timestamp) -> Option<String> {
    let rows = exported(ledger, kid, now)?;
    Some(RenderedJwks::of_rows(rows.into_iter()).body().to_owned())
}

/// The same as PEM texts, one after the other.
///
/// # Errors
/// A stored key is none.
pub(crate) fn exported_pem(
    ledger: &KeyLedger,
    kid: Option<&Kid>,
    now: Timestamp,
) -> Result<Option<String>, SigningKeysError> {
    let Some(rows) = exported(ledger, kid, now) else { return Ok(None) };
    let texts = rows.into_iter().map(public_pem).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(texts.concat().trim_end().to_owned()))
}

fn exported<'l>(
    ledger: &'l KeyLedger,
    kid: Option<&Kid>,
    now: Timestamp,
) -> Option<Vec<&'l SigningKeyRecord>> {
    if let Some(kid) = kid {
        return ledger.keys.iter().find(|row| row.kid == *kid).map(|row| vec![row]);
    }
    let times: Vec<_> = ledger.keys.iter().map(Times::of).collect();
    Some(published(&times, now).into_iter().rev().filter_map(|place| ledger.keys.get(place)).collect())
}
