//! What must hold, whatever went wrong: the record is held against the ledger.

use std::collections::{BTreeMap, HashMap};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use crate::bundle::{self, Beside, DEVICE, Decided, EMAIL, TRANSFER};
use crate::deed::{Deed, callback_body};
use crate::ledger::{Call, Done, Ledger, SECOND};
use crate::plan::hexadecimal;
use crate::record::{Decision, DeskAction, Rows};

mod steps;

/// How many tokens one verification may have.
pub(crate) const TOKENS_MAX: usize = 3;
/// How long a call that comes again gets its first answer.
const REPEATS: i64 = 600 * SECOND;

/// All that is wrong, in words.
pub(crate) fn violations(ledger: &Ledger, rows: &Rows) -> Vec<String> {
    let mut wrong = Vec::new();
    let recorded = by_signature(rows, &mut wrong);
    answers(ledger, &recorded, &mut wrong);
    let calls: HashMap<&str, &Call> =
        ledger.calls.iter().map(|call| (call.signature.as_str(), call)).collect();
    let mut users: BTreeMap<&str, Vec<Decided<'_>>> = BTreeMap::new();
    for row in &rows.decisions {
        match calls.get(row.signature_hash.as_str()) {
            Some(call) => users.entry(&row.user_id).or_default().push(Decided { row, call }),
            None => wrong.push(format!("decision {} answers a call that nobody made", row.id)),
        }
    }
    let beside = Beside { rows, ledger };
    for user in users.values() {
        verdicts(user, &beside, &mut wrong);
    }
    statuses(ledger, &mut wrong);
    once(ledger, &mut wrong);
    outside(ledger, rows, &mut wrong);
    provider_events(ledger, rows, &mut wrong);
    let decided: HashMap<&str, &Decided<'_>> =
        users.values().flatten().map(|decided| (decided.row.id.as_str(), decided)).collect();
    steps::check((ledger, rows), &decided, &mut wrong);
    wrong
}

/// Every call is recorded once.
fn by_signature<'r>(rows: &'r Rows, wrong: &mut Vec<String>) -> HashMap<&'r str, &'r Decision> {
    let mut recorded = HashMap::new();
    for row in &rows.decisions {
        if recorded.insert(row.signature_hash.as_str(), row).is_some() {
            wrong.push(format!("a call is recorded twice, the second time as {}", row.id));
        }
    }
    recorded
}

/// Every verdict that left is recorded as it left, and a call that came again got the same.
fn answers(ledger: &Ledger, recorded: &HashMap<&str, &Decision>, wrong: &mut Vec<String>) {
    for (number, call) in ledger.calls.iter().enumerate() {
        let row = recorded.get(call.signature.as_str());
        for told in &call.told {
            match (told.status, row) {
                (Some(200), None) => {
                    wrong.push(format!("call {number} was told {} without a record", told.text));
                }
                (Some(200), Some(row)) if told.text != row.answer => {
                    wrong.push(format!("call {number} was told {}, recorded is {}", told.text, row.answer));
                }
                (Some(200), Some(row)) if told.sent_at - row.received_at > REPEATS => {
                    wrong.push(format!("call {number} was answered again after ten minutes"));
                }
                (Some(409), Some(row)) if told.answered_at - row.received_at <= REPEATS => {
                    wrong.push(format!("call {number} was taken for old within ten minutes"));
                }
                (Some(409), None) => {
                    wrong.push(format!("call {number} was taken for old and never recorded"));
                }
                (Some(200 | 409 | 503) | None, _) => {}
                (Some(status), _) => wrong.push(format!("call {number}: {status} {}", told.text)),
            }
        }
        let Some(row) = row else { continue };
        let is_then = call.told.iter().any(|told| {
            told.sent_at <= row.received_at && (told.status.is_none() || row.received_at <= told.answered_at)
        });
        if !is_then || row.user_id != call.wish.user() || row.scope != call.wish.scope() {
            wrong.push(format!("decision {} is not about call {number}", row.id));
        }
    }
}

