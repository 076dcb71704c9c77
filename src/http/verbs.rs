//! Asking something of an operation.

use actix_web::web::Data;
use impresario_api::{StartAnswer, Verb, VerbAnswer};

use super::answers::{Answer, asked};
use super::caller::Caller;
use super::extract::{Id, Reason};
use super::query::Wait;
use super::state::App;

pub(super) async fn cancel(
    app: Data<App>,
    id: Id,
    caller: Caller,
    wait: Wait,
    body: Reason,
) -> Answer<VerbAnswer> {
    asked(&app.orchestrator, Verb::Cancel, id, caller, wait, body).await
}

pub(super) async fn pause(
    app: Data<App>,
    id: Id,
    caller: Caller,
    wait: Wait,
    body: Reason,
) -> Answer<VerbAnswer> {
    asked(&app.orchestrator, Verb::Pause, id, caller, wait, body).await
}

pub(super) async fn finish(
    app: Data<App>,
    id: Id,
    caller: Caller,
    wait: Wait,
    body: Reason,
) -> Answer<VerbAnswer> {
    asked(&app.orchestrator, Verb::Finish, id, caller, wait, body).await
}

pub(super) async fn resume(
    app: Data<App>,
    id: Id,
    caller: Caller,
    wait: Wait,
    body: Reason,
) -> Answer<VerbAnswer> {
    asked(&app.orchestrator, Verb::Resume, id, caller, wait, body).await
}

pub(super) async fn start_now(
    app: Data<App>,
    id: Id,
    caller: Caller,
    wait: Wait,
    body: Reason,
) -> Answer<VerbAnswer> {
    asked(&app.orchestrator, Verb::StartNow, id, caller, wait, body).await
}

pub(super) async fn retry(
    app: Data<App>,
    id: Id,
    caller: Caller,
    wait: Wait,
    body: Reason,
) -> Answer<StartAnswer> {
    asked(&app.orchestrator, Verb::Retry, id, caller, wait, body).await
}
