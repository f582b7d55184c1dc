//! The policy of the hour, and what it must have decided: each rule judged once more, naively, from the ledger and the rows of
//! the record, in the order in which they were written.

use std::collections::{BTreeSet, HashSet};

use crate::ledger::{Call, Ledger, SECOND};
use crate::record::{Decision, Rows};

pub(crate) const TRANSFER: &str = "transfer:write";
pub(crate) const EMAIL: &str = "profile.email:write";
/// Nobody asks about calls for it: they are decided outside of the record's transaction and wait for nobody.
pub(crate) const DEVICE: &str = "device:write";
pub(crate) const STEP: &str = "kyc_review";

/// How long a user may walk the custom step.
pub(crate) const STEP_SECONDS: i64 = 120;
/// From this amount on a person looks.
const LARGE_CENTS: i64 = 20_000;
const USABLE_MAX: usize = 6;
const SUM_MAX_CENTS: i64 = 90_000;
const ASKED_MAX: usize = 24;

/// The files.
pub(crate) fn files() -> Vec<(String, String)> {
    let steps = "custom:
  kyc_review: { description: Identity check, expires_in: 2m, approved_by: [backend, person, provider:sumsub] }
";
    let plain = "scopes: [profile.email:write, device:write]
rules:
  - id: plain
    when: always
    then: { continue: { grant: { mode: single-use, for: 30s } } }
otherwise: block
";
    let files = [
        ("grants.yaml", "executions: reported\n"),
        ("steps.yaml", steps),
        ("plain.yaml", plain),
        ("transfer.yaml", POLICY),
    ];
    files.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec()
}

const POLICY: &str = "scopes: [transfer:write]
metadata:
  amount:   { type: decimal, min: \"0.01\", max_scale: 2 }
  currency: { type: string, one_of: [EUR] }
  payee:    { type: string }
money:
  value: { amount: metadata.amount, currency: metadata.currency }
rules:
  - id: too-many-asked
    when: { history: { count: calls, by: user, over: 2m, counts: asked, gt: 24 } }
    then: block
  - id: chargebacks
    when: { history: { count: fact.chargeback, over: 5m, gt: 1 } }
    then: block
  - id: address-changed
    when: { history: { count: calls, by: user, scopes: [profile.email:write], over: 20s, counts: asked, gt: 0 } }
    then: block
  - id: rejected-before
    when: { history: { count: rejected, over: 2m, gt: 0 } }
    then: block
  - id: too-many
    when: { history: { count: calls, by: user, over: 3m, counts: usable, gt: 6 } }
    then: block
  - id: too-much
    when: { history: { sum: money.value, by: user, over: 4m, counts: usable, gt: 900 EUR } }
    then: block
  - id: too-many-payees
    when: { history: { distinct: metadata.payee, by: user, over: 4m, counts: usable, gt: 4 } }
    then: block
  - id: large
    when: { money.value: { gte: 200 EUR } }
    then:
      review: { grant: { mode: single-use, for: 1m }, steps: [kyc_review], else: block }
  - id: new-payee
    when: { history: { count: calls, by: [user, metadata.payee], over: 10m, counts: executed, eq: 0 } }
    then:
      review: { grant: { mode: single-use, for: 30s }, steps: [{ first_of: [verify_sms], expires_in: 30s }], else: block }
  - id: ordinary
    when: always
    then: { continue: { grant: { mode: single-use, for: 1m } } }
otherwise: block
";

/// Whether a rule's condition held when a call was decided; `Maybe` where two things were under way at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Yes,
    No,
    Maybe,
}

impl Held {
    const fn if_both(always: bool, ever: bool) -> Self {
        match (always, ever) {
            (true, _) => Self::Yes,
            (false, true) => Self::Maybe,
            (false, false) => Self::No,
        }
    }
}

/// A decision with the call that it answers.
pub(crate) struct Decided<'r> {
    pub(crate) row: &'r Decision,
    pub(crate) call: &'r Call,
}

/// What happened beside the calls.
pub(crate) struct Beside<'r> {
    pub(crate) rows: &'r Rows,
    pub(crate) ledger: &'r Ledger,
}

