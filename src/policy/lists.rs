//! Lists: many values in a file of their own, looked up at a cost that does not grow with them.
//!
//! A list is of one kind. Texts are two hash sets; addresses are sorted ranges that do not overlap, each with the moment
//! until which it counts, so that membership is one binary search whatever was nested in what.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::addresses::AddressSet;
use crate::domain::Timestamp;

pub(crate) mod read;

/// The end of what has none.
const NEVER: Timestamp = Timestamp::from_unix_micros(i64::MAX);

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

    /// Whether the text is in the list at that moment.
    pub(crate) fn contains(&self, text: &str, now: Timestamp) -> bool {
        self.forever.contains(text) || self.until.get(text).is_some_and(|until| now < *until)
    }

    /// Whether the text stands in the list, with an end or without one.
    fn names(&self, text: &str) -> bool {
        self.forever.contains(text) || self.until.contains_key(text)
    }
}

/// A list of addresses and ranges.
pub(crate) struct AddressList {
    name: Box<str>,
    v4: Vec<(u32, u32, Timestamp)>,
    v6: Vec<(u128, u128, Timestamp)>,
}

impl AddressList {
    fn of(name: &str, ranges: Ranges<Timestamp>) -> Self {
        let longer = |outer: Timestamp, own: Timestamp| outer.max(own);
        let v4 = flat(ranges.v4, |n: u32| n.checked_add(1), |n| n.checked_sub(1), longer);
        let v6 = flat(ranges.v6, |n: u128| n.checked_add(1), |n| n.checked_sub(1), longer);
        Self { name: name.into(), v4, v6 }
    }

    /// A list without entries.
    pub(crate) fn empty(name: &str) -> Self {
        Self::of(name, Ranges::new())
    }

    /// Whether the address is in the list at that moment. An IPv4-mapped IPv6 address is an IPv4 address.
    pub(crate) fn contains(&self, address: IpAddr, now: Timestamp) -> bool {
        let until = match address.to_canonical() {
            IpAddr::V4(address) => at(&self.v4, u32::from(address)),
            IpAddr::V6(address) => at(&self.v6, u128::from(address)),
        };
        until.is_some_and(|until| now < until)
    }
}

/// A list that gives addresses a value: the smallest range that holds an address decides.
pub(crate) struct MapList {
    name: Box<str>,
    values: Vec<Box<str>>,
    v4: Vec<(u32, u32, usize)>,
    v6: Vec<(u128, u128, usize)>,
}

impl MapList {
    fn of(name: &str, ranges: Ranges<usize>, values: Vec<Box<str>>) -> Self {
        let smaller = |_: usize, own: usize| own;
        let v4 = flat(ranges.v4, |n: u32| n.checked_add(1), |n| n.checked_sub(1), smaller);
        let v6 = flat(ranges.v6, |n: u128| n.checked_add(1), |n| n.checked_sub(1), smaller);
        Self { name: name.into(), values, v4, v6 }
    }

    /// A list without entries.
    pub(crate) fn empty(name: &str) -> Self {
        Self::of(name, Ranges::new(), Vec::new())
    }

    /// The values that occur, in the order in which they do.
    pub(crate) fn values(&self) -> &[Box<str>] {
        &self.values
    }

    /// The addresses whose value is one of the wanted ones.
    pub(crate) fn addresses(&self, wanted: &[&str]) -> AddressSet {
        let is_wanted: Vec<bool> = self.values.iter().map(|value| wanted.contains(&&**value)).collect();
        selected(&self.v4, &self.v6, |value| is_wanted.get(value).is_some_and(|wanted| *wanted))
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

/// Ranges as they were read: first, last, and what is said of them.
#[derive(Debug)]
struct Ranges<P> {
    v4: Vec<(u32, u32, P)>,
    v6: Vec<(u128, u128, P)>,
}

impl<P> Ranges<P> {
    const fn new() -> Self {
        Self { v4: Vec::new(), v6: Vec::new() }
    }

    fn add(&mut self, net: IpNet, said: P) {
        match net {
            IpNet::V4(net) => self.v4.push((u32::from(net.network()), u32::from(net.broadcast()), said)),
            IpNet::V6(net) => self.v6.push((u128::from(net.network()), u128::from(net.broadcast()), said)),
        }
    }
}

fn at<N: Ord + Copy, P: Copy>(ranges: &[(N, N, P)], number: N) -> Option<P> {
    let after = ranges.partition_point(|(first, ..)| *first <= number);
    let (_, last, said) = after.checked_sub(1).and_then(|at| ranges.get(at))?;
    (number <= *last).then_some(*said)
}

fn selected<P: Copy>(v4: &[(u32, u32, P)], v6: &[(u128, u128, P)], takes: impl Fn(P) -> bool) -> AddressSet {
    let v4 = v4.iter().filter(|(.., said)| takes(*said)).map(|(first, last, _)| (*first, *last));
    let v6 = v6.iter().filter(|(.., said)| takes(*said)).map(|(first, last, _)| (*first, *last));
    AddressSet::of_ranges(v4.collect(), v6.collect())
}

/// Turns ranges of which any two are nested or apart into ranges that are all apart. Of nested ones `within` says what
/// holds inside: it gets what holds outside and what the inner range says itself.
fn flat<N: Ord + Copy, P: Copy + Eq>(
    mut ranges: Vec<(N, N, P)>,
    next: fn(N) -> Option<N>,
    previous: fn(N) -> Option<N>,
    within: fn(P, P) -> P,
) -> Vec<(N, N, P)> {
    ranges.sort_unstable_by_key(|(first, last, _)| (*first, Reverse(*last)));
    let mut flat: Flat<N, P> = Flat { done: Vec::with_capacity(ranges.len()), from: None };
    let mut open: Vec<(N, P)> = Vec::new();
    for (first, last, own) in ranges {
        while let Some((end, said)) = open.pop_if(|(end, _)| *end < first) {
            flat.close(end, said, next);
        }
        let mut said = own;
        if let Some((_, outer)) = open.last() {
            if let Some(end) = previous(first) {
                flat.close(end, *outer, next);
            }
            said = within(*outer, own);
        }
        open.push((last, said));
        flat.from = Some(first);
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
