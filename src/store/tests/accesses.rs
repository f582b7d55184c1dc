//! Who looked at what.

use super::*;
use crate::domain::{AccessAction, AccessRecord, Actor, ApiKeyId};

async fn accesses_read_back_newest_first_and_by_subject(directory: Directory) {
    let store = directory.open().await;
    let looks = [
        (Actor::ApiKey(ApiKeyId::new("0f0f").expect("an id")), AccessAction::DecisionsList, None),
        (Actor::CommandLine("ana".into()), AccessAction::DecisionsRead, Some("one")),
        (Actor::CommandLine("ana".into()), AccessAction::Evaluate, Some("two")),
        (Actor::CommandLine("bo".into()), AccessAction::DecisionsRead, Some("one")),
    ];
    for (actor, action, subject) in looks {
        let subject = subject.map(str::to_owned);
        store.record_access(AccessRecord { at: START, actor, action, subject }).await.expect("recorded");
    }
    let list = async |subject: Option<&str>, before, limit| {
        let found = store.accesses(subject, before, limit).await.expect("readable");
        let line = |own: &crate::domain::StoredAccess| {
            assert_eq!(own.at, START);
            format!("{} {} {} {}", own.seq, own.actor, own.action, own.subject.as_deref().unwrap_or("-"))
        };
        found.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 2).await, ["4 cli:bo decisions.read one", "3 cli:ana evaluate two"]);
    assert_eq!(list(None, Some(3), 9).await, ["2 cli:ana decisions.read one", "1 api:0f0f decisions.list -"]);
    assert_eq!(
        list(Some("one"), None, 9).await,
        ["4 cli:bo decisions.read one", "2 cli:ana decisions.read one"]
    );
    assert_eq!(list(Some("one"), Some(4), 9).await, ["2 cli:ana decisions.read one"]);
    store.close().await.expect("closes");
}

on_each_engine! {
    []
    accesses_read_back_newest_first_and_by_subject
}
