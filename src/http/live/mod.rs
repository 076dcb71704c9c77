//! `GET /api/v1/ws`: live subscriptions that lose nothing.
//!
//! A socket has a task that reads (`socket`), one task a subscription (`subscription`), and an
//! outbox that all of them write to and that leaves in one write (`outbox`). Everything of a socket
//! is on its worker's thread.

mod frames;
mod outbox;
mod socket;
mod subscription;

use std::time::Duration;

use actix_http::ws::handshake;
use actix_web::body::BodyStream;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, rt};

use self::outbox::Outbox;
use self::socket::Socket;
use super::Guards;
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

/// A live socket, from here to its end.
pub(super) async fn connect(
    app: Data<App>,
    guards: Data<Guards>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let pass = guards.into_inner().socket(&request)?;
    let mut response = handshake(request.head()).map_err(|error| ApiError::no_socket(&error))?;
    let outbox = Outbox::new();
    let body = BodyStream::new(outbox.leaving());
    let (tasks, counted) = (app.orchestrator.tasks().clone(), app.sockets.enter());
    let socket = Socket::new(app, pass, outbox, counted);
    rt::spawn(tasks.over(socket.serve(payload)));
    let response = response
        .message_body(body)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(response.map_into_boxed_body().into())
}
