//! The verification tokens that left.

use super::Store;
use crate::domain::{MintRecord, SessionId};
use crate::store::StoreError;

impl Store {
    /// Records a token before it leaves; answers once that is on disk.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for a `jti` that was there before or a key that is not in the record, or another one.
    /// Nothing was recorded: the token must not leave.
    pub(crate) async fn record_mint(&self, mint: MintRecord) -> Result<(), StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO verification_tokens (jti, kid, api_key_id, user_id, session_id, challenge_id,
                            step_key, scope, decision_id, proof, issued_at, not_before, expires_at)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                )
                .bind(mint.jti.to_string())
                .bind(mint.kid.as_str())
                .bind(mint.api_key_id.as_str())
                .bind(mint.user_id.as_str())
                .bind(mint.session_id.as_ref().map(SessionId::as_str))
                .bind(mint.challenge_id.as_str())
                .bind(mint.step_key.as_str())
                .bind(mint.scope.as_str())
                .bind(mint.decision_id.map(crate::domain::DecisionId::uuid))
                .bind(mint.proof.as_str())
                .bind(mint.issued_at.unix_micros())
                .bind(mint.not_before.unix_micros())
                .bind(mint.expires_at.unix_micros())
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }
}
