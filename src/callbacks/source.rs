//! A configured provider: what it may finish, and how its calls become events.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};

use super::document::Document;
use super::meaning::Meaning;
use super::schemes;
use super::signing::{Headers, Keys, Signing};
use crate::domain::{EventId, ProviderEvent, SourceName, SourceSpec, StepKey, Timestamp};

/// Why a call is no event. Callers are told two things, whether it was signed and whether it could be read; metrics and
/// logs tell all of these apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallbackFault {
    /// A header that the scheme signs with is absent.
    #[error("the call carries no signature")]
    Unsigned,
    /// A header that is there twice, too long, or not what the scheme writes.
    #[error("the signature headers are malformed")]
    Malformed,
    /// None of the secrets made any of the signatures over these bytes.
    #[error("the signature does not fit the call")]
    WrongSignature,
    /// Signed, but too long ago, or ahead of our clock.
    #[error("the call was signed at another time")]
    Stale,
    /// Signed, but not a JSON document, or one with a doubled key.
    #[error("the signed body is not a JSON document")]
    NotAnEvent,
}

impl CallbackFault {
    /// Every fault.
    pub(crate) const ALL: [Self; 5] =
        [Self::Unsigned, Self::Malformed, Self::WrongSignature, Self::Stale, Self::NotAnEvent];

    /// The fault's name in metrics and logs.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Unsigned => "missing_signature",
            Self::Malformed => "malformed_signature",
            Self::WrongSignature => "wrong_signature",
            Self::Stale => "stale_signature",
            Self::NotAnEvent => "not_an_event",
        }
    }
}

/// A provider that may finish steps.
pub(crate) struct Source {
    name: SourceName,
    steps: Vec<StepKey>,
    keys: Vec<Keys>,
    signing: Signing,
    meaning: Meaning,
}

impl Source {
    /// Prepares a source for use.
    pub(crate) fn new(spec: &SourceSpec) -> Self {
        Self {
            name: spec.name.clone(),
            steps: spec.steps.clone(),
            keys: spec.secrets.iter().map(Keys::of).collect(),
            signing: schemes::signing(spec.scheme, spec.signing.as_ref()),
            meaning: Meaning::new(
                schemes::dialect(spec.scheme),
                spec.words.as_ref(),
                &spec.overrides,
                &spec.requires,
            ),
        }
    }

    /// The name that it is configured under.
    pub(crate) const fn name(&self) -> &SourceName {
        &self.name
    }

    /// The steps that it may finish.
    pub(crate) fn steps(&self) -> &[StepKey] {
        &self.steps
    }

    /// Verifies a call and reads what it says.
    ///
    /// Nothing in the body is parsed before its signature held. An outcome is only ever other than pending where every
    /// required value holds and the provider's word is a known one.
    ///
    /// - `headers`: names in any case and values, as they came; one that counts and is there twice is refused.
    /// - `body`: the raw bytes, bounded by whoever received them.
    /// - `now`: for schemes with a timestamp, which may be five minutes off either way.
    ///
    /// # Errors
    /// [`CallbackFault`]. Nothing was learnt from the body then.
    pub(crate) fn read(
        &self,
        headers: &[(&str, &str)],
        body: &[u8],
        now: Timestamp,
    ) -> Result<ProviderEvent, CallbackFault> {
        let in_header = self.signing.verify(&self.keys, Headers(headers), body, now)?;
        let document = Document::parse(body).ok_or(CallbackFault::NotAnEvent)?;
        let reading = self.meaning.read(&document);
        let body_sha256 = sha256(body);
        Ok(ProviderEvent {
            id: in_header.or(reading.id).unwrap_or_else(|| EventId::of_body(body_sha256)),
            body_sha256,
            reference: reading.reference,
            outcome: reading.outcome,
            happened_at: reading.happened_at,
            matches: reading.matches,
        })
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("name", &self.name).field("steps", &self.steps).finish_non_exhaustive()
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    // INVARIANT: a SHA-256 has 32 bytes, so nothing is cut and nothing left over.
    hash.iter_mut().zip(digest(&SHA256, bytes).as_ref()).for_each(|(to, from)| *to = *from);
    hash
}

/// Every configured provider, by name.
#[derive(Debug, Default)]
pub(crate) struct Providers(BTreeMap<SourceName, Source>);

impl Providers {
    /// Prepares all of them.
    pub(crate) fn new(specs: &[SourceSpec]) -> Self {
        Self(specs.iter().map(|spec| (spec.name.clone(), Source::new(spec))).collect())
    }

    /// The source of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Source> {
        self.0.get(name)
    }

    /// Every source, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.values()
    }
}
