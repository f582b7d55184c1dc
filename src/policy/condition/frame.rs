//! A request in the form in which compiled questions compare: its amounts as numbers, and the ends of its texts too.

use super::{Comparison, Field, View};
use crate::domain::{Amount, Timestamp};
use crate::policy::schema::{FIELDS_MAX, Value};

/// The texts that every request has.
const COMMON_TEXTS: usize = 4;
/// No currency has this place.
const NO_PLACE: usize = usize::MAX;

/// A request as compiled questions see it.
#[derive(Debug)]
pub(crate) struct Frame<'r> {
    /// The request itself, for what is not compared as numbers.
    pub(super) view: View<'r>,
    texts: [Option<Sent<'r>>; COMMON_TEXTS + FIELDS_MAX],
    amounts: [Option<i64>; FIELDS_MAX],
    money: [(i64, usize); FIELDS_MAX],
    identifiers: i64,
}

/// A text of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent<'r> {
    pub(super) text: &'r str,
    pub(super) word: Word,
}

impl<'r> Sent<'r> {
    fn of(text: &'r str) -> Self {
        Self { text, word: Word::of(text) }
    }
}

impl<'r> Frame<'r> {
    /// Looks at every field once.
    pub(crate) fn of(view: View<'r>) -> Self {
        let facts = view.facts;
        let common = [
            facts.user_id.as_str(),
            facts.signals.platform.as_str(),
            &facts.signals.user_agent,
            facts.scope.as_str(),
        ];
        let (mut texts, mut amounts) = ([None; COMMON_TEXTS + FIELDS_MAX], [None; FIELDS_MAX]);
        texts.iter_mut().zip(common).for_each(|(slot, text)| *slot = Some(Sent::of(text)));
        let sent = view.values.all().iter().zip(&mut amounts).zip(texts.iter_mut().skip(COMMON_TEXTS));
        for ((value, amount), text) in sent {
            match value {
                Value::Absent => {}
                Value::Decimal(sent) => *amount = Some(sent.rank()),
                Value::Text(sent, _) => *text = Some(Sent::of(sent)),
            }
        }
        let mut money = [(0, NO_PLACE); FIELDS_MAX];
        for (rule, slot) in view.schema.money.iter().zip(&mut money) {
            *slot = view.values.money(rule).map_or(*slot, |(amount, place)| (amount.rank(), place));
        }
        Self { view, texts, amounts, money, identifiers: Amount::rank_of(facts.identifiers.len()) }
    }

    /// When the request arrived.
    pub(crate) const fn received_at(&self) -> Timestamp {
        self.view.facts.received_at
    }

    /// An amount of the metadata; `None` where it is absent.
    pub(super) fn amount(&self, at: u8) -> Option<i64> {
        self.amounts.get(usize::from(at)).copied().flatten()
    }

    /// Money, with the place of its currency, which is none of the schema's where the money is absent.
    pub(super) fn money(&self, at: u8) -> (i64, usize) {
        self.money.get(usize::from(at)).copied().unwrap_or((0, NO_PLACE))
    }

    /// A text; `None` where it is absent.
    pub(super) fn text(&self, of: TextField) -> Option<Sent<'r>> {
        self.texts.get(usize::from(of.0)).copied().flatten()
    }

    pub(super) const fn identifiers(&self) -> i64 {
        self.identifiers
    }
}

/// The place of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextField(u8);

impl TextField {
    /// Where the text of a field is; `None` for a field that is none.
    pub(super) fn of(field: Field) -> Option<Self> {
        Some(Self(match field {
            Field::UserId => 0,
            Field::Platform => 1,
            Field::UserAgent => 2,
            Field::Scope => 3,
            Field::Metadata(at) => u8::try_from(COMMON_TEXTS + at).ok()?,
            _ => return None,
        }))
    }
}

/// The ranks from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    low: i64,
    high: i64,
}

impl Span {
    /// The ranks that compare so to a bound.
    pub(super) const fn of(comparison: Comparison, bound: i64) -> Self {
        match comparison {
            Comparison::Equal => Self { low: bound, high: bound },
            Comparison::Less => Self { low: i64::MIN, high: bound.saturating_sub(1) },
            Comparison::AtMost => Self { low: i64::MIN, high: bound },
            Comparison::Greater => Self { low: bound.saturating_add(1), high: i64::MAX },
            Comparison::AtLeast => Self { low: bound, high: i64::MAX },
        }
    }

