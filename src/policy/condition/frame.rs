//! A request in the form in which compiled questions compare: its amounts as numbers, and the ends of its texts too.

use std::net::IpAddr;

use super::{Comparison, Field, View};
use crate::domain::{Amount, IdentifierKind, Timestamp};
use crate::policy::schema::{FIELDS_MAX, Value};

/// The texts that every request has.
const COMMON_TEXTS: usize = 4;
/// The numbers that every request has.
const COMMON_NUMBERS: usize = 2;
/// The rank of what is absent: below every span.
const ABSENT: i64 = -1;
/// No currency has this place.
const NO_PLACE: usize = usize::MAX;

/// A request as compiled questions see it.
#[derive(Debug)]
pub(crate) struct Frame<'r> {
    /// The request itself, for what is not compared as numbers.
    pub(super) view: View<'r>,
    texts: [Sent<'r>; COMMON_TEXTS + FIELDS_MAX],
    /// Ranks, and the address where it is of version 4.
    numbers: [i64; COMMON_NUMBERS + FIELDS_MAX],
    /// Ranks, and places of currencies.
    money: [(i64, usize); FIELDS_MAX],
    /// The kinds of the identifiers.
    pub(super) kinds: KindSet,
}

/// A text of a request; empty where it is absent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent<'r> {
    pub(super) text: &'r str,
    pub(super) word: Word,
}

impl<'r> Sent<'r> {
    const ABSENT: Self = Self { text: "", word: Word::NONE };

    fn of(text: &'r str) -> Self {
        Self { text, word: Word::of(text) }
    }

    /// Whether it was sent at all.
    pub(super) fn is_there(&self) -> bool {
        self.word != Word::NONE
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
        let address = match facts.signals.ip.to_canonical() {
            IpAddr::V4(address) => i64::from(u32::from(address)),
            IpAddr::V6(_) => ABSENT,
        };
        let mut frame = Self {
            view,
            texts: [Sent::ABSENT; COMMON_TEXTS + FIELDS_MAX],
            numbers: [ABSENT; COMMON_NUMBERS + FIELDS_MAX],
            money: [(ABSENT, NO_PLACE); FIELDS_MAX],
            kinds: KindSet::of(facts.identifiers.iter().map(|identifier| &identifier.kind)),
        };
        frame.texts.iter_mut().zip(common).for_each(|(slot, text)| *slot = Sent::of(text));
        let numbers = [Amount::rank_of(facts.identifiers.len()), address];
        frame.numbers.iter_mut().zip(numbers).for_each(|(slot, number)| *slot = number);
        let slots = frame.numbers.iter_mut().skip(COMMON_NUMBERS);
        let slots = slots.zip(frame.texts.iter_mut().skip(COMMON_TEXTS));
        for (value, (number, text)) in view.values.all().iter().zip(slots) {
            match value {
                Value::Absent => {}
                Value::Decimal(sent, _) => *number = sent.rank(),
                Value::Text(sent, _) => *text = Sent::of(sent),
            }
        }
        for (rule, slot) in view.schema.money.iter().zip(&mut frame.money) {
            let place = view.values.money(rule).map_or(NO_PLACE, |(_, place)| place);
            *slot = (frame.numbers.get(COMMON_NUMBERS + rule.amount).copied().unwrap_or(ABSENT), place);
        }
        frame
    }

    /// When the request arrived.
    pub(crate) const fn received_at(&self) -> Timestamp {
        self.view.facts.received_at
    }

    /// A number's rank; below every span where it is absent.
    pub(super) fn number(&self, of: NumberField) -> i64 {
        self.numbers.get(of.0).copied().unwrap_or(ABSENT)
    }

    pub(super) fn has_number(&self, of: NumberField) -> bool {
        self.number(of) != ABSENT
    }

    /// The rank of money in a currency; below every span for money that is absent, or in another one.
    pub(super) fn money(&self, of: MoneyAt) -> i64 {
        self.money.get(of.at).map_or(ABSENT, |(rank, place)| if *place == of.place { *rank } else { ABSENT })
    }

    pub(super) fn has_money(&self, at: usize) -> bool {
        self.money.get(at).is_some_and(|(_, place)| *place != NO_PLACE)
    }

    /// A text.
    pub(super) fn text(&self, of: TextField) -> &Sent<'r> {
        self.texts.get(of.0).unwrap_or(&Sent::ABSENT)
    }
}

/// The place of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NumberField(usize);

impl NumberField {
    /// The address, as a number where it is of version 4.
    pub(super) const ADDRESS: Self = Self(1);

    /// Where the number of a field is; `None` for a field that is none.
    pub(super) const fn of(field: Field) -> Option<Self> {
        match field {
            Field::IdentifiersCount => Some(Self(0)),
            Field::Metadata(at) => Some(Self(COMMON_NUMBERS + at)),
            _ => None,
        }
    }
}

/// A set of kinds of identifiers; those that we do not know are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KindSet(u8);

