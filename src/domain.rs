//! The vocabulary that every room speaks: values that are right once they exist, and no IO.
//!
//! Each type is built by a checking constructor, so a function that takes a [`Scope`] or an [`Amount`] never checks
//! it again. Names are Prelude's own (`docs/CONTRACT.md`).

mod access;
mod activation;
mod actor;
mod caller;
mod causes;
mod chain;
mod challenge;
mod decision;
mod desk;
mod desk_fault;
mod facts;
mod history;
mod ids;
mod key_action;
mod key_terms;
mod mask;
mod metadata;
mod money;
mod outage;
mod pointer;
mod prelude_event;
mod provider;
mod provider_source;
mod record;
mod redemption;
mod reported_fact;
mod retention;
#[cfg(test)]
pub(crate) mod shape;
mod stored;
mod time;
mod verdict;
mod verification;

pub(crate) use access::{AccessAction, AccessRecord, StoredAccess};
pub(crate) use activation::{ActivationRecord, StoredActivation, Trigger};
pub(crate) use actor::Actor;
pub(crate) use caller::{ApiKeyRecord, Approver, Caller, Role};
pub(crate) use causes::causes;
pub(crate) use chain::{Anchor, Audited, ChainFault, ChainHead, Checkpoint, Tampering};
pub(crate) use challenge::{Challenge, ChallengeStep};
pub(crate) use decision::{BundleHash, Decision, Reason, ReasonKind, RulePlace, Seen};
pub(crate) use desk::{
    DESK_ENTRIES_MAX, Desk, DeskAct, DeskAction, DeskActionFilter, DeskChange, DeskDeed, DeskEntry,
    DeskRevision, Effect, Left, Pause, PauseTold, Said,
};
pub(crate) use desk_fault::{DESK_ENTRY_CHARS_MAX, DeskFault, EntryFault};
pub(crate) use facts::{Facts, Identifier, IdentifierKind, Platform, Signals};
pub(crate) use history::{
    Asker, Counts, DailySums, Executions, HISTORY_KEPT, History, HistoryNeed, LONGEST_USE, Measure,
    NEEDS_MAX, Needs, PastCall, PastEvent, PastFact, PastRejection, Period, Scopes, SettledCalls, Subject,
    SubjectKey, Sum, Tally, Traits, Window, Zone,
};
pub(crate) use ids::{
    ApiKeyId, ChallengeId, Decider, DecisionId, FactId, FactKind, GivenReason, IdFault, Jti, Kid, ListName,
    Reference, RuleId, Scope, SessionId, SourceName, StepKey, UserId, VerificationId,
};
pub(crate) use key_action::{
    KeyAct, KeyAction, KeyChange, KeyDeed, KeyLedger, KeyOutcome, KeyRevision, ResealedSecret, SealedSecret,
};
pub(crate) use key_terms::{KEYS_STALE_AFTER, KeyTerms, PRELUDE_KEEPS_KEY_SET, TOKEN_LIFE_SECONDS_MAX};
pub(crate) use mask::{mask_identifier, mask_ip, masked_metadata, masked_parts, push_masked_ip};
pub(crate) use metadata::{Metadata, MetadataFault};
pub(crate) use money::{Amount, Currency, by_value};
pub(crate) use outage::{Outage, Trouble};
pub(crate) use pointer::Pointer;
pub(crate) use prelude_event::{
    ErasureWish, EventContent, PRELUDE_FACTS, PreludeEffect, PreludeEvent, PreludeEventRecord, PreludeNews,
    PreludeRecorded,
};
pub(crate) use provider::{
    Became, EventId, Match, ProviderCall, ProviderEvent, ProviderOutcome, ProviderRight,
};
pub(crate) use provider_source::{
    GenericSigning, OutcomeWords, Overrides, Scheme, SecretBytes, SignatureText, Signed, SignedHash,
    SourceSpec,
};
pub(crate) use record::{
    ChallengeProof, DecisionRecord, MintRecord, Recorded, ReviewFound, ReviewQuery, SignatureHash,
    SignatureSeen, SigningKeyRecord, StoredToken, VerdictTally,
};
pub(crate) use redemption::{FieldKeys, GrantFound, NotSpent, Redemption, Spending};
pub(crate) use reported_fact::ReportedFact;
pub(crate) use retention::{Hold, Kept, Past, PreludeKey, RetentionTerms, Thumbprint, in_days};
pub(crate) use stored::{DecisionFilter, DecisionPage, StoredDecision, StoredPersonal};
pub(crate) use time::{Seconds, Timestamp};
pub(crate) use verdict::{Grant, GrantMode, Step, StepPlan, Verdict, VerdictKind};
pub(crate) use verification::{
    Decided, EventKind, Opening, StepOutcome, StoredEvent, Verification, VerificationFilter,
    VerificationState, Withdrawal, Withdrawn, WithdrawnOf,
};

/// The step keys that Prelude itself carries out (docs/CONTRACT.md C4.6).
pub(crate) const MANAGED_STEPS: [&str; 3] = ["verify_sms", "verify_email", "verify_passkey"];

/// Prelude's word for a challenge whose steps are all done; no step may be called that (docs/CONTRACT.md C4.7).
pub(crate) const COMPLETED: &str = "completed";
