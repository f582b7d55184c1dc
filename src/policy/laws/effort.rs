//! How much may be spent on holding the rules of a file against each other: pairs of rules, of their cases and of what
//! those compare multiply, and no file may keep the checker busy for minutes.

use std::cell::Cell;

/// What may be spent on one file: seconds. A file of two thousand ordinary rules needs a fifth of it.
const MOST: u64 = 200_000_000;

/// What is left, in comparisons.
#[derive(Debug)]
pub(crate) struct Effort(Cell<u64>);

impl Default for Effort {
    fn default() -> Self {
        Self(Cell::new(MOST))
    }
}

impl Effort {
    /// Spends some; `false` when there is not as much left.
    pub(super) fn spend(&self, comparisons: usize) -> bool {
        let left = self.0.get().saturating_sub(u64::try_from(comparisons).unwrap_or(u64::MAX));
        self.0.set(left);
        left > 0
    }

    /// Whether nothing is left.
    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}
