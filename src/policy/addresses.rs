//! Sets of IP addresses: sorted ranges that do not touch, so that membership is a binary search and two sets can be
//! compared exactly.

use std::net::IpAddr;

use ipnet::IpNet;

/// Why a text is not an address range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RangeFault {
    /// Neither `ADDRESS/BITS` nor an address.
    #[error("not an address range such as 198.51.100.0/24 or 2001:db8::/32")]
    Form,
    /// Bits are set to the right of the prefix, so either the address or the prefix is a slip.
    #[error("an address inside a range: the range that begins here is {0}")]
    HostBits(String),
    /// `::ffff:a.b.c.d`, which requests never carry: it is an IPv4 address (docs/CONTRACT.md C2.4).
    #[error("an IPv4 address in IPv6 clothes: requests carry it as IPv4")]
    Mapped,
}

/// Inclusive ranges of address numbers; inside a set ascending and without overlap.
type Ranges<N> = Vec<(N, N)>;

/// A set of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct AddressSet {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl AddressSet {
    /// Every address.
    pub(crate) fn everything() -> Self {
        Self { v4: vec![(0, u32::MAX)], v6: vec![(0, u128::MAX)] }
    }

    /// The addresses that are in one of the ranges.
    pub(crate) fn of(nets: impl IntoIterator<Item = IpNet>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for net in nets {
            match net {
                IpNet::V4(net) => v4.push((u32::from(net.network()), u32::from(net.broadcast()))),
                IpNet::V6(net) => v6.push((u128::from(net.network()), u128::from(net.broadcast()))),
            }
        }
        Self::of_ranges(v4, v6)
    }

    /// The addresses between the ends of one of the ranges, both included.
    pub(crate) fn of_ranges(v4: Ranges<u32>, v6: Ranges<u128>) -> Self {
        Self { v4: joined(v4), v6: joined(v6) }
    }

    /// How many ranges the set is written down in.
    pub(crate) const fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// Its ranges, where all of them are IPv4 ranges.
    pub(crate) fn only_v4(&self) -> Option<&[(u32, u32)]> {
        self.v6.is_empty().then_some(&*self.v4)
    }

    /// Whether the address is in the set. An IPv4-mapped IPv6 address is an IPv4 address.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => within(&self.v4, u32::from(address)),
            IpAddr::V6(address) => within(&self.v6, u128::from(address)),
        }
    }

    /// Whether no address is in the set.
    pub(crate) const fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// The addresses that are in both.
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self { v4: both(&self.v4, &other.v4), v6: both(&self.v6, &other.v6) }
    }

    /// The addresses that are not in the set.
    pub(crate) fn complement(&self) -> Self {
        Self {
            v4: gaps(&self.v4, (0, u32::MAX), |n| n.checked_add(1), |n| n.checked_sub(1)),
            v6: gaps(&self.v6, (0, u128::MAX), |n| n.checked_add(1), |n| n.checked_sub(1)),
        }
    }
}

/// Reads a range, or an address as a range of one.
///
/// # Errors
/// [`RangeFault`]; it quotes nothing of the text.
pub(crate) fn parse_range(text: &str) -> Result<IpNet, RangeFault> {
    let net = net_of(text).ok_or(RangeFault::Form)?;
    if let IpAddr::V6(address) = net.addr()
        && address.to_ipv4_mapped().is_some()
    {
        return Err(RangeFault::Mapped);
    }
    if net.addr() == net.network() { Ok(net) } else { Err(RangeFault::HostBits(net.trunc().to_string())) }
}

/// The standard library reads addresses strictly; the other crate's own reader takes leading zeros.
fn net_of(text: &str) -> Option<IpNet> {
    let Some((address, bits)) = text.split_once('/') else {
        return text.parse::<IpAddr>().ok().map(IpNet::from);
    };
    let is_plain = bits.bytes().all(|byte| byte.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
    let bits = is_plain.then(|| bits.parse().ok()).flatten()?;
    IpNet::new(address.parse().ok()?, bits).ok()
}

fn within<N: Ord + Copy>(ranges: &[(N, N)], number: N) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= number);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, last)| number <= *last)
}