/// Which rules may have decided a call for a transfer.
///
/// - `user`: all decisions about its user, in the order in which they were written; `place` is its own among them.
pub(crate) fn rules(user: &[Decided<'_>], place: usize, beside: &Beside<'_>) -> BTreeSet<&'static str> {
    let this = &user[place];
    let at = this.row.received_at;
    let own = |decided: &&Decided<'_>| decided.row.scope == TRANSFER;
    let earlier = || user[..place].iter().filter(own);
    let asked = earlier().filter(|other| other.row.received_at >= at - 120 * SECOND).count() + 1;
    let usable = |seconds: i64| earlier().filter(move |other| is_usable(other.row, beside.rows, at, seconds));
    let count = usable(180).count() + 1;
    let cents = |decided: &Decided<'_>| decided.call.wish.cents();
    let sum: i64 = usable(240).map(cents).sum::<i64>() + cents(this);
    let mut payees: HashSet<&str> = usable(240).map(|other| other.call.wish.payee()).collect();
    payees.insert(this.call.wish.payee());
    let conditions = [
        ("too-many-asked", exactly(asked > ASKED_MAX)),
        ("chargebacks", chargebacks(this, beside)),
        ("address-changed", address_changed(user, this)),
        ("rejected-before", rejected(this, beside)),
        ("too-many", exactly(count > USABLE_MAX)),
        ("too-much", exactly(sum > SUM_MAX_CENTS)),
        ("too-many-payees", exactly(payees.len() > 4)),
        ("large", exactly(cents(this) >= LARGE_CENTS)),
        ("new-payee", is_new(user, this, beside)),
        ("ordinary", Held::Yes),
    ];
    let mut rules = BTreeSet::new();
    for (rule, held) in conditions {
        if held != Held::No {
            rules.insert(rule);
        }
        if held == Held::Yes {
            break;
        }
    }
    rules
}

const fn exactly(held: bool) -> Held {
    if held { Held::Yes } else { Held::No }
}

/// A grant that was executed counts when it was; one that was not counts while it can be. Whichever of a redemption and this
/// call came first, it counts: until it is executed it can be.
fn is_usable(other: &Decision, rows: &Rows, at: i64, seconds: i64) -> bool {
    let Some(until) = other.usable_until else { return false };
    match rows.redeemed_at(&other.id) {
        Some(redeemed_at) => redeemed_at >= at - seconds * SECOND,
        None => until > at,
    }
}

/// Facts count for certain where their answer was there before the call began, and never where they were sent after its end.
fn chargebacks(this: &Decided<'_>, beside: &Beside<'_>) -> Held {
    let start = this.row.received_at - 300 * SECOND;
    let facts = beside.rows.facts.iter().filter(|fact| {
        fact.user_id == this.call.wish.user() && fact.kind == "chargeback" && fact.happened_at >= start
    });
    let (mut certain, mut possible) = (0, 0);
    for fact in facts {
        let told = beside.ledger.facts_named(fact.id.as_deref().unwrap_or_default());
        certain += usize::from(told.iter().any(|told| told.was_done() && this.call.begins_after(told)));
        possible += usize::from(told.iter().any(|told| !this.call.ended_before(told)));
    }
    Held::if_both(certain > 1, possible > 1)
}

/// Calls of the other scope do not wait for this user's turn: the two may be decided at once.
fn address_changed(user: &[Decided<'_>], this: &Decided<'_>) -> Held {
    let start = this.row.received_at - 20 * SECOND;
    let others = user.iter().filter(|other| other.row.scope == EMAIL && other.row.received_at >= start);
    let (mut always, mut ever) = (false, false);
    for other in others {
        always |= other.call.answered().is_some_and(|told| this.call.begins_after(told));
        ever |= other.call.told.iter().any(|told| !this.call.ended_before(told));
    }
    Held::if_both(always, ever)
}

fn rejected(this: &Decided<'_>, beside: &Beside<'_>) -> Held {
    let start = this.row.received_at - 120 * SECOND;
    let user = this.call.wish.user();
    let rejected = beside.rows.verifications.iter().filter(|verification| {
        verification.user_id == user
            && verification.state == "rejected"
            && verification.decided_at.is_some_and(|at| at >= start)
    });
    let (mut always, mut ever) = (false, false);
    for verification in rejected {
        let told = beside.ledger.rejections_of(&verification.id);
        always |= told.iter().any(|told| this.call.begins_after(told));
        let tried = beside.ledger.decided_by(&verification.id);
        ever |= tried.iter().any(|told| !this.call.ended_before(told));
    }
    Held::if_both(always, ever)
}

/// Whether nothing was executed for this payee.
fn is_new(user: &[Decided<'_>], this: &Decided<'_>, beside: &Beside<'_>) -> Held {
    let start = this.row.received_at - 600 * SECOND;
    let to_payee = user
        .iter()
        .filter(|other| other.row.scope == TRANSFER && other.call.wish.payee() == this.call.wish.payee());
    let (mut certain, mut possible) = (false, false);
    for other in to_payee {
        let executed = beside.rows.redeemed_at(&other.row.id).is_some_and(|at| at >= start);
        if !executed {
            continue;
        }
        certain |=
            beside.ledger.redemptions_of(&other.row.id).iter().any(|told| this.call.begins_after(told));
        let wish = &other.call.wish;
        possible |= beside.ledger.redeemed_like(wish).iter().any(|told| !this.call.ended_before(told));
    }
    Held::if_both(!possible, !certain)
}
