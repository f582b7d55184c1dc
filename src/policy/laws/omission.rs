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

use super::Subject;
use super::overlap::{Cases, Dependence, Presence};
use super::places::Places;
use crate::policy::condition::Field;
use crate::policy::diagnostic::{Code, Span};
use crate::policy::reader::Reader;

/// Checks every optional field of the file.
pub(super) fn check(reader: &mut Reader<'_>, subject: Subject<'_>, places: &mut Places<'_>) {
    for (at, field) in subject.schema.fields.iter().enumerate().filter(|(_, field)| field.is_optional) {
        let is_about = |looked_at: Field| looked_at.optional_parts(subject.schema).contains(&at);
        check_field(reader, &field.path, places, &is_about);
    }
}

fn check_field(
    reader: &mut Reader<'_>,
    path: &str,
    places: &mut Places<'_>,
    is_about: &impl Fn(Field) -> bool,
) {
    for at in 0..places.all.len() {
        if let Some((span, from, to)) = softened(places, at, is_about) {
            fault(reader, path, span, (from, to));
        }
    }
}

/// Where the rule stands, and the names of the decisions from and to which leaving the field out could lead.
fn softened<'s>(
    places: &mut Places<'s>,
    at: usize,
    is_about: &impl Fn(Field) -> bool,
) -> Option<(Span, &'s str, &'s str)> {
    let place = places.all.get(at)?;
    let (span, name, cases) = (place.span, place.name, place.cases?);
    let dependence = cases.depends_on(is_about);
    if dependence == Dependence::default() {
        return None;
    }
    let with = cases.forgetting(is_about, Presence::Present);
    let without = cases.forgetting(is_about, Presence::Absent);
    for below in at + 1..places.all.len() {
        let (can_fall, can_rise) = (places.is_softer(below, at), places.is_softer(at, below));
        let other = places.all.get(below)?;
        let can_meet = |own: &Cases<'_>, presence| {
            other.cases.is_none_or(|cases| !own.exclude(&cases.forgetting(is_about, presence)))
        };
        if dependence.loses && can_fall && can_meet(&with, Presence::Absent) {
            return Some((span, name, other.name));
        }
        if dependence.gains && can_rise && can_meet(&without, Presence::Present) {
            return Some((span, other.name, name));
        }
    }
    None
}

fn fault(reader: &mut Reader<'_>, path: &str, span: Span, (from, to): (&str, &str)) {
    let message =
        format!("leaving out `{path}` could turn the decision of `{from}` into the softer one of `{to}`");
    let help = "let the absence count towards the stricter side (`if_absent`), put the stricter rule above, or make \
                the field required";
    reader.fault(Code::OmissionSoftens, span, message, help);
}
