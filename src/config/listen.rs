//! Where to listen.

use std::net::{SocketAddr, ToSocketAddrs};

use serde::Deserialize;

/// An address with a port as it was configured, and every address that it stands for:
/// `localhost:7979` may be one of IPv4 and one of IPv6.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Listen {
    text: String,
    addresses: Vec<SocketAddr>,
}

impl Listen {
    /// As it was configured.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its host alone, without the port.
    pub fn host(&self) -> &str {
        self.text.rsplit_once(':').map_or("", |(host, _)| host)
    }

    /// Whether its host is a name, and no address itself.
    pub fn is_name(&self) -> bool {
        self.text.parse::<SocketAddr>().is_err()
    }

    /// At least one, those of IPv4 first.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!(
                "expected ADDRESS:PORT, for example 127.0.0.1:7979 or localhost:7979, got \"{text}\"{why}"
            )
        };
        let found = text.to_socket_addrs();
        let mut addresses: Vec<_> = found
            .map_err(|error| wrong(&format!(": {error}")))?
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        if addresses.is_empty() {
            return Err(wrong(": the name has no address"));
        }
        Ok(Self { text, addresses })
    }
}
