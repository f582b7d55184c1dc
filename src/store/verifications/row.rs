//! A row of `verifications`, read.

use uuid::Uuid;

use crate::domain::{
    ApiKeyId, Approver, ChallengeId, ChallengeProof, Decided, Decider, DecisionId, GivenReason, Opening,
    Reference, Scope, SessionId, SourceName, StepKey, StepOutcome, Timestamp, UserId, Verification,
    VerificationId, VerificationState, Withdrawal, Withdrawn,
};
use crate::store::StoreError;
use crate::store::connection::Row;

/// `SELECT` of whole rows, and what follows it.
macro_rules! select {
    ($($rest:tt)+) => {
        concat!(
            "SELECT seq, id, reference, source, challenge_id, step_key, user_id, session_id, scope, metadata, decision_id, ",
            "proof, opened_by, opened_at, expires_at, version, state, decided_at, decided_as, actor, reason, withdrawn_at, ",
            "withdrawn_for FROM verifications ",
            $($rest)+
        )
    };
}
pub(super) use select;

/// Reads a row that [`select!`] gave.
///
/// # Errors
/// [`StoreError::Corrupt`] for a value that was not written here.
pub(super) fn verification(row: &Row) -> Result<Verification, StoreError> {
    let columns = Columns(row);
    let state: &str = row.try_get("state")?;
    Ok(Verification {
        seq: row.try_get("seq")?,
        opening: opening(&columns)?,
        version: row.number("version")?,
        recorded_state: VerificationState::parse(state).ok_or_else(|| columns.corrupt("state"))?,
        decided: decided(&columns, state)?,
        withdrawn: withdrawn(&columns)?,
    })
}

/// A row whose values are checked one by one.
struct Columns<'r>(&'r Row);

impl Columns<'_> {
    fn corrupt(&self, column: &'static str) -> StoreError {
        let seq = self.0.try_get::<i64>("seq").map_or_else(|_| "?".to_owned(), |seq| seq.to_string());
        StoreError::corrupt("verifications", column, seq)
    }

    fn name<T, E>(&self, column: &'static str, new: fn(&str) -> Result<T, E>) -> Result<T, StoreError> {
        new(self.0.try_get(column)?).map_err(|_| self.corrupt(column))
    }

    fn maybe<T, E>(
        &self,
        column: &'static str,
        new: fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError> {
        let text: Option<&str> = self.0.try_get(column)?;
        text.map(|text| new(text).map_err(|_| self.corrupt(column))).transpose()
    }

    fn at(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_unix_micros(self.0.try_get(column)?))
    }

    fn uuid(&self, column: &'static str) -> Result<Uuid, StoreError> {
        self.0.try_get(column).map_err(|_| self.corrupt(column))
    }
}

fn opening(columns: &Columns<'_>) -> Result<Opening, StoreError> {
    let decision: Option<Uuid> =
        columns.0.try_get("decision_id").map_err(|_| columns.corrupt("decision_id"))?;
    let proof = ChallengeProof::parse(columns.0.try_get("proof")?);
    let reference = Reference::parse(columns.0.try_get("reference")?);
    Ok(Opening {
        id: VerificationId::from_uuid(columns.uuid("id")?),
        reference: reference.ok_or_else(|| columns.corrupt("reference"))?,
        source: columns.maybe("source", SourceName::new)?,
        challenge_id: columns.name("challenge_id", ChallengeId::new)?,
        step_key: columns.name("step_key", StepKey::new)?,
        user_id: columns.name("user_id", UserId::new)?,
        session_id: columns.maybe("session_id", SessionId::new)?,
        scope: columns.name("scope", Scope::new)?,
        metadata_json: columns.0.try_get("metadata")?,
        decision_id: decision.map(DecisionId::from_uuid),
        proof: proof.ok_or_else(|| columns.corrupt("proof"))?,
        opened_by: columns.name("opened_by", ApiKeyId::new)?,
        opened_at: columns.at("opened_at")?,
        expires_at: columns.at("expires_at")?,
    })
}

/// The table holds that a decided state has all of its columns.
fn decided(columns: &Columns<'_>, state: &str) -> Result<Option<Decided>, StoreError> {
    let outcome = match VerificationState::parse(state) {
        Some(VerificationState::Approved) => StepOutcome::Approved,
        Some(VerificationState::Rejected) => StepOutcome::Rejected,
        _ => return Ok(None),
    };
    let decided_as = Approver::parse(columns.0.try_get("decided_as")?);
    Ok(Some(Decided {
        outcome,
        at: columns.at("decided_at")?,
        decided_as: decided_as.ok_or_else(|| columns.corrupt("decided_as"))?,
        actor: columns.name("actor", Decider::new)?,
        reason: columns.name("reason", GivenReason::new)?,
    }))
}

fn withdrawn(columns: &Columns<'_>) -> Result<Option<Withdrawn>, StoreError> {
    let Some(at) = columns.0.try_get::<Option<i64>>("withdrawn_at")? else { return Ok(None) };
    let why = Withdrawal::parse(columns.0.try_get("withdrawn_for")?);
    let why = why.ok_or_else(|| columns.corrupt("withdrawn_for"))?;
    Ok(Some(Withdrawn { at: Timestamp::from_unix_micros(at), why }))
}
