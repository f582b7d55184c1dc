//! What the emulator did, kept for tests to read back.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

/// How many entries are kept; the oldest go first.
const ENTRIES_MAX: usize = 20_000;

/// Entries in the order in which they happened. It holds what a real service would never log: codes, numbers, bodies.
#[derive(Debug, Default)]
pub(super) struct Journal(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    entries: VecDeque<Value>,
    written: u64,
}

impl Journal {
    /// Writes an entry: `{number, at, what, …}` with the members of `details`, which is an object.
    pub(super) fn write(&self, at: i64, what: &str, details: Value) {
        let mut pages = self.pages();
        pages.written += 1;
        let mut entry = json!({ "number": pages.written, "at": at, "what": what });
        if let (Some(entry), Value::Object(details)) = (entry.as_object_mut(), details) {
            entry.extend(details);
        }
        if pages.entries.len() == ENTRIES_MAX {
            pages.entries.pop_front();
        }
        pages.entries.push_back(entry);
    }

    /// The entries with a number above `after`, as `{written, entries}`.
    pub(super) fn read(&self, after: u64) -> Value {
        let pages = self.pages();
        let is_new = |entry: &&Value| entry["number"].as_u64().is_some_and(|number| number > after);
        let entries: Vec<&Value> = pages.entries.iter().filter(is_new).collect();
        json!({ "written": pages.written, "entries": entries })
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_numbered_and_the_oldest_go_first() {
        let journal = Journal::default();
        for at in 0..=20_000 {
            journal.write(at, "seen", json!({ "x": at }));
        }
        let all = journal.read(0);
        assert_eq!(all["written"], 20_001);
        assert_eq!(all["entries"].as_array().map(Vec::len), Some(ENTRIES_MAX));
        assert_eq!(all["entries"][0], json!({ "number": 2, "at": 1, "what": "seen", "x": 1 }));
        let last = journal.read(20_000);
        assert_eq!(last["entries"], json!([{ "number": 20_001, "at": 20_000, "what": "seen", "x": 20_000 }]));
    }
}
