//! Training, and what was trained.

use actix_web::web::Data;
use impresario::operation::Operation;
use impresario_api::{DeleteAnswer, ModelCard, ModelList, Prediction, StartAnswer};

use super::answers::{self, Answer, ok};
use super::caller::Caller;
use super::extract::{Model, NamedStart, Predict, Verify};
use super::query::{DeleteQuery, NoQuery, Wait};
use super::references;
use super::state::App;
use crate::domain::training::{ModelVerify, Training};

pub(super) async fn start(
    app: Data<App>,
    caller: Caller,
    wait: Wait,
    body: NamedStart<Training>,
) -> Answer<StartAnswer> {
    let options = caller.options(body.options, &wait);
    let started = app.training.start(body.params, options).await?;
    answers::started(&app.orchestrator, Training::KIND, started, &wait).await
}

pub(super) async fn models(app: Data<App>, _: NoQuery) -> Answer<ModelList> {
    let training = app.training.clone();
    let read = move || async move { Ok(training.list().await??) };
    answers::large(&app.orchestrator, read).await
}

pub(super) async fn model(app: Data<App>, id: Model, _: NoQuery) -> Answer<ModelCard> {
    ok(app.training.card(id.0).await??)
}

pub(super) async fn delete(
    app: Data<App>,
    caller: Caller,
    id: Model,
    query: DeleteQuery,
) -> Answer<DeleteAnswer> {
    let shown = format!("model {}", id.0);
    app.training.exists(id.0).await??;
    let references = references::of_model(&app, id).await?;
    let answer = references::judged(&shown, references, query)?;
    if answer.deleted {
        app.training.delete(id.0).await??;
        log::info!("deleted {shown}, asked by {}", caller.name().escape_debug());
    }
    ok(answer)
}

pub(super) async fn verify(
    app: Data<App>,
    id: Model,
    caller: Caller,
    wait: Wait,
    body: Verify,
) -> Answer<StartAnswer> {
    let options = caller.options(body.0, &wait);
    let started = app.training.verify(id.0, options).await?;
    answers::started(&app.orchestrator, ModelVerify::KIND, started, &wait).await
}

pub(super) async fn predict(
    app: Data<App>,
    id: Model,
    _: NoQuery,
    body: Predict,
) -> Answer<Prediction> {
    ok(app.training.predict(id.0, body.0).await??)
}
