//! Rules: an id, a condition and what it decides.

use super::condition::Condition;
use super::outcome::Outcome;
use super::seen::FieldSet;
use crate::domain::{RuleId, Timestamp};

pub(crate) mod keys;
pub(crate) mod read;

/// The most rules of one file.
pub(crate) const RULES_MAX: usize = 2000;
/// The word for "no rule": the id that no rule may have.
pub(crate) const OTHERWISE: &str = "otherwise";

/// A rule. The first one whose condition holds decides.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    /// Its name, unique in its file and in `always.yaml`.
    pub(crate) id: RuleId,
    /// When it decides.
    pub(crate) when: Condition,
    /// What it decides.
    pub(crate) then: Outcome,
    /// For the customer's backend: Prelude's answer carries no reason.
    pub(crate) message: Option<Box<str>>,
    /// The line of its id in its file, from 1.
    pub(crate) line: usize,
    /// What its conditions look at, and those of the rules above it in its file: all that was looked at once it is tried.
    pub(crate) looks_at: FieldSet,
    /// When it is there at all.
    pub(crate) active: Active,
    /// Whether it decides.
    pub(crate) part: Part,
}

impl Rule {
    /// Whether the rule decides about every request that comes as far as to it.
    pub(crate) fn takes_all(&self) -> bool {
        self.when == Condition::Always && self.active == Active::default() && !self.observes()
    }

    /// Whether the rule is only noted, and never decides.
    pub(crate) fn observes(&self) -> bool {
        self.part == Part::Observes
    }
}

/// The time in which a rule is there; outside of it no request matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Active {
    /// From this moment on.
    pub(crate) from: Option<Timestamp>,
    /// Up to this moment, which is excluded.
    pub(crate) until: Option<Timestamp>,
}

impl Active {
    /// Whether the rule is there at that moment.
    pub(crate) fn includes(self, moment: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= moment) && self.until.is_none_or(|until| moment < until)
    }
}

/// What a rule does when it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// It decides.
    Decides,
    /// It is noted, and the next rule is tried (`observe: true`).
    Observes,
}
