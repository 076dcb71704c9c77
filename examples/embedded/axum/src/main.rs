//! A service around Impresario: `cargo run -p axum-service -- DATA_FOLDER 127.0.0.1:8080`, then
//! `curl --json '{"below": 3000000}' 127.0.0.1:8080/operations/primes`.
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Result, Sse, sse::Event};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::try_unfold;
use impresario::api::{OperationId, OperationList, Verb};
use impresario::prelude::*;
use impresario::serde_json::{Value, json};
use impresario::{Error, store::Query};
use primes::Primes;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

type Handle = State<Orchestrator>;

/// Starts an operation of any kind, and answers when the start is recorded.
async fn start(state: Handle, kind: Path<String>, params: Json<Value>) -> Result<Json<Value>> {
    let started = state.start_operation(&kind, params.0, Options::default());
    let id = started.await.map_err(problem)?.id;
    Ok(Json(json!({"operation_id": id})))
}

/// `cancel`, and every other verb.
async fn ask(state: Handle, Path((id, verb)): Path<(OperationId, Verb)>) -> Result<()> {
    let asked = state.ask(id, verb, None, Options::default());
    Ok(asked.await.map(drop).map_err(problem)?)
}

async fn list(state: Handle) -> Result<Json<OperationList>> {
    Ok(Json(state.list(Query::default()).await.map_err(problem)?))
}

/// The operation as it is, then its events and its progress, until it has ended.
async fn events(state: Handle, id: Path<OperationId>) -> Result<impl IntoResponse> {
    let subscription = state.subscribe(*id, None).await;
    Ok(Sse::new(try_unfold(subscription.map_err(problem)?, next)))
}

async fn next(mut subscription: Subscription) -> Result<Option<(Event, Subscription)>, Error> {
    let update = subscription.next().await?;
    let event = update.map(|update| Event::default().data(json!(update).to_string()));
    Ok(event.map(|event| (event, subscription)))
}

fn problem(error: Error) -> (StatusCode, String) {
    let status = match &error {
        Error::NotFound(_) | Error::KindNotFound { .. } => StatusCode::NOT_FOUND,
        Error::InvalidParams(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Rejected { .. } => StatusCode::CONFLICT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, error.to_string())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("which data folder?")?;
    let address = args.next().ok_or("which address?")?;
    let store = SqliteStore::open(folder.as_ref(), Default::default())?;
    let kinds = Kinds::new().register(Primes);
    let orchestrator = Orchestrator::start(Config::default(), kinds, store)?;
    let app = Router::new()
        .route("/operations", get(list))
        .route("/operations/{kind}", post(start))
        .route("/operations/{id}/events", get(events))
        .route("/operations/{id}/{verb}", post(ask))
        .with_state(orchestrator.clone());
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let supervisor = orchestrator.clone();
    let leave = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            why = supervisor.failed() => eprintln!("the supervisor failed: {why}"),
        }
        supervisor.drain().await; // What ran goes back to the queue, and the streams of events end.
    };
    let server = axum::serve(listener, app).with_graceful_shutdown(leave);
    server.await?;
    orchestrator.shutdown().await;
    Ok(())
}
