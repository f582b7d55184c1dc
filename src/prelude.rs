//! All that Prelude says or hears; the only room that knows Prelude's JSON.
//!
//! A hook call becomes a [`SignedCall`] (`signature`) and then facts (`hook`), both against a `HookKeySet`; a
//! challenge token becomes a challenge (`challenge`) against a `StepUpKeySet`; a batch of webhook events becomes news
//! (`events`), once the webhook was activated (`activation`). Both sets are fetched, kept and, when
//! they are too old, distrusted by a [`RemoteKeySet`]. What is read is read strictly (`json`): first the signature,
//! then the form, then the values.
//!
//! Prelude's own configuration is compared with what it should be (`registration`, `webhooks`), purely, and changed over
//! its management API (`management`); `reach` looks at our addresses as Prelude would find them.

mod activation;
mod challenge;
mod events;
mod hook;
mod json;
mod key_set;
mod management;
mod reach;
mod registration;
mod remote;
mod signature;
mod webhooks;

#[cfg(test)]
mod fixtures;

pub(crate) use activation::{ActivationFault, ActivationRequest};
#[cfg(feature = "testing")]
pub(crate) use challenge::judge as judge_unsigned;
pub(crate) use challenge::{ChallengeFault, Expectation, verify as verify_challenge};
#[cfg(feature = "testing")]
pub(crate) use events::read_body as read_unsigned_events;
#[cfg(test)]
pub(crate) use events::shape as event_shape;
pub(crate) use events::{EventsFault, read as read_events};
#[cfg(feature = "testing")]
pub(crate) use hook::read_body as read_unsigned;
#[cfg(test)]
pub(crate) use hook::shape::{self, HookAnswer};
pub(crate) use hook::{HookFault, HookFlaw, answer, read};
pub(crate) use key_set::{Ed25519Key, KeySet, PssKey, VerificationKey};
pub(crate) use management::{Management, ManagementCall, ManagementFault};
pub(crate) use reach::{LookFault, Seen, look};
pub(crate) use registration::{
    ConfigShape, HOOK_PATH, Held, JWKS_PATH, OldSteps, OtherKeySet, Plan, PlanLine, PlanObstacle, Wanted,
    plan,
};
pub(crate) use remote::{Endpoint, KeySetSnapshot, RemoteKeySet};
pub(crate) use signature::{SignatureFault, SignatureHeaders, SignedCall, verify as verify_call};
pub(crate) use webhooks::{WebhookPlan, plan_webhook};
