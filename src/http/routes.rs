//! Every route, in one place.

use actix_web::{HttpRequest, HttpResponse, web};
use impresario_api::KindView;

use super::errors::ApiError;
use super::openapi::Document;
use super::state::OwnKinds;
use super::table::{Table, at, delete, get, post, put};
#[cfg(feature = "training")]
use super::training;
use super::{console, data, dummy, live, metrics, operations, system, verbs};

const READ: &str = "GET, HEAD";
const ACT: &str = "POST";

/// Puts every route into an app. They are tried in this order, and one with `{id}` costs a regular
/// expression: those come last.
pub fn configure(config: &mut web::ServiceConfig, own: OwnKinds) {
    table(own).serve(config);
    config.default_service(web::to(no_route));
}

/// What `/openapi.json` answers for these kinds.
pub fn describe(kinds: &[KindView], own: OwnKinds) -> Document {
    Document::of(&table(own).described(), kinds)
}

/// Every route of a server with these of the project's own kinds.
fn table(own: OwnKinds) -> Table {
    let mut table = server_routes(Table::default());
    if own.dummy {
        table = dummy_routes(table);
    }
    table = operation_routes(table);
    if own.data_load {
        table = data_routes(table);
    }
    #[cfg(feature = "training")]
    if own.training {
        table = training_routes(table);
    }
    console_files(table)
}

fn server_routes(table: Table) -> Table {
    table
        .service(
            at("/healthz", READ).route(
                get()
                    .to(system::healthz)
                    .summary("Whether the server lives."),
            ),
        )
        .service(
            at("/readyz", READ).route(
                get()
                    .to(system::readyz)
                    .fails(507, &["STORE_FULL"])
                    .summary("Whether starts are admitted."),
            ),
        )
        .service(
            at("/metrics", READ).route(
                get()
                    .to(metrics::metrics)
                    .media_type(metrics::TEXT)
                    .summary("What a monitor reads."),
            ),
        )
        .service(
            at("/api/v1/ws", READ).route(
                get()
                    .to(live::connect)
                    .upgrades()
                    .summary("Live subscriptions over a WebSocket."),
            ),
        )
        .service(
            at("/openapi.json", READ).route(
                get()
                    .to(system::openapi)
                    .media_type("application/json")
                    .summary("This document."),
            ),
        )
        .service(
            at("/api/v1/kinds", READ).route(
                get()
                    .to(system::kinds)
                    .summary("What can be started, with the schemas of params and outputs."),
            ),
        )
        .service(
            at("/api/v1/system", READ).route(
                get()
                    .to(system::system)
                    .summary("The supervisor as it is: lanes, slots, queues, store."),
            ),
        )
}

fn dummy_routes(table: Table) -> Table {
    let start = post().to(dummy::start).summary("Starts a dummy.");
    table.service(at("/api/v1/dummy/start", ACT).route(start))
}

fn operation_routes(table: Table) -> Table {
    let table = table
        .service(
            at("/api/v1/operations", "GET, HEAD, POST")
                .route(
                    post()
                        .to(operations::start)
                        .fails(404, &["DATA_NOT_FOUND", "MODEL_NOT_FOUND"])
                        .summary("Starts an operation of any kind."),
                )
                .route(
                    get()
                        .to(operations::list)
                        .summary("Operations, newest first, by page."),
                ),
        )
        .service(
            at("/api/v1/operations/prune", ACT).route(
                post()
                    .to(operations::prune)
                    .fails(507, &["STORE_FULL"])
                    .summary("Removes operations that ended long ago."),
            ),
        )
        .service(
            at("/api/v1/operations/{id}", "GET, HEAD, DELETE")
                .route(get().to(operations::view).summary("One operation, whole."))
                .route(delete().to(verbs::cancel).summary("Ends it, now.")),
        )
        .service(
            at("/api/v1/operations/{id}/status", READ)
                .route(get().to(operations::view).summary("One operation, whole.")),
        );
    read_routes(verb_routes(table))
}

fn verb_routes(table: Table) -> Table {
    table
        .service(
            at("/api/v1/operations/{id}/cancel", ACT)
                .route(post().to(verbs::cancel).summary("Ends it, now.")),
        )
        .service(
            at("/api/v1/operations/{id}/pause", ACT).route(
                post()
                    .to(verbs::pause)
                    .summary("Lets it rest; `resume` goes on."),
            ),
        )
        .service(
            at("/api/v1/operations/{id}/finish", ACT).route(
                post()
                    .to(verbs::finish)
                    .summary("Completes it with what is done."),
            ),
        )
        .service(
            at("/api/v1/operations/{id}/resume", ACT).route(
                post()
                    .to(verbs::resume)
                    .summary("Goes on, from the last checkpoint."),
            ),
        )
        .service(
            at("/api/v1/operations/{id}/start-now", ACT).route(
                post().to(verbs::start_now).summary(
                    "Lets a pending one wait no longer for its time, or its next attempt.",
                ),
            ),
        )
        .service(
            at("/api/v1/operations/{id}/retry", ACT).route(
                post()
                    .to(verbs::retry)
                    .starts()
                    .fails(
                        404,
                        &["KIND_NOT_FOUND", "DATA_NOT_FOUND", "MODEL_NOT_FOUND"],
                    )
                    .summary("A new operation with the params of one that has ended."),
            ),
        )
        .service(
            at("/api/v1/operations/{id}/fork", ACT).route(
                post()
                    .to(operations::fork)
                    .fails(404, &["DATA_NOT_FOUND"])
                    .summary("A new operation from a checkpoint of one, with other params."),
            ),
        )
}

