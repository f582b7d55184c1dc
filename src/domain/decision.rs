//! A verdict with everything needed to explain it later.

use std::fmt;

use super::{DeskRevision, RuleId, Verdict};

/// The SHA-256 of a bundle's text: names exactly the policy that decided.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BundleHash([u8; 32]);

impl BundleHash {
    /// Takes a SHA-256 digest.
    pub(crate) const fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for BundleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BundleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a verdict is what it is, apart from the rule that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A rule matched.
    RuleMatched,
    /// No rule matched; the scope's `otherwise` decided.
    Otherwise,
    /// No policy file covers the scope.
    ScopeNotCovered,
    /// The metadata breaks the scope's schema: a message such as `metadata.amount: not a decimal`, which names the
    /// field and the fault and quotes nothing.
    MetadataRefused(Box<str>),
    /// The fraud desk paused the scope.
    ScopePaused,
    /// The scope's rules convert money, and the exchange rates were too old for that when the request arrived.
    RatesExpired,
    /// A rule matched, but this user cannot walk its plan here; the plan's `else` decided.
    PlanNotWalkable,
    /// The scope's rules ask about the past, and what was handed in answers other questions: no rule was tried.
    HistoryMissing,
}

/// A reason without what is special about one call: few words, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReasonKind {
    /// [`Reason::RuleMatched`].
    RuleMatched,
    /// [`Reason::Otherwise`].
    Otherwise,
    /// [`Reason::ScopeNotCovered`].
    ScopeNotCovered,
    /// [`Reason::MetadataRefused`].
    MetadataRefused,
    /// [`Reason::ScopePaused`].
    ScopePaused,
    /// [`Reason::RatesExpired`].
    RatesExpired,
    /// [`Reason::PlanNotWalkable`].
    PlanNotWalkable,
    /// [`Reason::HistoryMissing`].
    HistoryMissing,
}

impl ReasonKind {
    /// Every kind, in the order of their declaration.
    pub(crate) const ALL: [Self; 8] = [
        Self::RuleMatched,
        Self::Otherwise,
        Self::ScopeNotCovered,
        Self::MetadataRefused,
        Self::ScopePaused,
        Self::RatesExpired,
        Self::PlanNotWalkable,
        Self::HistoryMissing,
    ];

    /// The code in records and metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::RuleMatched => "rule_matched",
            Self::Otherwise => "otherwise",
            Self::ScopeNotCovered => "scope_not_covered",
            Self::MetadataRefused => "metadata_refused",
            Self::ScopePaused => "scope_paused",
            Self::RatesExpired => "rates_expired",
            Self::PlanNotWalkable => "plan_not_walkable",
            Self::HistoryMissing => "history_missing",
        }
    }
}

impl Reason {
    /// What kind of reason it is.
    pub(crate) const fn kind(&self) -> ReasonKind {
        match self {
            Self::RuleMatched => ReasonKind::RuleMatched,
            Self::Otherwise => ReasonKind::Otherwise,
            Self::ScopeNotCovered => ReasonKind::ScopeNotCovered,
            Self::ScopePaused => ReasonKind::ScopePaused,
            Self::MetadataRefused(_) => ReasonKind::MetadataRefused,
            Self::RatesExpired => ReasonKind::RatesExpired,
            Self::PlanNotWalkable => ReasonKind::PlanNotWalkable,
            Self::HistoryMissing => ReasonKind::HistoryMissing,
        }
    }
}

/// As stored and shown: a code, or the metadata fault's own words.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MetadataRefused(fault) => fault,
            other => other.kind().as_str(),
        })
    }
}

/// Where a rule stands in its bundle: those before every scope first, then file by file, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RulePlace(pub(crate) usize);

/// What the conditions saw, ready to be stored: rendered once, when a decision is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    /// A JSON object: each field that a condition looked at, once, with its value; personal values masked, an absent
    /// field null.
    pub(crate) values_json: String,
    /// One character a condition, in file order up to the rule that decided: `1` held, `0` did not. With the bundle's
    /// text it tells every condition's outcome.
    pub(crate) outcomes: String,
}

/// A verdict and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The answer.
    pub(crate) verdict: Verdict,
    /// The rule that decided, where one did.
    pub(crate) rule: Option<RuleId>,
    /// Where that rule stands.
    pub(crate) place: Option<RulePlace>,
    /// Why.
    pub(crate) reason: Reason,
    /// What the conditions saw.
    pub(crate) seen: Seen,
    /// What the fraud desk said then.
    pub(crate) desk: DeskRevision,
}
