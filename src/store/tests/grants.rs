//! What a server's role may do on PostgreSQL, and what it may not.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, raw_sql};

use super::audit::{erase, finding};
use super::redemptions::{granted, redeem_at, spending};
use super::retention::{hold, release, retiring, seal};
use super::verifications::{decide, later, mint, minted, open as open_verification, ready, wish};
use super::*;
use crate::domain::{ApiKeyId, Kid, PreludeEffect, PreludeEventRecord, StepOutcome, Withdrawal, WithdrawnOf};
use crate::store::{Answered, Migrate, Plain};

const GRANTS: &str = include_str!("../../../ops/postgres-grants.sql");

/// A login that is a member of a role, for as long as the test runs.
struct Login {
    server: PgConnectOptions,
    name: String,
}

impl Login {
    async fn new(directory: &Directory, role: &str) -> Self {
        let (server, name) = (server_of(directory), format!("{role}_{}", std::process::id()));
        let login = Self { server, name };
        login.run(format!("DROP ROLE IF EXISTS {0}; CREATE ROLE {0} LOGIN IN ROLE {role}", login.name)).await;
        login
    }

    async fn run(&self, sql: String) {
        let mut connection =
            self.server.clone().disable_statement_logging().connect().await.expect("a server");
        connection.execute(raw_sql(AssertSqlSafe(sql))).await.expect("done");
        connection.close().await.expect("closed");
    }

    async fn open(&self, directory: &Directory) -> Store {
        let settings = directory.settings();
        let url = settings.url.replacen("postgres@", &format!("{}@", self.name), 1);
        assert_ne!(url, settings.url, "the tests' server is reached as `postgres`");
        open(StoreSettings { migrate: Migrate::Never, ..StoreSettings::for_url(url) }).await
    }

    async fn leave(self, store: Store) {
        store.close().await.expect("closed");
        self.run(format!("DROP ROLE {}", self.name)).await;
    }
}

fn server_of(directory: &Directory) -> PgConnectOptions {
    directory.settings().url.parse().expect("an address")
}

/// A record whose roles are set up, and everything that a server needs in it.
async fn guarded() -> Directory {
    let directory = Directory::on_postgres().await;
    let store = ready(&directory).await;
    store.create_api_key(keys::api_key("executor")).await.expect("kept");
    store.close().await.expect("closed");
    let mut owner = server_of(&directory).disable_statement_logging().connect().await.expect("a server");
    // Twice does no harm.
    for _ in 0..2 {
        owner.execute(raw_sql(GRANTS)).await.expect("granted");
    }
    owner.close().await.expect("closed");
    directory
}

async fn is_forbidden(store: &Store, sql: &'static str) {
    let refused = run(store, sql).await.expect_err(sql);
    assert!(shown(&refused).contains("permission denied"), "{sql}: {}", shown(&refused));
}

