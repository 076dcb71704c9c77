//! Starting and looking at operations of any kind.

use std::time::Duration;

use actix_web::web::Data;
use serde_json::json;

use super::answers::{self, Answer, ok};
use super::caller::Caller;
use super::extract::{Id, Prune, Start};
use super::query::{EventsQuery, ListQuery, LogsQuery, MetricsQuery, NoQuery, Wait};
use crate::app::App;

pub(super) async fn start(app: Data<App>, caller: Caller, wait: Wait, body: Start) -> Answer {
    let options = caller.options(body.options, &wait);
    let started = app
        .orchestrator
        .start_operation(&body.kind, body.params, options)
        .await?;
    answers::started(&app.orchestrator, &body.kind, started, &wait).await
}

pub(super) async fn list(app: Data<App>, query: ListQuery) -> Answer {
    ok(app.orchestrator.list(query.0).await?)
}

pub(super) async fn view(app: Data<App>, id: Id, _: NoQuery) -> Answer {
    ok(app.orchestrator.view(id.0).await?)
}

pub(super) async fn results(app: Data<App>, id: Id, _: NoQuery) -> Answer {
    ok(app.orchestrator.result(id.0).await?)
}

pub(super) async fn metrics(app: Data<App>, id: Id, query: MetricsQuery) -> Answer {
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

pub(super) async fn logs(app: Data<App>, id: Id, query: LogsQuery) -> Answer {
    ok(app
        .orchestrator
        .logs(id.0, query.since, query.limit, query.level)
        .await?)
}

pub(super) async fn events(app: Data<App>, id: Id, query: EventsQuery) -> Answer {
    ok(app
        .orchestrator
        .events(id.0, query.since, query.limit, &[], query.wait)
        .await?)
}

pub(super) async fn prune(app: Data<App>, _: NoQuery, body: Prune) -> Answer {
    let age = Duration::from_secs_f64(body.older_than_seconds);
    let pruned = app.orchestrator.prune(age, body.dry_run).await?;
    ok(json!({"pruned": pruned, "dry_run": body.dry_run}))
}
