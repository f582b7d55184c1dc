//! Lists: many values in a file of their own, looked up at a cost that does not grow with them.
//!
//! A list is of one kind. Texts are two hash sets; addresses are ranges that know the range around them, so that
//! membership is one binary search and a few steps outward. What the fraud desk says is a small look-up of the same kind
//! beside the file's ([`delta`]), so that it takes hold without the list being built anew.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use self::delta::{AddressDelta, MapDelta, RangeDelta, TextDelta};
use self::nested::{Nested, Range};
use super::addresses::AddressSet;
use crate::domain::{Effect, Timestamp};

pub(crate) mod delta;
pub(crate) mod fit;
mod nested;
pub(crate) mod read;

/// The end of what has none.
pub(crate) const NEVER: Timestamp = Timestamp::from_unix_micros(i64::MAX);

/// A list of texts.
pub(crate) struct TextList {
    name: Box<str>,
    forever: HashSet<Box<str>>,
    until: HashMap<Box<str>, Timestamp>,
}

impl TextList {
    fn new(name: &str, entries: usize) -> Self {
        Self { name: name.into(), forever: HashSet::with_capacity(entries), until: HashMap::new() }
    }

    /// A list without entries.
    pub(crate) fn empty(name: &str) -> Self {
        Self::new(name, 0)
    }

    /// Whether the text is in the list at that moment, where the desk says this.
    pub(crate) fn contains(&self, text: &str, now: Timestamp, desk: Option<&TextDelta>) -> bool {
        match desk.and_then(|desk| desk.effect(text, now)) {
            Some(Effect::Added) => true,
            Some(Effect::Removed) => false,
            None => self.forever.contains(text) || self.until.get(text).is_some_and(|until| now < *until),
        }
    }

    /// Every text that stands in the list, with an end or without one.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.forever.iter().chain(self.until.keys()).map(|text| &**text)
    }

    /// Whether the text stands in the list, with an end or without one.
    fn names(&self, text: &str) -> bool {
        self.forever.contains(text) || self.until.contains_key(text)
    }
}

/// A list of addresses and ranges.
pub(crate) struct AddressList {
    name: Box<str>,
    v4: Nested<u32, Timestamp>,
    v6: Nested<u128, Timestamp>,
}

impl AddressList {
    fn of(name: &str, ranges: Ranges<Timestamp>) -> Self {
        Self { name: name.into(), v4: Nested::of(ranges.v4), v6: Nested::of(ranges.v6) }
    }

    /// A list without entries.
    pub(crate) fn empty(name: &str) -> Self {
        Self::of(name, Ranges::new())
    }

    /// Whether the address is in the list at that moment, where the desk says this. An IPv4-mapped IPv6 address is an
    /// IPv4 address.
    pub(crate) fn contains(&self, address: IpAddr, now: Timestamp, desk: Option<&AddressDelta>) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => holds(&self.v4, u32::from(address), now, desk.map(|desk| &desk.v4)),
            IpAddr::V6(address) => holds(&self.v6, u128::from(address), now, desk.map(|desk| &desk.v6)),
        }
    }

    /// Whether the same range stands in the list twice.
    fn has_repeats(&self) -> bool {
        self.v4.has_repeats() || self.v6.has_repeats()
    }

    /// Whether exactly this range stands in the list and counts at that moment.
    pub(crate) fn has(&self, net: IpNet, now: Timestamp) -> bool {
        match ends(net) {
            Ends::V4(first, last) => self.v4.exactly(first, last).any(|range| now < range.said),
            Ends::V6(first, last) => self.v6.exactly(first, last).any(|range| now < range.said),
        }
    }
}

