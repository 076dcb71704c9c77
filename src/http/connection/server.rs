//! actix-server and actix-http, put together around this room's stream.

use std::future::ready;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService, KeepAlive, Request, Response};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, map_config};
use actix_web::dev::{AppConfig, Server, fn_service};
use actix_web::http::header::CONTENT_LENGTH;
use tokio::net::TcpStream;

use super::limits::ACCEPTED_AHEAD;
use super::stream::Stream;
use super::{Connection, Connections};
use crate::http::errors::ApiError;
use crate::http::guards::is_upload;
use crate::http::upload::BodyLimits;

/// After an answer that came before the whole body, the rest is read for so long.
const REST_OF_A_BODY: Duration = Duration::from_secs(1);

/// A server of this app on these listeners, not yet running; the address of the first of them.
pub fn serve<F, I, S, B>(
    listeners: Vec<TcpListener>,
    workers: usize,
    connections: &Arc<Connections>,
    limits: BodyLimits,
    app: F,
) -> io::Result<(Server, SocketAddr)>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: std::fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let bound = listeners.first().map_or(
        Err(io::Error::from(io::ErrorKind::AddrNotAvailable)),
        TcpListener::local_addr,
    )?;
    let connections = Arc::clone(connections);
    // Which worker a connection is given to is chance: each may have a few beyond its part.
    let most = connections.most().div_ceil(workers) + ACCEPTED_AHEAD;
    let service = move || {
        let connections = Arc::clone(&connections);
        let accept = move |tcp: TcpStream| ready(taken(tcp, &connections));
        let app = app().into_factory();
        let app = app.map_err(|error| error.into().error_response());
        let http = HttpService::build()
            // Both are the connections' own.
            .keep_alive(KeepAlive::Os)
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(REST_OF_A_BODY)
            .on_connect_ext(remember)
            .expect(move |request: Request| ready(expected(request, limits)))
            .h1(map_config(app, |()| AppConfig::default()));
        fn_service(accept).and_then(http)
    };
    let mut server = Server::build()
        .workers(workers)
        .max_concurrent_connections(most)
        .disable_signals();
    for listener in listeners {
        server = server.listen("impresariod", listener, service.clone())?;
    }
    Ok((server.run(), bound))
}

type Taken = (Stream, Option<SocketAddr>);

fn taken(tcp: TcpStream, connections: &Arc<Connections>) -> Result<Taken, DispatchError> {
    let address = tcp.peer_addr().ok();
    let Some(connection) = connections.open(address) else {
        return Err(DispatchError::Io(io::ErrorKind::ConnectionRefused.into()));
    };
    let stream = Stream::new(tcp, connection, Arc::clone(connections));
    Ok((stream, address))
}

/// Whoever asks whether a body may come (`Expect: 100-continue`) hears that it is too long before it is
/// sent.
fn expected(request: Request, limits: BodyLimits) -> Result<Request, actix_web::Error> {
    let length = request.head().headers().get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let is_over = |limit| length.is_some_and(|length| length > limit);
    if is_upload(request.head()) {
        if is_over(limits.upload) {
            return Err(ApiError::upload_too_large(limits.upload).into());
        }
    } else if is_over(limits.whole as u64) {
        return Err(ApiError::body_too_large(limits.whole).into());
    }
    Ok(request)
}

/// Every request carries its connection.
fn remember(stream: &Stream, extensions: &mut Extensions) {
    extensions.insert::<Connection>(stream.connection.clone());
}
