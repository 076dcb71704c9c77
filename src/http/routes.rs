//! Every route, in one place.

use actix_web::dev::RequestHead;
use actix_web::guard::{GuardContext, fn_guard};
use actix_web::http::Method;
use actix_web::{HttpRequest, Resource, Route, web};

use super::answers::Answer;
use super::errors::ApiError;
#[cfg(feature = "training")]
use super::training;
use super::{data, dummy, live, metrics, operations, system, verbs};

const READ: &str = "GET, HEAD";
const ACT: &str = "POST";

/// Puts every route into an app. They are tried in this order, and one with `{id}` costs a regular
/// expression: those come last.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(at("/healthz", READ).route(get().to(system::healthz)))
        .service(at("/readyz", READ).route(get().to(system::readyz)))
        .service(at("/metrics", READ).route(get().to(metrics::metrics)))
        .service(at("/api/v1/kinds", READ).route(get().to(system::kinds)))
        .service(at("/api/v1/system", READ).route(get().to(system::system)))
        .service(at("/api/v1/ws", "GET").route(web::get().to(live::connect)))
        .service(at("/api/v1/dummy/start", ACT).route(web::post().to(dummy::start)))
        .service(at("/api/v1/data/load", ACT).route(web::post().to(data::load)))
        .service(at("/api/v1/data", READ).route(get().to(data::list)))
        .service(
            at("/api/v1/operations", "GET, HEAD, POST")
                .route(web::post().to(operations::start))
                .route(get().to(operations::list)),
        )
        .service(at("/api/v1/operations/prune", ACT).route(web::post().to(operations::prune)))
        .service(
            at("/api/v1/operations/{id}", "GET, HEAD, DELETE")
                .route(get().to(operations::view))
                .route(web::delete().to(verbs::cancel)),
        )
        .service(at("/api/v1/operations/{id}/status", READ).route(get().to(operations::view)))
        .service(at("/api/v1/operations/{id}/cancel", ACT).route(web::post().to(verbs::cancel)))
        .service(at("/api/v1/operations/{id}/pause", ACT).route(web::post().to(verbs::pause)))
        .service(at("/api/v1/operations/{id}/finish", ACT).route(web::post().to(verbs::finish)))
        .service(at("/api/v1/operations/{id}/resume", ACT).route(web::post().to(verbs::resume)))
        .service(at("/api/v1/operations/{id}/retry", ACT).route(web::post().to(verbs::retry)))
        .service(at("/api/v1/operations/{id}/results", READ).route(get().to(operations::results)))
        .service(at("/api/v1/operations/{id}/metrics", READ).route(get().to(operations::metrics)))
        .service(at("/api/v1/operations/{id}/logs", READ).route(get().to(operations::logs)))
        .service(at("/api/v1/operations/{id}/events", READ).route(get().to(operations::events)))
        .service(at("/api/v1/data/{symbol}/{timeframe}", READ).route(get().to(data::bars)))
        .configure(training_routes)
        .default_service(web::to(no_route));
}

#[cfg(feature = "training")]
fn training_routes(config: &mut web::ServiceConfig) {
    config
        .service(at("/api/v1/training/start", ACT).route(web::post().to(training::start)))
        .service(at("/api/v1/models", READ).route(get().to(training::models)))
        .service(at("/api/v1/models/{id}", READ).route(get().to(training::model)))
        .service(at("/api/v1/models/{id}/predict", ACT).route(web::post().to(training::predict)));
}

#[cfg(not(feature = "training"))]
const fn training_routes(_: &mut web::ServiceConfig) {}

/// A path and, for the answer to any other method, the methods that it takes.
fn at(path: &str, allow: &'static str) -> Resource {
    let refuse = move |request: HttpRequest| async move {
        Err::<&str, _>(ApiError::method_not_allowed(
            request.method().as_str(),
            allow,
        ))
    };
    web::resource(path).default_service(web::to(refuse))
}

/// GET, and HEAD by the same handler: the body is left out on the wire.
fn get() -> Route {
    let reads = |head: &RequestHead| matches!(head.method, Method::GET | Method::HEAD);
    web::route().guard(fn_guard(move |context: &GuardContext<'_>| {
        reads(context.head())
    }))
}

async fn no_route(request: HttpRequest) -> Answer {
    Err(ApiError::route_not_found(request.path()))
}
