//! Who may call: checked before anything is read or routed. And where a handler that panics is
//! caught, so that its caller gets an answer.

mod refusals;
mod rules;

use std::future::{Ready, ready};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use futures_util::FutureExt;
use futures_util::future::{CatchUnwind, Either, Map};
use impresario::panic_message;

use super::caller::TokenName;
use super::errors::ApiError;
pub use rules::Guards;
pub(in crate::http) use rules::{SocketPass, is_upload, needs_no_token};

/// The middleware in front of every route.
#[derive(Clone)]
pub struct Gate(pub Arc<Guards>);

/// The middleware as one worker has it.
pub struct GateService<S> {
    guards: Arc<Guards>,
    inner: S,
}

impl<S, B> Transform<S, ServiceRequest> for Gate
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Transform = GateService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(GateService {
            guards: Arc::clone(&self.0),
            inner,
        }))
    }
}

type Outcome<B> = Result<ServiceResponse<B>, actix_web::Error>;
type Caught<B> = std::thread::Result<Outcome<B>>;

impl<S, B> Service<ServiceRequest> for GateService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<
        Ready<Outcome<B>>,
        Map<CatchUnwind<AssertUnwindSafe<S::Future>>, fn(Caught<B>) -> Outcome<B>>,
    >;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        match self.guards.admit(request.head()) {
            Err(error) => return Either::Left(ready(Err(error.into()))),
            Ok(None) => {}
            Ok(Some(name)) => {
                request.extensions_mut().insert(TokenName(name));
            }
        }
        // The request went into the future, so nothing of it outlives a panic half changed.
        let handled = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        Either::Right(handled.map(settle::<B> as fn(Caught<B>) -> Outcome<B>))
    }
}

fn settle<B>(caught: Caught<B>) -> Outcome<B> {
    caught.unwrap_or_else(|panic| {
        let why = panic_message(&*panic);
        Err(ApiError::internal(format!("a handler panicked: {why}")).into())
    })
}

#[cfg(test)]
mod tests;
