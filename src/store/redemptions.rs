//! Spending grants: the verdict is looked for, judged and spent in one transaction, so that it is spent once.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::types::Json;
use uuid::Uuid;

use super::connection::{Connection, Row, Sql, either};
use super::filed::{Filed, filed_list};
use super::segments::unpack;
use super::turn::Turn;
use super::{Store, traits};
use crate::domain::{
    DecisionId, FieldKeys, GrantFound, NotSpent, Redemption, Spending, StepKey, Subject, SubjectKey,
    Timestamp, VerdictKind,
};
use crate::store::{Answered, Once, StoreError};

/// The most verdicts of one user for one scope that are judged for one redemption: what was not spent first, of these the
/// newest. Leaving some out can only refuse.
const GRANTS_MAX: i64 = 2_000;

/// How often a redemption is begun again because it concerns others than those whose turn it took.
const TURNS_MAX: usize = 4;

/// Of how many grants that could be spent the turns are taken: who redeems at the same moment may be faster with some.
const CANDIDATES_MAX: usize = 32;

/// Segments of some subjects in which a call may stand that was recorded at a place.
const MOVED: Sql = either(
    "SELECT packed FROM past_segments
      WHERE subject IN (SELECT unhex(value) FROM json_each($1)) AND first_seq <= $2 AND last_seq >= $2",
    "SELECT packed FROM past_segments
      WHERE subject IN (SELECT decode(value, 'hex') FROM jsonb_array_elements_text($1)) AND first_seq <= $2 AND last_seq >= $2",
);

macro_rules! look_up {
    ($filed_by:expr) => {
        concat!(
            "SELECT EXISTS (SELECT 1 FROM desk_pauses WHERE scope = $1 AND (until IS NULL OR until > $2)) AS is_paused, ",
            $filed_by,
            " AS filed_by"
        )
    };
}

/// Whether the scope is paused, and by whom decisions are filed: on SQLite, where nobody takes turns, that does not matter.
const LOOK_UP: Sql = either(look_up!("NULL"), look_up!(filed_list!("string_agg")));

/// A grant's call: where it was recorded, and whom it was about.
struct Call {
    seq: i64,
    subjects: Vec<(Subject, SubjectKey)>,
}

impl Store {
    /// Spends a verdict for what is about to be executed, if one fits; answers once that is on disk.
    ///
    /// - `now`: told inside the transaction, when it is the turn of all whom the grant concerns. Whoever was decided before it
    ///   and took the grant for ended is then never followed by its redemption.
    ///
    /// # Errors
    /// The record could not be read or written; nothing was spent. [`StoreError::Busy`] also where others were faster with every grant
    /// that was about to be spent, time and again.
    pub(crate) async fn redeem(
        &self,
        wanted: Spending,
        now: impl Fn() -> Timestamp + Clone + Send + 'static,
        once: Option<Once<Result<Redemption, NotSpent>>>,
    ) -> Result<Answered<Result<Redemption, NotSpent>>, StoreError> {
        // Which grant is spent shows only when it is the user's turn, and by whom else somebody may ask about it then.
        let mut others = BTreeSet::new();
        for _ in 0..TURNS_MAX {
            match self.redeem_with(&others, wanted.clone(), now.clone(), once.clone()).await {
                Err(StoreError::OthersTurns(more)) => others.extend(more.iter().cloned()),
                outcome => return outcome,
            }
        }
        Err(StoreError::Busy)
    }

