//! What approved verifications are about, remembered: a mint need not look that up, since it does not change.
//!
//! Whether a token may still be minted is not asked here: the statement that records the token asks that, in its transaction.
//! So whatever is remembered wrongly costs a refusal, never a token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{Opening, Verification, VerificationId, VerificationState};

/// How many are remembered at least, of those that came last; twice as many at most. Some 600 bytes each.
const REMEMBERED: usize = 4096;

/// Verifications that were approved when they were last seen.
#[derive(Debug, Default)]
pub(in crate::app) struct Approved(Mutex<Generations>);

/// What was known of erasures when a verification was looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Epoch(i64);

/// The younger ones take the older ones' place when they are enough.
#[derive(Debug, Default)]
struct Generations {
    /// The last erasure that was heard of.
    erasure: i64,
    young: HashMap<VerificationId, Arc<Opening>>,
    old: HashMap<VerificationId, Arc<Opening>>,
}

impl Approved {
    /// What is known of erasures now: told before a verification is looked up that is to be remembered.
    pub(super) fn epoch(&self) -> Epoch {
        self.with(|generations| Epoch(generations.erasure))
    }

    /// Forgets everybody, where somebody was erased since this was last told: who it was is nobody's to know.
    ///
    /// - `erasure`: the number of the last note of an erasure.
    pub(in crate::app) fn forget_before(&self, erasure: i64) {
        self.with(|generations| {
            if generations.erasure != erasure {
                *generations = Generations { erasure, ..Generations::default() };
            }
        });
    }

    /// Remembers a verification, if it is approved and was not withdrawn, unless somebody was erased since it was looked up.
    pub(super) fn remember(&self, found: &Verification, looked_up: Epoch) {
        if found.recorded_state != VerificationState::Approved || found.withdrawn.is_some() {
            return;
        }
        self.with(|generations| {
            if Epoch(generations.erasure) != looked_up {
                return;
            }
            if generations.young.len() >= REMEMBERED {
                generations.old = std::mem::take(&mut generations.young);
            }
            generations.young.insert(found.opening.id, Arc::new(found.opening.clone()));
        });
    }

    /// What a verification is about that was approved when it was last seen.
    pub(super) fn about(&self, id: VerificationId) -> Option<Arc<Opening>> {
        self.with(|generations| generations.young.get(&id).or_else(|| generations.old.get(&id)).cloned())
    }

    /// Forgets one of which no token could be minted: the next who asks looks at the record.
    pub(in crate::app) fn forget(&self, id: VerificationId) {
        self.with(|generations| {
            generations.young.remove(&id);
            generations.old.remove(&id);
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Generations) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        ApiKeyId, ChallengeId, ChallengeProof, Reference, Scope, StepKey, Timestamp, UserId,
    };

    fn approved(n: u8) -> Verification {
        let opened_at = Timestamp::from_unix_seconds(1_790_000_000);
        let opening = Opening {
            id: VerificationId::new(opened_at, [n; 10]),
            reference: Reference::from_random([n; 16]),
            source: None,
            challenge_id: ChallengeId::new("chl_1").expect("a challenge"),
            step_key: StepKey::new("kyc_review").expect("a step"),
            user_id: UserId::new("usr_1").expect("a user"),
            session_id: None,
            scope: Scope::new("transfer:write").expect("a scope"),
            metadata_json: Some(r#"{"amount":"10"}"#.to_owned()),
            decision_id: None,
            proof: ChallengeProof::ChallengeToken,
            opened_by: ApiKeyId::new("one").expect("an id"),
            opened_at,
            expires_at: opened_at.plus(std::time::Duration::from_secs(60)),
        };
        let recorded_state = VerificationState::Approved;
        Verification { seq: 1, opening, version: 2, recorded_state, decided: None, withdrawn: None }
    }

    #[test]
    fn who_is_erased_is_forgotten_and_what_was_looked_up_before_is_not_remembered() {
        let (memory, one, other) = (Approved::default(), approved(1), approved(2));
        memory.forget_before(7);
        memory.remember(&one, memory.epoch());
        memory.forget_before(7);
        assert!(memory.about(one.opening.id).is_some(), "nobody was erased");
        let looked_up = memory.epoch();
        memory.forget_before(8);
        assert!(memory.about(one.opening.id).is_none());
        memory.remember(&other, looked_up);
        assert!(memory.about(other.opening.id).is_none(), "it may hold what was erased meanwhile");
        memory.remember(&other, memory.epoch());
        assert!(memory.about(other.opening.id).is_some());
    }
}
