//! What was asked and answered, kept outside of the server, and held against the record when all is over.

use std::collections::BTreeMap;
use std::time::Duration;

use doorstep::testing::SignedCall;
use sqlx::Row as _;

use crate::site::{Site, Store};

/// How long an answer may take at most, a slow machine allowed for: the deadline is 2 s, and Prelude gives up after 5 s.
pub(crate) const ANSWERED_WITHIN: Duration = Duration::from_millis(3500);

/// A call and what it was told, in the order of telling.
pub(crate) struct Entry {
    pub(crate) call: SignedCall,
    pub(crate) told: Vec<(u16, String)>,
}

/// Every call of a test by its user; no two share one.
#[derive(Default)]
pub(crate) struct Ledger(pub(crate) BTreeMap<String, Entry>);

impl Ledger {
    pub(crate) fn count(&self, status: u16) -> usize {
        self.0.values().filter(|entry| entry.told.iter().any(|(told, _)| *told == status)).count()
    }

    /// Sends every call again that got no verdict: it gets one now, or the one that was recorded without its being told.
    pub(crate) async fn ask_again(&mut self, site: &Site) {
        for (user, entry) in &mut self.0 {
            if entry.told.iter().all(|(status, _)| *status != 200) {
                let answer = site.send(&entry.call).await;
                assert_eq!(answer.status, 200, "{user}: {}", answer.text);
                entry.told.push((answer.status, answer.text));
            }
        }
    }

    /// Everything that was answered is recorded, exactly so and once; nothing is recorded that was never asked.
    pub(crate) async fn check(&self, store: &Store) {
        let recorded = recorded(store).await;
        for (user, entry) in &self.0 {
            let answers: Vec<_> = entry.told.iter().filter(|(status, _)| *status == 200).collect();
            let rows: Vec<_> = recorded.iter().filter(|(recorded, _)| recorded == user).collect();
            assert!(rows.len() <= 1, "{user} is recorded {} times", rows.len());
            for (_, answer) in answers {
                assert_eq!(
                    rows.first().map(|(_, row)| row),
                    Some(answer),
                    "{user} was told what is not recorded"
                );
            }
            for (status, text) in &entry.told {
                assert!([200, 503].contains(status), "{user}: {status} {text}");
            }
        }
        assert!(
            recorded.iter().all(|(user, _)| self.0.contains_key(user)),
            "somebody is recorded who never asked"
        );
    }
}

/// Users and exact answers.
async fn recorded(store: &Store) -> Vec<(String, String)> {
    const ALL: &str = "SELECT user_id, answer FROM decisions";
    match store {
        Store::File(_) => {
            let rows = sqlx::query(ALL).fetch_all(&mut store.file().await).await.expect("rows");
            rows.iter().map(|row| (row.get(0), row.get(1))).collect()
        }
        Store::Database(database) => {
            let rows = sqlx::query(ALL).fetch_all(&mut database.connect().await).await.expect("rows");
            rows.iter().map(|row| (row.get(0), row.get(1))).collect()
        }
    }
}
