//! The file itself: who may read it, how it is opened, what is refused.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("the file is there").permissions().mode() & 0o777
}

#[tokio::test]
async fn the_file_is_its_owners_alone() {
    let directory = Directory::on_sqlite();
    let file = directory.path.join("data/deep/record.sqlite");
    let store = open(settings_for(&file)).await;
    store.record_decision(signature(1), block(1)).await.expect("recorded");
    assert_eq!(mode(&directory.path.join("data/deep")), 0o700);
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(&directory.path.join("data/deep/record.sqlite-wal")), 0o600);
    assert_eq!(mode(&directory.path.join("data/deep/record.sqlite-shm")), 0o600);
}

#[tokio::test]
async fn the_writing_connection_is_as_durable_as_we_say() {
    let directory = Directory::on_sqlite();
    let store = directory.open().await;
    assert_eq!(value::<String>(&store, "PRAGMA journal_mode").await, "wal");
    // 2 is FULL.
    assert_eq!(number(&store, "PRAGMA synchronous").await, 2);
    assert_eq!(number(&store, "PRAGMA foreign_keys").await, 1);
    assert_eq!(number(&store, "PRAGMA busy_timeout").await, 2000);
    assert_eq!(number(&store, "PRAGMA wal_autocheckpoint").await, 4096);
}

#[tokio::test]
async fn readers_cannot_write() {
    let directory = Directory::on_sqlite();
    let store = directory.open().await;
    let mut reader = store.reader().await.expect("a reader");
    let connection = &mut reader.connection();
    let written = connection.query("DELETE FROM filing").execute(connection).await;
    assert!(written.is_err_and(|error| shown(&error).contains("readonly")));
}

#[tokio::test]
async fn what_cannot_be_opened_is_said() {
    let directory = Directory::on_sqlite();
    let refusal =
        |settings| async { Store::open(settings, Arc::new(Metrics::new())).await.expect_err("refused") };

    let memory = refusal(StoreSettings::for_url("sqlite::memory:")).await;
    assert!(matches!(memory, StoreError::Address(_)), "{memory:?}");

    std::fs::write(directory.path.join("plain"), "not a directory").expect("written");
    let below_a_file = refusal(settings_for(&directory.path.join("plain/record.sqlite"))).await;
    assert!(matches!(below_a_file, StoreError::File(_)), "{below_a_file:?}");

    let no_database = directory.path.join("no-database");
    std::fs::write(&no_database, "this is some text and not a database at all").expect("written");
    let error = refusal(settings_for(&no_database)).await;
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let kept = std::fs::read_to_string(&no_database).expect("still there");
    assert_eq!(kept, "this is some text and not a database at all");
}

#[tokio::test]
async fn a_database_from_a_later_version_is_left_alone() {
    let directory = Directory::on_sqlite();
    let store = directory.open().await;
    run(
        &store,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', TRUE, x'00', 0)",
    )
    .await
    .expect("written");
    store.close().await.expect("closed");
    let error = Store::open(directory.settings(), Arc::new(Metrics::new())).await.expect_err("refused");
    assert!(matches!(error, StoreError::Migration(_)), "{error:?}");
}

#[tokio::test]
async fn a_locked_database_is_unavailable_and_comes_back() {
    let directory = Directory::on_sqlite();
    let patience = std::time::Duration::from_millis(10);
    let store = open(StoreSettings { busy_timeout: patience, ..directory.settings() }).await;
    let mut other = crate::store::sqlite::file::open_writer(&directory.file(), &directory.settings())
        .await
        .expect("opened");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("locked");
    let recorded = store.record_decision(signature(1), block(1)).await;
    assert!(matches!(recorded, Err(StoreError::Unavailable(_))), "{recorded:?}");
    sqlx::query("ROLLBACK").execute(&mut other).await.expect("unlocked");
    assert_eq!(store.record_decision(signature(1), block(1)).await.expect("recorded"), Recorded::First);
}
