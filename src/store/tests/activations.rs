//! Which policy came into force when.

use super::*;
use crate::domain::{ActivationRecord, ApiKeyId, Trigger};

fn activation(hash: u8, trigger: Trigger) -> ActivationRecord {
    ActivationRecord {
        at: START,
        bundle: BundleHash::from_digest([hash; 32]),
        previous: hash.checked_sub(1).map(|before| BundleHash::from_digest([before; 32])),
        trigger,
        changes_json: (hash > 0).then(|| r#"{"rules":[]}"#.to_owned()),
    }
}

async fn activations_read_back_newest_first_and_keep_the_text(directory: Directory) {
    let store = directory.open().await;
    let hash = |hash| BundleHash::from_digest([hash; 32]);
    assert_eq!(store.bundle_text(hash(0)).await.expect("a look"), None);
    let key = Trigger::Api(ApiKeyId::new("0f0f").expect("an id"));
    let all = [
        activation(0, Trigger::Start),
        activation(1, Trigger::Watch),
        activation(2, Trigger::Signal),
        activation(3, key),
    ];
    for record in &all {
        store.record_activation(record.clone(), format!("text {}", record.bundle)).await.expect("recorded");
    }
    // The same policy comes into force again: its text stays as it was.
    store.record_activation(all[0].clone(), "another".to_owned()).await.expect("recorded");
    assert_eq!(store.bundle_text(hash(0)).await.expect("a look"), Some(format!("text {}", hash(0))));
    let found = store.activations(None, 3).await.expect("readable");
    let records: Vec<_> = found.iter().map(|found| found.record.clone()).collect();
    assert_eq!(records, [all[0].clone(), all[3].clone(), all[2].clone()]);
    let rest = store.activations(found.last().map(|last| last.seq), 10).await.expect("readable");
    let records: Vec<_> = rest.into_iter().map(|found| found.record).collect();
    assert_eq!(records, [all[1].clone(), all[0].clone()]);
    store.close().await.expect("closes");
}

async fn a_text_is_not_kept_without_its_activation(directory: Directory) {
    let store = directory.open().await;
    let refuse = either(
        "CREATE TRIGGER full BEFORE INSERT ON policy_activations BEGIN SELECT RAISE(ABORT, 'no room'); END",
        "CREATE TRIGGER full_table BEFORE INSERT ON policy_activations
         FOR EACH ROW EXECUTE FUNCTION doorstep_refuse('no room')",
    );
    run(&store, refuse).await.expect("made");
    let record = activation(1, Trigger::Watch);
    let refused = store.record_activation(record.clone(), "text".to_owned()).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(store.bundle_text(record.bundle).await.expect("a look"), None);
    store.close().await.expect("closes");
}

async fn a_row_that_cannot_be_is_named(directory: Directory) {
    let store = directory.open().await;
    store.record_activation(activation(1, Trigger::Watch), "text".to_owned()).await.expect("recorded");
    run(&store, "UPDATE policy_activations SET trigger = 'moon'").await.expect("spoilt");
    let error = store.activations(None, 1).await.expect_err("corrupt");
    assert_eq!(error.to_string(), "policy_activations.trigger of row 1 cannot be read");
    store.close().await.expect("closes");
}

on_each_engine! {
    []
    activations_read_back_newest_first_and_keep_the_text,
    a_text_is_not_kept_without_its_activation,
    a_row_that_cannot_be_is_named
}
