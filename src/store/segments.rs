//! What can no longer change of a busy subject's past, many calls a row.
//!
//! A call stands in `decision_subjects` for each subject that it is found by, until nothing about it can change any more: it was
//! blocked, or its grant has ended. Where a subject has gathered some of these, they move into a row of `past_segments`
//! ([`super::settling`]), packed ([`packed`]), with the moment of their execution. A segment never changes: one that grows is written anew
//! under another number, so what was unpacked once may be kept in memory under its number ([`SharedSegments`]), and a question of
//! a subject with thousands of calls reads only those rows that are new to the process. A number is never given twice: a known one
//! is not read again, so another segment under it would be missed.
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
use crate::domain::{SettledCalls, SubjectKey, Timestamp};

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
    /// When the latest of them came.
    pub(super) last_at: Timestamp,
}

impl Segment {
    /// Whether the call at a place is one of them.
    pub(super) fn has(&self, seq: i64) -> bool {
        self.seqs.binary_search(&seq).is_ok()
    }

    /// Whether some call is one of both.
    fn overlaps(&self, other: &Self) -> bool {
        self.seqs.iter().any(|seq| other.has(*seq))
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

    /// Reads the segments that were found of some subjects, keeps them, and gives all that reach as far as `back_to`, each with whose it is.
    ///
    /// What is known stands, whether or not it still stands in the table: calls of which nothing changes are what they were. One that
    /// was written anew under another number gives way to that.
    ///
    /// - `keys`: those of `known`.
    /// - `rows`: `subject, segment, packed`; none of a segment that is known.
    ///
    /// # Errors
    /// A segment cannot be read.
    pub(super) fn read<'k>(
        &self,
        (keys, back_to): (&[&'k SubjectKey], Timestamp),
        known: KnownSegments,
        rows: &[Row],
    ) -> Result<Vec<(&'k SubjectKey, Arc<Segment>)>, StoreError> {
        let mut of_subject: HashMap<&[u8], Numbered> = HashMap::new();
        for row in rows {
            let number: i64 = row.try_get("segment")?;
            let corrupt = || StoreError::corrupt("past_segments", "packed", number.to_string());
            let segment = unpack(row.try_get("packed")?).ok_or_else(corrupt)?;
            of_subject.entry(row.try_get("subject")?).or_default().push((number, Arc::new(segment)));
        }
        let mut all = Vec::new();
        for (key, mut segments) in keys.iter().zip(known.0) {
            if let Some(found) = of_subject.remove(key.as_bytes()) {
                segments.retain(|(_, known)| !found.iter().any(|(_, found)| known.overlaps(found)));
                segments.extend(found);
                self.kept().keep(key, segments.clone());
            }
            let reaching = segments.into_iter().filter(|(_, segment)| segment.last_at >= back_to);
            all.extend(reaching.map(|(_, segment)| (*key, segment)));
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
    /// Keeps a subject's segments. Where that is too much, everything else is let go of: who comes again is soon kept again.
    fn keep(&mut self, key: &SubjectKey, segments: Numbered) {
        let calls =
            |segments: &Numbered| segments.iter().map(|(_, segment)| segment.seqs.len()).sum::<usize>();
        self.calls = self.calls.saturating_sub(self.by_subject.remove(key).as_ref().map_or(0, calls));
        let more = calls(&segments);
        if self.calls + more > CALLS_KEPT_MAX {
            self.by_subject.clear();
            self.calls = 0;
        }
        if more <= CALLS_KEPT_MAX {
            self.calls += more;
            self.by_subject.insert(key.clone(), segments);
        }
    }
}