fn read_routes(table: Table) -> Table {
    table
        .service(
            at("/api/v1/operations/{id}/results", READ).route(
                get()
                    .to(operations::results)
                    .fails(409, &["NO_RESULT"])
                    .summary("The output."),
            ),
        )
        .service(
            at("/api/v1/operations/{id}/metrics", READ).route(
                get()
                    .to(operations::metrics)
                    .summary("What the function measured, by name and step."),
            ),
        )
        .service(
            at("/api/v1/operations/{id}/logs", READ).route(
                get()
                    .to(operations::logs)
                    .summary("What the function logged."),
            ),
        )
        .service(
            at("/api/v1/operations/{id}/events", READ).route(
                get()
                    .to(operations::events)
                    .summary("What happened, contiguously numbered: a loss-free feed."),
            ),
        )
}

fn data_routes(table: Table) -> Table {
    const BROKEN: &[&str] = &["DATA_DAMAGED", "STORAGE_FAILED"];
    const STORAGE: &[&str] = &["STORAGE_FAILED"];
    table
        .service(
            at("/api/v1/data/load", ACT)
                .route(post().to(data::load).summary("Loads bars from a file.")),
        )
        .service(
            at("/api/v1/data", READ).route(
                get()
                    .to(data::list)
                    .fails(500, BROKEN)
                    .summary("Everything that has been loaded."),
            ),
        )
        .service(
            at("/api/v1/data/dialects", READ).route(
                get()
                    .to(data::dialects)
                    .fails(500, &["DIALECT_INVALID", "DIALECT_UNREADABLE"])
                    .summary("The dialects that a load can name, and the names of columns."),
            ),
        )
        .service(
            at("/api/v1/data/imports", READ).route(
                get()
                    .to(data::imports)
                    .fails(500, STORAGE)
                    .summary("The files in the import folder."),
            ),
        )
        .service(
            at("/api/v1/data/imports/{name}", "PUT, DELETE")
                .route(
                    put()
                        .to(data::upload)
                        .fails(409, &["FILE_NOT_REGULAR"])
                        .fails(422, &["FILE_EMPTY"])
                        .fails(500, STORAGE)
                        .fails(507, &["STORAGE_FULL"])
                        .summary("Puts a file into the import folder, whole or not at all."),
                )
                .route(
                    delete()
                        .to(data::remove_import)
                        .fails(404, &["FILE_NOT_FOUND"])
                        .fails(409, &["FILE_NOT_REGULAR"])
                        .fails(500, STORAGE)
                        .summary("Removes a file from the import folder."),
                ),
        )
        .service(
            at("/api/v1/data/{symbol}/{timeframe}", "GET, HEAD, DELETE")
                .route(
                    get()
                        .to(data::bars)
                        .fails(500, BROKEN)
                        .summary("Bars of one dataset, ascending."),
                )
                .route(
                    delete()
                        .to(data::delete)
                        .fails(409, &["REFERENCED"])
                        .fails(500, &["STORAGE_FAILED"])
                        .summary("Deletes a dataset, unless something refers to it."),
                ),
        )
        .service(at("/api/v1/data/{symbol}/{timeframe}/report", READ).route(
            get().to(data::report).fails(500, BROKEN).summary(
                "How the dataset was read from its file, and what is remarkable about it.",
            ),
        ))
}

#[cfg(feature = "training")]
fn training_routes(table: Table) -> Table {
    const BROKEN: &[&str] = &["MODEL_DAMAGED", "STORAGE_FAILED"];
    const UNFIT: &[&str] = &["BAD_BAR", "NOT_ENOUGH_BARS", "PRICES_NOT_POSITIVE"];
    table
        .service(
            at("/api/v1/training/start", ACT).route(
                post()
                    .to(training::start)
                    .fails(404, &["DATA_NOT_FOUND"])
                    .summary("Trains a network on a dataset."),
            ),
        )
        .service(
            at("/api/v1/models", READ).route(
                get()
                    .to(training::models)
                    .fails(500, BROKEN)
                    .summary("Every model, newest first."),
            ),
        )
        .service(
            at("/api/v1/models/{id}", "GET, HEAD, DELETE")
                .route(
                    get()
                        .to(training::model)
                        .fails(500, BROKEN)
                        .summary("One model's card."),
                )
                .route(
                    delete()
                        .to(training::delete)
                        .fails(409, &["REFERENCED"])
                        .fails(500, &["STORAGE_FAILED"])
                        .summary("Deletes a model, unless something refers to it."),
                ),
        )
        .service(
            at("/api/v1/models/{id}/verify", ACT).route(
                post()
                    .to(training::verify)
                    .fails(404, &["DATA_NOT_FOUND"])
                    .summary("Trains a model again from its card, and compares the bits."),
            ),
        )
        .service(
            at("/api/v1/models/{id}/predict", ACT).route(
                post()
                    .to(training::predict)
                    .fails(500, BROKEN)
                    .fails(422, UNFIT)
                    .summary("What a model expects of the bar after the last one given."),
            ),
        )
}

fn console_files(table: Table) -> Table {
    table
        .service(at("/", READ).route(get().to(console::entrance)).hidden())
        .service(
            at("/console", READ)
                .route(get().to(console::entrance))
                .hidden(),
        )
        .service(
            at("/console/{file:.*}", READ)
                .route(get().to(console::file))
                .hidden(),
        )
}

async fn no_route(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Err(ApiError::route_not_found(request.path()))
}
