//! Who a request comes from: the address that limits for one peer count by.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use actix_web::dev::RequestHead;
use actix_web::http::header::{HeaderMap, X_FORWARDED_FOR};

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Peer {
    /// The client's own address, also when a trusted proxy sent its request on.
    pub(in crate::http) address: IpAddr,
    /// Limits for one peer do not hold for it: it is this machine, or a trusted proxy itself.
    pub(in crate::http) exempt: bool,
}

impl Peer {
    /// What limits for one peer are counted by. Whoever has an IPv6 address usually has the whole
    /// /64 network that it is in, so all of that counts as one peer.
    pub(in crate::http) fn group(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        }
    }
}

/// The proxies whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct TrustedProxies(Vec<IpAddr>);

impl TrustedProxies {
    /// As `http.trusted_proxies` names them.
    pub(in crate::http) fn new(addresses: &[IpAddr]) -> Self {
        Self(addresses.iter().map(IpAddr::to_canonical).collect())
    }

    /// Whether there are none.
    pub(in crate::http) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who holds the other end of a connection.
    pub(in crate::http) fn of_connection(&self, peer: Option<SocketAddr>) -> Peer {
        let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| {
            peer.ip().to_canonical()
        });
        Peer {
            address,
            exempt: address.is_loopback() || self.trusts(address),
        }
    }

    /// Who sent a request: whoever holds the connection, or whom a trusted proxy names.
    pub(in crate::http) fn of_request(&self, head: &RequestHead) -> Peer {
        let peer = self.of_connection(head.peer_addr);
        if !self.trusts(peer.address) {
            return peer;
        }
        self.forwarded(&head.headers).unwrap_or(peer)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// Each proxy adds the address that it was asked from at the end. So the list is read from
    /// there, over the proxies that are trusted; what stands before the first other address may be
    /// invented. `None` when the request began at a trusted proxy.
    fn forwarded(&self, headers: &HeaderMap) -> Option<Peer> {
        let lines: Vec<_> = headers.get_all(X_FORWARDED_FOR).collect();
        // What is not text is no address either.
        let lines = lines.into_iter().rev();
        let addresses = lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
        let stranger = |text: &str| match address(text.trim()) {
            Some(address) if self.trusts(address) => None,
            // Those whom a trusted proxy does not name are all counted as one peer.
            named => Some(Peer {
                address: named.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
                exempt: false,
            }),
        };
        addresses.into_iter().find_map(stranger)
    }
}

/// An address, with a port where a proxy adds one: `192.0.2.7`, `192.0.2.7:80`, `[2001:db8::7]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse().ok();
    let address = address.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn proxies(addresses: &[&str]) -> TrustedProxies {
        let parsed = addresses.iter().map(|one| one.parse().expect("an address"));
        TrustedProxies::new(&parsed.collect::<Vec<_>>())
    }

    fn peer(trusted: &[&str], from: &str, forwarded: &[&str]) -> (String, bool) {
        let mut request = TestRequest::get().peer_addr(from.parse().expect("an address"));
        for line in forwarded {
            request = request.append_header(("x-forwarded-for", *line));
        }
        let peer = proxies(trusted).of_request(request.to_http_request().head());
        (peer.address.to_string(), peer.exempt)
    }

    #[test]
    fn without_a_trusted_proxy_the_connection_says_who_it_is() {
        for (from, address, exempt) in [
            ("127.0.0.1:1", "127.0.0.1", true),
            ("127.9.9.9:1", "127.9.9.9", true),
            ("[::1]:1", "::1", true),
            ("[::ffff:127.0.0.1]:1", "127.0.0.1", true),
            ("192.0.2.7:1", "192.0.2.7", false),
            ("[::ffff:192.0.2.7]:1", "192.0.2.7", false),
            ("[2001:db8::7]:1", "2001:db8::7", false),
        ] {
            let wanted = (address.to_owned(), exempt);
            assert_eq!(peer(&[], from, &[]), wanted);
            assert_eq!(
                peer(&[], from, &["198.51.100.1"]),
                wanted,
                "a forged header"
            );
            assert_eq!(peer(&["192.0.2.1"], from, &["198.51.100.1"]), wanted);
        }
    }

    #[test]
    fn a_trusted_proxy_names_the_client_that_stands_last() {
        let trusted = &["127.0.0.1", "10.0.0.2", "2001:db8::1"][..];
        for (forwarded, address, exempt) in [
            (&[][..], "127.0.0.1", true),
            (&["10.0.0.2"], "127.0.0.1", true),
            (&["192.0.2.7"], "192.0.2.7", false),
            (&["1.1.1.1, 192.0.2.7"], "192.0.2.7", false),
            (&["1.1.1.1,192.0.2.7 , 10.0.0.2"], "192.0.2.7", false),
            (&["1.1.1.1", "192.0.2.7", "2001:db8::1"], "192.0.2.7", false),
            (&["192.0.2.7:4711"], "192.0.2.7", false),
            (&["[2001:db8::7]:80"], "2001:db8::7", false),
            (&["[2001:db8::7]"], "2001:db8::7", false),
            (&["::ffff:192.0.2.7"], "192.0.2.7", false),
            (&["127.0.0.2"], "127.0.0.2", false),
            (&["192.0.2.7, unknown"], "0.0.0.0", false),
            (&[""], "0.0.0.0", false),
            (&["192.0.2.7,"], "0.0.0.0", false),
        ] {
            let wanted = (address.to_owned(), exempt);
            assert_eq!(
                peer(trusted, "127.0.0.1:1", forwarded),
                wanted,
                "{forwarded:?}"
            );
        }
        let mapped = peer(&["10.0.0.2"], "[::ffff:10.0.0.2]:1", &["192.0.2.7"]);
        assert_eq!(mapped, ("192.0.2.7".to_owned(), false));
    }

    #[test]
    fn an_ipv6_network_is_one_peer() {
        let group = |from: &str| {
            let from = Some(SocketAddr::new(from.parse().expect("an address"), 1));
            proxies(&[]).of_connection(from).group()
        };
        assert_eq!(group("2001:db8::7"), group("2001:db8::ffff:1:2:3"));
        assert_ne!(group("2001:db8::7"), group("2001:db8:0:1::7"));
        assert_ne!(group("192.0.2.7"), group("192.0.2.8"));
    }
}
