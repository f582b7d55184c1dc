//! Signatures are remembered as long as their key may be believed, and a key whose signatures are forgotten never is again.

use super::super::keys::prelude_keys;
use super::*;
use crate::domain::{Kid, PreludeKey, Thumbprint};

async fn confirmed(store: &Store, day: u64, keys: &[u8]) {
    let set = (format!("set of day {day}"), prelude_keys(keys));
    store.save_key_set("hook", set, later(day * DAY)).await.expect("kept");
}

/// What a run on a day does, where keys may be gone for ten days.
async fn run_on(store: &Store, day: u64) -> (Vec<String>, u64) {
    let retiring = Retiring {
        before: START.plus(Duration::from_secs(day * DAY)).minus(Duration::from_secs(10 * DAY)),
        now: later(day * DAY),
        actor: "doorstep".into(),
    };
    let retired = store.retire_prelude_keys(retiring.clone()).await.expect("done");
    let kids = store.forgettable_kids(later(day * DAY)).await.expect("read");
    let (mut after, mut forgotten) = (Vec::new(), 0);
    while !kids.is_empty() {
        let (end, some) = store.forget_signatures(&kids, retiring.clone(), after).await.expect("done");
        forgotten += some;
        let Some(end) = end else { break };
        after = end;
    }
    if forgotten == 0 && !kids.is_empty() {
        store.note_forgotten(&kids, later(day * DAY)).await.expect("noted");
    }
    (retired.iter().map(ToString::to_string).collect(), forgotten)
}

fn retired(n: u8) -> PreludeKey {
    let (kid, thumbprint) = prelude_keys(&[n]).remove(0);
    PreludeKey { kid, thumbprint: Some(thumbprint) }
}

const NOTHING: (Vec<String>, u64) = (Vec::new(), 0);

async fn a_signature_is_remembered_until_its_key_is_long_gone(directory: Directory) {
    let store = directory.open().await;
    for n in 1..=2_500 {
        let mut seen = signature(n);
        if n % 5 == 0 {
            seen.kid = Kid::new("prelude-2").expect("a kid");
        }
        store.record_decision(seen, block(n)).await.expect("recorded");
    }
    store.close().await.expect("closed");
    let store = directory.open().await;
    confirmed(&store, 1, &[1, 2]).await;
    confirmed(&store, 5, &[2]).await;
    assert_eq!(run_on(&store, 14).await, NOTHING, "gone for nine days");
    // It comes back in time, and an older confirmation arrives late.
    confirmed(&store, 14, &[1, 2]).await;
    confirmed(&store, 13, &[2]).await;
    assert_eq!(run_on(&store, 30).await, NOTHING);
    confirmed(&store, 30, &[2]).await;
    assert_eq!(run_on(&store, 40).await, NOTHING);
    assert_eq!(run_on(&store, 41).await, (vec!["prelude-1".to_owned()], 0), "retired first");
    assert_eq!(store.retired_prelude_keys().await.expect("read"), [retired(1)]);
    assert_eq!(run_on(&store, 42).await, NOTHING, "a day later every process knows");
    assert_eq!(run_on(&store, 43).await, (vec![], 2_000));
    assert_eq!(number(&store, "SELECT count(*) FROM signatures WHERE kid = 'prelude-2'").await, 500);
    assert_eq!(number(&store, "SELECT count(*) FROM signatures").await, 500);
    assert_eq!(run_on(&store, 44).await, NOTHING, "a walk that finds none is the last");
    assert!(store.forgettable_kids(later(50 * DAY)).await.expect("read").is_empty());

    // Retired for ever, whatever comes back under whatever name.
    confirmed(&store, 50, &[1, 2]).await;
    assert_eq!(store.retired_prelude_keys().await.expect("read"), [retired(1)]);
    let key = retired(1).thumbprint.expect("known");
    assert!(retired(1).is(&Kid::new("another").expect("a kid"), key));
    assert!(
        !retired(1).is(&retired(1).kid, Thumbprint([9; 32])),
        "another key under its name is another key"
    );
    for spoil in ["UPDATE prelude_keys SET retired_at = NULL", "DELETE FROM prelude_keys"] {
        let refused = run(&store, spoil).await.expect_err("kept");
        assert!(shown(&refused).contains("a key that was retired stays so"), "{}", shown(&refused));
    }
}

/// Of keys from before there was a table of them only the names are known.
async fn a_key_of_old_is_known_by_its_name_until_it_is_seen(directory: Directory) {
    let store = directory.open().await;
    let insert = "INSERT INTO prelude_keys (kid, thumbprint, first_seen_at, last_seen_at)";
    for kid in ["'prelude-1'", "'gone'"] {
        let sql = format!("{insert} VALUES ({kid}, $1, $2, $2)");
        store
            .write(Turn::Anyone, move |connection| {
                Box::pin(async move {
                    let query = connection.query(&*Box::leak(sql.into_boxed_str()));
                    query.bind(Vec::<u8>::new()).bind(START.unix_micros()).execute(connection).await
                })
            })
            .await
            .expect("there");
    }
    confirmed(&store, 1, &[1]).await;
    assert_eq!(number(&store, "SELECT count(*) FROM prelude_keys").await, 2);
    assert_eq!(run_on(&store, 12).await, (vec!["gone".to_owned()], 0));
    let gone = PreludeKey { kid: Kid::new("gone").expect("a kid"), thumbprint: None };
    let retired = store.retired_prelude_keys().await.expect("read");
    assert!(
        gone.is(&gone.kid, Thumbprint([7; 32])),
        "which key it was is not known, so none of its name is believed"
    );
    assert_eq!(retired, [gone]);
}

on_each_engine! {
    []
    a_signature_is_remembered_until_its_key_is_long_gone,
    a_key_of_old_is_known_by_its_name_until_it_is_seen
}