    /// The ranks between two bounds, both included.
    pub(super) const fn between(low: i64, high: i64) -> Self {
        Self { low, high }
    }

    /// Whether a rank is one of them.
    pub(super) const fn has(self, rank: i64) -> bool {
        (self.low <= rank) & (rank <= self.high)
    }
}

/// The first eight bytes of a text and its last eight, filled up with zeros, and its length: texts that differ nearly
/// always differ here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    first: u64,
    last: u64,
    length: usize,
}

impl Word {
    /// The ends of a text.
    pub(super) fn of(text: &str) -> Self {
        let (bytes, length) = (text.as_bytes(), text.len());
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            return Self { first: u64::from_le_bytes(*first), last: u64::from_le_bytes(*last), length };
        }
        // The first byte is the lowest of the one, and the last byte the highest of the other.
        let first = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let last = bytes.iter().fold(0, |word, byte| word >> 8 | u64::from(*byte) << 56);
        Self { first, last, length }
    }
}

/// How a text begins or ends, in at most eight bytes of which none is zero: so what fills a short text up is never taken
/// for its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    mask: u64,
    bytes: u64,
    side: Side,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    First,
    Last,
}

impl Edge {
    /// The beginning of a text; `None` for one that is too long.
    pub(super) fn first(start: &str) -> Option<Self> {
        let unused = unused_bits(start)?;
        Some(Self { mask: u64::MAX >> unused, bytes: Word::of(start).first, side: Side::First })
    }

    /// The end of a text; `None` for one that is too long.
    pub(super) fn last(end: &str) -> Option<Self> {
        let unused = unused_bits(end)?;
        Some(Self { mask: u64::MAX << unused, bytes: Word::of(end).last, side: Side::Last })
    }

    /// Whether a text has it.
    pub(super) const fn is_of(self, text: Word) -> bool {
        let bytes = match self.side {
            Side::First => text.first,
            Side::Last => text.last,
        };
        bytes & self.mask == self.bytes
    }
}

fn unused_bits(text: &str) -> Option<u32> {
    let length = u32::try_from(text.len()).ok().filter(|length| (1..=8).contains(length))?;
    (!text.contains('\0')).then_some(64 - 8 * length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 14] = [
        "",
        "a",
        "b",
        "ab",
        "ba",
        "abcdefg",
        "abcdefgh",
        "abcdefghi",
        "bcdefghi",
        "éa",
        "a\0",
        "\0a",
        "abcdefghijklmnopq",
        "abcdefghXjklmnopq",
    ];

    #[test]
    fn edges_are_those_of_texts() {
        for edge in TEXTS {
            let (first, last) = (Edge::first(edge), Edge::last(edge));
            let expected = (1..=8).contains(&edge.len()) && !edge.contains('\0');
            assert_eq!((first.is_some(), last.is_some()), (expected, expected), "{edge:?}");
            for text in TEXTS {
                let word = Word::of(text);
                assert!(
                    first.is_none_or(|first| first.is_of(word) == text.starts_with(edge)),
                    "{text:?} {edge:?}"
                );
                assert!(
                    last.is_none_or(|last| last.is_of(word) == text.ends_with(edge)),
                    "{text:?} {edge:?}"
                );
            }
        }
    }

    #[test]
    fn texts_with_other_words_are_others() {
        for (a, b) in TEXTS.iter().flat_map(|a| TEXTS.iter().map(move |b| (a, b))) {
            assert!(a != b || Word::of(a) == Word::of(b));
            let told_apart = a.len() != b.len() || a.len() <= 16;
            assert!(a == b || !told_apart || Word::of(a) != Word::of(b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn a_span_has_what_compares_so() {
        let all = [
            Comparison::Equal,
            Comparison::Less,
            Comparison::AtMost,
            Comparison::Greater,
            Comparison::AtLeast,
        ];
        for (comparison, bound) in all.into_iter().flat_map(|how| [0, 2, 8, 10].map(|bound| (how, bound))) {
            for rank in (0..12).chain([i64::MAX]) {
                assert_eq!(Span::of(comparison, bound).has(rank), comparison.holds(rank, bound));
            }
        }
        assert_eq!([1, 2, 4, 5].map(|rank| Span::between(2, 4).has(rank)), [false, true, true, false]);
    }
}