fn holds<N: Ord + Copy>(
    file: &Nested<N, Timestamp>,
    number: N,
    now: Timestamp,
    desk: Option<&RangeDelta<N, Timestamp>>,
) -> bool {
    let counts = |range: &Range<N, Timestamp>| now < range.said;
    match desk {
        None => file.around(number).any(counts),
        Some(desk) => {
            desk.added.around(number).any(counts)
                || file.around(number).any(|range| counts(range) && !desk.hides(range, now))
        }
    }
}

/// A list that gives addresses a value: the smallest range that holds an address decides.
pub(crate) struct MapList {
    name: Box<str>,
    values: Vec<Box<str>>,
    v4: Nested<u32, usize>,
    v6: Nested<u128, usize>,
}

impl MapList {
    fn of(name: &str, ranges: Ranges<usize>, values: Vec<Box<str>>) -> Self {
        Self { name: name.into(), values, v4: Nested::of(ranges.v4), v6: Nested::of(ranges.v6) }
    }

    /// A list without entries.
    pub(crate) fn empty(name: &str) -> Self {
        Self::of(name, Ranges::new(), Vec::new())
    }

    /// Whether the same range stands in the list twice.
    fn has_repeats(&self) -> bool {
        self.v4.has_repeats() || self.v6.has_repeats()
    }

    /// The values that occur, in the order in which they do.
    pub(crate) fn values(&self) -> &[Box<str>] {
        &self.values
    }

    /// The addresses to which the file gives one of the wanted values.
    pub(crate) fn addresses(&self, wanted: &[Box<str>]) -> AddressSet {
        let is_wanted: Vec<bool> = self.values.iter().map(|value| wanted.contains(value)).collect();
        let takes = |place: usize| is_wanted.get(place).is_some_and(|wanted| *wanted);
        let v4 = flat(&self.v4, |n: u32| n.checked_add(1), |n| n.checked_sub(1));
        let v6 = flat(&self.v6, |n: u128| n.checked_add(1), |n| n.checked_sub(1));
        AddressSet::of_ranges(selected(v4, takes), selected(v6, takes))
    }

    /// The value of an address at that moment, where the desk says this.
    pub(crate) fn value<'v>(
        &'v self,
        address: IpAddr,
        now: Timestamp,
        desk: &'v MapDelta,
    ) -> Option<&'v str> {
        let deciding = match address.to_canonical() {
            IpAddr::V4(address) => deciding(&self.v4, u32::from(address), now, &desk.v4),
            IpAddr::V6(address) => deciding(&self.v6, u128::from(address), now, &desk.v6),
        };
        match deciding? {
            Deciding::File(place) => self.values.get(place).map(|value| &**value),
            Deciding::Desk(place) => desk.value(place),
        }
    }

    /// Whether the file gives exactly this range this value.
    pub(crate) fn has(&self, net: IpNet, value: &str) -> bool {
        let is_value = |place: usize| self.values.get(place).is_some_and(|own| **own == *value);
        match ends(net) {
            Ends::V4(first, last) => self.v4.exactly(first, last).any(|range| is_value(range.said)),
            Ends::V6(first, last) => self.v6.exactly(first, last).any(|range| is_value(range.said)),
        }
    }
}

/// Who gives an address its value, and the value's place there.
enum Deciding {
    File(usize),
    Desk(usize),
}

/// The smallest range that counts; of two equal ones, the desk's.
fn deciding<N: Ord + Copy>(
    file: &Nested<N, usize>,
    number: N,
    now: Timestamp,
    desk: &RangeDelta<N, (usize, Timestamp)>,
) -> Option<Deciding> {
    let own = desk.added.around(number).find(|range| now < range.said.1);
    let files = file.around(number).find(|range| !desk.hides(range, now));
    match (own, files) {
        (Some(own), Some(files)) if own.first < files.first || files.last < own.last => {
            Some(Deciding::File(files.said))
        }
        (Some(own), _) => Some(Deciding::Desk(own.said.0)),
        (None, files) => files.map(|range| Deciding::File(range.said)),
    }
}

