//! What was asked and what was told, kept outside of the servers.

use doorstep::testing::SignedCall;
use serde_json::Value;

use crate::deed::{Act, Deed};

pub(crate) const SECOND: i64 = 1_000_000;

/// What somebody wants granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    user: String,
    scope: &'static str,
    cents: i64,
    payee: String,
}

/// An answer, or that there was none.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// Places in the order of all that began and ended; without an answer it has no end.
    pub(crate) began: u64,
    pub(crate) ended: u64,
    /// Microseconds on the clock of the servers, when it was sent and when its answer came.
    pub(crate) sent_at: i64,
    pub(crate) answered_at: i64,
    pub(crate) status: Option<u16>,
    pub(crate) text: String,
}

/// A hook call, and what it was told each time that it was sent.
pub(crate) struct Call {
    pub(crate) wish: Wish,
    /// SHA-256 of the signature's bytes, in hexadecimal.
    pub(crate) signature: String,
    pub(crate) signed: SignedCall,
    pub(crate) told: Vec<Told>,
}

/// Something that was done, and what it was told.
pub(crate) struct Done {
    pub(crate) act: Act,
    pub(crate) told: Told,
}

/// Everything.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) calls: Vec<Call>,
    pub(crate) done: Vec<Done>,
}

impl Wish {
    pub(crate) fn new((user, scope): (String, &'static str), (cents, payee): (i64, String)) -> Self {
        Self { user, scope, cents, payee }
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    pub(crate) const fn scope(&self) -> &'static str {
        self.scope
    }

    pub(crate) const fn cents(&self) -> i64 {
        self.cents
    }

    pub(crate) fn payee(&self) -> &str {
        &self.payee
    }

    /// The same with another amount.
    pub(crate) fn with_cents(&self, cents: i64) -> Self {
        Self { cents, ..self.clone() }
    }
}

impl Told {
    pub(crate) const fn was_done(&self) -> bool {
        matches!(self.status, Some(200 | 201))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// A field of the answer: an id comes without its hyphens.
    pub(crate) fn id(&self, field: &str) -> String {
        plain(self.json()[field].as_str().unwrap_or_default())
    }
}

/// An id as the record's rows have it.
pub(crate) fn plain(id: &str) -> String {
    id.replace('-', "")
}

impl Call {
    /// The verdict that it was told first.
    pub(crate) fn answered(&self) -> Option<&Told> {
        self.told.iter().find(|told| told.status == Some(200))
    }

    /// Whether everything about it began when that was told already.
    pub(crate) fn begins_after(&self, told: &Told) -> bool {
        self.told.iter().all(|own| told.ended < own.began)
    }

    /// Whether its verdict was there before that began.
    pub(crate) fn ended_before(&self, told: &Told) -> bool {
        self.answered().is_some_and(|own| own.ended < told.began)
    }

    /// What the verdict says, if it is known.
    pub(crate) fn verdict(&self) -> Option<Value> {
        self.answered().map(Told::json)
    }
}

impl Ledger {
    fn told(&self, is_meant: impl Fn(&Deed) -> bool) -> Vec<&Told> {
        self.done.iter().filter(|done| is_meant(&done.act.deed)).map(|done| &done.told).collect()
    }

    /// Reports of a fact.
    pub(crate) fn facts_named(&self, name: &str) -> Vec<&Told> {
        self.told(|deed| matches!(deed, Deed::Fact { name: own, .. } if own == name))
    }

    /// Everybody who wanted to decide about a verification.
    pub(crate) fn decided_by(&self, verification: &str) -> Vec<&Told> {
        self.told(|deed| deed.decides() == Some(verification))
    }

    /// After whose answers a verification that is rejected was so: whoever comes later is told that it is decided.
    pub(crate) fn rejections_of(&self, verification: &str) -> Vec<&Told> {
        let mut told = self.decided_by(verification);
        told.retain(|told| matches!(told.status, Some(200 | 409)));
        told
    }

    /// The redemptions of a decision that somebody was told of.
    pub(crate) fn redemptions_of(&self, decision: &str) -> Vec<&Told> {
        let mut told = self.told(|deed| matches!(deed, Deed::Redeem { .. }));
        told.retain(|told| told.was_done() && told.id("decision_id") == decision);
        told
    }

    /// Everybody who wanted exactly this executed.
    pub(crate) fn redeemed_like(&self, wish: &Wish) -> Vec<&Told> {
        self.told(|deed| matches!(deed, Deed::Redeem { wish: own } if own == wish))
    }
}
