//! What the store keeps: of a hook call, of a token, of a signing key.

use std::fmt;
use std::sync::Arc;

use super::{
    Amount, ApiKeyId, BundleHash, ChallengeId, Currency, DecisionId, DeskRevision, Jti, Kid, ReasonKind,
    RuleId, RulePlace, Scope, StepKey, Subject, SubjectKey, Timestamp, UserId, VerdictKind, VerificationId,
};

/// The SHA-256 of a signature's decoded bytes: tells a repeated call from a new one (docs/CONTRACT.md C3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SignatureHash(pub(crate) [u8; 32]);

/// A signature that was verified, and the key that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignatureSeen {
    /// What makes the call unique.
    pub(crate) hash: SignatureHash,
    /// Prelude's key: the signature is remembered as long as that key is in Prelude's set.
    pub(crate) kid: Kid,
}

/// Everything that is kept of one verdict. Personal values are masked before they get here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecisionRecord {
    /// Names the record.
    pub(crate) id: DecisionId,
    /// When the call reached us.
    pub(crate) received_at: Timestamp,
    /// Who asked.
    pub(crate) user_id: UserId,
    /// For what.
    pub(crate) scope: Scope,
    /// What was answered.
    pub(crate) verdict: VerdictKind,
    /// The rule that decided, where one did.
    pub(crate) rule: Option<RuleId>,
    /// Why, as code or words.
    pub(crate) reason: String,
    /// The policy that decided.
    pub(crate) bundle: BundleHash,
    /// What the fraud desk said then.
    pub(crate) desk: DeskRevision,
    /// The step keys of a review in walking order, separated by one blank; a key has none.
    pub(crate) step_keys: Option<String>,
    /// Until when a review can be walked: the call plus its steps' durations.
    pub(crate) walkable_until: Option<Timestamp>,
    /// The answer's exact bytes, which a repeated call gets again.
    pub(crate) answer: String,
    /// Until when a continue or review can still be executed: the call plus its steps' and its grant's durations.
    pub(crate) usable_until: Option<Timestamp>,
    /// Who and what the call was about, as keyed digests, for later calls to be compared with.
    pub(crate) subjects: Vec<(Subject, SubjectKey)>,
    /// The call's money: name, amount and currency.
    pub(crate) money: Vec<(Arc<str>, Amount, Currency)>,
    /// Random bytes, kept and erased with the personal values: metadata, context and what the conditions saw.
    pub(crate) salt: [u8; 16],
    /// JSON object: the metadata, `identifier` masked.
    pub(crate) metadata_json: String,
    /// Keyed digest of the exact metadata, for comparing without keeping what is masked.
    pub(crate) metadata_digest: [u8; 32],
    /// JSON object: platform, masked address and masked identifiers.
    pub(crate) context_json: String,
    /// JSON object: what the conditions saw.
    pub(crate) seen_json: String,
    /// One character a condition: `1` held, `0` did not.
    pub(crate) outcomes: String,
    /// How long the evaluation took, in nanoseconds.
    pub(crate) evaluation_ns: u32,
    /// The kind of the reason; it is not stored.
    pub(crate) reason_kind: ReasonKind,
    /// Where the rule stands that decided; it is not stored.
    pub(crate) place: Option<RulePlace>,
}

/// What is counted of a verdict once it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VerdictTally {
    /// What was answered.
    pub(crate) verdict: VerdictKind,
    /// Why.
    pub(crate) reason: ReasonKind,
    /// The rule that decided, where one did.
    pub(crate) place: Option<RulePlace>,
    /// How long the evaluation took, in nanoseconds.
    pub(crate) evaluation_ns: u32,
}

impl DecisionRecord {
    /// What is counted of it.
    pub(crate) const fn tally(&self) -> VerdictTally {
        VerdictTally {
            verdict: self.verdict,
            reason: self.reason_kind,
            place: self.place,
            evaluation_ns: self.evaluation_ns,
        }
    }
}

/// What became of a call that was handed to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// Recorded now: the record's own answer may leave.
    First,
    /// Decided and recorded now: this may leave.
    Decided {
        /// What is counted of it.
        tally: VerdictTally,
        /// The answer's exact bytes.
        answer: String,
    },
    /// The same signature came before, not longer than the repeat window ago: this was answered then.
    Repeat {
        /// The first answer's exact bytes.
        answer: String,
    },
    /// The same signature came before, longer ago than the repeat window: it is refused.
    TooOld,
    /// The fraud desk has acted since the verdict was made: it is not recorded and must not leave.
    Stale,
}