impl KindSet {
    const OTHER: u8 = 4;

    fn of<'k>(kinds: impl Iterator<Item = &'k IdentifierKind>) -> Self {
        Self(kinds.fold(0, |set, kind| {
            set | match kind {
                IdentifierKind::EmailAddress => 1,
                IdentifierKind::PhoneNumber => 2,
                IdentifierKind::Other(_) => Self::OTHER,
            }
        }))
    }

    /// The kinds that are asked for; `None` when one of them is not known, which more than one kind is.
    pub(super) fn asked(kinds: &[IdentifierKind]) -> Option<Self> {
        Some(Self::of(kinds.iter())).filter(|set| set.0 & Self::OTHER == 0)
    }

    /// Whether one of the kinds is in the other set.
    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there are kinds, all of them in the other set.
    pub(super) const fn is_within(self, other: Self) -> bool {
        self.0 != 0 && self.0 & !other.0 == 0
    }
}

/// The place of money, and of one of its currencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MoneyAt {
    pub(super) at: usize,
    pub(super) place: usize,
}

/// The place of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextField(usize);

impl TextField {
    /// Where the text of a field is; `None` for a field that is none.
    pub(super) const fn of(field: Field) -> Option<Self> {
        Some(Self(match field {
            Field::UserId => 0,
            Field::Platform => 1,
            Field::UserAgent => 2,
            Field::Scope => 3,
            Field::Metadata(at) => COMMON_TEXTS + at,
            _ => return None,
        }))
    }
}

/// The ranks from one to another, both included. None is negative: amounts are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    low: i64,
    /// From the lowest to the highest: one comparison tells both ends, without a jump between two.
    width: u64,
}

impl Span {
    /// The ranks that compare so to a bound.
    pub(super) const fn of(comparison: Comparison, bound: i64) -> Self {
        match comparison {
            Comparison::Equal => Self::between(bound, bound),
            Comparison::Less => Self::between(0, bound.saturating_sub(1)),
            Comparison::AtMost => Self::between(0, bound),
            Comparison::Greater => Self::between(bound.saturating_add(1), i64::MAX),
            Comparison::AtLeast => Self::between(bound, i64::MAX),
        }
    }

    /// The ranks between two bounds, both included.
    pub(super) const fn between(low: i64, high: i64) -> Self {
        if low <= high {
            Self { low, width: high.wrapping_sub(low).cast_unsigned() }
        } else {
            // Nothing lies between them, and no rank is as low as this.
            Self { low: i64::MIN, width: 0 }
        }
    }

    /// Whether a rank is one of them.
    pub(super) const fn has(self, rank: i64) -> bool {
        rank.wrapping_sub(self.low).cast_unsigned() <= self.width
    }
}

/// The first eight bytes of a text and its last eight, filled up with zeros, and its length: texts that differ nearly
/// always differ here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    first: u64,
    last: u64,
    length: u64,
}

impl Word {
    /// No text has these ends.
    const NONE: Self = Self { first: 0, last: 0, length: u64::MAX };

    /// Whether it is the same, without a jump.
    pub(super) const fn is(self, other: Self) -> bool {
        (self.first ^ other.first) | (self.last ^ other.last) | (self.length ^ other.length) == 0
    }

    /// The ends of a text that has nothing between them, so that no other text has the same; `None` for a longer one.
    pub(super) fn whole(text: &str) -> Option<Self> {
        (text.len() <= 16).then(|| Self::of(text))
    }

    /// The ends of a text.
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX - 1);
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            return Self { first: u64::from_le_bytes(*first), last: u64::from_le_bytes(*last), length };
        }
        // The first byte is the lowest of the one, and the last byte the highest of the other.
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            // Four to seven bytes: the two halves overlap alike in both.
            let (first, last) = (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)));
            let whole = first | last << (8 * (length - 4));
            return Self { first: whole, last: whole << (8 * (8 - length)), length };
        }
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

    const TEXTS: [&str; 17] = [
        "",
        "a",
        "b",
        "ab",
        "ba",
        "abcdefg",
        "abcdefgh",
        "abcdefghi",
        "abcdefghj",
        "bcdefghi",
        "aaaaaaaa",
        "aaaaaaaaa",
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
            assert!(a == b || !told_apart || !Word::of(a).is(Word::of(b)), "{a:?} {b:?}");
            assert!(Word::whole(a).is_none_or(|word| word.is(Word::of(b)) == (a == b)), "{a:?} {b:?}");
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
            let span = Span::of(comparison, bound);
            for rank in (0..12).chain([i64::MAX]) {
                assert_eq!(span.has(rank), comparison.holds(rank, bound));
            }
            assert!(!span.has(ABSENT), "{comparison:?} {bound}");
        }
        assert_eq!([1, 2, 4, 5].map(|rank| Span::between(2, 4).has(rank)), [false, true, true, false]);
        assert_eq!([ABSENT, 1, 2, 3, 4].map(|rank| Span::between(3, 2).has(rank)), [false; 5]);
    }
}
