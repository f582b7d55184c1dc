//! PostgreSQL itself is killed, runs out of connections, takes no writes, or no room.

use crate::disks::Tmpfs;
use crate::postgres::{Database, OwnServer};
use crate::site::{Site, Store, a_while};

/// How often the server is killed; `benches/kill.sh` does it more often.
const KILLS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_commits() {
    let server = OwnServer::start();
    let database = Database::within(&server.address, "").await;
    let site = Site::on(&database.url(), &[]).await;
    let mut ledger = site
        .under_load(async {
            for _ in 0..KILLS {
                site.until_recorded(60).await;
                server.kill();
                site.until_it_says("store_unreachable").await;
                server.start_again();
                site.until_recovered().await;
            }
        })
        .await;
    assert!(ledger.count(200) >= KILLS * 80);
    let store = Store::Database(Box::new(database));
    ledger.check(&store).await;
    ledger.ask_again(&site).await;
    ledger.check(&store).await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_connection_left() {
    let server = OwnServer::start();
    let database = Database::within(&server.address, "CONNECTION LIMIT 8").await;
    // Superusers have no limit.
    database.at_the_server("CREATE ROLE doorstep LOGIN".to_owned()).await;
    database.at_the_server(format!("ALTER DATABASE {} OWNER TO doorstep", database.name())).await;
    let url = database.url().replace("postgres@", "doorstep@");
    let site = Site::on(&url, &[]).await;
    let none = format!("ALTER DATABASE {} CONNECTION LIMIT 0", database.name());
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
        database.name()
    );
    let some = format!("ALTER DATABASE {} CONNECTION LIMIT 8", database.name());
    let mut ledger = site
        .under_load(async {
            site.until_recorded(30).await;
            database.at_the_server(none).await;
            database.at_the_server(end).await;
            site.until_it_says("store_out_of_connections").await;
            a_while(2).await;
            database.at_the_server(some).await;
            site.until_recovered().await;
        })
        .await;
    assert!(ledger.count(503) > 0);
    ledger.ask_again(&site).await;
    ledger.check(&Store::Database(Box::new(database))).await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_writes() {
    let server = OwnServer::start();
    let database = Database::within(&server.address, "").await;
    let site = Site::on(&database.url(), &[]).await;
    let freeze = |how: &str| format!("ALTER SYSTEM SET default_transaction_read_only = {how}");
    let look = || "SELECT pg_reload_conf()".to_owned();
    let mut ledger = site
        .under_load(async {
            site.until_recorded(30).await;
            database.at_the_server(freeze("on")).await;
            database.at_the_server(look()).await;
            site.until_it_says("store_read_only").await;
            a_while(1).await;
            database.at_the_server(freeze("off")).await;
            database.at_the_server(look()).await;
            site.until_recovered().await;
        })
        .await;
    assert!(ledger.count(503) > 0);
    ledger.ask_again(&site).await;
    ledger.check(&Store::Database(Box::new(database))).await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_disk_is_full() {
    let Some(disk) = Tmpfs::mount("24m") else { return };
    let server = OwnServer::start();
    let space = disk.for_postgres();
    let database = Database::within(&server.address, "").await;
    database.at_the_server(format!("CREATE TABLESPACE narrow LOCATION '{}'", space.display())).await;
    database.at_the_server(format!("ALTER DATABASE {} SET TABLESPACE narrow", database.name())).await;
    let site = Site::on(&database.url(), &[]).await;
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
    ledger.check(&Store::Database(Box::new(database))).await;
    site.stop().await;
    drop(server);
}
