//! Asking something of an operation.

use actix_web::web::Data;
use impresario_api::{StartAnswer, Verb, VerbAnswer};

use super::answers::{Answer, Ask, asked};
use super::state::App;

pub(super) async fn cancel(app: Data<App>, ask: Ask) -> Answer<VerbAnswer> {
    asked(&app.orchestrator, Verb::Cancel, ask).await
}

pub(super) async fn pause(app: Data<App>, ask: Ask) -> Answer<VerbAnswer> {
    asked(&app.orchestrator, Verb::Pause, ask).await
}

pub(super) async fn finish(app: Data<App>, ask: Ask) -> Answer<VerbAnswer> {
    asked(&app.orchestrator, Verb::Finish, ask).await
}

pub(super) async fn resume(app: Data<App>, ask: Ask) -> Answer<VerbAnswer> {
    asked(&app.orchestrator, Verb::Resume, ask).await
}

pub(super) async fn start_now(app: Data<App>, ask: Ask) -> Answer<VerbAnswer> {
    asked(&app.orchestrator, Verb::StartNow, ask).await
}

pub(super) async fn retry(app: Data<App>, ask: Ask) -> Answer<StartAnswer> {
    asked(&app.orchestrator, Verb::Retry, ask).await
}
