//! A service around Impresario: `cargo run -p actix-web-service -- DATA_FOLDER 127.0.0.1:8080`, then
//! `curl --json '{"below": 3000000}' 127.0.0.1:8080/operations/primes`.
use actix_web::error::{self, Error as Problem};
use actix_web::web::{Bytes, Data, Json, Path};
use actix_web::{App, HttpResponse, HttpServer, Responder, get, post};
use futures_util::future::{Either, select};
use futures_util::stream::try_unfold;
use impresario::api::{OperationId, Verb};
use impresario::prelude::*;
use impresario::serde_json::{Value, json};
use impresario::{Error, store::Query};
use primes::Primes;
use std::pin::pin;
use tokio::signal::unix::{SignalKind, signal};

type Handle = Data<Orchestrator>;

#[post("/operations/{kind}")]
async fn start(
    state: Handle,
    kind: Path<String>,
    params: Json<Value>,
) -> Result<impl Responder, Problem> {
    let started = state.start_operation(&kind, params.0, Options::default());
    let id = started.await.map_err(problem)?.id;
    Ok(Json(json!({"operation_id": id})))
}

/// `cancel`, and every other verb.
#[post("/operations/{id}/{verb}")]
async fn ask(state: Handle, path: Path<(OperationId, Verb)>) -> Result<impl Responder, Problem> {
    let (id, verb) = path.into_inner();
    let asked = state.ask(id, verb, None, Options::default());
    asked.await.map_err(problem)?;
    Ok(HttpResponse::Ok())
}

#[get("/operations")]
async fn list(state: Handle) -> Result<impl Responder, Problem> {
    Ok(Json(state.list(Query::default()).await.map_err(problem)?))
}

/// The operation as it is, then its events and its progress, until it has ended.
#[get("/operations/{id}/events")]
async fn events(state: Handle, id: Path<OperationId>) -> Result<impl Responder, Problem> {
    let subscription = state.subscribe(*id, None).await.map_err(problem)?;
    let mut answer = HttpResponse::Ok();
    answer.content_type("text/event-stream");
    Ok(answer.streaming(try_unfold(subscription, next)))
}

async fn next(mut subscription: Subscription) -> Result<Option<(Bytes, Subscription)>, Error> {
    let update = subscription.next().await?;
    let event = update.map(|update| format!("data: {}\n\n", json!(update)).into());
    Ok(event.map(|event| (event, subscription)))
}

fn problem(error: Error) -> Problem {
    let text = error.to_string();
    match error {
        Error::NotFound(_) | Error::KindNotFound { .. } => error::ErrorNotFound(text),
        Error::InvalidParams(_) => error::ErrorUnprocessableEntity(text),
        Error::Rejected { .. } => error::ErrorConflict(text),
        _ => error::ErrorServiceUnavailable(text),
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("which data folder?")?;
    let address = args.next().ok_or("which address?")?;
    let store = SqliteStore::open(folder.as_ref(), Default::default())?;
    let kinds = Kinds::new().register(Primes);
    let orchestrator = Orchestrator::start(Config::default(), kinds, store)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let state = Data::new(orchestrator.clone());
    let app = move || {
        let app = App::new().app_data(state.clone());
        app.service(start)
            .service(ask)
            .service(list)
            .service(events)
    };
    let supervisor = orchestrator.clone();
    let leave = async move {
        let (asked, failed) = (pin!(terminate.recv()), pin!(supervisor.failed()));
        if let Either::Right((why, _)) = select(asked, failed).await {
            eprintln!("the supervisor failed: {why}");
        }
        supervisor.drain().await; // What ran goes back to the queue, and the streams of events end.
    };
    let server = HttpServer::new(app).shutdown_signal(leave).bind(address)?;
    println!("listening on http://{}", server.addrs()[0]);
    server.run().await?;
    orchestrator.shutdown().await;
    Ok(())
}
