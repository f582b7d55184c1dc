//! What the fraud desk says about a list, in the form in which it is looked up beside the file's entries.
//!
//! The moment of the request decides what has ended, so a delta is built once for each revision of the desk.

use std::collections::HashMap;

use ipnet::IpNet;

use super::Ranges;
use super::nested::{Nested, Range};
use crate::domain::{Effect, Timestamp};

/// What the desk says about one list, by the list's kind.
#[derive(Debug)]
pub(crate) enum ListDelta {
    /// Of texts.
    Texts(TextDelta),
    /// Of addresses and ranges.
    Addresses(AddressDelta),
    /// Of ranges with a value.
    Mapping(MapDelta),
}

/// One value's effect and its end.
#[derive(Debug, Default)]
pub(crate) struct TextDelta(HashMap<Box<str>, (Effect, Timestamp)>);

impl TextDelta {
    /// Takes in what is said of a text.
    pub(crate) fn say(&mut self, text: Box<str>, effect: Effect, until: Timestamp) {
        self.0.insert(text, (effect, until));
    }

    /// What holds for a text at that moment; nothing where the file alone decides.
    pub(super) fn effect(&self, text: &str, now: Timestamp) -> Option<Effect> {
        self.0.get(text).filter(|(_, until)| now < *until).map(|(effect, _)| *effect)
    }
}

/// Ranges that are listed beside the file's, and those of the file that do not count.
#[derive(Debug)]
pub(crate) struct AddressDelta {
    pub(super) v4: RangeDelta<u32, Timestamp>,
    pub(super) v6: RangeDelta<u128, Timestamp>,
}

impl AddressDelta {
    /// Puts what is said of ranges in order.
    pub(crate) fn of(said: &[(IpNet, Effect, Timestamp)]) -> Self {
        let added = said.iter().filter(|(_, effect, _)| *effect == Effect::Added);
        let hidden = said.iter().filter(|(_, effect, _)| *effect == Effect::Removed);
        let added = ranges(added.map(|(net, _, until)| (*net, *until)));
        let hidden = ranges(hidden.map(|(net, _, until)| (*net, *until)));
        Self { v4: RangeDelta::of(added.v4, hidden.v4), v6: RangeDelta::of(added.v6, hidden.v6) }
    }
}

/// Ranges to which the desk gives a value, and those of the file whose value does not count.
#[derive(Debug)]
pub(crate) struct MapDelta {
    values: Vec<Box<str>>,
    pub(super) v4: RangeDelta<u32, (usize, Timestamp)>,
    pub(super) v6: RangeDelta<u128, (usize, Timestamp)>,
}

impl MapDelta {
    /// Puts what is said of ranges in order.
    ///
    /// - `added`: ranges with their values; none twice.
    /// - `hidden`: ranges of the file.
    pub(crate) fn of(added: Vec<(IpNet, Box<str>, Timestamp)>, hidden: Vec<(IpNet, Timestamp)>) -> Self {
        let mut values = Vec::with_capacity(added.len());
        let placed = added.into_iter().map(|(net, value, until)| {
            values.push(value);
            (net, (values.len() - 1, until))
        });
        let added = ranges(placed);
        let hidden = ranges(hidden.into_iter());
        let (v4, v6) = (RangeDelta::of(added.v4, hidden.v4), RangeDelta::of(added.v6, hidden.v6));
        Self { values, v4, v6 }
    }

    pub(super) fn value(&self, place: usize) -> Option<&str> {
        self.values.get(place).map(|value| &**value)
    }
}

/// The same for addresses of one length.
#[derive(Debug)]
pub(super) struct RangeDelta<N, P> {
    pub(super) added: Nested<N, P>,
    /// By their ends.
    hidden: Vec<Range<N, Timestamp>>,
}

impl<N: Ord + Copy, P: Copy> RangeDelta<N, P> {
    fn of(added: Vec<Range<N, P>>, mut hidden: Vec<Range<N, Timestamp>>) -> Self {
        hidden.sort_unstable_by_key(|range| (range.first, range.last));
        Self { added: Nested::of(added), hidden }
    }

    /// Whether a range of the file does not count at that moment.
    pub(super) fn hides<Q>(&self, range: &Range<N, Q>, now: Timestamp) -> bool {
        let wanted = (range.first, range.last);
        let found = self.hidden.binary_search_by_key(&wanted, |hidden| (hidden.first, hidden.last));
        found.ok().and_then(|at| self.hidden.get(at)).is_some_and(|hidden| now < hidden.said)
    }
}

fn ranges<P>(said: impl Iterator<Item = (IpNet, P)>) -> Ranges<P> {
    let mut ranges = Ranges::new();
    said.for_each(|(net, said)| ranges.add(net, said));
    ranges
}
