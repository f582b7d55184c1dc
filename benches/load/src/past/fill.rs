//! Fills a store with a past, by SQL: as many rows as wanted, of which some users have a thousand each.
//!
//! The rows are copies of calls that Doorstep recorded itself, so their digests are genuine; moments, signatures and payees differ.
//! Everything is filed in the order of its keys, as it would stand after years.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

use crate::fault::{Outcome, While as _};

/// How many calls a user has who is none of the busy ones.
const ORDINARY_CALLS: usize = 10;

/// How far back the past reaches: within the windows that are asked about. Microseconds.
const SPAN: i64 = 290 * 86_400_000_000;

/// Adds a past behind the calls that a store has, one of each busy user.
///
/// - `rows`: how many verdicts are added.
/// - `busy_calls`: how many of them each busy user has.
///
/// # Errors
/// When the store cannot be written; it is of no use then.
pub(super) async fn fill(store: &Path, (rows, busy_calls): (usize, usize)) -> Outcome<()> {
    let mut connection =
        SqliteConnectOptions::new().filename(store).connect().await.doing("opening the store to fill")?;
    let busy: i64 = number(&mut connection, "SELECT count(*) FROM decisions").await?;
    let busy = usize::try_from(busy).doing("counting users")?;
    let stride = (rows / (busy * busy_calls).max(1)).max(1);
    let ordinary = (rows / ORDINARY_CALLS).max(1);
    for statement in statements((rows, stride), (busy, busy_calls, ordinary)) {
        connection.execute(AssertSqlSafe(statement)).await.doing("filling the store")?;
    }
    connection.close().await.doing("closing the filled store")?;
    // Else the first server that waits for the disk would write all of it, and pay for it.
    std::fs::File::open(store).and_then(|file| file.sync_all()).doing("writing the filled store to the disk")
}

/// A number that a query tells.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn number(connection: &mut SqliteConnection, sql: &'static str) -> Outcome<i64> {
    sqlx::query_scalar(sql).fetch_one(connection).await.doing("asking the store")
}

/// - `stride`: every so manieth row is a busy user's, until they have enough.
/// - `ordinary`: how many users share the others.
fn statements(
    (rows, stride): (usize, usize),
    (busy, busy_calls, ordinary): (usize, usize, usize),
) -> Vec<String> {
    let is_busy = format!("(i % {stride} = 0 AND i / {stride} < {})", busy * busy_calls);
    let digest = |number: &str| {
        format!("printf('%08x', ({number}) * 4294967296 / {ordinary}) || 'aaaaaaaaaaaaaaaaaaaaaaaa'")
    };
    let (of_row, of_user) = (digest(&format!("i % {ordinary}")), digest("s"));
    vec![
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; PRAGMA temp_store = MEMORY".to_owned(),
        "CREATE TEMP TABLE first AS
         SELECT *, (SELECT max(seq) FROM decisions) AS last FROM decisions ORDER BY seq LIMIT 1"
            .to_owned(),
        "CREATE TEMP TABLE busy AS
         SELECT row_number() OVER (ORDER BY seq) - 1 AS n, user_id, traits, unhex(substr(traits, 6, 32)) AS subject,
                substr(traits, instr(traits, 'metadata.payee=') + 15, 32) AS payee
           FROM decisions"
            .to_owned(),
        "CREATE UNIQUE INDEX temp.busy_n ON busy (n)".to_owned(),
        format!(
            "WITH RECURSIVE counted(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM counted WHERE i + 1 < {rows}),
                  placed AS (SELECT i, f.received_at - {SPAN} + i * ({SPAN} / {rows}) AS at, {is_busy} AS is_busy,
                                    (i / {stride}) % {busy} AS n
                               FROM counted, temp.first AS f)
             INSERT INTO decisions (seq, id, received_at, user_id, scope, verdict, step_keys, walkable_until, rule, reason,
                    bundle_hash, answer, metadata_digest, outcomes, evaluation_ns, signature_hash, signature_kid, traits,
                    usable_until, desk_revision)
             SELECT f.last + 1 + i, unhex(printf('%012x', at / 1000) || '70008000' || printf('%012x', i)), at,
                    CASE WHEN is_busy THEN b.user_id ELSE printf('usr_%09d_ordinary_user', i % {ordinary}) END, f.scope,
                    CASE WHEN is_busy THEN 'review' ELSE 'block' END,
                    CASE WHEN is_busy THEN f.step_keys END, CASE WHEN is_busy THEN at + 600000000 END, f.rule, f.reason,
                    f.bundle_hash, f.answer, f.metadata_digest, f.outcomes, f.evaluation_ns,
                    unhex(printf('%08x', i * 4294967296 / {rows}) || hex(randomblob(28))), f.signature_kid,
                    CASE WHEN is_busy THEN replace(b.traits, b.payee, lower(hex(randomblob(16))))
                         ELSE 'user=' || {of_row} || substr(f.traits, 38) END,
                    CASE WHEN is_busy THEN at + 900000000 END, 0
               FROM placed, temp.first AS f LEFT JOIN temp.busy AS b ON b.n = placed.n"
        ),
        "INSERT INTO decision_personal (decision_seq, salt, metadata, context, seen)
         SELECT d.seq, p.salt, p.metadata, p.context, p.seen
           FROM temp.first AS f, decision_personal AS p, decisions AS d WHERE p.decision_seq = f.seq AND d.seq > f.last"
            .to_owned(),
        "INSERT INTO signatures (hash, kid, received_at, decision_seq)
         SELECT d.signature_hash, d.signature_kid, d.received_at, d.seq FROM temp.first AS f, decisions AS d WHERE d.seq > f.last"
            .to_owned(),
        format!(
            "WITH RECURSIVE users(s) AS (SELECT 0 UNION ALL SELECT s + 1 FROM users WHERE s + 1 < {ordinary}),
                  calls(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM calls WHERE j + 1 < {ORDINARY_CALLS}),
                  rows AS (SELECT s, s + j * {ordinary} AS i FROM users, calls)
             INSERT INTO decision_subjects (subject, received_at, decision_seq)
             SELECT unhex({of_user}), f.received_at - {SPAN} + i * ({SPAN} / {rows}), f.last + 1 + i
               FROM rows, temp.first AS f WHERE NOT {is_busy}"
        ),
        "INSERT INTO decision_subjects (subject, received_at, decision_seq)
         SELECT b.subject, d.received_at, d.seq
           FROM temp.first AS f, decisions AS d JOIN temp.busy AS b ON b.user_id = d.user_id
          WHERE d.seq > f.last ORDER BY 1, 2, 3"
            .to_owned(),
        "INSERT INTO walkable_reviews (user_id, scope, walkable_until, decision_seq)
         SELECT d.user_id, d.scope, d.walkable_until, d.seq FROM temp.first AS f, decisions AS d
          WHERE d.seq > f.last AND d.walkable_until IS NOT NULL ORDER BY 1, 2, 3, 4"
            .to_owned(),
        "UPDATE filing SET filed_through = (SELECT max(seq) FROM decisions)".to_owned(),
        "PRAGMA journal_mode = WAL".to_owned(),
    ]
}
