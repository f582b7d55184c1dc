//! Rules: an id, a condition and what it decides.

use super::condition::Condition;
use super::outcome::Outcome;
use crate::domain::RuleId;

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
}