#[tokio::test]
async fn a_servers_role_does_its_work_and_cannot_touch_what_is_recorded() {
    let directory = guarded().await;
    let login = Login::new(&directory, "doorstep_app").await;
    let store = login.open(&directory).await;
    store.ping().await.expect("ready");
    let recorded = store.record_decision(signature(1), granted(1, "10")).await.expect("recorded");
    assert_eq!(recorded, Recorded::First);
    open_verification(&store, wish(1)).await;
    decide(&store, 1, StepOutcome::Approved, later(1)).await;
    minted(&store, mint(1, 1)).await;
    redeem_at(&store, spending("10"), || START).await.expect("spent");
    let of = WithdrawnOf::User(UserId::new("usr_test").expect("a user"));
    let told = ("api:one".to_owned(), "asked: x".to_owned());
    let withdrawn =
        store.withdraw_verifications(of, (Withdrawal::SessionRevoked, || later(2)), told, None).await;
    assert!(matches!(withdrawn, Ok(Answered::Now(ids)) if ids.len() == 1));
    assert_eq!(store.expire_verifications(later(90_000), 10).await.expect("tidied").len(), 0);
    store.forget_answers(later(90_000), 10).await.expect("tidied");
    for _ in 0..2 {
        store.save_key_set("hook", ("{}".to_owned(), keys::prelude_keys(&[1])), START).await.expect("kept");
    }
    store.insert_secret_if_absent("other", vec![1]).await.expect("kept");
    store.revoke_api_key(&ApiKeyId::new("one").expect("an id"), START).await.expect("withdrawn");
    let audited = store.audit(None, None).await.expect("looked through");
    assert_eq!((audited.chained, finding(&audited)), (1, None));
    let gone = PreludeEffect::EraseUser(UserId::new("usr_test").expect("a user"));
    for n in 0..2 {
        let (kind, effect) = ("user.deleted", gone.clone());
        let event = PreludeEventRecord {
            digest: [n; 32],
            kind,
            happened_at: START,
            received_at: later(n.into()),
            effect,
        };
        store.record_prelude_event(event, || later(2)).await.expect("recorded");
    }
    assert!(!store.may_erase().await.expect("readable"));
    for sql in [
        "DELETE FROM erasure_queue",
        "DELETE FROM prelude_events",
        "DELETE FROM decisions",
        "UPDATE decisions SET answer = ''",
        "TRUNCATE decisions",
        "DELETE FROM decision_personal",
        "UPDATE decision_personal SET seen = ''",
        "INSERT INTO chain_anchors (chain, first_number, chain_number, chain_hash, left_at, actor)
         SELECT chain, 1, chain_number, chain_hash, 0, 'x' FROM decisions",
        "INSERT INTO retention_marks (what, before, left_at, actor) VALUES ('facts', 0, 0, 'x')",
        "INSERT INTO user_holds (user_id, held_at, actor, reason) VALUES ('usr_a', 0, 'x', 'x')",
        "UPDATE prelude_keys SET retired_at = 0",
        "DELETE FROM signatures",
        "DELETE FROM verification_events",
        "DELETE FROM facts",
        "INSERT INTO erasures (erased_at, actor, user_key, decisions, verifications) VALUES (0, 'x', 'x', 0, 0)",
        "UPDATE verifications SET metadata = NULL",
        "DELETE FROM redemptions",
        "UPDATE facts SET kind = 'x'",
        "DELETE FROM accesses",
        "ALTER TABLE decisions DISABLE TRIGGER decisions_are_not_changed",
        "DROP TABLE decisions",
    ] {
        let refused = run(&store, sql).await.expect_err(sql);
        let words = shown(&refused);
        assert!(words.contains("permission denied") || words.contains("must be owner"), "{sql}: {words}");
    }
    login.leave(store).await;
}

#[tokio::test]
async fn the_role_for_care_erases_and_adds_no_decision() {
    let directory = guarded().await;
    let store = directory.open().await;
    store.record_decision(signature(1), granted(1, "10")).await.expect("recorded");
    let wish = "INSERT INTO erasure_queue (user_id, wished_at, actor) VALUES ('usr_test', 0, 'prelude')";
    run(&store, wish).await.expect("wished");
    store.close().await.expect("closed");
    let login = Login::new(&directory, "doorstep_care").await;
    let store = login.open(&directory).await;
    assert!(store.may_erase().await.expect("readable"));
    let wish = store.next_erasure(START).await.expect("readable").expect("somebody waits");
    assert_eq!(erase(&store, "usr_test").await, 1);
    store.erasure_done(wish).await.expect("taken out");
    assert_eq!(store.erasures_waiting().await.expect("readable"), 0);
    let audited = store.audit(None, None).await.expect("looked through");
    assert_eq!((audited.erased, finding(&audited)), (1, None));
    hold(&store, "usr_test", None).await;
    assert!(release(&store, "usr_test").await);
    assert!(store.take_retention_turn(later(1), START).await.expect("taken"));
    let gone = store.retire_decisions(retiring(90), seal(1), i64::MIN).await.expect("deleted");
    assert_eq!(gone.deleted, 1);
    store.retire_verifications(retiring(90), i64::MIN).await.expect("deleted");
    store.empty_verifications(retiring(90)).await.expect("emptied");
    store.retire_redemptions(retiring(90), None).await.expect("deleted");
    store.forget_answers(later(90_000), 10).await.expect("forgotten");
    let tables = [
        Plain::PersonalValues,
        Plain::ProviderEvents,
        Plain::Facts,
        Plain::PreludeEvents,
        Plain::Accesses,
        Plain::DeskActions,
        Plain::Activations,
    ];
    for plain in tables {
        store.retire(plain, retiring(90), i64::MIN).await.expect("deleted");
    }
    store.retire_prelude_keys(retiring(90)).await.expect("retired");
    let kids = [Kid::new("prelude-1").expect("a kid")];
    let (_, forgotten) = store.forget_signatures(&kids, retiring(90), Vec::new()).await.expect("forgotten");
    assert_eq!(forgotten, 1);
    store.note_forgotten(&kids, START).await.expect("noted");
    let refused = store.record_decision(signature(2), granted(2, "10")).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    is_forbidden(&store, "UPDATE decisions SET answer = ''").await;
    is_forbidden(&store, "DELETE FROM erasures").await;
    login.leave(store).await;
}
