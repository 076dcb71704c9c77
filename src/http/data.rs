//! Market data.

use actix_web::web::Data;
use impresario::operation::Operation;
use impresario_api::{
    BarPage, DatasetList, DeleteAnswer, DialectList, ImportAnswer, ImportList, ImportView,
    ReportAnswer, StartAnswer,
};

use super::answers::{self, Answer, ok};
use super::caller::Caller;
use super::extract::{DatasetName, ImportPath, NamedStart};
use super::query::{BarsQuery, DeleteQuery, NoQuery, Wait};
use super::references;
use super::state::App;
use super::upload::Upload;
use crate::domain::market::DataLoad;

pub(super) async fn load(
    app: Data<App>,
    caller: Caller,
    wait: Wait,
    body: NamedStart<DataLoad>,
) -> Answer<StartAnswer> {
    let options = caller.options(body.options, &wait);
    let started = app.data.load(body.params, options).await?;
    answers::started(&app.orchestrator, DataLoad::KIND, started, &wait).await
}

pub(super) async fn dialects(app: Data<App>, _: NoQuery) -> Answer<DialectList> {
    ok(app.data.dialects().await??)
}

pub(super) async fn list(app: Data<App>, _: NoQuery) -> Answer<DatasetList> {
    let data = app.data.clone();
    let read = move || async move { Ok(data.list().await??) };
    answers::large(&app.orchestrator, read).await
}

pub(super) async fn bars(app: Data<App>, name: DatasetName, query: BarsQuery) -> Answer<BarPage> {
    let (DatasetName { symbol, timeframe }, data) = (name, app.data.clone());
    let read = move || async move { Ok(data.bars(symbol, timeframe, query.0).await??) };
    answers::large(&app.orchestrator, read).await
}

pub(super) async fn imports(app: Data<App>, _: NoQuery) -> Answer<ImportList> {
    let data = app.data.clone();
    let read = move || async move { Ok(data.imports().await??) };
    answers::large(&app.orchestrator, read).await
}

pub(super) async fn upload(
    app: Data<App>,
    caller: Caller,
    name: ImportPath,
    _: NoQuery,
    upload: Upload,
) -> Answer<ImportAnswer> {
    let stored = upload.store(&app, name.0).await?;
    let (who, name) = (caller.name().escape_debug(), stored.name.escape_debug());
    log::info!("imports: {who} put {name}, {} bytes", stored.bytes);
    ok(stored)
}

pub(super) async fn remove_import(
    app: Data<App>,
    caller: Caller,
    name: ImportPath,
    _: NoQuery,
) -> Answer<ImportView> {
    let removed = app.data.remove_import(name.0).await??;
    let (who, name) = (caller.name().escape_debug(), removed.name.escape_debug());
    log::info!("imports: {who} removed {name}, {} bytes", removed.bytes);
    ok(removed)
}

pub(super) async fn report(app: Data<App>, name: DatasetName, _: NoQuery) -> Answer<ReportAnswer> {
    let (DatasetName { symbol, timeframe }, data) = (name, app.data.clone());
    let read = move || async move { Ok(data.report(symbol, timeframe).await??) };
    answers::large(&app.orchestrator, read).await
}

pub(super) async fn delete(
    app: Data<App>,
    caller: Caller,
    name: DatasetName,
    query: DeleteQuery,
) -> Answer<DeleteAnswer> {
    let (DatasetName { symbol, timeframe }, shown) = (name.clone(), name.to_string());
    app.data.exists(symbol.clone(), timeframe.clone()).await??;
    let references = references::of_dataset(&app, &name).await?;
    let answer = references::judged(&shown, references, query)?;
    if answer.deleted {
        app.data.delete(symbol, timeframe).await??;
        log::info!("deleted {shown}, asked by {}", caller.name().escape_debug());
    }
    ok(answer)
}
