//! What can no longer change of a busy subject's past, many calls a row.
//!
//! A call stands in `decision_subjects` for each subject that it is found by, until nothing about it can change any more: it was
//! blocked, or its grant has ended. Where a subject has gathered some of these, they move into a row of `past_segments`
//! ([`super::settling`]), packed ([`packed`]), with the moment of their execution. A segment never changes: one that grows is written anew
//! under another number, so what was unpacked once may be kept in memory under its number ([`SharedSegments`]), and a question of
//! a subject with thousands of calls reads a few rows.
//!
//! Whoever reads looks at single calls first and at segments after: what moves in between is found twice, not never, and
//! counted once by its place.
//!
//! **Old segments may be deleted** by `last_at` at any time, some at a time: `DELETE FROM past_segments WHERE segment IN (SELECT segment
//! FROM past_segments WHERE last_at < $1 LIMIT $2)`. They need not go before or after the decisions that they are made of; only no
//! question may reach back as far.

mod packed;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::StoreError;
use super::connection::Row;
use crate::domain::{SettledCalls, SubjectKey};

pub(super) use packed::{pack, unpack};

/// How many calls are kept unpacked, in all segments together: about half a KiB each.
const CALLS_KEPT_MAX: usize = 32_768;

/// How many subjects wait for their calls to be moved; others come again with their next call.
const RIPE_MAX: usize = 256;

/// Some of a subject's calls.
#[derive(Debug)]
pub(super) struct Segment {
    /// Their places, rising.
    pub(super) seqs: Vec<i64>,
    /// The calls, in the same order.
    pub(super) calls: SettledCalls,
}

impl Segment {
    /// Whether the call at a place is one of them.
    pub(super) fn has(&self, seq: i64) -> bool {
        self.seqs.binary_search(&seq).is_ok()
    }
}

/// What this process has unpacked, and whose calls should be moved.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedSegments(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    by_subject: HashMap<SubjectKey, Vec<(i64, Arc<Segment>)>>,
    calls: usize,
    ripe: BTreeSet<SubjectKey>,
}

impl SharedSegments {
    /// What is known already of some subjects' segments.
    ///
    /// - `keys`: no two alike.
    pub(super) fn known(&self, keys: &[&SubjectKey]) -> KnownSegments {
        let kept = self.kept();
        KnownSegments(keys.iter().map(|key| kept.by_subject.get(*key).cloned().unwrap_or_default()).collect())
    }

    /// Reads the segments that were found of some subjects, each with whose it is, and keeps what is new.
    ///
    /// - `keys`: those of `known`.
    /// - `rows`: `subject, segment, packed`; nothing packed for a segment that is known.
    ///
    /// # Errors
    /// A segment cannot be read.
    pub(super) fn read<'k>(
        &self,
        keys: &[&'k SubjectKey],
        known: KnownSegments,
        rows: &[Row],
    ) -> Result<Vec<(&'k SubjectKey, Arc<Segment>)>, StoreError> {
        let mut all = Vec::with_capacity(rows.len());
        if rows.is_empty() {
            return Ok(all);
        }
        let mut of_subject: HashMap<&[u8], Vec<&Row>> = HashMap::new();
        for row in rows {
            of_subject.entry(row.try_get("subject")?).or_default().push(row);
        }
        for (key, known) in keys.iter().zip(known.0) {
            let Some(rows) = of_subject.remove(key.as_bytes()) else { continue };
            let (mut found, mut is_news) = (Vec::with_capacity(rows.len()), false);
            for row in rows {
                let number: i64 = row.try_get("segment")?;
                let segment = match row.try_get::<Option<&[u8]>>("packed")? {
                    None => {
                        known.iter().find(|(own, _)| *own == number).map(|(_, segment)| Arc::clone(segment))
                    }
                    Some(bytes) => {
                        is_news = true;
                        unpack(bytes).map(Arc::new)
                    }
                };
                let corrupt = || StoreError::corrupt("past_segments", "packed", number.to_string());
                found.push((number, segment.ok_or_else(corrupt)?));
            }
            all.extend(found.iter().map(|(_, segment)| (*key, Arc::clone(segment))));
            if is_news {
                self.kept().keep(key, (known, found));
            }
        }
        Ok(all)
    }

    /// Notes that some of a subject's calls can be moved.
    pub(super) fn ripen(&self, key: &SubjectKey) {
        let mut kept = self.kept();
        if kept.ripe.len() < RIPE_MAX && !kept.ripe.contains(key) {
            kept.ripe.insert(key.clone());
        }
    }

    /// The next subject of which some calls can be moved.
    pub(super) fn next_ripe(&self) -> Option<SubjectKey> {
        self.kept().ripe.pop_first()
    }

    /// Held for no longer than a look: never across an await.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of some subjects' segments, in the order of the subjects.
pub(super) struct KnownSegments(Vec<Numbered>);

impl KnownSegments {
    /// Their numbers: nobody need read again what is in them.
    pub(super) fn numbers(&self) -> Vec<i64> {
        self.0.iter().flatten().map(|(number, _)| *number).collect()
    }
}

/// A subject's segments with their numbers.
type Numbered = Vec<(i64, Arc<Segment>)>;

impl Kept {
    /// Keeps what was found of a subject, and what was known of it that was not asked for. Where that is too much, everything
    /// else is let go of: who comes again is soon kept again.
    fn keep(&mut self, key: &SubjectKey, (known, mut found): (Numbered, Numbered)) {
        for (number, segment) in known {
            // Of one that was written anew under another number no call stands in two.
            let is_replaced = |(_, other): &(i64, Arc<Segment>)| {
                segment.seqs.first().is_some_and(|first| other.has(*first))
            };
            if !found.iter().any(is_replaced) {
                found.push((number, segment));
            }
        }
        let calls =
            |segments: &Numbered| segments.iter().map(|(_, segment)| segment.seqs.len()).sum::<usize>();
        self.calls = self.calls.saturating_sub(self.by_subject.remove(key).as_ref().map_or(0, calls));
        let more = calls(&found);
        if self.calls + more > CALLS_KEPT_MAX {
            self.by_subject.clear();
            self.calls = 0;
        }
        if more <= CALLS_KEPT_MAX {
            self.calls += more;
            self.by_subject.insert(key.clone(), found);
        }
    }
}
