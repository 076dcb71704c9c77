//! The server itself: how it is, and what can be started.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use impresario_api::{HealthView, KindView, SystemView};

use super::answers::{Answer, Reply, ok};
use super::body;
use super::openapi::Document;
use super::query::NoQuery;
use super::state::App;

const ALIVE: &[u8] = br#"{"success":true,"data":{"status":"ok"}}"#;
const READY: &[u8] = br#"{"success":true,"data":{"status":"ready"}}"#;

pub(super) async fn healthz() -> Reply<HealthView> {
    Reply::written(body::raw(StatusCode::OK, Bytes::from_static(ALIVE)))
}

pub(super) async fn readyz(app: Data<App>) -> Answer<HealthView> {
    app.readiness()?;
    let ready = Bytes::from_static(READY);
    Ok(Reply::written(body::raw(StatusCode::OK, ready)))
}

pub(super) async fn kinds(app: Data<App>, _: NoQuery) -> Answer<Vec<KindView>> {
    ok(app.orchestrator.kinds())
}

pub(super) async fn system(app: Data<App>, _: NoQuery) -> Answer<SystemView> {
    let mut system = app.orchestrator.system().await?;
    app.complete(&mut system);
    ok(system)
}

pub(super) async fn openapi(of: Data<Document>, _: NoQuery) -> HttpResponse {
    body::raw(StatusCode::OK, of.json())
}
