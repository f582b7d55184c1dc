//! Why a bundle whose files are right cannot come into force here all the same.

use std::fmt;

use crate::policy::DeskMisfits;

/// What stands in a bundle's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The fraud desk says something for which it has no place.
    Desk(DeskMisfits),
}

impl Obstacle {
    /// Its stable code.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Desk(_) => "desk_misfit",
        }
    }

    /// What is wrong.
    pub(super) const fn message(&self) -> &'static str {
        match self {
            Self::Desk(_) => "the fraud desk has entries for which these files have no place",
        }
    }

    /// The way out.
    pub(super) fn help(&self) -> String {
        match self {
            Self::Desk(misfits) => misfits.to_string(),
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.message(), self.help())
    }
}
