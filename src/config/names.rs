//! Hosts and origins as people write them, in the one form in which they are compared: lower case,
//! without the port that goes without saying.

use std::net::Ipv6Addr;
use std::num::NonZeroU16;

use serde::Deserialize;

/// The ports that `http` and `https` leave out.
const LEFT_OUT: [(&str, u16); 2] = [("http", 80), ("https", 443)];

/// A host, with its port where only that one is meant.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct HostName {
    name: String,
    port: Option<u16>,
}

impl HostName {
    /// `None` for what no Host header can hold.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, port) = match text.rsplit_once(':') {
            // In [::1] the last colon belongs to the address.
            Some((name, port)) if !text.ends_with(']') => {
                (name, Some(port.parse::<NonZeroU16>().ok()?.get()))
            }
            _ => (text, None),
        };
        let plain = |one: u8| one.is_ascii_alphanumeric() || b"-._".contains(&one);
        let bracketed = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        let name = match bracketed {
            Some(address) => format!("[{}]", address.parse::<Ipv6Addr>().ok()?),
            None if !name.is_empty() && name.bytes().all(plain) => name.to_ascii_lowercase(),
            None => return None,
        };
        Some(Self { name, port })
    }

    /// Whether a Host header names it.
    pub fn is_named_by(&self, header: &str) -> bool {
        // A port may be empty, which says as much as none (RFC 3986, 3.2.3).
        let Some(named) = Self::parse(header.strip_suffix(':').unwrap_or(header)) else {
            return false;
        };
        // The header says nothing of the scheme, so either port may have been left out.
        let left_out = || LEFT_OUT.iter().any(|(_, port)| self.port == Some(*port));
        let same_port = match (self.port, named.port) {
            (None, _) => true,
            (Some(_), None) => left_out(),
            (ours, theirs) => ours == theirs,
        };
        named.name == self.name && same_port
    }
}

impl TryFrom<String> for HostName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = "expected hosts, for example desk.example or desk.example:8080";
        Self::parse(&text).ok_or_else(|| format!("{wrong}, got \"{text}\""))
    }
}

/// Where a page comes from: scheme, host and port.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Origin {
    scheme: String,
    host: HostName,
}

impl Origin {
    /// `None` for what no Origin header can hold, and for `null`, which is every sandbox's.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, host) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let plain = |one: u8| one.is_ascii_alphanumeric() || b"+-.".contains(&one);
        let mut host = HostName::parse(host)?;
        let default = LEFT_OUT.iter().find(|(name, _)| *name == scheme);
        host.port = host
            .port
            .filter(|port| default.is_none_or(|(_, left_out)| port != left_out));
        (!scheme.is_empty() && scheme.bytes().all(plain)).then_some(Self { scheme, host })
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = "expected origins, for example https://desk.example, with no path behind them";
        Self::parse(&text).ok_or_else(|| format!("{wrong}, got \"{text}\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_whatever_its_case_and_the_port_that_goes_without_saying() {
        for (ours, header, wanted) in [
            ("Desk.Example", "desk.example", true),
            ("desk.example", "DESK.example:8080", true),
            ("desk.example:8080", "desk.example:8080", true),
            ("desk.example:8080", "desk.example", false),
            ("desk.example:8080", "desk.example:80", false),
            ("desk:80", "desk", true),
            ("desk:443", "desk", true),
            ("desk:80", "desk:8080", false),
            ("desk", "desk.example", false),
            ("[FD00:0::1]:80", "[fd00::1]", true),
            ("192.168.0.7", "192.168.0.7:7979", true),
            ("desk", "desk:x", false),
            ("desk", "desk:", true),
        ] {
            let host = HostName::parse(ours).expect("it is a host");
            assert_eq!(host.is_named_by(header), wanted, "{ours}: {header}");
        }
        for text in [
            "",
            ":80",
            "desk:",
            "desk:0",
            "desk:65536",
            "http://y",
            "x y",
            "x/",
            "me@x",
            "*.x",
            "fd00::1",
            "[fd00::1",
            "[x]",
            "b\u{fc}cher.example",
        ] {
            assert_eq!(HostName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_origin_is_the_same_whatever_its_case_and_the_port_that_goes_without_saying() {
        let page = Origin::parse("https://desk.example").expect("it is an origin");
        for (text, wanted) in [
            ("https://Desk.Example:443", true),
            ("HTTPS://desk.example", true),
            ("https://desk.example:80", false),
            ("http://desk.example", false),
        ] {
            assert_eq!(
                Origin::parse(text).as_ref() == Some(&page),
                wanted,
                "{text}"
            );
        }
        assert!(Origin::parse("chrome-extension://abcdef").is_some());
        for text in [
            "",
            "null",
            "*",
            "desk.example",
            "https://x/",
            "https://x/y",
            "https://",
            "://x",
        ] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
    }
}