/// Every verdict is the one that the policy demands, counted anew; above all, no limit was exceeded.
fn verdicts(user: &[Decided<'_>], beside: &Beside<'_>, wrong: &mut Vec<String>) {
    for (place, decided) in user.iter().enumerate() {
        let Decision { id, scope, rule, reason, verdict, .. } = decided.row;
        let known = desk_before(decided, beside, scope);
        if decided.row.desk_revision < known {
            wrong.push(format!("decision {id} does not know of the desk's action {known}"));
        }
        let is_paused = is_paused(&beside.rows.desk, decided.row);
        if (reason == "scope_paused") != is_paused {
            wrong.push(format!("decision {id}: {reason}, and the scope is paused: {is_paused}"));
        }
        if is_paused {
            continue;
        }
        let rule = rule.as_deref().unwrap_or("none");
        let expected = match scope.as_str() {
            TRANSFER => bundle::rules(user, place, beside),
            EMAIL | DEVICE => ["plain"].into(),
            _ => panic!("nobody asks for {scope}"),
        };
        if !expected.contains(rule) {
            wrong.push(format!(
                "decision {id} of {}: {verdict} by {rule}, not by {expected:?}",
                decided.row.user_id
            ));
        }
    }
}

/// The last action of the desk whose answer was there before the call was sent.
fn desk_before(decided: &Decided<'_>, beside: &Beside<'_>, scope: &str) -> i64 {
    let acts = beside
        .ledger
        .done
        .iter()
        .filter(|done| done.told.was_done() && decided.call.begins_after(&done.told));
    let revisions = acts.filter_map(|done| match &done.act.deed {
        Deed::Pause { scope: own, case, .. } | Deed::Resume { scope: own, case } if *own == scope => {
            beside.rows.revision(case)
        }
        _ => None,
    });
    revisions.max().unwrap_or(0)
}

/// Whether the scope was paused, as far as the verdict knew the desk.
fn is_paused(desk: &[DeskAction], row: &Decision) -> bool {
    let mut known =
        desk.iter().filter(|action| action.subject == row.scope && action.revision <= row.desk_revision);
    known.next_back().is_some_and(|action| {
        action.deed == "scope_pause" && action.until.is_none_or(|until| until > row.received_at)
    })
}

/// Nothing is answered what it may not be; of what begins with 5, only 503.
fn statuses(ledger: &Ledger, wrong: &mut Vec<String>) {
    for Done { act, told } in &ledger.done {
        if told.status.is_some_and(|status| !act.deed.allows(status)) {
            wrong.push(format!("{:?}: {:?} {}", act.deed, told.status, told.text));
        }
    }
}

/// Who asks twice as one is answered the same, byte for byte.
fn once(ledger: &Ledger, wrong: &mut Vec<String>) {
    let mut firsts: HashMap<&str, &Done> = HashMap::new();
    for done in ledger.done.iter().filter(|done| done.told.was_done()) {
        let Some(once) = &done.act.once else { continue };
        let first = firsts.entry(once).or_insert(done);
        if first.told.text != done.told.text {
            wrong.push(format!("{once}: {} and then {}", first.told.text, done.told.text));
        }
    }
}

/// What was reported and told is there, once.
fn outside(ledger: &Ledger, rows: &Rows, wrong: &mut Vec<String>) {
    for Done { act, told } in ledger.done.iter().filter(|done| done.told.was_done()) {
        match &act.deed {
            Deed::Fact { user, kind, name } => {
                let found = rows.facts.iter().filter(|fact| fact.id.as_deref() == Some(name.as_str()));
                let found: Vec<_> =
                    found.filter(|fact| fact.user_id == *user && fact.kind == *kind).collect();
                if found.len() != 1 {
                    wrong.push(format!("{name} is recorded {} times", found.len()));
                }
            }
            Deed::Pause { case, .. } | Deed::Resume { case, .. } if rows.revision(case).is_none() => {
                wrong.push(format!("{case} is not recorded: {}", told.text));
            }
            _ => {}
        }
    }
    let reported = ledger.done.iter().filter_map(|done| match &done.act.deed {
        Deed::Fact { name, .. } => Some(name.as_str()),
        _ => None,
    });
    let reported: Vec<_> = reported.collect();
    for fact in &rows.facts {
        if !fact.id.as_deref().is_some_and(|id| reported.contains(&id)) {
            wrong.push(format!("a fact was recorded that nobody reported: {:?}", fact.id));
        }
    }
}

/// Every event that a provider was told of is recorded, with its verification.
fn provider_events(ledger: &Ledger, rows: &Rows, wrong: &mut Vec<String>) {
    let mut recorded = HashMap::new();
    for event in &rows.provider_events {
        if recorded.insert(event.body_sha256.as_str(), event.verification_id.as_deref()).is_some() {
            wrong.push(format!("an event is recorded twice: {}", event.body_sha256));
        }
    }
    for Done { act, told } in &ledger.done {
        let Deed::Callback { verification, reference, word, second } = &act.deed else { continue };
        let body = callback_body(reference, word, *second);
        let hash = hexadecimal(digest(&SHA256, body.as_bytes()).as_ref());
        if told.was_done() && recorded.get(hash.as_str()) != Some(&Some(verification.as_str())) {
            wrong.push(format!("an event is not recorded with its verification: {:?}", act.deed));
        }
    }
}

/// A text of an answer.
pub(crate) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}
