//! The kinds of policy files.

use super::Shape;
use crate::policy::grants::keys::GRANTS;
use crate::policy::rates::keys::RATES;
use crate::policy::scope_file::keys::{ALWAYS, SCOPE_FILE};
use crate::policy::steps::keys::STEPS_FILE;
use crate::policy::suite::keys::TESTS_FILE;

/// A kind of policy file, as it is asked for and as its schema is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// What happens to requests for some scopes.
    Scope,
    /// `always.yaml`.
    Always,
    /// `steps.yaml`.
    Steps,
    /// `grants.yaml`.
    Grants,
    /// `rates.yaml`.
    Rates,
    /// Tests, `tests/*.yaml`.
    Tests,
}

impl FileKind {
    /// All of them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Scope, Self::Always, Self::Steps, Self::Grants, Self::Rates, Self::Tests];

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::Always => "always",
            Self::Steps => "steps",
            Self::Grants => "grants",
            Self::Rates => "rates",
            Self::Tests => "tests",
        }
    }

    /// Finds a kind by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What stands in such a file.
    pub(super) const fn shape(self) -> Shape {
        match self {
            Self::Scope => Shape::Keys(&SCOPE_FILE),
            Self::Always => Shape::Keys(&ALWAYS),
            Self::Steps => Shape::Keys(&STEPS_FILE),
            Self::Grants => Shape::Keys(&GRANTS),
            Self::Rates => Shape::Keys(&RATES),
            Self::Tests => TESTS_FILE,
        }
    }
}
