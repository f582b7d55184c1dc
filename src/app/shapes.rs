//! What the API takes and answers, with an example of each: for its description, which tests write.

pub(crate) use super::accesses::example as accesses;
pub(crate) use super::decisions::example as decisions;
pub(crate) use super::desk::{acting_example as desk_requests, shown_example as desk};
pub(crate) use super::evaluate::example as evaluate;
pub(crate) use super::facts::example as facts;
pub(crate) use super::policies::example as policies;
pub(crate) use super::readiness::example as readiness;
pub(crate) use super::redeem::example as grants;
pub(crate) use super::verification::{
    mint_example as tokens, request_example as verification_requests, shown_example as verifications,
    withdraw_example as withdrawals,
};

/// Our key set, as Prelude reads it.
pub(crate) fn key_set() -> serde_json::Value {
    crate::keys::example_key_set()
}
