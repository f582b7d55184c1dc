//! Whether the record of decisions can be trusted: looked through, and stated under our signature.

use serde::{Deserialize, Serialize};

use super::signing_keys::SigningKeys;
use crate::domain::{Audited, ChainHead, Checkpoint, DecisionId, Timestamp};
use crate::keys::{KeyError, StatementFault, StatementKind, read_statement, sign_statement};
use crate::store::{Seal, Store, StoreError};

/// Why the record was not looked through, or not stated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    /// The text that should be a checkpoint is none of ours.
    #[error("the checkpoint {0}")]
    Checkpoint(#[from] StatementFault),
    /// A checkpoint of ours says what none can say.
    #[error("the checkpoint cannot be read")]
    Unreadable,
    /// No key signs now.
    #[error("no signing key is active")]
    NoSigner,
    /// The signature did not come about.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The record could not be read.
    #[error("the record could not be read")]
    Store(#[from] StoreError),
}

/// What is signed. Members may be added, none changes.
#[derive(Debug, Serialize, Deserialize)]
struct Stated {
    at: String,
    through: i64,
    decisions: u64,
    chains: Vec<StatedChain>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StatedChain {
    chain: String,
    decisions: i64,
    hash: String,
}

/// Looks through all decisions.
///
/// - `checkpoint`: a signed one that the record must agree with.
/// - `seal`: shows which anchors of retention are ours; without it they are believed.
///
/// # Errors
/// [`AuditError`]; nobody knows then whether anything is wrong.
pub(crate) async fn verify_decisions(
    store: &Store,
    checkpoint: Option<&str>,
    seal: Option<&Seal>,
) -> Result<Audited, AuditError> {
    let checkpoint = match checkpoint {
        Some(text) => Some(read(store, text).await?),
        None => None,
    };
    Ok(store.audit(checkpoint.as_ref(), seal).await?)
}

/// Looks through all decisions, and signs what they are if nothing is wrong.
///
/// - `after`: an earlier checkpoint of ours: only what was recorded since is looked at.
/// - returns: what was found, and the signed statement unless something is wrong.
///
/// # Errors
/// [`AuditError`]; nothing was signed.
pub(crate) async fn checkpoint_decisions(
    store: &Store,
    (keys, now): (&SigningKeys, Timestamp),
    (after, seal): (Option<&str>, &Seal),
) -> Result<(Audited, Option<String>), AuditError> {
    let audited = match after {
        Some(text) => store.audit_since(&read(store, text).await?, Some(seal)).await?,
        None => store.audit(None, Some(seal)).await?,
    };
    if audited.fault.is_some() {
        return Ok((audited, None));
    }
    let ring = keys.ring().map_err(|_| AuditError::NoSigner)?;
    let signer = ring.signer_at(now).ok_or(AuditError::NoSigner)?;
    let payload = serde_json::to_vec(&Stated::of(&audited, now)).map_err(|_| AuditError::Unreadable)?;
    let text = sign_statement(StatementKind::Checkpoint, &payload, signer)?;
    Ok((audited, Some(text)))
}

async fn read(store: &Store, text: &str) -> Result<Checkpoint, AuditError> {
    let keys = store.signing_keys().await?;
    let payload = read_statement(StatementKind::Checkpoint, text, &keys)?;
    let stated: Stated = serde_json::from_slice(&payload).map_err(|_| AuditError::Unreadable)?;
    stated.checkpoint().ok_or(AuditError::Unreadable)
}

impl Stated {
    fn of(audited: &Audited, at: Timestamp) -> Self {
        let chain = |head: &ChainHead| StatedChain {
            chain: head.chain.to_string(),
            decisions: head.number,
            hash: head.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        Self {
            at: at.to_string(),
            through: audited.through,
            decisions: audited.chained,
            chains: audited.heads.iter().map(chain).collect(),
        }
    }

    fn checkpoint(self) -> Option<Checkpoint> {
        let head = |chain: StatedChain| {
            let chain_id = DecisionId::parse(&chain.chain)?;
            Some(ChainHead { chain: chain_id, number: chain.decisions, hash: digest(&chain.hash)? })
        };
        Some(Checkpoint {
            at: Timestamp::parse(&self.at)?,
            through: self.through,
            chained: self.decisions,
            heads: self.chains.into_iter().map(head).collect::<Option<_>>()?,
        })
    }
}

/// Reads 64 hexadecimal digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
    bytes?.try_into().ok()
}
