//! The server itself: how it is, and what can be started.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};

use super::answers::{self, Answer, ok};
use super::errors::ApiError;
use super::query::NoQuery;
use crate::app::App;

const ALIVE: &[u8] = br#"{"success":true,"data":{"status":"ok"}}"#;
const READY: &[u8] = br#"{"success":true,"data":{"status":"ready"}}"#;

pub(super) async fn healthz() -> HttpResponse {
    answers::raw(StatusCode::OK, Bytes::from_static(ALIVE))
}

pub(super) async fn readyz(app: Data<App>) -> Answer {
    if app.is_ready() {
        Ok(answers::raw(StatusCode::OK, Bytes::from_static(READY)))
    } else {
        Err(ApiError::shutting_down())
    }
}

pub(super) async fn kinds(app: Data<App>, _: NoQuery) -> Answer {
    ok(app.orchestrator.kinds())
}

pub(super) async fn system(app: Data<App>, _: NoQuery) -> Answer {
    let mut system = app.orchestrator.system().await?;
    env!("CARGO_PKG_VERSION").clone_into(&mut system.version);
    ok(system)
}
