//! A record that moves from a file to a server: all of it, or nothing.

use super::past::{record as granted, user};
use super::verifications::{decide, later, mint, minted, open as open_verification, ready, wish};
use super::*;
use crate::domain::{AccessAction, AccessRecord, Actor, StepOutcome};
use crate::store::CopiedTable;
use crate::store::copy::TABLES;

fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new())
}

/// A file with something in most tables, closed.
async fn filled() -> Directory {
    let directory = Directory::on_sqlite();
    let store = ready(&directory).await;
    for n in 0..1200 {
        store.record_decision(signature(n), granted(n, &user("u"), n % 2 == 0)).await.expect("recorded");
    }
    let nul = DecisionRecord { metadata_json: r#"{"note":"\u0000 é"}"#.to_owned(), ..block(5000) };
    store.record_decision(signature(5000), nul).await.expect("recorded");
    open_verification(&store, wish(1)).await;
    decide(&store, 1, StepOutcome::Approved, later(1)).await;
    minted(&store, mint(1, 1)).await;
    let by = Actor::CommandLine("ana".into());
    let access = AccessRecord { at: START, actor: by, action: AccessAction::DecisionsList, subject: None };
    store.record_access(access).await.expect("recorded");
    store.close().await.expect("closed");
    directory
}

#[tokio::test]
async fn a_record_moves_whole_and_goes_on() {
    let (file, server) = (filled().await, Directory::on_postgres().await);
    let copied = Store::copy(file.settings(), server.settings(), metrics()).await.expect("copied");
    let rows = |name: &str| copied.iter().find(|table| table.name == name).map(|table| table.rows);
    assert_eq!(
        [rows("decisions"), rows("signatures"), rows("verification_tokens"), rows("verification_events")],
        [Some(1201), Some(1201), Some(1), Some(2)]
    );
    let checksum = |name: &str| copied.iter().find(|table| table.name == name).map(CopiedTable::checksum);
    assert_ne!(checksum("decisions"), checksum("signatures"));
    let (before, after) = (file.open().await, server.open().await);
    for n in [0, 1199, 5000] {
        let id = decision_id(n);
        assert_eq!(after.decision(id).await.expect("readable"), before.decision(id).await.expect("readable"));
    }
    // The chain is as whole there as here, and another one goes on beside it.
    let (here, there) =
        (before.audit(None, None).await.expect("read"), after.audit(None, None).await.expect("read"));
    assert_eq!((here.chained, &here.fault), (1201, &None));
    assert_eq!(here, there);
    // A repeat is known, and what comes next gets a place of its own.
    let repeat = after.record_decision(signature(7), block(9000)).await.expect("answered");
    assert!(matches!(repeat, Recorded::Repeat { .. }), "{repeat:?}");
    assert_eq!(after.record_decision(signature(9001), block(9001)).await.expect("recorded"), Recorded::First);
    open_verification(&after, wish(2)).await;
    assert_eq!(number(&after, "SELECT count(DISTINCT seq) FROM decisions").await, 1202);
}

#[tokio::test]
async fn nothing_is_copied_over_a_record_or_while_somebody_writes() {
    let (file, server) = (filled().await, Directory::on_postgres().await);
    let store = server.open().await;
    store.record_decision(signature(1), block(1)).await.expect("recorded");
    let refused = Store::copy(file.settings(), server.settings(), metrics()).await;
    assert!(matches!(refused, Err(StoreError::NotEmpty("decisions"))), "{refused:?}");
    assert_eq!(number(&store, "SELECT count(*) FROM bundles").await, 0, "what came before is taken back");
    let refused = Store::copy(server.settings(), file.settings(), metrics()).await;
    assert!(matches!(refused, Err(StoreError::Address(_))), "{refused:?}");
}

#[tokio::test]
async fn a_file_that_grows_meanwhile_is_not_copied() {
    let (file, server) = (filled().await, Directory::on_postgres().await);
    // A server that holds the file has decisions that are not filed.
    let busy = file.open().await;
    busy.record_decision(signature(9000), block(9000)).await.expect("recorded");
    let (copied, ()) =
        futures_util::future::join(Store::copy(file.settings(), server.settings(), metrics()), async {
            busy.record_decision(signature(9002), block(9002)).await.expect("recorded");
        })
        .await;
    let held =
        copied.map(|tables| tables.iter().find(|table| table.name == "decisions").map(|table| table.rows));
    // Whether the writer came before or after, what was copied is one moment's.
    assert!(
        matches!(held, Ok(Some(1202 | 1203)) | Err(StoreError::Busy | StoreError::Unavailable(_))),
        "{held:?}"
    );
}

/// Whatever migration adds a table says whether it moves.
#[tokio::test]
async fn every_table_is_copied() {
    let (file, server) = (Directory::on_sqlite(), Directory::on_postgres().await);
    let (file, server) = (&file.open().await, &server.open().await);
    let names = either(
        "SELECT group_concat(name, ' ' ORDER BY name) FROM sqlite_schema
          WHERE type = 'table' AND name NOT IN ('_sqlx_migrations', 'filing', 'retention_turn', 'sqlite_sequence', 'walkable_reviews')",
        "SELECT string_agg(table_name, ' ' ORDER BY table_name COLLATE \"C\") FROM information_schema.tables
          WHERE table_schema = 'public' AND table_name NOT IN ('_sqlx_migrations', 'retention_turn')",
    );
    let mut expected = TABLES;
    expected.sort_unstable();
    let on_file: String = value(file, names).await;
    let on_server: String = value(server, names).await;
    assert_eq!((on_file, on_server), (expected.join(" "), expected.join(" ")));
}
