//! The record on real files in directories of their own.

mod accesses;
mod activations;
mod decisions;
mod desk;
mod executions;
mod facts;
mod fast_mints;
mod files;
mod groups;
mod key_actions;
mod keys;
mod past;
mod redemptions;
mod reviews;
mod sharing;
mod shown;
mod verifications;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Store;
use crate::domain::{
    BundleHash, DecisionId, DecisionRecord, DeskRevision, Kid, Recorded, RuleId, Scope, SignatureHash,
    SignatureSeen, Timestamp, UserId, VerdictKind,
};
use crate::metrics::Metrics;
use crate::store::{StoreError, StoreSettings};

/// A directory that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("doorstep-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a directory for the test");
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("record.sqlite")
    }

    fn settings(&self) -> StoreSettings {
        settings_for(&self.file())
    }

    async fn open(&self) -> Store {
        open(self.settings()).await
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn settings_for(file: &Path) -> StoreSettings {
    StoreSettings::for_url(format!("sqlite:{}", file.display()))
}

async fn open(settings: StoreSettings) -> Store {
    Store::open(settings, Arc::new(Metrics::new())).await.expect("a store that opens")
}

/// The moment of the first call in every test.
const START: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

fn signature(n: u64) -> SignatureSeen {
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
        metadata_json: r#"{"amount":"10"}"#.to_owned(),
        metadata_digest: [9; 32],
        context_json: "{}".to_owned(),
        seen_json: "{}".to_owned(),
        outcomes: "01".to_owned(),
        evaluation_ns: 700,
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

/// A number that a query tells on the writing connection.
async fn number(store: &Store, sql: &'static str) -> i64 {
    store
        .write(move |connection| {
            Box::pin(async move { Ok(sqlx::query_scalar(sql).fetch_one(connection).await?) })
        })
        .await
        .expect("a number")
}

/// A counter's value in the metrics' text.
fn counter(metrics: &Metrics, name: &str) -> u64 {
    let text = metrics.render();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).expect("the counter");
    line.parse().expect("a whole number")
}

/// What an error shows, its causes included.
fn shown(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
