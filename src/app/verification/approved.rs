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

/// The younger ones take the older ones' place when they are enough.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<VerificationId, Arc<Opening>>,
    old: HashMap<VerificationId, Arc<Opening>>,
}

impl Approved {
    /// Remembers a verification, if it is approved and was not withdrawn.
    pub(super) fn remember(&self, found: &Verification) {
        if found.recorded_state != VerificationState::Approved || found.withdrawn.is_some() {
            return;
        }
        self.with(|generations| {
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
