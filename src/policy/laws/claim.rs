//! A condition's leaf, and whether it is said to hold.

use crate::policy::condition::{Leaf, Listed, Test};

/// Whether something is said to hold or said not to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    Holds,
    Fails,
}

impl Claim {
    pub(super) const fn opposite(self) -> Self {
        match self {
            Self::Holds => Self::Fails,
            Self::Fails => Self::Holds,
        }
    }
}

/// A leaf that holds, or that does not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Literal<'c> {
    pub(super) leaf: &'c Leaf,
    pub(super) claim: Claim,
}

impl Literal<'_> {
    /// Whether the literal is true of a request that lacks the field.
    pub(super) fn is_true_when_absent(&self) -> bool {
        self.leaf.when_absent == self.holds()
    }

    pub(super) fn holds(&self) -> bool {
        self.claim == Claim::Holds
    }

    /// How many values or ranges it lists.
    pub(super) fn width(&self) -> usize {
        match &self.leaf.test {
            Test::OneOf(texts) => texts.len(),
            Test::InRange(set) => set.len(),
            Test::Listed(Listed::Mapped(_, wanted)) => wanted.values.len(),
            _ => 0,
        }
    }
}
