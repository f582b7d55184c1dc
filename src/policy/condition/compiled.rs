//! Conditions as they are evaluated: one question after the other, each a comparison of numbers where it can be, and the
//! tree above them as masks over the outcomes (docs/decisions/0030-conditions-become-numbers.md).

use std::sync::Arc;

use super::frame::{Edge, Frame, Span, TextField, Word};
use super::money::Bound;
use super::{Condition, Field, LEAVES_MAX, Leaf, Test};
use crate::domain::Amount;
use crate::policy::literal::Needle;
use crate::policy::seen::FieldSet;

/// The most texts that are compared one by one; beyond, searching costs less.
const WORDS_MAX: usize = 8;
/// How many outcomes a machine word has.
const BITS: usize = 64;

/// A rule's condition as it is evaluated. It says the same as the [`Condition`] that it was made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Compiled {
    /// What its questions look at.
    pub(crate) looks_at: FieldSet,
    /// In file order.
    questions: Box<[Question]>,
    junction: Junction,
}

/// One question with its answer where the field is absent. Small, since those of a rule lie side by side.
#[derive(Debug, Clone, PartialEq)]
enum Question {
    /// An amount of the metadata lies in a span.
    Amount { at: u8, when_absent: bool, span: Span },
    /// Money lies in the span of its currency.
    Money { at: u8, when_absent: bool, spans: Box<[Span]> },
    /// The number of identifiers lies in a span.
    Identifiers(Span),
    /// A text is one of these.
    Words { of: TextField, when_absent: bool, words: Box<[(Word, Box<str>)]> },
    /// A text begins or ends so.
    Edge { of: TextField, when_absent: bool, edge: Edge },
    /// A text contains this.
    Contains { of: TextField, when_absent: bool, part: Needle },
    /// Anything else.
    Other(Arc<Leaf>),
}

/// How outcomes join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    All,
    Any,
}

impl Join {
    const fn opposite(self) -> Self {
        match self {
            Self::All => Self::Any,
            Self::Any => Self::All,
        }
    }
}

/// Outcomes that join, and junctions of others. What stands below a `not` was turned around, so there is none left.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Junction {
    join: Join,
    masks: Box<[Mask]>,
    parts: Box<[Self]>,
}

/// Outcomes of one machine word: which ones, and which of them count when they are false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mask {
    word: usize,
    of: u64,
    turned: u64,
}

/// Every outcome of a rule, a bit each.
#[derive(Debug, Default)]
struct Outcomes([u64; LEAVES_MAX / BITS]);

impl Compiled {
    /// Compiles a condition of at most [`LEAVES_MAX`] leaves, which the reader makes sure of.
    pub(crate) fn of(condition: &Condition) -> Self {
        let mut questions = Vec::new();
        let junction = Junction::of(condition, Wanted::True, &mut questions);
        Self { looks_at: FieldSet::of(condition), questions: questions.into(), junction }
    }

    /// Tells whether the condition holds, and hands each question's outcome to `note`, in file order.
    ///
    /// No short cut is taken: every question is asked, so that the record can show all of them.
    pub(crate) fn holds(&self, frame: &Frame<'_>, mut note: impl FnMut(bool)) -> bool {
        let mut outcomes = Outcomes::default();
        for (questions, word) in self.questions.chunks(BITS).zip(&mut outcomes.0) {
            for (at, question) in questions.iter().enumerate() {
                let outcome = question.holds(frame);
                note(outcome);
                *word |= u64::from(outcome) << at;
            }
        }
        self.junction.holds(&outcomes)
    }
}

impl Question {
    fn of(leaf: &Arc<Leaf>) -> Self {
        Self::fast(leaf).unwrap_or_else(|| Self::Other(Arc::clone(leaf)))
    }

    /// The question as numbers; `None` where it is none of numbers, or of one that is too large or too fine.
    fn fast(leaf: &Leaf) -> Option<Self> {
        let when_absent = leaf.when_absent;
        match leaf.field {
            Field::IdentifiersCount => span_of(&leaf.test).map(Self::Identifiers),
            Field::Money(at) => {
                let spans = money_spans(&leaf.test)?;
                Some(Self::Money { at: u8::try_from(at).ok()?, when_absent, spans })
            }
            field => match (span_of(&leaf.test), field) {
                (Some(span), Field::Metadata(at)) => {
                    Some(Self::Amount { at: u8::try_from(at).ok()?, when_absent, span })
                }
                _ => Self::text(TextField::of(field)?, &leaf.test, when_absent),
            },
        }
    }

