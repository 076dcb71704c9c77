//! Tells a connection when a request begins and when its answer does.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::error::InternalError;
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::{HttpMessage, HttpResponse};
use futures_util::future::LocalBoxFuture;

use super::{Connection, Connections, UNCOUNTED};
use crate::http::errors::ApiError;

/// The middleware in front of all others.
#[derive(Clone)]
pub struct Track(pub Arc<Connections>);

/// The middleware as one worker has it.
pub struct TrackService<S> {
    connections: Arc<Connections>,
    inner: S,
}

impl<S, B> Transform<S, ServiceRequest> for Track
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Transform = TrackService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(TrackService {
            connections: Arc::clone(&self.0),
            inner,
        }))
    }
}

impl<S, B> Service<ServiceRequest> for TrackService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = LocalBoxFuture<'static, Result<ServiceResponse<B>, S::Error>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let connection = Connection::of_service(&request);
        let upgrades = request.head().upgrade();
        connection.as_ref().inspect(|one| one.works());
        let handled = match self.connections.enter(request.head()) {
            None => Err(ApiError::too_many_connections()),
            Some(permit) => {
                permit.map(|permit| request.extensions_mut().insert(permit));
                Ok(self.inner.call(request))
            }
        };
        let connections = Arc::clone(&self.connections);
        Box::pin(async move {
            let mut answer = match handled {
                Ok(handled) => handled.await,
                Err(refused) => Err(refused.into()),
            };
            if let (Some(connection), Ok(given)) = (&connection, &answer)
                && let BodySize::Sized(bytes) = given.response().body().size()
                && bytes > UNCOUNTED as u64
            {
                match connections.answer(usize::try_from(bytes).unwrap_or(usize::MAX)) {
                    Some(share) => connection.holds(share),
                    None => answer = Err(ApiError::answers_wait().into()),
                }
            }
            connection.as_ref().inspect(|one| one.answers());
            if upgrades {
                unless_upgraded(answer)
            } else {
                answer
            }
        })
    }
}

/// actix-http says `Connection: upgrade` to whoever asked for that, whatever the answer is, and then
/// closes the connection: said here.
fn unless_upgraded<B>(
    answer: Result<ServiceResponse<B>, actix_web::Error>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    match answer {
        Ok(mut answer) => {
            if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                close(answer.response_mut());
            }
            Ok(answer)
        }
        Err(error) => {
            let mut answer = error.error_response();
            close(&mut answer);
            Err(InternalError::from_response(error, answer).into())
        }
    }
}

fn close<B>(answer: &mut HttpResponse<B>) {
    let head = answer.head_mut();
    head.set_connection_type(ConnectionType::Close);
}
