//! Verifications, tokens and redemptions: one decision, no token outside an approval, one redemption for a grant.

use std::collections::HashMap;

use crate::bundle::{Decided, STEP, TRANSFER};
use crate::check::{TOKENS_MAX, text};
use crate::deed::Deed;
use crate::hour::GOES_ON_MAX;
use crate::ledger::{Done, Ledger, SECOND, Told, plain};
use crate::record::{Redemption, Rows, Token, Verification};

/// Approvals, withdrawals and tokens have the moment of their request, and may have waited since: by at most as much as the clock
/// goes on within a step. Which came first is told by the order of what was asked and answered.
const MEANWHILE: i64 = GOES_ON_MAX * SECOND;

type ById<'d> = HashMap<&'d str, &'d Decided<'d>>;

pub(crate) fn check((ledger, rows): (&Ledger, &Rows), decided: &ById<'_>, wrong: &mut Vec<String>) {
    let verifications: HashMap<&str, &Verification> =
        rows.verifications.iter().map(|verification| (verification.id.as_str(), verification)).collect();
    for verification in &rows.verifications {
        decisions(verification, (ledger, rows), wrong);
        let review = verification.decision_id.as_deref().and_then(|id| decided.get(id));
        if !review.is_some_and(|review| {
            review.row.verdict == "review" && review.row.user_id == verification.user_id
        }) {
            wrong.push(format!("verification {} has no review", verification.id));
        }
    }
    openings(ledger, &verifications, wrong);
    tokens((ledger, rows), &verifications, wrong);
    for redemption in &rows.redemptions {
        if let Err(fault) = redeemed(redemption, (ledger, rows), decided) {
            wrong.push(format!("redemption of {}: {fault}", redemption.decision_id));
        }
    }
    told_redemptions((ledger, rows), decided, wrong);
}

/// What was opened is there, for its challenge.
fn openings(ledger: &Ledger, by_id: &HashMap<&str, &Verification>, wrong: &mut Vec<String>) {
    for Done { act, told } in ledger.done.iter().filter(|done| done.told.was_done()) {
        let Deed::Open { challenge, .. } = &act.deed else { continue };
        let found = by_id.get(told.id("id").as_str());
        if found.is_none_or(|verification| verification.challenge_id != *challenge) {
            wrong.push(format!("{challenge} has no verification as it was told: {}", told.text));
        }
    }
}

/// One decision for a verification, whoever wanted what.
fn decisions(verification: &Verification, (ledger, rows): (&Ledger, &Rows), wrong: &mut Vec<String>) {
    let Verification { id, state, .. } = verification;
    let kinds = ["approved", "rejected", "expired"];
    let events = rows.events.iter().filter(|event| event.verification_id == *id);
    let made: Vec<_> = events.map(|event| event.kind.as_str()).filter(|kind| kinds.contains(kind)).collect();
    let expected: &[&str] = if state == "pending" { &[] } else { &[state] };
    // Servers note by themselves that time ran out, perhaps between this reading of the two tables: events are read last.
    let is_just_noted = state == "pending" && made == ["expired"];
    if made != expected && !is_just_noted {
        wrong.push(format!("verification {id} is {state} by {made:?}"));
    }
    let mut winners: Vec<(&str, Option<&str>)> = Vec::new();
    for Done { act, told } in ledger.done.iter().filter(|done| done.told.was_done()) {
        let outcome = match &act.deed {
            Deed::Approve { verification } if verification == id => "approved",
            Deed::Reject { verification } if verification == id => "rejected",
            _ => continue,
        };
        if text(&told.json(), "state") != outcome || state != outcome {
            wrong.push(format!("verification {id} is {state}, but somebody was told {}", told.text));
        }
        let once = act.once.as_deref();
        if once.is_none() || !winners.contains(&(outcome, once)) {
            winners.push((outcome, once));
        }
    }
    if winners.len() > 1 {
        wrong.push(format!("verification {id} was decided by several: {winners:?}"));
    }
}

