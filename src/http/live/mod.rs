//! `GET /api/v1/ws`: live subscriptions that lose nothing.
//!
//! A socket has a task that reads (`socket`, from bytes to texts in `incoming`), one task a
//! subscription (`subscription`), and an outbox that all of them write to and that leaves in one
//! write (`outbox`). Everything of a socket is on its worker's thread.

mod frames;
mod incoming;
mod outbox;
mod socket;
mod subscription;
mod wish;

use std::time::Duration;

use actix_http::ws::{CloseCode, handshake};
use actix_web::body::BodyStream;
use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, rt};

use self::outbox::Outbox;
use self::socket::Socket;
use super::Guards;
use super::connection::{Connection, Permit};
use super::errors::ApiError;
use crate::app::App;

/// How sockets are kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Between two pings of the server; a client that says nothing in two of them is gone.
    pub ping_every: Duration,
    /// So long a client may read nothing while something waits for it.
    pub stall: Duration,
}

/// Why a socket ends.
enum End {
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
    fn close(code: CloseCode, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Close { code, reason }
    }
}

/// What a socket has for as long as it lives.
struct Holds {
    connection: Connection,
    /// Its permits: among all sockets, and among its client's requests where a proxy sent it on.
    _permits: [Option<Permit>; 2],
}

impl Holds {
    fn of(app: &App, request: &HttpRequest) -> Result<Self, ApiError> {
        let connection = Connection::of(request)
            .ok_or_else(|| ApiError::internal("the request has no connection"))?;
        let permit = app.connections().socket();
        let permit = permit.ok_or_else(ApiError::too_many_connections)?;
        let as_request = request.extensions_mut().remove::<Permit>();
        Ok(Self {
            connection,
            _permits: [Some(permit), as_request],
        })
    }
}

/// A live socket, from here to its end.
pub(super) async fn connect(
    app: Data<App>,
    guards: Data<Guards>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let pass = guards.into_inner().socket(&request)?;
    let mut response = handshake(request.head()).map_err(|error| ApiError::no_socket(&error))?;
    let holds = Holds::of(&app, &request)?;
    let outbox = Outbox::new();
    let body = BodyStream::new(outbox.leaving());
    let tasks = app.orchestrator.tasks().clone();
    let socket = Socket::new(app, pass, outbox, holds);
    rt::spawn(tasks.over(socket.serve(payload)));
    let response = response
        .message_body(body)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(response.map_into_boxed_body().into())
}