fn joined<N: Ord + Copy>(mut ranges: Ranges<N>) -> Ranges<N> {
    ranges.sort_unstable();
    let mut out: Ranges<N> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match out.last_mut() {
            Some(open) if first <= open.1 => open.1 = open.1.max(last),
            _ => out.push((first, last)),
        }
    }
    out
}

fn both<N: Ord + Copy>(left: &[(N, N)], right: &[(N, N)]) -> Ranges<N> {
    let mut out = Vec::new();
    let (mut lefts, mut rights) = (left.iter().peekable(), right.iter().peekable());
    while let (Some(a), Some(b)) = (lefts.peek(), rights.peek()) {
        let (first, last) = (a.0.max(b.0), a.1.min(b.1));
        if first <= last {
            out.push((first, last));
        }
        if a.1 < b.1 {
            lefts.next()
        } else {
            rights.next()
        };
    }
    out
}

fn gaps<N: Ord + Copy>(
    ranges: &[(N, N)],
    (lowest, highest): (N, N),
    next: fn(N) -> Option<N>,
    previous: fn(N) -> Option<N>,
) -> Ranges<N> {
    let mut out = Vec::new();
    let mut from = Some(lowest);
    for (first, last) in ranges {
        if let (Some(start), Some(end)) = (from, previous(*first))
            && start <= end
        {
            out.push((start, end));
        }
        from = next(*last);
    }
    if let Some(start) = from {
        out.push((start, highest));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ranges: &[&str]) -> AddressSet {
        AddressSet::of(ranges.iter().map(|text| parse_range(text).expect("a range")))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn membership_knows_both_ends_of_a_range() {
        let set = set(&["198.51.100.0/25", "198.51.100.128/25", "192.0.2.7", "2001:db8::/32"]);
        for inside in ["198.51.100.0", "198.51.100.255", "192.0.2.7", "::ffff:192.0.2.7", "2001:db8:ffff::1"]
        {
            assert!(set.contains(ip(inside)), "{inside}");
        }
        for outside in ["198.51.99.255", "198.51.101.0", "192.0.2.6", "192.0.2.8", "2001:db9::", "::1"] {
            assert!(!set.contains(ip(outside)), "{outside}");
        }
        assert!(!AddressSet::default().contains(ip("192.0.2.1")));
    }

    #[test]
    fn sets_can_be_compared() {
        let wide = set(&["198.51.100.0/24", "2001:db8::/32"]);
        let narrow = set(&["198.51.100.128/26", "203.0.113.0/24"]);
        assert_eq!(wide.and(&narrow), set(&["198.51.100.128/26"]));
        let many = set(&["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]);
        let inside = set(&["10.1.0.0/16", "10.3.0.0/16", "192.168.7.0/24"]);
        assert_eq!((many.and(&inside), inside.and(&many)), (inside.clone(), inside));
        assert!(wide.and(&wide.complement()).is_empty());
        assert_eq!(wide.complement().complement(), wide);
        assert_eq!(AddressSet::default().complement(), AddressSet::everything());
        assert!(AddressSet::everything().complement().is_empty());
        assert_eq!(set(&["0.0.0.0/0", "::/0"]), AddressSet::everything());
    }

    #[test]
    fn slips_in_ranges_are_found() {
        assert_eq!(parse_range("198.51.100.7/24"), Err(RangeFault::HostBits("198.51.100.0/24".to_owned())));
        assert_eq!(parse_range("::ffff:192.0.2.0/120"), Err(RangeFault::Mapped));
        for text in [
            "",
            "198.51.100",
            "198.51.100.0/33",
            "198.51.100.0/",
            "example.com",
            "198.51.100.00/24",
            "198.51.100.0/024",
            "::/+0",
        ] {
            assert_eq!(parse_range(text), Err(RangeFault::Form), "{text}");
        }
    }
}
