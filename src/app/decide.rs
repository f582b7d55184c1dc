//! A hook call becomes a recorded verdict.

mod counts;
mod judge;

use std::sync::Arc;

use tracing::Instrument as _;

pub(super) use self::counts::VerdictCounts;
use self::judge::Judge;
use super::App;
use crate::domain::{DecisionId, Facts, History, Recorded, Timestamp};
use crate::prelude::{HookFault, SignatureFault, SignatureHeaders, SignedCall, read, verify_call};
use crate::random::{NoRandomness, draw_two};
use crate::spans;
use crate::store::StoreError;

/// How often a call is decided before it is given up because the fraud desk acts in between.
const DESK_TRIES_MAX: usize = 5;

/// Why a call is not taken for Prelude's. To the caller all but the last are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallRefusal {
    /// The signature or what belongs to it is missing, malformed, unknown or wrong.
    #[error(transparent)]
    Signature(#[from] SignatureFault),
    /// No key set of Prelude's is trusted now, so nothing can be verified.
    #[error("no trusted key set of Prelude's is there")]
    NoTrustedKeySet,
}

/// Why a genuine call got no verdict. In each case nothing was granted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecideError {
    /// The body breaks the contract.
    #[error(transparent)]
    Body(#[from] HookFault),
    /// The same signature came before, longer ago than a retry would.
    #[error("this very call came before, too long ago to be a retry")]
    OldRepeat,
    /// The verdict could not be recorded.
    #[error("the verdict could not be recorded")]
    NotRecorded(#[source] StoreError),
    /// The verdict could not be recorded in time; it may still be, and a retry of the same call then gets it.
    #[error("the verdict was not recorded in time")]
    TooLate,
    /// The fraud desk acts faster than verdicts can be made.
    #[error("the fraud desk acted again and again while the verdict was made")]
    DeskMoves,
    /// No id could be drawn.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

impl App {
    /// Verifies that a call is Prelude's, before anything of it is parsed.
    ///
    /// An unknown `kid` has the key set fetched again, at most once in a few seconds whatever outsiders send.
    ///
    /// # Errors
    /// [`CallRefusal`]; the body was not looked at.
    ///
    /// # Reference
    /// docs/CONTRACT.md C3.
    pub(crate) async fn verify_call(
        &self,
        headers: SignatureHeaders<'_>,
        body: &[u8],
    ) -> Result<SignedCall, CallRefusal> {
        let keys = self.parts.hook_keys.trusted(self.now()).ok_or(CallRefusal::NoTrustedKeySet)?;
        let call = match verify_call(headers, body, &keys) {
            Err(SignatureFault::UnknownKey) => {
                let newer = self.newer_key_set(&self.parts.hook_keys, &keys).await;
                let newer = newer.ok_or(SignatureFault::UnknownKey)?;
                verify_call(headers, body, &newer)?
            }
            verified => verified?,
        };
        if self.retired_keys.made(&call) { Err(SignatureFault::RetiredKey.into()) } else { Ok(call) }
    }

    /// Decides a genuine call and records the verdict; returns the answer's exact bytes once the record is durable.
    ///
    /// A call whose signature came before gets its first answer again for ten minutes and makes no second record.
    ///
    /// # Errors
    /// [`DecideError`]; nothing was granted, and apart from `TooLate` nothing was recorded.
    pub(crate) async fn decide(&self, call: &SignedCall) -> Result<String, DecideError> {
        // On the heap, or every future around it would carry its five KiB from call to call.
        let deciding = Box::pin(self.decide_under_the_desk(call, self.now())).instrument(spans::decide());
        tokio::time::timeout(self.parts.settings.decide_deadline, deciding).await.unwrap_or_else(|_| {
            self.parts.store.was_late();
            Err(DecideError::TooLate)
        })
    }

    /// Decides with what the fraud desk is known to say, and again where it has acted since.
    async fn decide_under_the_desk(
        &self,
        call: &SignedCall,
        received_at: Timestamp,
    ) -> Result<String, DecideError> {
        for _ in 0..DESK_TRIES_MAX {
            let (judge, counts) = self.judge(read(call, received_at)?)?;
            let desk = judge.desk();
            match self.record(call, judge).await.map_err(DecideError::NotRecorded)? {
                Recorded::Decided { tally, answer } => {
                    counts.count(tally);
                    return Ok(answer);
                }
                Recorded::Repeat { answer } => {
                    self.metrics().repeated_call();
                    return Ok(answer);
                }
                Recorded::TooOld => return Err(DecideError::OldRepeat),
                // A decision that was made here has its answer with it.
                Recorded::First | Recorded::Stale => {
                    self.metrics().stale_verdict();
                    self.read_desk_after(Some(desk)).await.map_err(DecideError::NotRecorded)?;
                }
            }
        }
        Err(DecideError::DeskMoves)
    }

    /// Lets one bundle judge, whatever comes into force meanwhile, and has it counted as that bundle's verdict.
    fn judge(&self, facts: Facts) -> Result<(Judge, Arc<VerdictCounts>), NoRandomness> {
        let (id, salt) = draw_two(&*self.parts.random)?;
        let id = DecisionId::new(facts.received_at, id);
        let (bundle, counts) = self.parts.policies.in_force();
        let desk = self.desk.for_bundle(&bundle);
        Ok((Judge::new((bundle, desk), (id, salt, facts), &self.parts.identifier_digest), counts))
    }

    /// Has the verdict recorded: made here, or, where it depends on earlier calls, in the record's own transaction.
    async fn record(&self, call: &SignedCall, judge: Judge) -> Result<Recorded, StoreError> {
        let (store, signature) = (&self.parts.store, call.seen().clone());
        if judge.asks() {
            return store.decide_and_record(signature, judge.question()).await;
        }
        let record = spans::evaluate().in_scope(|| judge.record(&History::none()));
        let (tally, answer) = (record.tally(), record.answer.clone());
        let recorded = store.record_decision(signature, record).await?;
        Ok(if recorded == Recorded::First { Recorded::Decided { tally, answer } } else { recorded })
    }
}
