//! One batch of decisions on PostgreSQL: begin, take turns, look up, decide, one insert, commit.

use std::collections::HashMap;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Row as _, query};

use super::locks::{self, Whom};
use crate::domain::{DecisionRecord, DeskRevision, Recorded, RuleId, SignatureHash, SubjectKey, Timestamp};
use crate::store::ahead::Ahead;
use crate::store::batch::{Earlier, Fate, New, Pending, decide, judge, outcomes};
use crate::store::chain::{Chain, Link};
use crate::store::connection::{Bound, Connection, Prepared};
use crate::store::filed::{About, Filed, filed_list};
use crate::store::places::Places;
use crate::store::{StoreError, desk, past};

/// Which of the batch's signatures came before; the row without one is the fraud desk's revision, and by whom decisions are filed.
const LOOK_UP: &str = concat!(
    "SELECT NULL AS hash, coalesce(max(revision), 0) AS decision_seq, NULL AS received_at, ",
    filed_list!("string_agg"),
    " AS filed_by
      FROM desk_actions
     UNION ALL
    SELECT hash, decision_seq, received_at, NULL FROM signatures WHERE hash = ANY($1)"
);

/// Writes the decisions, their signatures, their personal values, and whom they are about.
const INSERT: &str = "
    WITH d AS (
        INSERT INTO decisions (id, received_at, user_id, scope, verdict, step_keys, walkable_until, rule, reason, bundle_hash,
               answer, metadata_digest, outcomes, evaluation_ns, signature_hash, signature_kid, traits, usable_until,
               desk_revision, commitment, chain, chain_number, chain_hash)
        SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
               $8::text[], $9::text[], $10::bytea[], $11::text[], $12::bytea[], $13::text[], $14::bigint[], $15::bytea[],
               $16::text[], $17::text[], $18::bigint[], $19::bigint[], $20::bytea[], $21::uuid[], $22::bigint[], $23::bytea[])
        RETURNING seq, id, received_at, signature_hash, signature_kid),
    s AS (
        INSERT INTO signatures (hash, kid, received_at, decision_seq)
        SELECT signature_hash, signature_kid, received_at, seq FROM d),
    p AS (
        INSERT INTO decision_personal (decision_seq, salt, metadata, context, seen)
        SELECT d.seq, personal.salt, personal.metadata, personal.context, personal.seen
          FROM unnest($1::uuid[], $26::bytea[], $27::text[], $28::text[], $29::text[])
               AS personal (id, salt, metadata, context, seen)
          JOIN d ON d.id = personal.id)
    INSERT INTO decision_subjects (subject, received_at, decision_seq)
    SELECT DISTINCT about.subject, d.received_at, d.seq
      FROM unnest($24::uuid[], $25::bytea[]) AS about (id, subject) JOIN d ON d.id = about.id";

/// Records a batch inside a transaction.
///
/// - `chain`: the one that this batch makes longer; nobody else does meanwhile.
/// - returns: what became of each call, in the same order, and the links of the decisions that were written.
///
/// # Errors
/// The transaction must be given up.
pub(super) async fn record(
    (connection, prepared): (&mut PgConnection, Prepared),
    places: &Places,
    (batch, chain): (&[Pending], &Chain),
) -> Result<(Vec<Recorded>, Vec<Link>), StoreError> {
    locks::take_all(connection, prepared, whom(batch)).await?;
    let Found { desk, by, signatures } = look_up(connection, prepared, batch).await?;
    let fates = judge(batch, desk, |hash| signatures.get(hash).copied());
    let both = &mut Connection::Postgres(connection, prepared, Bound::Transaction);
    let new = batch.iter().zip(&fates).filter(|(_, fate)| **fate == Fate::New);
    let ahead = Ahead::read(both, places, new.filter_map(|(call, _)| call.draft.question())).await?;
    let (new, _) = decide(both, (places, &by, &ahead), (batch, &fates)).await?;
    let recorded = outcomes(both, batch, (&fates, &new)).await?;
    let links = chain.link(new.values().map(|(signature, record)| (*signature, &**record)))?;
    if !new.is_empty() {
        insert(connection, prepared, (&new, &links, &by)).await?;
    }
    Ok((recorded, links))
}

/// Whom a batch concerns: its signatures, and the users and other subjects whose past somebody in it asks about.
fn whom(batch: &[Pending]) -> Whom<'_> {
    let questions = batch.iter().filter_map(|call| call.draft.question());
    Whom {
        signatures: batch.iter().map(|call| call.signature.hash).collect(),
        users: questions.clone().map(|question| &question.asker.user_id).collect(),
        subjects: questions.flat_map(past::others_asked_about).collect(),
    }
}

/// What the look-up found.
struct Found {
    desk: DeskRevision,
    by: Filed,
    signatures: HashMap<SignatureHash, Earlier>,
}

