//! Starting and looking at operations of any kind.

use std::time::Duration;

use actix_web::web::Data;
use impresario::{Error, Orchestrator};
use impresario_api::{
    EventPage, MetricSeries, OperationList, OperationView, PruneAnswer, PruneRequest, StartAnswer,
};
use serde_json::Value;

use super::answers::{self, Answer, ok};
use super::caller::Caller;
use super::connection::Client;
use super::extract::{Fork, Id, Prune, Start};
use super::query::{EventsQuery, ListQuery, LogsQuery, MetricsQuery, NoQuery, Wait};
use super::state::App;

/// A longer page is not read and written out on the worker.
const SHORT_PAGE: usize = 100;

pub(super) async fn start(
    app: Data<App>,
    caller: Caller,
    wait: Wait,
    body: Start,
) -> Answer<StartAnswer> {
    let options = caller.options(body.options, &wait);
    let started = app
        .orchestrator
        .start_operation(&body.kind, body.params, options)
        .await?;
    answers::started(&app.orchestrator, &body.kind, started, &wait).await
}

pub(super) async fn fork(
    app: Data<App>,
    id: Id,
    caller: Caller,
    wait: Wait,
    body: Fork,
) -> Answer<StartAnswer> {
    let options = caller.options(body.options, &wait);
    let fork = app
        .orchestrator
        .fork(id.0, body.checkpoint, body.params, options);
    answers::started(&app.orchestrator, "operation", fork.await?, &wait).await
}

pub(super) async fn list(app: Data<App>, query: ListQuery) -> Answer<OperationList> {
    let (orchestrator, ListQuery(query)) = (app.orchestrator.clone(), query);
    if query.limit <= SHORT_PAGE {
        return ok(orchestrator.list(query).await?);
    }
    let read = move || async move { Ok(orchestrator.list(query).await?) };
    answers::large(&app.orchestrator, read).await
}

pub(super) async fn view(app: Data<App>, id: Id, _: NoQuery) -> Answer<OperationView> {
    ok(app.orchestrator.view(id.0).await?)
}

pub(super) async fn results(app: Data<App>, id: Id, _: NoQuery) -> Answer<Value> {
    let orchestrator = app.orchestrator.clone();
    let read = move || async move { Ok(orchestrator.result(id.0).await?) };
    answers::large(&app.orchestrator, read).await
}

pub(super) async fn metrics(app: Data<App>, id: Id, query: MetricsQuery) -> Answer<MetricSeries> {
    let orchestrator = app.orchestrator.clone();
    let read = move || async move { Ok(orchestrator.metrics(id.0, query.0).await?) };
    answers::large(&app.orchestrator, read).await
}

pub(super) async fn logs(app: Data<App>, id: Id, query: LogsQuery) -> Answer<EventPage> {
    let (orchestrator, asked) = (app.orchestrator.clone(), query);
    let read = move || async move {
        let page = orchestrator.logs(id.0, asked.since, asked.limit, asked.level);
        Ok(page.await?)
    };
    answers::large(&app.orchestrator, read).await
}

pub(super) async fn events(
    app: Data<App>,
    id: Id,
    query: EventsQuery,
    client: Client,
) -> Answer<EventPage> {
    let orchestrator = app.orchestrator.clone();
    let there = orchestrator.events_after(id.0, query.since).await?;
    if there.min(query.limit as u64) <= SHORT_PAGE as u64 {
        return ok(short_page(&orchestrator, id, &query, &client).await?);
    }
    let read = move || async move { Ok(page(&orchestrator, id, &query, None).await?) };
    answers::large(&app.orchestrator, read).await
}

/// A page that is worth waiting for, as long as its client is there.
async fn short_page(
    orchestrator: &Orchestrator,
    id: Id,
    query: &EventsQuery,
    client: &Client,
) -> Result<EventPage, Error> {
    let waiting = page(orchestrator, id, query, query.wait);
    match client.unless_gone(waiting).await {
        Some(page) => page,
        None => page(orchestrator, id, query, None).await,
    }
}

async fn page(
    orchestrator: &Orchestrator,
    id: Id,
    query: &EventsQuery,
    wait: Option<Duration>,
) -> Result<EventPage, Error> {
    let EventsQuery { since, limit, .. } = *query;
    orchestrator
        .events(id.0, since, limit, &query.types, wait)
        .await
}

pub(super) async fn prune(
    app: Data<App>,
    caller: Caller,
    _: NoQuery,
    body: Prune,
) -> Answer<PruneAnswer> {
    let PruneRequest {
        older_than_seconds,
        dry_run,
    } = body.0;
    let age = Duration::from_secs_f64(older_than_seconds);
    let pruned = app.orchestrator.prune(age, dry_run).await?;
    let who = caller.name().escape_debug();
    log::info!("prune: {who}: {pruned} operations, {age:?} after their end, dry run: {dry_run}");
    ok(PruneAnswer { pruned, dry_run })
}