/// Tokens follow from approvals only, are few, and every one that left is recorded.
fn tokens((ledger, rows): (&Ledger, &Rows), by_id: &HashMap<&str, &Verification>, wrong: &mut Vec<String>) {
    let mut recorded: HashMap<&str, &Token> = HashMap::new();
    let mut of_verification: HashMap<&str, usize> = HashMap::new();
    for token in &rows.tokens {
        recorded.insert(&token.jti, token);
        let verification = token.verification_id.as_deref().and_then(|id| by_id.get(id));
        let is_of_an_approval = verification.is_some_and(|verification| {
            verification.state == "approved"
                && verification.decided_at.is_some_and(|at| at <= token.issued_at + MEANWHILE)
                && verification.withdrawn_at.is_none_or(|at| at + MEANWHILE >= token.issued_at)
        });
        if !is_of_an_approval || token.expires_at <= token.issued_at {
            wrong.push(format!("token {} does not follow from an approval", token.jti));
        }
        if !rows.keys.iter().any(|key| key.kid == token.kid) {
            wrong.push(format!("token {} was signed by an unknown key", token.jti));
        }
        *of_verification.entry(token.verification_id.as_deref().unwrap_or_default()).or_default() += 1;
    }
    for (verification, tokens) in of_verification {
        if tokens > TOKENS_MAX {
            wrong.push(format!("verification {verification} has {tokens} tokens"));
        }
    }
    for Done { act, told } in ledger.done.iter().filter(|done| done.told.was_done()) {
        if !matches!(act.deed, Deed::Mint { .. } | Deed::OneCall { .. }) {
            continue;
        }
        let said = told.json();
        let verification = plain(text(&said, "verification_id"));
        let is_recorded = recorded.get(text(&said, "jti")).is_some_and(|token| {
            token.kid == text(&said, "kid") && token.verification_id.as_deref() == Some(verification.as_str())
        });
        if !is_recorded {
            wrong.push(format!("token {} left without a record", text(&said, "jti")));
        }
        if withdrawals(ledger, &verification).any(|withdrawn| withdrawn.ended < told.began) {
            wrong.push(format!("token {} was minted after a withdrawal", text(&said, "jti")));
        }
    }
}

/// Withdrawals of a verification that somebody was told of.
fn withdrawals<'l>(ledger: &'l Ledger, id: &'l str) -> impl Iterator<Item = &'l Told> {
    let acts = ledger.done.iter().filter(move |done| {
        let is_it = matches!(&done.act.deed, Deed::Withdraw { verification } if verification == id);
        is_it && done.told.was_done()
    });
    let withdrew = acts.filter(move |done| {
        let said = done.told.json();
        said["withdrawn"]
            .as_array()
            .is_some_and(|ids| ids.iter().any(|own| own.as_str().map(plain).as_deref() == Some(id)))
    });
    withdrew.map(|done| &done.told)
}

/// What is redeemed was granted, in time, for exactly this, and proved.
fn redeemed(
    redemption: &Redemption,
    (ledger, rows): (&Ledger, &Rows),
    decided: &ById<'_>,
) -> Result<(), String> {
    let granted = decided.get(redemption.decision_id.as_str()).ok_or("nothing was decided")?;
    let (row, at) = (granted.row, redemption.redeemed_at);
    let until = row.usable_until.ok_or("nothing was granted")?;
    if row.user_id != redemption.user_id || row.scope != TRANSFER {
        return Err("somebody else was granted".to_owned());
    }
    if at < row.received_at || at >= until {
        return Err(format!("{at} is not in time: until {until}"));
    }
    let wanted = ledger
        .done
        .iter()
        .filter(|done| matches!(&done.act.deed, Deed::Redeem { wish } if *wish == granted.call.wish));
    let may_have = wanted.filter(|Done { told, .. }| match told.status {
        Some(200) => told.id("decision_id") == redemption.decision_id,
        Some(503) | None => true,
        Some(_) => false,
    });
    if may_have.count() == 0 {
        return Err("nobody wanted exactly this executed".to_owned());
    }
    if row.answer.contains(STEP) && !is_proved(redemption, rows) {
        let own = rows.verifications.iter();
        let own: Vec<_> =
            own.filter(|one| one.decision_id.as_deref() == Some(&redemption.decision_id)).collect();
        let is_own = |token: &&Token| own.iter().any(|one| Some(&one.id) == token.verification_id.as_ref());
        let tokens: Vec<_> = rows.tokens.iter().filter(is_own).collect();
        return Err(format!("its step was not proved by {at}: {own:?}, {tokens:?}"));
    }
    Ok(())
}

