//! Asking again never helps: whatever a request was answered, the same request after more calls is not answered softer.
//!
//! More calls make what is `asked`, `usable` and rejected larger, and the last time later; what was executed, and facts, are
//! out of the user's hand. As with omission it is a question about pairs of rules: one that such a call can make match is
//! compared with all below it, one that it can end with all below it the other way round, and a pair is let off only when its
//! conditions exclude each other whatever was asked.

use super::overlap::{Cases, Move};
use super::places::Places;
use crate::policy::diagnostic::{Code, Span};
use crate::policy::reader::Reader;
use crate::policy::rules::read::ReadRule;

/// Checks a file of scopes.
pub(super) fn check(reader: &mut Reader<'_>, places: &mut Places<'_>) {
    for at in 0..places.all.len() {
        let found = [Move::Begins, Move::Ceases].into_iter().find_map(|way| softened(places, at, way));
        if let Some((span, from, to)) = found {
            let message =
                format!("asking again could turn the decision of `{from}` into the softer one of `{to}`");
            let help = "let a larger number lead to the stricter decision (`gt` for it, `lt` for the softer one), put the \
                        stricter rule above, or count what was `executed`";
            reader.fault(Code::AskingSoftens, span, message, help);
        }
    }
}

/// Where the rule stands, and the names of the decisions from and to which asking again could lead.
fn softened<'s>(places: &mut Places<'s>, at: usize, way: Move) -> Option<(Span, &'s str, &'s str)> {
    let place = places.all.get(at)?;
    let (span, name, own) = (place.span, place.name, place.cases?.moved(way)?);
    for below in at + 1..places.all.len() {
        let (new, old) = if way == Move::Begins { (at, below) } else { (below, at) };
        if !places.is_softer(new, old) {
            continue;
        }
        let other = places.all.get(below)?;
        let can_meet = other.cases.is_none_or(|cases| !own.exclude(&cases.whatever_was_asked()));
        if can_meet {
            return Some(if way == Move::Begins {
                (span, other.name, name)
            } else {
                (span, name, other.name)
            });
        }
    }
    None
}

/// Checks `always.yaml`: its rules can only block, and whatever stands below may be softer, so none of them may end.
pub(super) fn check_blocks(reader: &mut Reader<'_>, rules: &[ReadRule], cases: &[Cases<'_>]) {
    for (read, cases) in rules.iter().zip(cases) {
        if cases.moved(Move::Ceases).is_some() {
            let message = format!("asking again could end the block of `{}`", read.rule.id);
            let help = "let a larger number block (`gt`, `gte`), or count what was `executed`";
            reader.fault(Code::AskingSoftens, read.id_span, message, help);
        }
    }
}
