//! What a rule has besides its condition and outcome.

use super::Asked;

/// What a rule has besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extra {
    None,
    /// Active up to the day of the earlier requests.
    Ends,
    /// Active from the day after.
    Begins,
    Observes,
}

impl Extra {
    pub(super) const ALL: [Self; 6] =
        [Self::None, Self::None, Self::None, Self::Ends, Self::Begins, Self::Observes];

    pub(super) fn yaml(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Ends => ", active: { until: 2026-09-21 }",
            Self::Begins => ", active: { from: 2026-09-22 }",
            Self::Observes => ", observe: true",
        }
    }

    pub(super) fn decides(self, asked: &Asked) -> bool {
        match self {
            Self::None => true,
            Self::Ends => !asked.is_late,
            Self::Begins => asked.is_late,
            Self::Observes => false,
        }
    }
}
