//! Ranges of numbers any two of which are nested or apart, as address ranges are: each knows the one around it.
//!
//! A look-up is one binary search for the innermost range that could hold a number, and then steps outward; there are at
//! most as many as an address has bits.

use std::cmp::Reverse;
use std::num::NonZeroU32;

/// A range and what is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range<N, P> {
    /// Its first number.
    pub(super) first: N,
    /// Its last number.
    pub(super) last: N,
    /// What is said of it.
    pub(super) said: P,
    /// The place of the smallest range around it, counted from 1.
    around: Option<NonZeroU32>,
}

impl<N, P> Range<N, P> {
    /// A range that is not put in order yet.
    pub(super) const fn new(first: N, last: N, said: P) -> Self {
        Self { first, last, said, around: None }
    }
}

/// Ranges in the order of their first numbers, outer ones before inner ones.
#[derive(Debug)]
pub(super) struct Nested<N, P>(Vec<Range<N, P>>);

impl<N: Ord + Copy, P: Copy> Nested<N, P> {
    /// Puts ranges in order where they lie, since they may be many; the same range twice is there twice.
    pub(super) fn of(mut ranges: Vec<Range<N, P>>) -> Self {
        ranges.sort_unstable_by_key(|range| (range.first, Reverse(range.last)));
        let mut open: Vec<(N, Option<NonZeroU32>)> = Vec::new();
        for (range, place) in ranges.iter_mut().zip(1..) {
            while open.pop_if(|(end, _)| *end < range.first).is_some() {}
            range.around = open.last().and_then(|(_, place)| *place);
            // INVARIANT: no list has more entries than places can be counted.
            open.push((range.last, NonZeroU32::new(place)));
        }
        Self(ranges)
    }

    /// Whether the same range is there twice.
    pub(super) fn has_repeats(&self) -> bool {
        self.0.windows(2).any(|pair| matches!(pair, [a, b] if (a.first, a.last) == (b.first, b.last)))
    }

    /// The ranges that hold a number, the smallest first.
    pub(super) fn around(&self, number: N) -> impl Iterator<Item = &Range<N, P>> {
        let mut at = self.0.partition_point(|range| range.first <= number).checked_sub(1);
        std::iter::from_fn(move || {
            loop {
                let range = self.0.get(at?)?;
                at = range.around.and_then(|place| usize::try_from(place.get() - 1).ok());
                if number <= range.last {
                    return Some(range);
                }
            }
        })
    }

    /// The range with exactly these ends, as often as it is there.
    pub(super) fn exactly(&self, first: N, last: N) -> impl Iterator<Item = &Range<N, P>> {
        let before =
            self.0.partition_point(|range| (range.first, Reverse(range.last)) < (first, Reverse(last)));
        let from = self.0.get(before..).unwrap_or_default();
        from.iter().take_while(move |range| (range.first, range.last) == (first, last))
    }

    /// Every range, outer ones before inner ones.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Range<N, P>> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ranges as prefixes of numbers of eight bits, and what is said of each.
    fn any_ranges() -> impl Strategy<Value = Vec<(u8, u8, usize)>> {
        let range = (any::<u8>(), 0..=8_u32).prop_map(|(number, bits)| {
            let rest = u8::MAX.checked_shr(bits).unwrap_or(0);
            (number & !rest, number | rest)
        });
        let said =
            |ranges: Vec<(u8, u8)>| ranges.into_iter().zip(0..).map(|((a, b), at)| (a, b, at)).collect();
        prop::collection::vec(range, 0..40).prop_map(said)
    }

    proptest! {
        #[test]
        fn every_range_around_a_number_is_found_from_the_inside_out(ranges in any_ranges()) {
            let nested = Nested::of(ranges.iter().map(|(a, b, said)| Range::new(*a, *b, *said)).collect());
            let mut ends: Vec<_> = ranges.iter().map(|(a, b, _)| (a, b)).collect();
            ends.sort_unstable();
            prop_assert_eq!(nested.has_repeats(), ends.windows(2).any(|pair| pair[0] == pair[1]));
            for number in 0..=u8::MAX {
                let found: Vec<_> = nested.around(number).map(|range| (range.first, range.last)).collect();
                let mut all: Vec<_> = ranges.iter().filter(|(first, last, _)| (*first..=*last).contains(&number))
                    .map(|(first, last, _)| (*first, *last)).collect();
                all.sort_unstable_by_key(|(first, last)| last - first);
                prop_assert_eq!(found, all);
            }
            for (first, last, said) in &ranges {
                prop_assert!(nested.exactly(*first, *last).any(|range| range.said == *said));
            }
            let wanted = ranges.iter().filter(|(first, last, _)| (*first, *last) == (0, 7)).count();
            prop_assert_eq!(nested.exactly(0, 7).count(), wanted);
        }
    }
}
