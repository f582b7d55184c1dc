//! Who calls, as far as limits are concerned: an address, from the connection or from a proxy that is believed.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::header::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// Where a proxy notes for whom it asks. Each appends the address that called it.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The most addresses that are looked at: no chain of one's own proxies is longer.
const HOPS_MAX: usize = 16;

/// A client: an IPv4 address, or the /64 of an IPv6 address, since whoever has one address there has all of them.
///
/// IPv4 addresses stand where no IPv6 network is that anybody can have (`::ffff:0:0/96`, turned by 32 bits).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(in crate::http) struct Client(u64);

impl Client {
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self(0x0000_ffff_0000_0000 | u64::from(address.to_bits())),
            IpAddr::V6(address) => Self(u64::try_from(address.to_bits() >> 64).unwrap_or_default()),
        }
    }

    #[cfg(test)]
    pub(super) const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// Whose `X-Forwarded-For` is believed.
#[derive(Debug)]
pub(super) struct Proxies {
    networks: Vec<IpNet>,
    /// Whether the log has said that there may be a proxy that is not among them.
    is_told: AtomicBool,
}

impl Proxies {
    /// Believes these networks.
    pub(super) const fn new(networks: Vec<IpNet>) -> Self {
        Self { networks, is_told: AtomicBool::new(false) }
    }

    /// The client of a request: whoever connected, or, where that is one of our proxies, the rightmost address that is none of
    /// them. What stands further left, the client may have written itself.
    ///
    /// An entry that is no address ends the way: then the proxy that wrote it is the client.
    ///
    /// - `peer`: the other end of the connection; without one everybody is the same client.
    pub(super) fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Client {
        let Some(peer) = peer else { return Client::default() };
        let peer = peer.ip().to_canonical();
        if !self.believe(peer) {
            self.tell_once(headers);
            return Client::of(peer);
        }
        Client::of(self.nearest_stranger(peer, headers))
    }

    /// Whoever forgot to name the proxy has one client only, and would not know why.
    fn tell_once(&self, headers: &HeaderMap) {
        if !self.is_told.load(Ordering::Relaxed) && headers.contains_key(FORWARDED_FOR) {
            self.is_told.store(true, Ordering::Relaxed);
            tracing::warn!(
                "A request came with X-Forwarded-For from an address that is not in server.trusted_proxies. If that is your proxy, \
                 name it there: until then all who come through it count as one client."
            );
        }
    }

    /// Whose a connection is; `None` for one of our proxies, through which everybody may come.
    pub(super) fn connecting(&self, peer: IpAddr) -> Option<Client> {
        let peer = peer.to_canonical();
        (!self.believe(peer)).then(|| Client::of(peer))
    }

    fn nearest_stranger(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer;
        let lines: Vec<&str> =
            headers.get_all(FORWARDED_FOR).map(|line| line.to_str().unwrap_or_default()).collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
        for hop in hops.take(HOPS_MAX) {
            let Some(address) = address(hop.trim()) else { break };
            nearest = address;
            if !self.believe(nearest) {
                break;
            }
        }
        nearest
    }

    fn believe(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// An address as proxies write one: bare, between brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn check(peer: &str, lines: &[&str], expected: &str) {
        let networks = ["10.0.0.0/8", "2001:db8:1::/48"].map(|text| text.parse().expect("a network"));
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(line).expect("a value"));
        }
        let peer = SocketAddr::new(peer.parse().expect("an address"), 1);
        let client = Proxies::new(networks.into()).client(Some(peer), &headers);
        assert_eq!(client, Client::of(expected.parse().expect("an address")), "{peer} {lines:?}");
    }

    #[test]
    fn nobody_but_our_proxies_is_believed() {
        check("203.0.113.9", &["198.51.100.1"], "203.0.113.9");
        check("203.0.113.9", &[], "203.0.113.9");
        check("::ffff:203.0.113.9", &["198.51.100.1"], "203.0.113.9");
    }

    #[test]
    fn the_rightmost_stranger_is_the_client() {
        check("10.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["1.1.1.1, 198.51.100.1,10.2.2.2 "], "198.51.100.1");
        check("10.0.0.1", &["1.1.1.1", "198.51.100.1", "10.2.2.2"], "198.51.100.1");
        check("10.0.0.1", &["10.9.9.9, 10.2.2.2"], "10.9.9.9");
        check("2001:db8:1::5", &["[2001:db8:2::7]:4711"], "2001:db8:2::7");
        check("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1");
        check("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1");
    }

    #[test]
    fn what_is_no_address_ends_the_way() {
        for line in ["", "unknown", "1.1.1.1, _hidden", "1.1.1.1,", "300.1.1.1", "1.1.1.1 2.2.2.2", "\u{e9}"]
        {
            check("10.0.0.1", &[line], "10.0.0.1");
        }
        check("10.0.0.1", &["1.1.1.1, unknown, 10.3.3.3"], "10.3.3.3");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &[&["10.0.0.2"; 40].join(",")], "10.0.0.2");
    }

    #[test]
    fn whoever_has_one_address_of_a_64_has_all_of_them() {
        let client = |text: &str| Client::of(text.parse().expect("an address"));
        assert_eq!(client("2001:db8:2:3::1"), client("2001:db8:2:3:ffff:ffff:ffff:ffff"));
        assert_ne!(client("2001:db8:2:3::1"), client("2001:db8:2:4::1"));
        assert_ne!(client("203.0.113.1"), client("203.0.113.2"));
        assert_ne!(client("0.0.0.1"), client("::1"));
    }
}
