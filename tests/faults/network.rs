//! PostgreSQL behind a network that cuts, stalls, trickles and refuses.

use std::time::{Duration, Instant};

use doorstep::testing::Mode;

use crate::postgres::Database;
use crate::site::{Site, Store, a_while, until};

/// An outage of the network under load: answers in time, the reason told, recovery by itself, and the record as it was told.
async fn outage(mode: Mode, code: &str) {
    let database = Database::shared().await;
    let proxy = database.proxy().await;
    let site = Site::on(&database.url_by(&proxy), &[]).await;
    let mut ledger = site
        .under_load(async {
            site.until_recorded(50).await;
            proxy.set(mode);
            site.until_it_says(code).await;
            a_while(3).await;
            assert_eq!(site.problems().await, [code]);
            assert_eq!(site.metric("doorstep_store_outage").await, 1);
            proxy.set(Mode::Pass);
            site.until_recovered().await;
            until("over", async || (site.metric("doorstep_store_outage").await == 0).then_some(())).await;
        })
        .await;
    assert!(
        ledger.count(200) >= 70 && ledger.count(503) > 0,
        "{} and {}",
        ledger.count(200),
        ledger.count(503)
    );
    let store = Store::Database(Box::new(database));
    ledger.check(&store).await;
    ledger.ask_again(&site).await;
    ledger.check(&store).await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_cuts() {
    outage(Mode::Cut, "store_unreachable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there() {
    outage(Mode::Refuse, "store_unreachable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_stalls() {
    outage(Mode::Stall, "store_timed_out").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_trickles() {
    outage(Mode::Trickle, "store_timed_out").await;
}

/// What is shown of the database is as it was, with its moment, and whoever looks gets it at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_waits_for_no_database() {
    const LOOKED_AT: &str = "doorstep_database_looked_at_timestamp_seconds";
    let database = Database::shared().await;
    let proxy = database.proxy().await;
    let site = Site::on(&database.url_by(&proxy), &[]).await;
    site.measure_database().await.expect("asked");
    let scraped = site.get("/metrics").await.text;
    assert!(scraped.contains("\ndoorstep_database_clock_difference_seconds "), "{scraped}");
    proxy.set(Mode::Stall);
    let before = site.metric(LOOKED_AT).await;
    for mode in [Mode::Stall, Mode::Refuse] {
        proxy.set(mode);
        let asking = tokio::time::timeout(Duration::from_secs(2), site.measure_database()).await;
        assert!(!matches!(asking, Ok(Ok(()))), "it cannot answer");
        for _ in 0..20 {
            let since = Instant::now();
            let scraped = site.get("/metrics").await;
            assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
            assert!(scraped.text.contains(&format!("\n{LOOKED_AT} {before}\n")), "{}", scraped.text);
        }
    }
    proxy.set(Mode::Pass);
    until("it is asked again", async || site.measure_database().await.ok()).await;
    assert!(site.metric(LOOKED_AT).await >= before);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_broke_while_nobody_used_them_cost_no_call() {
    let database = Database::shared().await;
    let proxy = database.proxy().await;
    let site = Site::on(&database.url_by(&proxy), &[]).await;
    // As many connections as may be.
    let ledger = site.under_load(site.until_recorded(100)).await;
    assert_eq!(ledger.count(503), 0);
    proxy.set(Mode::CutOnce);
    a_while(2).await;
    let mut ledger_after = site.under_load(site.until_recorded(50)).await;
    assert_eq!(ledger_after.count(503), 0, "a broken connection was used");
    ledger_after.0.extend(ledger.0);
    ledger_after.check(&Store::Database(Box::new(database))).await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_under_load_cost_few_calls() {
    let database = Database::shared().await;
    let proxy = database.proxy().await;
    let site = Site::on(&database.url_by(&proxy), &[]).await;
    let mut ledger = site
        .under_load(async {
            for mode in [Mode::CutOnce, Mode::Pass, Mode::CutOnce] {
                site.until_recorded(60).await;
                proxy.set(mode);
            }
            site.until_recovered().await;
        })
        .await;
    // What was under way may be lost; at most what eight callers ask at once, twice.
    assert!(ledger.count(503) <= 16, "{}", ledger.count(503));
    let store = Store::Database(Box::new(database));
    ledger.ask_again(&site).await;
    ledger.check(&store).await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_has_a_bound_and_what_is_beyond_it_is_told_at_once() {
    let database = Database::shared().await;
    let proxy = database.proxy().await;
    let settings = [("store.queue_max", "16"), ("store.batch_max", "4")];
    let site = Site::on(&database.url_by(&proxy), &settings).await;
    proxy.set(Mode::Stall);
    // Four batches of four are under way, sixteen wait: sixty-eight of a hundred need not wait to be refused.
    let calls: Vec<_> = (0..100).map(|_| site.call()).collect();
    let answers = futures_util::future::join_all(calls.iter().map(async |(_, call)| {
        let asked = Instant::now();
        (site.send(call).await.status, asked.elapsed())
    }));
    let answers = answers.await;
    assert!(answers.iter().all(|(status, _)| *status == 503));
    let at_once = answers.iter().filter(|(_, took)| *took < Duration::from_millis(1900)).count();
    assert!(at_once >= 60, "{at_once} were refused before the deadline");
    proxy.set(Mode::Pass);
    site.until_ready().await;
    for (_, call) in &calls {
        assert_eq!(site.send(call).await.status, 200);
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stops_in_time_while_the_database_hangs() {
    let database = Database::shared().await;
    let proxy = database.proxy().await;
    let site = Site::on(&database.url_by(&proxy), &[("server.shutdown_deadline", "3s")]).await;
    proxy.set(Mode::Stall);
    let (_, call) = site.call();
    assert_eq!(site.send(&call).await.status, 503);
    let stopping = Instant::now();
    site.stop().await;
    assert!(stopping.elapsed() < Duration::from_secs(8), "{:?}", stopping.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_waits_for_its_database() {
    let database = Database::shared().await;
    let proxy = database.proxy().await;
    proxy.set(Mode::Refuse);
    let url = database.url_by(&proxy);
    let comes = async {
        a_while(2).await;
        proxy.set(Mode::Pass);
    };
    let (site, ()) = tokio::join!(Site::on(&url, &[]), comes);
    assert_eq!(site.send(&site.call().1).await.status, 200);
    site.stop().await;
    // What waiting does not mend is told at once.
    let asked = Instant::now();
    let nobody = url.replace(database.name(), "doorstep_there_is_none");
    let refused = Site::starting(&nobody, &[]).await.err().expect("a refusal");
    assert!(refused.contains("the store does not open (store.url)"), "{refused}");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}
