//! SQLite on a disk that is full, read-only or turns so, and beside a process that holds its lock.

use sqlx::Executor as _;
use tempfile::TempDir;

use crate::disks::{Ext4, Tmpfs};
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

/// Whoever only asks sees one outage until there is room, and then no outage: without a call that could end it.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_while_nobody_calls() {
    let Some(disk) = Tmpfs::mount("24m") else { return };
    let file = disk.path().join("record.sqlite");
    let site = Site::on(&format!("sqlite://{}", file.display()), &[]).await;
    let fill = async {
        site.until_recorded(30).await;
        disk.fill();
        site.until_it_says("store_full").await;
    };
    site.under_load(fill).await;
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(200));
    for _ in 0..20 {
        ticks.tick().await;
        assert_eq!(site.problems().await, ["store_full"]);
        assert_eq!(site.metric("doorstep_store_outage").await, 1);
    }
    disk.make_room();
    site.until_ready().await;
    let (_, call) = site.call();
    assert_eq!(site.send(&call).await.status, 200);
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

/// The kernel turns a file system read-only whose disk failed, while the file is open. Nobody but an operator can mend that: calls are
/// refused until then, and whatever was answered before is there afterwards.
///
/// Nothing is under way when it happens. A sync in that very moment may be told that it is done and is not, which is between
/// ext4 and its disk: SQLite alone loses such a commit now and then.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_system_that_turns_read_only() {
    let Some(disk) = Ext4::mount() else { return };
    let file = disk.path().join("record.sqlite");
    let url = format!("sqlite://{}", file.display());
    let site = Site::on(&url, &[]).await;
    let mut ledger = site.under_load(site.until_recorded(30)).await;
    assert_eq!(ledger.count(503), 0);
    disk.turn_read_only();
    let after = site
        .under_load(async {
            site.until_it_says("store_damaged").await;
            a_while(1).await;
            assert_eq!(site.problems().await, ["store_damaged"]);
        })
        .await;
    assert!(after.count(200) == 0 && after.count(503) > 0);
    ledger.0.extend(after.0);
    site.stop().await;
    let refused = Site::starting(&url, &[]).await.err().expect("a refusal");
    assert!(refused.contains("the store does not open (store.url)"), "{refused}");
    disk.repair();
    let store = Store::File(file);
    store.run("PRAGMA integrity_check").await;
    let site = Site::on(&url, &[]).await;
    ledger.check(&store).await;
    let last = site.under_load(site.until_recorded(20)).await;
    assert_eq!(last.count(503), 0);
    site.stop().await;
}

/// A server starts on a file system only that it can write to.
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
