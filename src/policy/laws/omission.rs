//! Leaving something out never helps: for each optional field, whatever a request with it was answered, the same request
//! without it is not answered softer.
//!
//! First match makes this a question about pairs of rules. Say a request with the field is decided by one rule, and the
//! request without it by another:
//!
//! - the second stands lower: then the first lost its match by the omission;
//! - the second stands higher: then it gained its match by the omission.
//!
//! So every rule that can lose its match is compared with all below it, every rule that can gain one with all below it
//! the other way round, and a pair is let off only when its conditions on the other fields exclude each other. Rules
//! between the two are not taken into account: the check may refuse too much, and never too little.

use std::collections::HashMap;

use super::Subject;
use super::overlap::{Cases, Dependence, Presence};
use crate::policy::condition::Field;
use crate::policy::diagnostic::{Code, Span};
use crate::policy::outcome::{Outcome, is_softer};
use crate::policy::reader::Reader;

/// A rule, or `otherwise` as the last one, as far as this law is concerned.
struct Place<'s> {
    name: &'s str,
    span: Span,
    outcome: usize,
    cases: Option<&'s Cases<'s>>,
}

/// Checks every optional field of the file.
pub(super) fn check(reader: &mut Reader<'_>, subject: Subject<'_>, cases: &[Cases<'_>]) {
    if subject.schema.fields.iter().all(|field| !field.is_optional) {
        return;
    }
    let mut outcomes = Outcomes::default();
    let mut places = Vec::with_capacity(cases.len() + 1);
    let mut is_open = true;
    for (read, cases) in subject.rules.rules.iter().zip(cases) {
        if !is_open {
            break;
        }
        let outcome = outcomes.number(&read.rule.then);
        places.push(Place { name: read.rule.id.as_str(), span: read.id_span, outcome, cases: Some(cases) });
        is_open = !read.rule.takes_all();
    }
    if let (true, Some((outcome, span))) = (is_open, subject.otherwise) {
        let outcome = outcomes.number(outcome);
        places.push(Place { name: "otherwise", span, outcome, cases: None });
    }
    for (at, field) in subject.schema.fields.iter().enumerate().filter(|(_, field)| field.is_optional) {
        let is_about = |looked_at: Field| match looked_at {
            Field::Metadata(place) => place == at,
            Field::Money(place) => {
                subject.schema.money.get(place).is_some_and(|rule| rule.amount == at || rule.currency == at)
            }
            _ => false,
        };
        check_field(reader, &field.path, &places, &mut outcomes, &is_about);
    }
}

fn check_field<'s>(
    reader: &mut Reader<'_>,
    path: &str,
    places: &[Place<'s>],
    outcomes: &mut Outcomes<'s>,
    is_about: &impl Fn(Field) -> bool,
) {
    for (at, place) in places.iter().enumerate() {
        let Some(cases) = place.cases else { continue };
        let dependence = cases.depends_on(is_about);
        if dependence == Dependence::default() {
            continue;
        }
        let below = places.iter().skip(at + 1);
        let with = cases.forgetting(is_about, Presence::Present);
        let without = cases.forgetting(is_about, Presence::Absent);
        for other in below {
            let can_meet = |own: &Cases<'_>, presence| {
                other.cases.is_none_or(|cases| !own.exclude(&cases.forgetting(is_about, presence)))
            };
            let falls = dependence.loses
                && outcomes.is_softer(other.outcome, place.outcome)
                && can_meet(&with, Presence::Absent);
            let rises = dependence.gains
                && outcomes.is_softer(place.outcome, other.outcome)
                && can_meet(&without, Presence::Present);
            if falls || rises {
                let (from, to) = if falls { (place, other) } else { (other, place) };
                fault(reader, path, place.span, (from.name, to.name));
                break;
            }
        }
    }
}

fn fault(reader: &mut Reader<'_>, path: &str, span: Span, (from, to): (&str, &str)) {
    let message =
        format!("leaving out `{path}` could turn the decision of `{from}` into the softer one of `{to}`");
    let help = "let the absence count towards the stricter side (`if_absent`), put the stricter rule above, or make \
                the field required";
    reader.fault(Code::OmissionSoftens, span, message, help);
}

/// The different outcomes of a file, and which are softer than which: found once for each pair.
#[derive(Default)]
struct Outcomes<'s> {
    known: Vec<&'s Outcome>,
    softer: HashMap<(usize, usize), bool>,
}

impl<'s> Outcomes<'s> {
    fn number(&mut self, outcome: &'s Outcome) -> usize {
        self.known.iter().position(|known| *known == outcome).unwrap_or_else(|| {
            self.known.push(outcome);
            self.known.len() - 1
        })
    }

    fn is_softer(&mut self, new: usize, old: usize) -> bool {
        let known = &self.known;
        *self.softer.entry((new, old)).or_insert_with(|| match (known.get(new), known.get(old)) {
            (Some(new), Some(old)) => is_softer(new, old),
            _ => false,
        })
    }
}
