//! SQLite on a disk that is full or read-only, and beside a process that holds its lock.

use sqlx::Executor as _;
use tempfile::TempDir;

use crate::disks::Tmpfs;
use crate::site::{Site, Store, a_while};

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full() {
    let Some(disk) = Tmpfs::mount("24m") else { return };
    let file = disk.path().join("record.sqlite");
    let site = Site::on(&format!("sqlite://{}", file.display()), &[]).await;
    let mut ledger = site
        .under_load(async {
            site.until_recorded(30).await;
            disk.fill();
            site.until_it_says("store_full").await;
            a_while(1).await;
            disk.make_room();
            site.until_recovered().await;
        })
        .await;
    assert!(ledger.count(503) > 0);
    ledger.ask_again(&site).await;
    ledger.check(&Store::File(file)).await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_that_holds_the_lock() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("record.sqlite");
    let site = Site::on(&format!("sqlite://{}", file.display()), &[]).await;
    let store = Store::File(file);
    let mut other = store.file().await;
    let mut ledger = site
        .under_load(async {
            site.until_recorded(30).await;
            other.execute("BEGIN IMMEDIATE").await.expect("begun");
            site.until_it_says("store_locked").await;
            a_while(3).await;
            other.execute("ROLLBACK").await.expect("ended");
            site.until_recovered().await;
        })
        .await;
    assert!(ledger.count(503) > 0);
    ledger.ask_again(&site).await;
    ledger.check(&store).await;
    site.stop().await;
}

/// A file system that turned read-only while the file was open. SQLite's shared memory is a mapped file: writing to it could not
/// be refused but by a signal, so a server never gets this far with its file open; it starts on one.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_system_that_is_read_only() {
    let Some(disk) = Tmpfs::mount("24m") else { return };
    let file = disk.path().join("record.sqlite");
    let url = format!("sqlite://{}", file.display());
    let site = Site::on(&url, &[]).await;
    let (_, call) = site.call();
    let first = site.send(&call).await;
    assert_eq!(first.status, 200);
    site.stop().await;
    disk.remount("ro");
    let refused = Site::starting(&url, &[]).await.err().expect("a refusal");
    assert!(refused.contains("the store does not open (store.url)"), "{refused}");
    disk.remount("rw");
    let site = Site::on(&url, &[]).await;
    site.stop().await;
    let store = Store::File(file);
    store.run("PRAGMA integrity_check").await;
}
