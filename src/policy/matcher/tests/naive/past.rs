//! Random pasts, questions about them, and answers that share no code with the domain's: whole minutes, no sets.

use proptest::prelude::*;

use super::op::Op;
use super::{Asked, CURRENCIES, NOTES, USERS};
use crate::domain::Decision;
use crate::policy::{Bundle, read_given};

/// A question, with the number that its answer is compared with.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Question {
    what: What,
    op: Op,
    bound: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Asked,
    Usable,
    Executed,
    Currencies,
    SameNote,
    Blocked,
    Rejected,
    LongAgo,
}

const QUESTIONS: [What; 8] = [
    What::Asked,
    What::Usable,
    What::Executed,
    What::Currencies,
    What::SameNote,
    What::Blocked,
    What::Rejected,
    What::LongAgo,
];

/// Something that happened.
#[derive(Debug, Clone)]
pub(in super::super) struct Event {
    minutes_ago: u32,
    user: usize,
    currency: usize,
    note: Option<usize>,
    /// `continue`, `review`, `block`; a rejection for the fourth.
    kind: usize,
    usable_minutes: u32,
    is_executed: bool,
}

pub(super) fn any_question() -> impl Strategy<Value = Question> {
    let op = prop::sample::select(Op::ALL.to_vec());
    (prop::sample::select(QUESTIONS.to_vec()), op, 2..4_u32).prop_map(|(what, op, bound)| Question {
        what,
        op,
        bound,
    })
}

pub(in super::super) fn any_event() -> impl Strategy<Value = Event> {
    let what = (0..4_usize, 0..3_usize, prop::option::of(0..3_usize));
    (prop::sample::select(vec![1, 30, 60, 61, 200]), 0..3_usize, what, 1..90_u32, any::<bool>()).prop_map(
        |(minutes_ago, user, (kind, currency, note), usable_minutes, is_executed)| Event {
            minutes_ago,
            user,
            currency,
            note,
            kind,
            usable_minutes,
            is_executed: is_executed && kind < 2,
        },
    )
}

impl Event {
    /// The same without its execution: what anybody can bring about by asking.
    pub(in super::super) fn only_asked(self) -> Self {
        Self { is_executed: false, ..self }
    }

    pub(super) fn yaml(&self) -> String {
        let (ago, user) = (self.minutes_ago, USERS[self.user]);
        let Some(verdict) = ["continue", "review", "block"].get(self.kind) else {
            return format!("{{ ago: {ago}m, user_id: {user}, rejected: verify_sms }}");
        };
        let currency = CURRENCIES[self.currency];
        let note = self.note.map_or(String::new(), |note| format!(", note: {}", NOTES[note]));
        let usable = self.usable_minutes;
        let executed = if self.is_executed { ", executed: true" } else { "" };
        format!(
            "{{ ago: {ago}m, user_id: {user}, verdict: {verdict}, usable_for: {usable}m{executed}, metadata: {{ amount: 1, currency: {currency}{note} }} }}"
        )
    }

    const fn is_call(&self) -> bool {
        self.kind < 3
    }
}

impl Question {
    pub(super) fn is_about_optional(self) -> bool {
        self.what == What::SameNote
    }

    pub(super) fn yaml(self) -> String {
        let asks = match self.what {
            What::Asked => "count: calls, by: user, over: 1h, counts: asked",
            What::Usable => "count: calls, by: user, over: 1h, counts: usable",
            What::Executed => "count: calls, by: user, over: 1h, counts: executed",
            What::Currencies => "distinct: metadata.currency, by: user, over: 1h, counts: asked",
            What::SameNote => "count: calls, by: [user, metadata.note], over: 1h, counts: asked",
            What::Blocked => "count: calls, by: user, verdicts: block, over: 1h, counts: asked",
            What::Rejected => "count: rejected, over: 1h",
            What::LongAgo => {
                return "{ history: { last: { before: 1h }, by: user, counts: asked } }".to_owned();
            }
        };
        format!("{{ history: {{ {asks}, {}: {} }} }}", self.op.word(), self.bound)
    }

    pub(super) fn holds(self, asked: &Asked, absent: bool) -> bool {
        let own: Vec<_> = asked.past.iter().filter(|event| event.user == asked.user).collect();
        let recent = |event: &&&Event| event.minutes_ago <= 60;
        let calls = own.iter().filter(|event| event.is_call());
        let count = |number: usize, itself: u32| u32::try_from(number).expect("few") + itself;
        let number = match self.what {
            What::Asked => count(calls.filter(recent).count(), 1),
            What::Usable => {
                let counts = |event: &&&Event| {
                    event.kind != 2
                        && if event.is_executed {
                            event.minutes_ago <= 60
                        } else {
                            event.usable_minutes > event.minutes_ago
                        }
                };
                count(calls.filter(counts).count(), 1)
            }
            What::Executed => count(calls.filter(recent).filter(|event| event.is_executed).count(), 0),
            What::Currencies => {
                let mut seen = [false; 3];
                calls.filter(recent).for_each(|event| seen[event.currency] = true);
                seen[asked.currency] = true;
                count(seen.iter().filter(|seen| **seen).count(), 0)
            }
            What::SameNote => {
                if asked.note.is_none() {
                    return absent;
                }
                count(calls.filter(recent).filter(|event| event.note == asked.note).count(), 1)
            }
            What::Blocked => count(calls.filter(recent).filter(|event| event.kind == 2).count(), 0),
            What::Rejected => count(own.iter().filter(recent).filter(|event| event.kind == 3).count(), 0),
            What::LongAgo => {
                let last = calls.map(|event| event.minutes_ago).min();
                return last.is_some_and(|minutes| minutes > 60);
            }
        };
        self.op.holds(number, self.bound)
    }
}

impl Asked {
    /// The same request after one more event.
    pub(in super::super) fn after(&self, event: Event) -> Self {
        let past = self.past.iter().cloned().chain([event]).collect();
        Self { past, ..self.clone() }
    }

    pub(in super::super) fn decide(&self, bundle: &Bundle) -> Decision {
        let facts = self.facts();
        let events: Vec<_> = self.past.iter().map(Event::yaml).collect();
        let text = format!("[{}]", events.join(", "));
        let past = read_given("g", &text, bundle, &facts).unwrap_or_else(|faults| panic!("{faults}"));
        bundle.decide_after(&facts, &past)
    }
}
