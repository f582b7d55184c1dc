//! What conditions ask about the past: needs, the events that answer them, and the answers.
//!
//! A bundle says which [`Needs`] a scope has. For a call, whoever holds the past hands over the [`PastEvent`]s that each
//! need might count, and [`History::of`] turns them into one [`Tally`] a need. The call itself is no part of it: the policy
//! adds it, since it is the one that decides.
//!
//! Law: the same needs, asker and events give the same history, whatever the order of the events.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{FactKind, Scope, VerdictKind};

mod event;
mod settled;
mod sum;
mod tally;
mod window;
mod words;

pub(crate) use event::{Asker, PastCall, PastEvent, PastFact, PastRejection, Subject, SubjectKey, Traits};
pub(crate) use settled::SettledCalls;
pub(crate) use sum::{DailySums, Sum};
pub(crate) use tally::Tally;
pub(crate) use window::{HISTORY_KEPT, LONGEST_USE, Period, Window, Zone};

/// The most different questions about the past that the rules of a scope may ask: each costs a look into the record.
pub(crate) const NEEDS_MAX: usize = 32;

/// One question about the past.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct HistoryNeed {
    /// What is measured.
    pub(crate) measure: Measure,
    /// Whose past: events that share all of these with the call. At least one.
    pub(crate) by: BTreeSet<Subject>,
    /// How far back.
    pub(crate) window: Window,
    /// Calls for what; of no meaning for facts, which are for nothing.
    pub(crate) scopes: Scopes,
    /// Only calls that were answered so; `None` for all. Never for rejections and facts.
    pub(crate) verdicts: Option<BTreeSet<VerdictKind>>,
    /// Which calls count; of no meaning for rejections and facts, where it is `Asked`.
    pub(crate) counts: Counts,
}

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Measure {
    /// The number of calls.
    Calls,
    /// The number of steps that were rejected.
    Rejected,
    /// The number of facts of a kind.
    Fact(FactKind),
    /// The sum of a kind of money, by its name without `money.`.
    Sum(Arc<str>),
    /// The number of different values of a metadata field, by its name without `metadata.`.
    Distinct(Arc<str>),
    /// The moment of the last call.
    Last,
}

/// Calls for what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Scopes {
    /// For the same scope as the call that asks.
    Same,
    /// For one of these.
    These(BTreeSet<Scope>),
}

impl Scopes {
    /// Whether a call for `scope` counts when one for `asked` asks.
    pub(crate) fn include(&self, scope: &Scope, asked: &Scope) -> bool {
        match self {
            Self::Same => scope == asked,
            Self::These(scopes) => scopes.contains(scope),
        }
    }
}

/// Which calls count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Counts {
    /// Every recorded call. Anyone can raise this by asking again.
    Asked,
    /// What was granted and executed, or still can be: the exposure.
    Usable(Executions),
    /// What the customer's service executed: the only base for trust.
    Executed,
}

/// Whether the customer's service says when it executes a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Executions {
    /// It does: a grant that ran out without being executed is no exposure.
    Reported,
    /// It does not: every continue and review counts as executed, as late as it could have been.
    Unreported,
}

impl HistoryNeed {
    /// Whether the call that asks counts itself. Its verdict is not known yet, so it counts as one that is granted: with
    /// `verdicts: [block]` it does not count, and what was executed it never is.
    pub(crate) fn counts_itself(&self, asked: &Scope) -> bool {
        let measured = matches!(self.measure, Measure::Calls | Measure::Sum(_) | Measure::Distinct(_));
        let only_blocks =
            self.verdicts.as_ref().is_some_and(|kinds| kinds.iter().all(|kind| *kind == VerdictKind::Block));
        measured && self.counts != Counts::Executed && !only_blocks && self.scopes.include(asked, asked)
    }

    /// By which of its subjects the past is looked for; the others are compared in what is found. The user where it is asked
    /// about, else what few calls have in common: an identifier before an address before metadata, of which anybody can send
    /// what everybody sends.
    pub(crate) fn found_by(&self) -> &Subject {
        let order = |subject: &&Subject| match subject {
            Subject::User => 0,
            Subject::Identifier => 1,
            Subject::Ip => 2,
            Subject::Metadata(_) => 3,
        };
        // INVARIANT: a need has at least one subject.
        self.by.iter().min_by_key(order).unwrap_or(&Subject::User)
    }
}

/// The needs of a scope, in the order in which their tallies stand. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Needs(Option<Arc<[HistoryNeed]>>);

impl Needs {
    /// Nothing.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// Takes needs; equal ones are kept once.
    pub(crate) fn new(needs: impl IntoIterator<Item = HistoryNeed>) -> Self {
        let mut kept: Vec<HistoryNeed> = Vec::new();
        for need in needs {
            if !kept.contains(&need) {
                kept.push(need);
            }
        }
        Self((!kept.is_empty()).then(|| kept.into()))
    }

    /// The needs in their order.
    pub(crate) fn as_slice(&self) -> &[HistoryNeed] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there is none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether they are the same list: at once for clones, else by content.
    fn are(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(own), Some(theirs)) => Arc::ptr_eq(own, theirs) || own == theirs,
            (own, theirs) => own.is_none() && theirs.is_none(),
        }
    }
}

/// The answers to a scope's needs for one call, without the call itself.
///
/// It remembers which needs it answers, so that answers to other questions are never taken for these.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct History {
    needs: Needs,
    tallies: Vec<Tally>,
}

impl History {
    /// For scopes that need nothing.
    pub(crate) const fn none() -> Self {
        Self { needs: Needs::none(), tallies: Vec::new() }
    }

    /// Answers each need.
    ///
    /// - `asker`: the call that asks.
    /// - `events`: for each need, all that might count: everything that shares its subjects with the asker and is not
    ///   older than [`HistoryNeed::reaches_back_to`], what is settled in its groups. More does no harm; no event may stand there
    ///   twice, nor the call itself.
    pub(crate) fn of<'e, S, E>(needs: &Needs, asker: &Asker, events: impl Fn(&HistoryNeed) -> (S, E)) -> Self
    where
        S: Iterator<Item = &'e SettledCalls> + Clone,
        E: Iterator<Item = &'e PastEvent> + Clone,
    {
        let tallies = needs.as_slice().iter().map(|need| Tally::of(need, asker, events(need))).collect();
        Self { needs: needs.clone(), tallies }
    }

    /// The tallies in the order of `needs`; `None` when these are answers to other needs.
    pub(crate) fn tallies(&self, needs: &Needs) -> Option<&[Tally]> {
        self.needs.are(needs).then_some(&*self.tallies)
    }
}

#[cfg(test)]
mod tests;
