//! How long what is recorded is kept.

use crate::config::option::{Absent, Opt};
use crate::config::shape::KeptFor;
use crate::domain::RetentionTerms;

use super::super::layers::Merged;

const fn option(
    key: &'static str,
    doc: &'static str,
    default: &'static str,
    min: &'static str,
) -> Opt<KeptFor> {
    Opt { key, doc, absent: Absent::Default(default), shape: KeptFor { min } }
}

pub(in crate::config) static DECISIONS: Opt<KeptFor> = option(
    "retention.decisions",
    "How long a verdict and why it was given are kept. Five years is what anti-money-laundering law asks of banks in the EU. Nothing \
     goes that can still be walked, executed or approved, nor anything of a user on legal hold (`doorstep holds`).",
    "1830d",
    "30d",
);

pub(in crate::config) static PERSONAL_VALUES: Opt<KeptFor> = option(
    "retention.personal_values",
    "How long the masked personal values of decisions, and the metadata of verifications, are kept: who disputes a payment in the EU \
     has 13 months. The verdict stays, and its keyed digests.",
    "400d",
    "1d",
);

pub(in crate::config) static ERASED_USERS: Opt<KeptFor> = option(
    "retention.erased_users",
    "How long decisions about a user who was erased are kept, where that is shorter: as long as the longest window of a limit counts \
     them. With them go the user's id and keyed digests.",
    "420d",
    "30d",
);

pub(in crate::config) static REDEMPTIONS: Opt<KeptFor> = option(
    "retention.redemptions",
    "How long it is kept that a grant was spent; never shorter than the decisions.",
    "1830d",
    "30d",
);

pub(in crate::config) static VERIFICATIONS: Opt<KeptFor> = option(
    "retention.verifications",
    "How long custom steps are kept after their time ended: who approved or rejected them, their events, tokens and providers' calls, \
     and approvals that came late.",
    "1830d",
    "30d",
);

pub(in crate::config) static FACTS: Opt<KeptFor> = option(
    "retention.facts",
    "How long reported facts are kept: no policy can ask for older ones than 400 days.",
    "420d",
    "1d",
);

pub(in crate::config) static PRELUDE_EVENTS: Opt<KeptFor> = option(
    "retention.prelude_events",
    "How long the digests of Prelude's events are kept, by which one that comes again is known. Prelude repeats for two weeks; one that \
     says that it happened before this time changes nothing of what policies see.",
    "90d",
    "30d",
);

pub(in crate::config) static ACCESSES: Opt<KeptFor> = option(
    "retention.accesses",
    "How long it is kept who looked at the record. PCI DSS asks for a year.",
    "730d",
    "30d",
);

pub(in crate::config) static DESK_ACTIONS: Opt<KeptFor> = option(
    "retention.desk_actions",
    "How long it is kept what the fraud desk did: it explains decisions of that time. What still holds stays.",
    "1830d",
    "30d",
);

pub(in crate::config) static ACTIVATIONS: Opt<KeptFor> = option(
    "retention.activations",
    "How long it is kept which policy came into force when. The policies' texts, which explain decisions, are kept for ever.",
    "1830d",
    "30d",
);

pub(in crate::config) static SIGNATURES: Opt<KeptFor> = option(
    "retention.signatures",
    "How long the hashes of calls' signatures are kept after Prelude withdrew the key that made them. As long as the key is in its set \
     they are kept in any case. Afterwards a key that comes back is not believed.",
    "30d",
    "2d",
);

/// All of them.
pub(in crate::config) fn terms(merged: &Merged) -> Option<RetentionTerms> {
    Some(RetentionTerms {
        decisions: merged.get(&DECISIONS)?,
        personal_values: merged.get(&PERSONAL_VALUES)?,
        erased_users: merged.get(&ERASED_USERS)?,
        redemptions: merged.get(&REDEMPTIONS)?,
        verifications: merged.get(&VERIFICATIONS)?,
        facts: merged.get(&FACTS)?,
        prelude_events: merged.get(&PRELUDE_EVENTS)?,
        accesses: merged.get(&ACCESSES)?,
        desk_actions: merged.get(&DESK_ACTIONS)?,
        activations: merged.get(&ACTIVATIONS)?,
        signatures: merged.get(&SIGNATURES)?,
    })
}
