//! Records that older versions made are brought up to date with everything in them.

use std::borrow::Cow;

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, raw_sql};

use super::audit::{decision_of, erase, finding};
use super::*;
use crate::domain::StoredPersonal;

/// The migrations up to one.
fn through(migrator: Migrator, version: i64) -> Migrator {
    let older = migrator.migrations.iter().filter(|one| one.version <= version).cloned();
    Migrator { migrations: Cow::Owned(older.collect()), ..migrator }
}

/// A decision, as it was recorded before personal values stood apart.
fn of_version_9(id: &str) -> String {
    format!(
        "INSERT INTO decisions (seq, id, received_at, user_id, scope, verdict, rule, reason, bundle_hash, answer, metadata,
                metadata_digest, context, seen, outcomes, evaluation_ns, signature_hash, signature_kid, traits, desk_revision)
         VALUES (1, {id}, 1790000000000000, 'usr_a', 'transfer:write', 'block', 'frozen', 'rule_matched', {hash}, '{{}}',
                '{{\"amount\":\"10\"}}', {hash}, '{{\"ip\":\"203.0.113.0/24\"}}', '{{\"x\":1}}', '01', 700, {hash}, 'prelude-1',
                'user=7573725f61', 0)",
        hash = if id.starts_with('x') {
            "x'0707070707070707070707070707070707070707070707070707070707070707'"
        } else {
            "'\\x0707070707070707070707070707070707070707070707070707070707070707'::bytea"
        }
    )
}

/// A fact, as it was recorded before Prelude reported any.
const FACT_OF_VERSION_9: [&str; 2] = [
    "INSERT INTO api_keys (id, secret_sha256, name, roles, scopes, steps, created_at)
     VALUES ('k', x'0707070707070707070707070707070707070707070707070707070707070707', 'k', 'facts', '', '', 0);
     INSERT INTO facts (user_key, user_id, kind, happened_at, recorded_at, api_key_id, id)
     VALUES (x'01', 'usr_a', 'chargeback', 1, 2, 'k', 'cb-1')",
    "INSERT INTO api_keys (id, secret_sha256, name, roles, scopes, steps, created_at)
     VALUES ('k', '\\x0707070707070707070707070707070707070707070707070707070707070707', 'k', 'facts', '', '', 0);
     INSERT INTO facts (user_key, user_id, kind, happened_at, recorded_at, api_key_id, id)
     VALUES ('\\x01', 'usr_a', 'chargeback', 1, 2, 'k', 'cb-1')",
];

async fn make_version_9(directory: &Directory) {
    if let Some(server) = directory.server() {
        let mut connection = server.disable_statement_logging().connect().await.expect("a server");
        let migrator = through(sqlx::migrate!("migrations/postgres"), 9);
        migrator.run_direct(None, &mut connection, false).await.expect("migrated");
        let insert = of_version_9("'018f0000-0000-7000-8000-000000000001'::uuid");
        connection.execute(raw_sql(AssertSqlSafe(insert))).await.expect("recorded");
        connection.execute(raw_sql(FACT_OF_VERSION_9[1])).await.expect("recorded");
        let count_on = "SELECT setval(pg_get_serial_sequence('decisions', 'seq'), 1)";
        connection.execute(count_on).await.expect("counted on");
        return;
    }
    let file = SqliteConnectOptions::new().filename(directory.file()).create_if_missing(true);
    let mut connection = file.disable_statement_logging().connect().await.expect("a file");
    let migrator = through(sqlx::migrate!("migrations/sqlite"), 9);
    migrator.run_direct(None, &mut connection, false).await.expect("migrated");
    let insert = of_version_9("x'018f0000000070008000000000000001'");
    connection.execute(raw_sql(AssertSqlSafe(insert))).await.expect("recorded");
    connection.execute(raw_sql(FACT_OF_VERSION_9[0])).await.expect("recorded");
}

async fn what_was_recorded_before_0010_is_shown_counted_and_erased(directory: Directory) {
    make_version_9(&directory).await;
    let store = directory.open().await;
    let id = DecisionId::parse("018f0000-0000-7000-8000-000000000001").expect("an id");
    let found = store.decision(id).await.expect("readable").expect("there");
    let kept = StoredPersonal::Kept {
        metadata_json: r#"{"amount":"10"}"#.to_owned(),
        context_json: r#"{"ip":"203.0.113.0/24"}"#.to_owned(),
        seen_json: r#"{"x":1}"#.to_owned(),
    };
    assert_eq!((found.personal, found.outcomes.as_str()), (kept, "01"));
    store.record_decision(signature(7), decision_of(7, "usr_a")).await.expect("recorded");
    let audited = store.audit(None, None).await.expect("looked through");
    assert_eq!((audited.before_chains, audited.chained, finding(&audited)), (1, 1, None));
    let kept = "SELECT count(*) FROM facts
                 WHERE user_id = 'usr_a' AND kind = 'chargeback' AND happened_at = 1 AND api_key_id = 'k' AND id = 'cb-1'";
    assert_eq!(number(&store, kept).await, 1);
    assert_eq!(erase(&store, "usr_a").await, 2);
    let found = store.decision(id).await.expect("readable").expect("there");
    assert_eq!(found.personal, StoredPersonal::Erased { at: Some(START) });
    let audited = store.audit(None, None).await.expect("looked through");
    assert_eq!((audited.before_chains, audited.chained, finding(&audited)), (1, 1, None));
}

on_each_engine! {
    [] what_was_recorded_before_0010_is_shown_counted_and_erased
}
