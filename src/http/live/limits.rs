//! How live sockets are kept, as configured.

use std::time::Duration;

use crate::config::Http;

/// How live sockets are kept.
#[derive(Clone, Copy, Debug)]
pub struct SocketLimits {
    /// Between two pings of the server; a client that says nothing in two of them is gone.
    pub(super) ping_every: Duration,
    /// So long a client may read nothing while something waits for it.
    pub(super) stall: Duration,
}

impl SocketLimits {
    /// As the configuration says.
    pub fn of(http: &Http) -> Self {
        Self {
            ping_every: Duration::from_secs_f64(http.socket_ping_seconds),
            stall: Duration::from_secs_f64(http.socket_stall_seconds),
        }
    }
}
