//! No call ever sees half of a bundle.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use crate::files::{Files, bare_call, one_rule};

const SWAPS: usize = 50;
const CALLERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_during_swaps_see_one_of_two_whole_bundles() {
    let files = Files::with_rule("unused");
    for rule in ["odd", "even"] {
        files.write(&format!("{rule}/transfer.yaml"), &one_rule("transfer:write", rule));
        files.write(&format!("{rule}/payout.yaml"), &one_rule("payout:write", rule));
    }
    files.link("now", "even");
    let bench = files.serve_in("now", "asked").await;
    let admin = bench.key(&["admin"]).await;
    let (done, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    let caller = async |number: usize| {
        let mut at = number;
        while !done.load(Ordering::Relaxed) {
            let mut body = bare_call(&format!("usr_{number}_{at}"));
            body["scope_requested"] = json!(["transfer:write", "payout:write"][at % 2]);
            let answer = bench.call(&body).await;
            assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("block")), "{}", answer.text);
            calls.fetch_add(1, Ordering::Relaxed);
            at += 1;
        }
    };
    let swapper = async {
        for at in 0..SWAPS {
            files.link("now", if at % 2 == 0 { "odd" } else { "even" });
            // Two who ask at once: one of them finds it done.
            let reload = async || bench.post_as(&admin, "/v1/policies/reload", &json!({})).await.json();
            let both = futures_util::future::join(reload(), reload()).await;
            let mut results =
                [&both.0["result"], &both.1["result"]].map(|result| result.as_str().expect("a word"));
            results.sort_unstable();
            assert_eq!(results, ["activated", "unchanged"]);
        }
        done.store(true, Ordering::Relaxed);
    };
    let callers = futures_util::future::join_all((0..CALLERS).map(caller));
    futures_util::future::join(callers, swapper).await;
    let seen = "SELECT count(DISTINCT bundle_hash) FROM decisions";
    assert_eq!(bench.record.count(seen).await, 2, "both decided, and no third");
    let mixed = "SELECT count(*) FROM (SELECT bundle_hash FROM decisions GROUP BY bundle_hash HAVING count(DISTINCT rule) > 1) AS mixed";
    assert_eq!(bench.record.count(mixed).await, 0, "a decision names the bundle that made it");
    let unknown = "SELECT count(*) FROM decisions WHERE bundle_hash NOT IN (SELECT hash FROM bundles)";
    assert_eq!(bench.record.count(unknown).await, 0);
    let activations =
        bench.record.count("SELECT count(*) FROM policy_activations WHERE trigger LIKE 'api:%'").await;
    assert_eq!(usize::try_from(activations), Ok(SWAPS));
    assert!(calls.load(Ordering::Relaxed) > SWAPS, "calls went on");
    bench.stop().await;
}
