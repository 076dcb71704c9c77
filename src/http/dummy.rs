//! The kind `dummy` by its own name.

use actix_web::web::Data;
use impresario::operation::Operation;
use impresario_api::StartAnswer;

use super::answers::{self, Answer};
use super::caller::Caller;
use super::extract::NamedStart;
use super::query::Wait;
use super::state::App;
use crate::domain::dummy::Dummy;

pub(super) async fn start(
    app: Data<App>,
    caller: Caller,
    wait: Wait,
    body: NamedStart<Dummy>,
) -> Answer<StartAnswer> {
    let started = app
        .dummy
        .start(body.params, caller.options(body.options, &wait))
        .await?;
    answers::started(&app.orchestrator, Dummy::KIND, started, &wait).await
}
