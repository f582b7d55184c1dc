//! What the calls of a batch ask about earlier ones, read for all of them together: two looks a batch instead of two a call.
//!
//! It is read inside the batch's transaction and under its locks, so nothing of it can change before the batch is written but by the
//! batch's own decisions, which each call is told of besides.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Question;
use super::connection::Connection;
use super::past::{Found, Shared, Wanted, wanted};
use super::places::{Executed, Places};
use super::segments::Segment;
use crate::domain::{HistoryNeed, PastEvent, SubjectKey, Timestamp};
use crate::store::StoreError;

/// What was read about the subjects of a batch.
#[derive(Debug)]
pub(super) struct Ahead {
    back_to: Timestamp,
    executions: Executed,
    about: HashMap<SubjectKey, About>,
}

#[derive(Debug, Default)]
struct About {
    single: Vec<Shared>,
    settled: Vec<Arc<Segment>>,
}

/// Nothing was read: each call looks for itself.
impl Default for Ahead {
    fn default() -> Self {
        Self { back_to: Timestamp::from_unix_micros(0), executions: Executed::NotTold, about: HashMap::new() }
    }
}

impl Ahead {
    /// Reads the calls that some questions want to know of.
    ///
    /// Where that is more than one call may look through, or a row cannot be read, nothing is: each call then looks for itself, and only
    /// whose own past it is gets no verdict.
    ///
    /// # Errors
    /// The record could not be read.
    pub(super) async fn read<'q>(
        connection: &mut Connection<'_>,
        places: &Places,
        questions: impl Iterator<Item = &'q Question>,
    ) -> Result<Self, StoreError> {
        match together(questions) {
            Some(all) => Self::of(&all, places.calls(connection, &all).await),
            None => Ok(Self::default()),
        }
    }

    /// Takes what was read of all that is wanted.
    ///
    /// # Errors
    /// The record could not be read.
    pub(super) fn of(all: &Wanted<'_>, found: Result<Found<'_>, StoreError>) -> Result<Self, StoreError> {
        let (single, settled) = match found {
            Err(fault) if fault.is_one_rows_own() => return Ok(Self::default()),
            found => found?,
        };
        let mut about: HashMap<SubjectKey, About> =
            all.keys.iter().map(|key| ((*key).clone(), About::default())).collect();
        for (seq, event) in single {
            let PastEvent::Call(call) = &*event else { continue };
            for (_, key) in call.subjects.iter().filter(|(subject, _)| all.by.contains(&subject)) {
                let Some(about) = about.get_mut(key) else { continue };
                about.single.push((seq, Arc::clone(&event)));
            }
        }
        for (key, segment) in settled {
            about.entry(key.clone()).or_default().settled.push(segment);
        }
        for about in about.values_mut() {
            about.single.sort_unstable_by_key(|(seq, _)| *seq);
            about.single.dedup_by_key(|(seq, _)| *seq);
        }
        Ok(Self { back_to: all.back_to, executions: all.executions, about })
    }

    /// What is wanted, where it was read; `None` where it was not.
    pub(super) fn about(&self, wanted: &Wanted<'_>) -> Option<(Vec<Shared>, Vec<Arc<Segment>>)> {
        let is_told = self.executions == Executed::Told || wanted.executions == Executed::NotTold;
        if !is_told || wanted.back_to < self.back_to {
            return None;
        }
        let (mut single, mut settled) = (Vec::new(), Vec::new());
        for key in &wanted.keys {
            let about = self.about.get(*key)?;
            single.extend(about.single.iter().filter(|(_, event)| is_since(event, wanted.back_to)).cloned());
            settled.extend(about.settled.iter().filter(|segment| segment.last_at >= wanted.back_to).cloned());
        }
        Some((single, settled))
    }
}

fn is_since(event: &PastEvent, back_to: Timestamp) -> bool {
    matches!(event, PastEvent::Call(call) if call.at >= back_to)
}

/// What some questions want, as one; `None` where they want nothing.
pub(super) fn together<'q>(questions: impl Iterator<Item = &'q Question>) -> Option<Wanted<'q>> {
    let mut all: Option<Wanted<'q>> = None;
    let (mut keys, mut subjects) = (BTreeSet::new(), BTreeSet::new());
    for question in questions {
        let needs = &question.needs;
        for by in needs.as_slice().iter().map(HistoryNeed::found_by) {
            let Some(one) = wanted(needs, &question.asker, by) else { continue };
            keys.extend(one.keys);
            subjects.extend(one.by);
            let (back_to, executions) = all.as_ref().map_or((one.back_to, one.executions), |all| {
                let told = [all.executions, one.executions].contains(&Executed::Told);
                (all.back_to.min(one.back_to), if told { Executed::Told } else { Executed::NotTold })
            });
            all = Some(Wanted { keys: Vec::new(), by: Vec::new(), back_to, executions });
        }
    }
    let (keys, by) = (keys.into_iter().collect(), subjects.into_iter().collect());
    all.map(|all| Wanted { keys, by, ..all })
}