    fn text(of: TextField, test: &Test, when_absent: bool) -> Option<Self> {
        let edge = |edge: Option<Edge>| Some(Self::Edge { of, when_absent, edge: edge? });
        match test {
            Test::OneOf(texts) if texts.len() <= WORDS_MAX => {
                let words = texts.iter().map(|text| (Word::of(text), text.clone())).collect();
                Some(Self::Words { of, when_absent, words })
            }
            Test::StartsWith(start) => edge(Edge::first(start)),
            Test::EndsWith(end) => edge(Edge::last(end)),
            Test::Contains(part) => Some(Self::Contains { of, when_absent, part: part.clone() }),
            _ => None,
        }
    }

    fn holds(&self, frame: &Frame<'_>) -> bool {
        match self {
            Self::Amount { at, when_absent, span } => {
                frame.amount(*at).map_or(*when_absent, |rank| span.has(rank))
            }
            Self::Money { at, when_absent, spans } => {
                let (rank, place) = frame.money(*at);
                spans.get(place).map_or(*when_absent, |span| span.has(rank))
            }
            Self::Identifiers(span) => span.has(frame.identifiers()),
            Self::Words { of, when_absent, words } => frame.text(*of).map_or(*when_absent, |sent| {
                words.iter().any(|(word, text)| *word == sent.word && **text == *sent.text)
            }),
            Self::Edge { of, when_absent, edge } => {
                frame.text(*of).map_or(*when_absent, |sent| edge.is_of(sent.word))
            }
            Self::Contains { of, when_absent, part } => {
                frame.text(*of).map_or(*when_absent, |sent| part.is_in(sent.text))
            }
            Self::Other(leaf) => leaf.holds(frame.view),
        }
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
fn money_spans(test: &Test) -> Option<Box<[Span]>> {
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

/// How a condition counts: as it stands, or turned around by the `not`s above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    True,
    False,
}

impl Wanted {
    const fn opposite(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
        }
    }

    const fn join(self, join: Join) -> Join {
        match self {
            Self::True => join,
            Self::False => join.opposite(),
        }
    }
}

impl Junction {
    fn of(condition: &Condition, wanted: Wanted, questions: &mut Vec<Question>) -> Self {
        match condition {
            Condition::All(parts) => Self::joined(wanted.join(Join::All), parts, wanted, questions),
            Condition::Any(parts) => Self::joined(wanted.join(Join::Any), parts, wanted, questions),
            Condition::Not(part) => Self::of(part, wanted.opposite(), questions),
            Condition::Leaf(_) => Self::joined(Join::All, std::slice::from_ref(condition), wanted, questions),
            // `all` of nothing holds, `any` of nothing does not.
            Condition::Always => Self::joined(wanted.join(Join::All), &[], wanted, questions),
        }
    }

    fn joined(join: Join, conditions: &[Condition], wanted: Wanted, questions: &mut Vec<Question>) -> Self {
        let (mut masks, mut parts): (Vec<Mask>, Vec<Self>) = (Vec::new(), Vec::new());
        for condition in conditions {
            let (condition, wanted) = below_nots(condition, wanted);
            let Condition::Leaf(leaf) = condition else {
                parts.push(Self::of(condition, wanted, questions));
                continue;
            };
            let (word, bit) = (questions.len() / BITS, 1 << (questions.len() % BITS));
            questions.push(Question::of(leaf));
            let turned = if wanted == Wanted::False { bit } else { 0 };
            match masks.last_mut() {
                Some(mask) if mask.word == word => {
                    mask.of |= bit;
                    mask.turned |= turned;
                }
                _ => masks.push(Mask { word, of: bit, turned }),
            }
        }
        Self { join, masks: masks.into(), parts: parts.into() }
    }

    fn holds(&self, outcomes: &Outcomes) -> bool {
        let counting = |mask: &Mask| (outcomes.0.get(mask.word).unwrap_or(&0) ^ mask.turned) & mask.of;
        match self.join {
            Join::All => {
                self.masks.iter().all(|mask| counting(mask) == mask.of)
                    && self.parts.iter().all(|part| part.holds(outcomes))
            }
            Join::Any => {
                self.masks.iter().any(|mask| counting(mask) != 0)
                    || self.parts.iter().any(|part| part.holds(outcomes))
            }
        }
    }
}

fn below_nots(mut condition: &Condition, mut wanted: Wanted) -> (&Condition, Wanted) {
    while let Condition::Not(part) = condition {
        (condition, wanted) = (part, wanted.opposite());
    }
    (condition, wanted)
}

#[cfg(test)]
mod tests;
