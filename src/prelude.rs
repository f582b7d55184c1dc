//! All that Prelude says or hears; the only room that knows Prelude's JSON.
//!
//! A hook call becomes a [`SignedCall`] (`signature`) and then facts (`hook`), both against a `HookKeySet`; a
//! challenge token becomes a challenge (`challenge`) against a `StepUpKeySet`. Both sets are fetched, kept and, when
//! they are too old, distrusted by a [`RemoteKeySet`]. What is read is read strictly (`json`): first the signature,
//! then the form, then the values.

mod challenge;
mod hook;
mod json;
mod key_set;
mod remote;
mod signature;

#[cfg(test)]
mod fixtures;

#[cfg(feature = "testing")]
pub(crate) use challenge::judge as judge_unsigned;
pub(crate) use challenge::{ChallengeFault, Expectation, verify as verify_challenge};
#[cfg(feature = "testing")]
pub(crate) use hook::read_body as read_unsigned;
pub(crate) use hook::{HookFault, answer, read};
pub(crate) use key_set::{Ed25519Key, KeySet, PssKey, VerificationKey};
pub(crate) use remote::{Endpoint, KeySetSnapshot, RemoteKeySet};
pub(crate) use signature::{SignatureFault, SignatureHeaders, SignedCall, verify as verify_call};
