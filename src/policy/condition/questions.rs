//! Questions to a request, those of one kind together: a loop over numbers has no jump that the request decides.

use std::sync::Arc;

use super::frame::{Edge, Frame, KindSet, MoneyAt, NumberField, Span, TextField, Word};
use super::money::Bound;
use super::{Field, Leaf, Test};
use crate::domain::Amount;
use crate::policy::literal::Needle;

/// How many outcomes a machine word has.
pub(super) const BITS: usize = 64;
/// The most texts that are compared one by one; beyond, searching costs less.
const WORDS_MAX: usize = 8;
/// The most ranges of addresses that are compared one by one; beyond, searching costs less.
const RANGES_MAX: usize = 8;

/// The place of a question's bit, what it looks at, and what it asks of it.
type Asked<F, T> = (u32, F, T);

/// At most [`BITS`] questions. The answers to all of them are found together.
///
/// INVARIANT: what is absent is in no span, is no word, has no edge and contains nothing. So every question of numbers is answered
/// by `false` where its field is absent, and `when_absent` turns those around that are not.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Questions {
    numbers: Vec<Asked<NumberField, Span>>,
    /// One for each currency.
    money: Vec<Asked<MoneyAt, Span>>,
    /// One for each text that it may be.
    words: Vec<Asked<TextField, Word>>,
    /// Texts that their ends alone do not tell.
    texts: Vec<Asked<TextField, Box<str>>>,
    edges: Vec<Asked<TextField, Edge>>,
    parts: Vec<Asked<TextField, Needle>>,
    /// Of the identifiers.
    some_kinds: Vec<(u32, KindSet)>,
    every_kind: Vec<(u32, KindSet)>,
    /// Everything else.
    others: Vec<(u32, Arc<Leaf>)>,
    when_absent: Vec<(Source, u32)>,
}

/// What a question looks at, as far as it can be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Something that is always there.
    Always,
    Number(NumberField),
    Money(usize),
    Text(TextField),
}

impl Questions {
    /// Adds a question whose answer is the bit in a place below [`BITS`].
    pub(super) fn ask(&mut self, leaf: &Arc<Leaf>, bit: u32) {
        match self.ask_fast(leaf, bit) {
            Some(Source::Always) => {}
            Some(source) if leaf.when_absent => self.when_absent.push((source, bit)),
            Some(_) => {}
            None => self.others.push((bit, Arc::clone(leaf))),
        }
    }

    /// Adds the question as one of numbers; `None` where it is none of those, or has a bound that is too large or too fine.
    fn ask_fast(&mut self, leaf: &Leaf, bit: u32) -> Option<Source> {
        if let Field::Money(at) = leaf.field {
            let spans = money_spans(&leaf.test)?;
            self.money.extend(
                spans.into_iter().enumerate().map(|(place, span)| (bit, MoneyAt { at, place }, span)),
            );
            return Some(Source::Money(at));
        }
        match (leaf.field, &leaf.test) {
            (Field::Ip, Test::InRange(set)) => {
                let ranges = set.only_v4().filter(|ranges| ranges.len() <= RANGES_MAX)?;
                let spans = ranges.iter().map(|(low, high)| Span::between((*low).into(), (*high).into()));
                self.numbers.extend(spans.map(|span| (bit, NumberField::ADDRESS, span)));
                return Some(Source::Always);
            }
            (Field::IdentifiersAny, Test::Identifier(test)) => {
                self.some_kinds.push((bit, KindSet::asked(test.only_kinds()?)?));
                return Some(Source::Always);
            }
            (Field::IdentifiersEvery, Test::Identifier(test)) => {
                self.every_kind.push((bit, KindSet::asked(test.only_kinds()?)?));
                return Some(Source::Always);
            }
            _ => {}
        }
        if let (Some(of), Some(span)) = (NumberField::of(leaf.field), span_of(&leaf.test)) {
            self.numbers.push((bit, of, span));
            return Some(Source::Number(of));
        }
        let of = TextField::of(leaf.field)?;
        match &leaf.test {
            Test::OneOf(texts) if texts.len() <= WORDS_MAX => {
                for text in texts {
                    match Word::whole(text) {
                        Some(word) => self.words.push((bit, of, word)),
                        None => self.texts.push((bit, of, text.clone())),
                    }
                }
            }
            Test::StartsWith(start) => self.edges.push((bit, of, Edge::first(start)?)),
            Test::EndsWith(end) => self.edges.push((bit, of, Edge::last(end)?)),
            Test::Contains(part) => self.parts.push((bit, of, part.clone())),
            _ => return None,
        }
        Some(Source::Text(of))
    }