/// Which review a mint needs (docs/CONTRACT.md C6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReviewQuery {
    /// Of this user.
    pub(crate) user_id: UserId,
    /// For this scope.
    pub(crate) scope: Scope,
    /// Whose plan has this step.
    pub(crate) step: StepKey,
    /// The exact plan where a challenge token names it: the step keys in walking order, separated by one blank.
    pub(crate) step_keys: Option<String>,
    /// The digest of the exact metadata, where the challenge carries it.
    pub(crate) metadata_digest: Option<[u8; 32]>,
    /// The moment at which the review must still be walkable.
    pub(crate) now: Timestamp,
}

/// The newest review that fits a [`ReviewQuery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReviewFound {
    /// Which decision it was.
    pub(crate) decision_id: DecisionId,
    /// When it was asked for.
    pub(crate) received_at: Timestamp,
    /// Until when it can be walked; always after the query's `now`.
    pub(crate) walkable_until: Timestamp,
}

/// By what a challenge was known when a verification was opened for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChallengeProof {
    /// Prelude's own challenge token was verified.
    ChallengeToken,
    /// The customer's backend named the challenge and vouched for it.
    Vouched,
}

impl ChallengeProof {
    /// The word in the record.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ChallengeToken => "challenge_token",
            Self::Vouched => "vouched",
        }
    }

    /// Reads the word in the record.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::ChallengeToken, Self::Vouched].into_iter().find(|proof| proof.as_str() == text)
    }
}

/// A verification token that is about to leave: recorded first, so that none is out that nobody knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MintRecord {
    /// Names the token.
    pub(crate) jti: Jti,
    /// The key that signed it.
    pub(crate) kid: Kid,
    /// Who asked for it.
    pub(crate) api_key_id: ApiKeyId,
    /// The approved verification that it says is done: user, challenge and step are that one's.
    pub(crate) verification_id: VerificationId,
    /// `iat`.
    pub(crate) issued_at: Timestamp,
    /// `nbf`.
    pub(crate) not_before: Timestamp,
    /// `exp`.
    pub(crate) expires_at: Timestamp,
}

/// A recorded token: everything that its claims say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredToken {
    /// Names the token.
    pub(crate) jti: Jti,
    /// The key that signed it.
    pub(crate) kid: Kid,
    /// `sub`.
    pub(crate) user_id: UserId,
    /// For which challenge.
    pub(crate) challenge_id: ChallengeId,
    /// Which step it says is done.
    pub(crate) step_key: StepKey,
    /// For what.
    pub(crate) scope: Scope,
    /// The verification that it came from; none for tokens from before there were any.
    pub(crate) verification_id: Option<VerificationId>,
    /// Whether it could still be minted: neither is its verification withdrawn nor its scope paused.
    pub(crate) is_grantable: bool,
    /// `iat`.
    pub(crate) issued_at: Timestamp,
    /// `nbf`.
    pub(crate) not_before: Timestamp,
    /// `exp`.
    pub(crate) expires_at: Timestamp,
}

/// One of our signing keys as it is kept: times, never a state, and the private part only sealed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SigningKeyRecord {
    /// RFC 7638 thumbprint.
    pub(crate) kid: Kid,
    /// `n`, base64url without padding.
    pub(crate) modulus: String,
    /// `e`, base64url without padding.
    pub(crate) exponent: String,
    /// Size of the modulus.
    pub(crate) bits: u32,
    /// The private key, sealed and bound to its `kid`; empty once it was thrown away.
    pub(crate) sealed_private_key: Vec<u8>,
    /// From when it stands in our key set.
    pub(crate) publish_at: Timestamp,
    /// From when it signs.
    pub(crate) activate_at: Timestamp,
    /// From when it no longer stands in our key set.
    pub(crate) retire_at: Option<Timestamp>,
    /// When it was withdrawn.
    pub(crate) revoked_at: Option<Timestamp>,
    /// When it was made.
    pub(crate) created_at: Timestamp,
}

impl SigningKeyRecord {
    /// Whether the private part is still there.
    pub(crate) const fn has_private_key(&self) -> bool {
        !self.sealed_private_key.is_empty()
    }

    /// The order of keys everywhere: by activation, and by name where two activate at once.
    pub(crate) const fn order(&self) -> (Timestamp, &Kid) {
        (self.activate_at, &self.kid)
    }
}

/// Without the sealed key: even sealed it has no place in a log.
impl fmt::Debug for SigningKeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeyRecord")
            .field("kid", &self.kid)
            .field("bits", &self.bits)
            .field("publish_at", &self.publish_at)
            .field("activate_at", &self.activate_at)
            .field("retire_at", &self.retire_at)
            .field("revoked_at", &self.revoked_at)
            .finish_non_exhaustive()
    }
}