    /// Spends a verdict, unless it concerns others than the user and these.
    async fn redeem_with(
        &self,
        others: &BTreeSet<SubjectKey>,
        wanted: Spending,
        now: impl Fn() -> Timestamp + Send + 'static,
        once: Option<Once<Result<Redemption, NotSpent>>>,
    ) -> Result<Answered<Result<Redemption, NotSpent>>, StoreError> {
        let (places, others) = (self.places(), others.clone());
        let turn = if others.is_empty() {
            Turn::User(wanted.user_id.clone())
        } else {
            Turn::UserAnd(wanted.user_id.clone(), others.clone())
        };
        self.write_once(turn, once, move |connection| {
            Box::pin(async move {
                let now = now();
                let looked_up = connection.query(LOOK_UP).bind(wanted.scope.as_str()).bind(now.unix_micros());
                let looked_up = looked_up.fetch_one(connection).await?;
                if looked_up.try_get("is_paused")? {
                    return Ok(Err(NotSpent::ScopePaused));
                }
                let grants = places.grants(connection, &wanted, (now, GRANTS_MAX)).await?;
                let grants = grants.iter().map(grant).collect::<Result<Vec<_>, _>>()?;
                let (grants, calls): (Vec<_>, Vec<_>) = grants.into_iter().unzip();
                let grant = match wanted.pick(&grants) {
                    Ok(grant) => grant,
                    Err(reason) => return Ok(Err(reason)),
                };
                let filed = Filed::parse(looked_up.try_get("filed_by")?)?;
                let call = |grant: &GrantFound| {
                    let found =
                        grants.iter().zip(&calls).find(|(own, _)| own.decision_id == grant.decision_id);
                    found.map(|(_, call)| call)
                };
                let Some(own) = call(grant) else { return Ok(Err(NotSpent::NotGranted)) };
                if filed.keys_of_others(&own.subjects).any(|key| !others.contains(key)) {
                    let mut candidates: Vec<_> = wanted.fitting(&grants).collect();
                    candidates.sort_unstable_by_key(|grant| grant.ends());
                    let concerned = candidates.into_iter().take(CANDIDATES_MAX).filter_map(call);
                    let concerned = concerned.flat_map(|call| filed.keys_of_others(&call.subjects));
                    return Err(StoreError::OthersTurns(Arc::new(concerned.cloned().collect())));
                }
                if has_moved(connection, own).await? {
                    return Ok(Err(NotSpent::NotGranted));
                }
                let redemption = redemption(&wanted, grant, now);
                insert(connection, &wanted, &redemption).await?;
                Ok(Ok(redemption))
            })
        })
        .await
    }
}

/// Whether somebody whose clock was ahead took the grant for ended, and moved its call to where nothing changes any more. Whoever asks
/// by those whom the call was about would never see that it was executed.
async fn has_moved(connection: &mut Connection<'_>, call: &Call) -> Result<bool, StoreError> {
    let others = call.subjects.iter().filter(|(subject, _)| *subject != Subject::User);
    let keys: Vec<_> = others.map(|(_, key)| traits::hexadecimal(key)).collect();
    let segments = connection.query(MOVED).bind(Json(keys)).bind(call.seq).fetch_all(connection).await?;
    for row in &segments {
        let corrupt = || StoreError::corrupt("past_segments", "packed", "?");
        if unpack(row.try_get("packed")?).ok_or_else(corrupt)?.has(call.seq) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A grant, and its call.
fn grant(row: &Row) -> Result<(GrantFound, Call), StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let corrupt = |column| move || StoreError::corrupt("decisions", column, seq.to_string());
    let id: Uuid = row.try_get("id").ok().ok_or_else(corrupt("id"))?;
    let digest: &[u8] = row.try_get("metadata_digest")?;
    let kept = traits::parse(row.try_get("traits")?).ok_or_else(corrupt("traits"))?;
    let plan: Option<&str> = row.try_get("step_keys")?;
    let unproved = unproved(plan.unwrap_or_default(), row.try_get("proved")?);
    let found = GrantFound {
        decision_id: DecisionId::from_uuid(id),
        verdict: VerdictKind::parse(row.try_get("verdict")?).ok_or_else(corrupt("verdict"))?,
        received_at: Timestamp::from_unix_micros(row.try_get("received_at")?),
        usable_until: Timestamp::from_unix_micros(row.try_get("usable_until")?),
        fields: fields(&kept.subjects),
        metadata_digest: digest.try_into().ok().ok_or_else(corrupt("metadata_digest"))?,
        unproved: unproved.map_err(|()| corrupt("step_keys")())?,
        redeemed_at: row.try_get::<Option<i64>>("redeemed_at")?.map(Timestamp::from_unix_micros),
    };
    Ok((found, Call { seq, subjects: kept.subjects }))
}

fn fields(subjects: &[(Subject, SubjectKey)]) -> FieldKeys {
    let fields = subjects.iter().filter_map(|(subject, key)| match subject {
        Subject::Metadata(name) => Some((Arc::clone(name), key.clone())),
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
