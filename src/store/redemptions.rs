//! Spending grants: the verdict is looked for, judged and spent in one transaction, so that it is spent once.

use uuid::Uuid;

use super::connection::{Connection, Row};
use super::turn::Turn;
use super::{Store, traits};
use crate::domain::{
    DecisionId, FieldKeys, GrantFound, NotSpent, Redemption, Spending, StepKey, Subject, Timestamp,
    VerdictKind,
};
use crate::store::{Answered, Once, StoreError};

/// The most verdicts of one user for one scope that are judged for one redemption: what was not spent first, of these the
/// newest. Leaving some out can only refuse.
const GRANTS_MAX: i64 = 2_000;

const IS_PAUSED: &str =
    "SELECT EXISTS (SELECT 1 FROM desk_pauses WHERE scope = $1 AND (until IS NULL OR until > $2))";

impl Store {
    /// Spends a verdict for what is about to be executed, if one fits; answers once that is on disk.
    ///
    /// - `now`: told inside the transaction. Whoever was decided before it and took a grant for ended is then never followed
    ///   by that grant's redemption.
    ///
    /// # Errors
    /// The record could not be read or written; nothing was spent.
    pub(crate) async fn redeem(
        &self,
        wanted: Spending,
        now: impl Fn() -> Timestamp + Send + 'static,
        once: Option<Once<Result<Redemption, NotSpent>>>,
    ) -> Result<Answered<Result<Redemption, NotSpent>>, StoreError> {
        let places = self.places();
        let turn = Turn::User(wanted.user_id.clone());
        self.write_once(turn, once, move |connection| {
            Box::pin(async move {
                let now = now();
                let is_paused: bool = connection
                    .query(IS_PAUSED)
                    .bind(wanted.scope.as_str())
                    .bind(now.unix_micros())
                    .value(connection)
                    .await?;
                if is_paused {
                    return Ok(Err(NotSpent::ScopePaused));
                }
                let grants = places.grants(connection, &wanted, (now, GRANTS_MAX)).await?;
                let grants = grants.iter().map(grant).collect::<Result<Vec<_>, _>>()?;
                let redemption = match wanted.pick(&grants) {
                    Ok(grant) => redemption(&wanted, grant, now),
                    Err(reason) => return Ok(Err(reason)),
                };
                insert(connection, &wanted, &redemption).await?;
                Ok(Ok(redemption))
            })
        })
        .await
    }
}

fn grant(row: &Row) -> Result<GrantFound, StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let corrupt = |column| move || StoreError::corrupt("decisions", column, seq.to_string());
    let id: Uuid = row.try_get("id").ok().ok_or_else(corrupt("id"))?;
    let digest: &[u8] = row.try_get("metadata_digest")?;
    let kept = traits::parse(row.try_get("traits")?).ok_or_else(corrupt("traits"))?;
    let plan: Option<&str> = row.try_get("step_keys")?;
    let unproved = unproved(plan.unwrap_or_default(), row.try_get("proved")?);
    Ok(GrantFound {
        decision_id: DecisionId::from_uuid(id),
        verdict: VerdictKind::parse(row.try_get("verdict")?).ok_or_else(corrupt("verdict"))?,
        received_at: Timestamp::from_unix_micros(row.try_get("received_at")?),
        usable_until: Timestamp::from_unix_micros(row.try_get("usable_until")?),
        fields: fields(kept),
        metadata_digest: digest.try_into().ok().ok_or_else(corrupt("metadata_digest"))?,
        unproved: unproved.map_err(|()| corrupt("step_keys")())?,
        redeemed_at: row.try_get::<Option<i64>>("redeemed_at")?.map(Timestamp::from_unix_micros),
    })
}

fn fields(kept: traits::Kept) -> FieldKeys {
    let fields = kept.subjects.into_iter().filter_map(|(subject, key)| match subject {
        Subject::Metadata(name) => Some((name, key)),
        Subject::User | Subject::Ip | Subject::Identifier => None,
    });
    fields.collect()
}

/// The first custom step of a plan that is not among those proved. Managed ones are Prelude's to prove.
fn unproved(plan: &str, proved: Option<&str>) -> Result<Option<StepKey>, ()> {
    let proved = proved.unwrap_or_default();
    for key in plan.split(' ').filter(|key| !key.is_empty()) {
        let step = StepKey::new(key).map_err(|_| ())?;
        if !step.is_managed() && !proved.split(' ').any(|proved| proved == key) {
            return Ok(Some(step));
        }
    }
    Ok(None)
}

fn redemption(wanted: &Spending, grant: &GrantFound, now: Timestamp) -> Redemption {
    Redemption {
        decision_id: grant.decision_id,
        user_id: wanted.user_id.clone(),
        scope: wanted.scope.clone(),
        redeemed_at: now,
        verdict: grant.verdict,
        received_at: grant.received_at,
        usable_until: grant.usable_until,
    }
}

async fn insert(
    connection: &mut Connection<'_>,
    wanted: &Spending,
    redemption: &Redemption,
) -> Result<(), StoreError> {
    connection.query(
        "INSERT INTO redemptions (decision_id, redeemed_at, api_key_id, user_id, scope) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(redemption.decision_id.uuid())
    .bind(redemption.redeemed_at.unix_micros())
    .bind(wanted.api_key_id.as_str())
    .bind(wanted.user_id.as_str())
    .bind(wanted.scope.as_str())
    .execute(connection)
    .await?;
    Ok(())
}
