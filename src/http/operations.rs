//! Starting and looking at operations of any kind.

use std::time::Duration;

use actix_web::web::Data;
use impresario_api::{
    EventPage, MetricSeries, OperationList, OperationView, PruneAnswer, PruneRequest, StartAnswer,
};
use serde_json::Value;

use super::answers::{self, Answer, ok};
use super::caller::Caller;
use super::extract::{Id, Prune, Start};
use super::query::{EventsQuery, ListQuery, LogsQuery, MetricsQuery, NoQuery, Wait};
use crate::app::App;

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

pub(super) async fn list(app: Data<App>, query: ListQuery) -> Answer<OperationList> {
    ok(app.orchestrator.list(query.0).await?)
}

pub(super) async fn view(app: Data<App>, id: Id, _: NoQuery) -> Answer<OperationView> {
    ok(app.orchestrator.view(id.0).await?)
}

pub(super) async fn results(app: Data<App>, id: Id, _: NoQuery) -> Answer<Value> {
    ok(app.orchestrator.result(id.0).await?)
}

pub(super) async fn metrics(app: Data<App>, id: Id, query: MetricsQuery) -> Answer<MetricSeries> {
    let MetricsQuery {
        names,
        from_step,
        max_points,
    } = query;
    ok(app
        .orchestrator
        .metrics(id.0, &names, from_step, max_points)
        .await?)
}

pub(super) async fn logs(app: Data<App>, id: Id, query: LogsQuery) -> Answer<EventPage> {
    ok(app
        .orchestrator
        .logs(id.0, query.since, query.limit, query.level)
        .await?)
}

pub(super) async fn events(app: Data<App>, id: Id, query: EventsQuery) -> Answer<EventPage> {
    ok(app
        .orchestrator
        .events(id.0, query.since, query.limit, &[], query.wait)
        .await?)
}

pub(super) async fn prune(app: Data<App>, _: NoQuery, body: Prune) -> Answer<PruneAnswer> {
    let Prune(PruneRequest {
        older_than_seconds,
        dry_run,
    }) = body;
    let age = Duration::from_secs_f64(older_than_seconds);
    let pruned = app.orchestrator.prune(age, dry_run).await?;
    ok(PruneAnswer { pruned, dry_run })
}
