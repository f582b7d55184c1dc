//! The record on real files, and in real databases of a server that `DOORSTEP_TEST_POSTGRES` names, also by way of the pgbouncer
//! that `DOORSTEP_TEST_PGBOUNCER` names.

/// Runs tests on both engines, on PostgreSQL with and without a pooler: what they show holds for each. In brackets stands what
/// `tokio::test` is told.
macro_rules! on_each_engine {
    ($($how:tt $($name:ident),+);+) => {
        mod sqlite {
            $($(on_an_engine! { $how $name crate::store::tests::Directory::on_sqlite() })+)+
        }

        mod postgres {
            $($(on_an_engine! { $how $name crate::store::tests::Directory::on_postgres().await })+)+
        }

        mod pgbouncer {
            $($(on_an_engine! { $how $name crate::store::tests::Directory::on_pgbouncer().await })+)+
        }
    };
}

macro_rules! on_an_engine {
    ([$($how:tt)*] $name:ident $directory:expr) => {
        #[tokio::test($($how)*)]
        async fn $name() {
            super::$name($directory).await;
        }
    };
}

mod accesses;
mod activations;
mod audit;
mod copies;
mod decisions;
mod desk;
mod directory;
mod executions;
mod facts;
mod fast_mints;
mod filed;
mod files;
mod grants;
mod groups;
mod key_actions;
mod keys;
mod looks;
mod migrations;
mod past;
mod past_edges;
mod prelude_events;
mod probe;
mod redemptions;
mod retention;
mod reviews;
mod settling;
mod sharing;
mod shown;
mod verifications;
mod words;

use std::path::Path;
use std::sync::Arc;

use sqlx::{Decode, Postgres, Sqlite, Type};

use self::directory::{Directory, settings_for};
use super::Store;
use super::connection::{Sql, either};
use super::turn::Turn;
use crate::domain::{
    BundleHash, DecisionId, DecisionRecord, DeskRevision, Kid, ReasonKind, Recorded, RuleId, Scope,
    SignatureHash, SignatureSeen, Timestamp, UserId, VerdictKind, causes,
};
use crate::metrics::Metrics;
use crate::store::{StoreError, StoreSettings};

async fn open(settings: StoreSettings) -> Store {
    Store::open(settings, Arc::new(Metrics::new())).await.expect("a store that opens")
}

/// The moment of the first call in every test.
const START: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

/// So many seconds after the start.
fn at(seconds: u64) -> Timestamp {
    START.plus(std::time::Duration::from_secs(seconds))
}

pub(super) fn signature(n: u64) -> SignatureSeen {
    let mut hash = [0xab; 32];
    hash[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    SignatureSeen { hash: SignatureHash(hash), kid: Kid::new("prelude-1").expect("a kid") }
}

fn decision_id(n: u64) -> DecisionId {
    let mut random = [0; 10];
    random[..8].copy_from_slice(&n.to_be_bytes());
    DecisionId::new(START, random)
}

/// A block of call `n`, with an answer of its own.
pub(super) fn block(n: u64) -> DecisionRecord {
    DecisionRecord {
        id: decision_id(n),
        received_at: START,
        user_id: UserId::new("usr_test").expect("a user"),
        scope: Scope::new("transfer:write").expect("a scope"),
        verdict: VerdictKind::Block,
        rule: Some(RuleId::new("frozen").expect("a rule")),
        reason: "rule_matched".to_owned(),
        bundle: BundleHash::from_digest([7; 32]),
        desk: DeskRevision::NONE,
        step_keys: None,
        walkable_until: None,
        usable_until: None,
        subjects: Vec::new(),
        money: Vec::new(),
        answer: format!(r#"{{"status":"block","n":{n}}}"#),
        salt: [5; 16],
        metadata_json: r#"{"amount":"10"}"#.to_owned(),
        metadata_digest: [9; 32],
        context_json: "{}".to_owned(),
        seen_json: "{}".to_owned(),
        outcomes: "01".to_owned(),
        evaluation_ns: 700,
        reason_kind: ReasonKind::RuleMatched,
        place: None,
    }
}

/// A review of call `n` with this plan, walkable for ten minutes.
fn review(n: u64, step_keys: &str) -> DecisionRecord {
    DecisionRecord {
        verdict: VerdictKind::Review,
        step_keys: Some(step_keys.to_owned()),
        walkable_until: Some(START.plus(std::time::Duration::from_secs(600))),
        answer: format!(r#"{{"status":"review","n":{n}}}"#),
        ..block(n)
    }
}

fn repeat_of(n: u64) -> Recorded {
    Recorded::Repeat { answer: block(n).answer }
}

/// A number that a query tells on a connection that writes.
async fn number(store: &Store, sql: &'static str) -> i64 {
    value(store, sql).await
}

/// A value that a query tells on a connection that writes.
async fn value<T>(store: &Store, sql: impl Into<Sql>) -> T
where
    T: for<'r> Decode<'r, Sqlite>
        + Type<Sqlite>
        + for<'r> Decode<'r, Postgres>
        + Type<Postgres>
        + Send
        + 'static,
{
    let sql = sql.into();
    let asked = store.write(Turn::Anyone, move |connection| {
        Box::pin(async move { connection.query(sql).value(connection).await })
    });
    asked.await.expect("a value")
}

/// Runs a statement of the test's own.
async fn run(store: &Store, sql: impl Into<Sql>) -> Result<(), StoreError> {
    let sql = sql.into();
    store
        .write(Turn::House, move |connection| {
            Box::pin(async move { connection.query(sql).execute(connection).await.map(drop) })
        })
        .await
}

/// A counter's value in the metrics' text; that of a histogram's sum is whole too, here.
fn counter(metrics: &Metrics, name: &str) -> u64 {
    let text = metrics.render();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).expect("the counter");
    line.trim_end_matches(".0").parse().expect("a whole number")
}

/// What an error and its causes are, with the words that a log never holds.
fn shown(error: &StoreError) -> String {
    let whole = match error {
        StoreError::Refused(fault) | StoreError::Unavailable(fault) => fault.error().to_string(),
        _ => String::new(),
    };
    format!("{} {whole}", causes(error))
}
