//! `GET /api/v1/ws`: live subscriptions that lose nothing.
//!
//! A socket has a task that reads (`socket`, from bytes to texts in `incoming`), one task a
//! subscription (`subscription`), and an outbox that all of them write to and that leaves in one
//! write (`outbox`). Everything of a socket is on its worker's thread.

mod end;
mod frames;
mod incoming;
mod limits;
mod outbox;
mod request;
mod socket;
mod subscription;

use actix_http::ws::handshake;
use actix_web::body::BodyStream;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, rt};

pub use self::limits::SocketLimits;
use self::outbox::Outbox;
use self::socket::{Socket, SocketHandle};
use super::Guards;
use super::errors::ApiError;
use crate::http::state::App;

/// A live socket, from here to its end.
pub(super) async fn connect(
    app: Data<App>,
    guards: Data<Guards>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let pass = guards.into_inner().socket(&request)?;
    let mut response = handshake(request.head()).map_err(|error| ApiError::no_socket(&error))?;
    let handle = SocketHandle::of(&app, &request)?;
    let outbox = Outbox::new();
    let body = BodyStream::new(outbox.leaving());
    let tasks = app.orchestrator.tasks().clone();
    let socket = Socket::new(app, pass, outbox, handle);
    rt::spawn(tasks.over(socket.serve(payload)));
    let response = response
        .message_body(body)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(response.map_into_boxed_body().into())
}
