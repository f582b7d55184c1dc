//! The chain over recorded decisions.

use super::DecisionId;

/// The last decision of a chain, or of a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChainHead {
    /// Which chain: it has its first decision's id for a name.
    pub(crate) chain: DecisionId,
    /// How many decisions it has so far.
    pub(crate) number: i64,
    /// SHA-256 over the last one and, by the hash before it, over all of them.
    pub(crate) hash: [u8; 32],
}