/// Lists are told apart by their names, of which a bundle has none twice: they may be long.
macro_rules! named {
    ($($list:ident),+) => {
        $(
            impl $list {
                /// The name, as conditions write it.
                pub(crate) fn name(&self) -> &str {
                    &self.name
                }
            }

            impl PartialEq for $list {
                fn eq(&self, other: &Self) -> bool {
                    self.name == other.name
                }
            }

            impl Eq for $list {}

            impl fmt::Debug for $list {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, "list {}", self.name)
                }
            }
        )+
    };
}

named!(TextList, AddressList, MapList);

/// Ranges as they were read, and what is said of them.
#[derive(Debug)]
struct Ranges<P> {
    v4: Vec<Range<u32, P>>,
    v6: Vec<Range<u128, P>>,
}

impl<P> Ranges<P> {
    const fn new() -> Self {
        Self { v4: Vec::new(), v6: Vec::new() }
    }

    /// Ranges of which it is known how many there are: what grows is in memory twice meanwhile.
    fn with_capacity(Count { entries, v6 }: Count) -> Self {
        Self { v4: Vec::with_capacity(entries.saturating_sub(v6)), v6: Vec::with_capacity(v6) }
    }

    fn add(&mut self, net: IpNet, said: P) {
        match ends(net) {
            Ends::V4(first, last) => self.v4.push(Range::new(first, last, said)),
            Ends::V6(first, last) => self.v6.push(Range::new(first, last, said)),
        }
    }
}

/// How many entries a list has.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    entries: usize,
    /// Those that are IPv6 ranges, if they are ranges at all: no other range has a colon.
    v6: usize,
}

/// The first and the last address of a range, as numbers.
enum Ends {
    V4(u32, u32),
    V6(u128, u128),
}

fn ends(net: IpNet) -> Ends {
    match net {
        IpNet::V4(net) => Ends::V4(u32::from(net.network()), u32::from(net.broadcast())),
        IpNet::V6(net) => Ends::V6(u128::from(net.network()), u128::from(net.broadcast())),
    }
}

fn selected<N, P>(ranges: Vec<(N, N, P)>, takes: impl Fn(P) -> bool) -> Vec<(N, N)> {
    ranges.into_iter().filter_map(|(first, last, said)| takes(said).then_some((first, last))).collect()
}

/// Turns nested ranges into ranges that are all apart: inside an inner range holds what is said of that one.
fn flat<N: Ord + Copy, P: Copy + Eq>(
    ranges: &Nested<N, P>,
    next: fn(N) -> Option<N>,
    previous: fn(N) -> Option<N>,
) -> Vec<(N, N, P)> {
    let mut flat: Flat<N, P> = Flat { done: Vec::new(), from: None };
    let mut open: Vec<(N, P)> = Vec::new();
    for range in ranges.iter() {
        while let Some((end, said)) = open.pop_if(|(end, _)| *end < range.first) {
            flat.close(end, said, next);
        }
        if let Some((_, outer)) = open.last()
            && let Some(end) = previous(range.first)
        {
            flat.close(end, *outer, next);
        }
        open.push((range.last, range.said));
        flat.from = Some(range.first);
    }
    while let Some((end, said)) = open.pop() {
        flat.close(end, said, next);
    }
    flat.done
}

struct Flat<N, P> {
    done: Vec<(N, N, P)>,
    /// Where the innermost open range begins that is not in `done` yet; `None` behind the last address.
    from: Option<N>,
}

impl<N: Ord + Copy, P: Copy + Eq> Flat<N, P> {
    fn close(&mut self, end: N, said: P, next: fn(N) -> Option<N>) {
        let Some(from) = self.from.filter(|from| *from <= end) else { return };
        match self.done.last_mut() {
            Some(last) if last.2 == said && next(last.1) == Some(from) => last.1 = end,
            _ => self.done.push((from, end, said)),
        }
        self.from = next(end);
    }
}

#[cfg(test)]
mod tests;