async fn look_up(
    connection: &mut PgConnection,
    prepared: Prepared,
    batch: &[Pending],
) -> Result<Found, StoreError> {
    let hashes: Vec<&[u8]> = batch.iter().map(|call| call.signature.hash.0.as_slice()).collect();
    let rows =
        query(LOOK_UP).bind(hashes).persistent(prepared == Prepared::Kept).fetch_all(connection).await?;
    let mut found = Found { desk: DeskRevision::NONE, by: Filed::default(), signatures: HashMap::new() };
    for row in &rows {
        let seq: i64 = row.try_get("decision_seq")?;
        match row.try_get::<Option<&[u8]>, _>("hash")? {
            None => {
                found.desk = desk::revision(seq)?;
                found.by = Filed::parse(row.try_get("filed_by")?)?;
            }
            Some(hash) => drop(found.signatures.insert(signature(hash, seq)?, earlier(row, seq)?)),
        }
    }
    Ok(found)
}

fn signature(hash: &[u8], seq: i64) -> Result<SignatureHash, StoreError> {
    let hash = hash.try_into().map(SignatureHash);
    hash.map_err(|_| StoreError::corrupt("signatures", "hash", seq.to_string()))
}

fn earlier(row: &PgRow, seq: i64) -> Result<Earlier, StoreError> {
    Ok(Earlier { seq, received_at: Timestamp::from_unix_micros(row.try_get("received_at")?) })
}

async fn insert(
    connection: &mut PgConnection,
    prepared: Prepared,
    (new, links, filed): (&New<'_>, &[Link], &Filed),
) -> Result<(), StoreError> {
    let records: Vec<&DecisionRecord> = new.values().map(|(_, record)| &**record).collect();
    let (ids, subjects): (Vec<_>, Vec<_>) = records.iter().flat_map(|record| about(record, filed)).unzip();
    let revisions = records.iter().map(|record| desk::number(record.desk)).collect::<Result<Vec<_>, _>>()?;
    query(INSERT)
        .bind(each(&records, |record| record.id.uuid()))
        .bind(each(&records, |record| record.received_at.unix_micros()))
        .bind(each(&records, |record| record.user_id.as_str()))
        .bind(each(&records, |record| record.scope.as_str()))
        .bind(each(&records, |record| record.verdict.as_str()))
        .bind(each(&records, |record| record.step_keys.as_deref()))
        .bind(each(&records, |record| record.walkable_until.map(Timestamp::unix_micros)))
        .bind(each(&records, |record| record.rule.as_ref().map(RuleId::as_str)))
        .bind(each(&records, |record| record.reason.as_str()))
        .bind(each(&records, |record| record.bundle.as_bytes().as_slice()))
        .bind(each(&records, |record| record.answer.as_str()))
        .bind(each(&records, |record| record.metadata_digest.as_slice()))
        .bind(each(&records, |record| record.outcomes.as_str()))
        .bind(each(&records, |record| i64::from(record.evaluation_ns)))
        .bind(new.values().map(|(signature, _)| signature.hash.0.as_slice()).collect::<Vec<_>>())
        .bind(new.values().map(|(signature, _)| signature.kid.as_str()).collect::<Vec<_>>())
        .bind(links.iter().map(|link| link.traits.as_str()).collect::<Vec<_>>())
        .bind(each(&records, |record| record.usable_until.map(Timestamp::unix_micros)))
        .bind(revisions)
        .bind(links.iter().map(|link| link.commitment.as_slice()).collect::<Vec<_>>())
        .bind(links.iter().map(|link| link.head.chain.uuid()).collect::<Vec<_>>())
        .bind(links.iter().map(|link| link.head.number).collect::<Vec<_>>())
        .bind(links.iter().map(|link| link.head.hash.as_slice()).collect::<Vec<_>>())
        .bind(ids)
        .bind(subjects)
        .bind(each(&records, |record| record.salt.as_slice()))
        .bind(each(&records, |record| record.metadata_json.as_str()))
        .bind(each(&records, |record| record.context_json.as_str()))
        .bind(each(&records, |record| record.seen_json.as_str()))
        .persistent(prepared == Prepared::Kept)
        .execute(connection)
        .await?;
    Ok(())
}

/// One column of the rows.
fn each<'r, T>(records: &[&'r DecisionRecord], value: impl Fn(&'r DecisionRecord) -> T) -> Vec<T> {
    records.iter().map(|record| value(record)).collect()
}

/// Whom a decision is about, as far as it can be found by them.
fn about<'r>(record: &'r DecisionRecord, filed: &Filed) -> impl Iterator<Item = (uuid::Uuid, &'r [u8])> {
    filed.keys(&record.subjects).map(|key: &SubjectKey| (record.id.uuid(), key.as_bytes()))
}

/// Files rows of `decision_subjects`, which are in order; one that is there stays.
///
/// # Errors
/// The transaction must be given up.
pub(in crate::store) async fn file_subjects(
    connection: &mut PgConnection,
    prepared: Prepared,
    rows: &[About],
) -> Result<(), StoreError> {
    query(
        "INSERT INTO decision_subjects (subject, received_at, decision_seq)
         SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) ON CONFLICT DO NOTHING",
    )
    .bind(rows.iter().map(|row| row.key.as_bytes()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.at.unix_micros()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.seq).collect::<Vec<_>>())
    .persistent(prepared == Prepared::Kept)
    .execute(connection)
    .await?;
    Ok(())
}
