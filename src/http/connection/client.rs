//! Whether a client still waits for what its handler waits for.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::Error;
use actix_web::{FromRequest, HttpRequest};
use tokio_util::sync::CancellationToken;

use super::Connection;

/// Whether a request's client is still there, for handlers that wait for something.
#[derive(Clone)]
pub(in crate::http) struct Client(CancellationToken);

impl Client {
    /// The client of one request.
    pub(in crate::http) fn of(request: &HttpRequest) -> Self {
        let connection = request.conn_data::<Connection>();
        Self(connection.map_or_else(CancellationToken::new, Connection::waits))
    }

    /// What a future gives, or `None` when nobody waits for it any more.
    pub(in crate::http) async fn unless_gone<F: Future>(&self, future: F) -> Option<F::Output> {
        self.0.run_until_cancelled(future).await
    }

    /// The same for those who wait elsewhere.
    pub(in crate::http) fn token(&self) -> CancellationToken {
        self.0.clone()
    }
}

impl FromRequest for Client {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}