/// Whether a token was minted from an approval of the review's step that was not withdrawn by then.
fn is_proved(redemption: &Redemption, rows: &Rows) -> bool {
    let at = redemption.redeemed_at;
    let own = rows.verifications.iter().filter(|verification| {
        verification.decision_id.as_deref() == Some(&redemption.decision_id)
            && verification.state == "approved"
            && verification.withdrawn_at.is_none_or(|withdrawn_at| withdrawn_at + MEANWHILE >= at)
    });
    let mut own = own.map(|verification| Some(verification.id.as_str()));
    own.any(|id| {
        rows.tokens.iter().any(|token| token.verification_id.as_deref() == id && token.issued_at <= at)
    })
}

/// Whoever was told that something may be executed: it was recorded, was about exactly this, and nobody else was told so.
fn told_redemptions((ledger, rows): (&Ledger, &Rows), decided: &ById<'_>, wrong: &mut Vec<String>) {
    let mut told_of: HashMap<String, Option<&str>> = HashMap::new();
    for Done { act, told } in ledger.done.iter().filter(|done| done.told.was_done()) {
        let Deed::Redeem { wish } = &act.deed else { continue };
        let id = told.id("decision_id");
        let once = act.once.as_deref();
        if told_of.insert(id.clone(), once).is_some_and(|before| before.is_none() || before != once) {
            wrong.push(format!("the grant {id} was spent twice"));
        }
        if rows.redeemed_at(&id).is_none() {
            wrong.push(format!("the grant {id} was spent without a record"));
        }
        if !decided.get(id.as_str()).is_some_and(|decided| decided.call.wish == *wish) {
            wrong.push(format!("the grant {id} was spent for something else: {wish:?}"));
        }
        let proofs = rows.verifications.iter().filter(|one| one.decision_id.as_deref() == Some(&id));
        let mut proofs = proofs.filter(|one| one.state == "approved").peekable();
        let is_withdrawn = |proof: &Verification| {
            withdrawals(ledger, &proof.id).any(|withdrawn| withdrawn.ended < told.began)
        };
        if proofs.peek().is_some() && proofs.all(is_withdrawn) {
            wrong.push(format!("the grant {id} was spent after a withdrawal"));
        }
        if is_surely_paused((ledger, rows), told) {
            wrong.push(format!("the grant {id} was spent while its scope was paused"));
        }
    }
}

/// Whether the scope was paused from before a redemption began until after its end.
fn is_surely_paused((ledger, rows): (&Ledger, &Rows), redeemed: &Told) -> bool {
    let acts = ledger.done.iter().filter(|done| match &done.act.deed {
        Deed::Pause { scope, .. } | Deed::Resume { scope, .. } => *scope == TRANSFER,
        _ => false,
    });
    let acts: Vec<&Done> = acts.collect();
    let is_before = |done: &&&Done| done.told.was_done() && done.told.ended < redeemed.began;
    let last = acts.iter().filter(is_before).max_by_key(|done| match &done.act.deed {
        Deed::Pause { case, .. } | Deed::Resume { case, .. } => rows.revision(case),
        _ => None,
    });
    let Some(last) = last else { return false };
    let Deed::Pause { until, .. } = last.act.deed else { return false };
    // Whoever acted at the same time may have come after it.
    let is_alone = acts.iter().all(|other| {
        other.told.ended < last.told.began
            || other.told.began > redeemed.ended
            || std::ptr::eq::<Done>(*other, *last)
    });
    is_alone && redeemed.answered_at < until * SECOND
}