    /// The answers, a bit each.
    pub(super) fn outcomes(&self, frame: &Frame<'_>) -> u64 {
        let numbers = self.numbers.iter().map(|(bit, of, span)| so(*bit, span.has(frame.number(*of))));
        let money = self.money.iter().map(|(bit, of, span)| so(*bit, span.has(frame.money(*of))));
        let words = self.words.iter().map(|(bit, of, word)| so(*bit, frame.text(*of).word.is(*word)));
        let edges = self.edges.iter().map(|(bit, of, edge)| so(*bit, edge.is_of(frame.text(*of).word)));
        let some_kinds = self.some_kinds.iter().map(|(bit, kinds)| so(*bit, frame.kinds.meets(*kinds)));
        let every_kind = self.every_kind.iter().map(|(bit, kinds)| so(*bit, frame.kinds.is_within(*kinds)));
        let by_number = joined(numbers) | joined(money) | joined(words) | joined(edges);
        let by_kind = joined(some_kinds) | joined(every_kind);
        let texts = self.texts.iter().map(|(bit, of, text)| so(*bit, frame.text(*of).text == &**text));
        let parts = self.parts.iter().map(|(bit, of, part)| {
            let sent = frame.text(*of);
            so(*bit, sent.is_there() && part.is_in(sent.text))
        });
        let others = self.others.iter().map(|(bit, leaf)| so(*bit, leaf.holds(frame.view)));
        let absent = self.when_absent.iter().map(|(source, bit)| so(*bit, is_absent(*source, frame)));
        by_number | by_kind | joined(texts) | joined(parts) | joined(others) | joined(absent)
    }
}

/// The bit of an answer: shifted to its place, which takes no jump.
pub(super) fn so(bit: u32, holds: bool) -> u64 {
    u64::from(holds).wrapping_shl(bit)
}

/// All bits of some answers.
pub(super) fn joined(outcomes: impl Iterator<Item = u64>) -> u64 {
    outcomes.fold(0, |joined, outcome| joined | outcome)
}

fn is_absent(source: Source, frame: &Frame<'_>) -> bool {
    match source {
        Source::Always => false,
        Source::Number(of) => !frame.has_number(of),
        Source::Money(at) => !frame.has_money(at),
        Source::Text(of) => !frame.text(of).is_there(),
    }
}

fn span_of(test: &Test) -> Option<Span> {
    match test {
        Test::Decimal(comparison, bound) => Some(Span::of(*comparison, bound.exact_rank()?)),
        Test::DecimalBetween(low, high) => between(*low, *high),
        _ => None,
    }
}

fn between(low: Amount, high: Amount) -> Option<Span> {
    Some(Span::between(low.exact_rank()?, high.exact_rank()?))
}

/// One span a currency; `None` where one of the bounds is in another currency.
fn money_spans(test: &Test) -> Option<Vec<Span>> {
    match test {
        Test::Money(comparison, bounds) => bounds
            .iter()
            .map(|bound| match bound {
                Bound::Own(bound) => Some(Span::of(*comparison, bound.exact_rank()?)),
                Bound::Foreign(..) => None,
            })
            .collect(),
        Test::MoneyBetween(bounds) => bounds
            .iter()
            .map(|bound| match bound {
                Bound::Own((low, high)) => between(*low, *high),
                Bound::Foreign(..) => None,
            })
            .collect(),
        _ => None,
    }
}
