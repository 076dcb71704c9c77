//! Why a socket ends.

use actix_http::ws::CloseCode;

/// Why a socket ends.
pub(super) enum End {
    /// Its client has closed it.
    Closed,
    /// There is nobody left.
    Gone,
    /// Its client reads nothing.
    Stalled,
    /// The server closes it, and says why.
    Close { code: CloseCode, reason: String },
}

impl End {
    pub(super) fn close(code: CloseCode, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Close { code, reason }
    }
}
