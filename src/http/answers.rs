//! What is answered: the envelope, serialised once, and the shapes that several routes share.

use std::marker::PhantomData;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, Responder};
use impresario::{Asked, Error, Orchestrator, Started, Until};
use impresario_api::{
    Envelope, OperationId, OperationView, StartAnswer, StartMode, StartOptions, Verb, VerbAnswer,
};
use serde::Serialize;
use serde_json::Value;

use super::body::{bytes, json, raw};
use super::caller::Caller;
use super::errors::ApiError;
use super::extract::{Id, Reason};
use super::query::Wait;

/// What a handler gives back: `T` in the envelope, or an error there.
pub(super) type Answer<T> = Result<Reply<T>, ApiError>;

/// An answer whose data is a `T`; from it the API's description knows what a route answers.
pub(super) struct Reply<T> {
    response: HttpResponse,
    data: PhantomData<fn() -> T>,
}

impl<T> Reply<T> {
    /// A body that is written already: an envelope around a `T`.
    pub(super) const fn written(response: HttpResponse) -> Self {
        Self {
            response,
            data: PhantomData,
        }
    }
}

impl<T> Responder for Reply<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.response
    }
}

fn enveloped<T: Serialize>(status: StatusCode, data: T) -> Reply<T> {
    Reply::written(json(status, &Envelope::ok(data)))
}

/// 200 with the envelope around `data`.
pub(super) fn ok<T: Serialize>(data: T) -> Answer<T> {
    Ok(enveloped(StatusCode::OK, data))
}

/// The same for data that may be large: read and written out where no other request waits behind it.
pub(super) async fn large<T, F>(
    orchestrator: &Orchestrator,
    read: impl FnOnce() -> F + Send + 'static,
) -> Answer<T>
where
    T: Serialize,
    F: Future<Output = Result<T, ApiError>>,
{
    let body =
        orchestrator.bulk(|| async move { Ok::<_, ApiError>(bytes(&Envelope::ok(read().await?))) });
    match body.await?? {
        Ok(body) => Ok(Reply::written(raw(StatusCode::OK, body))),
        Err(error) => Err(ApiError::internal(error.to_string())),
    }
}

/// The answer to a start: 202, or what came of it when the caller waits.
pub(super) async fn started(
    orchestrator: &Orchestrator,
    what: &str,
    started: Started,
    wait: &Wait,
) -> Answer<StartAnswer> {
    let id = started.id;
    let view = match wait.left() {
        Some(limit) => {
            let ended = orchestrator.wait_until(id, Until::Ended, limit);
            match wait.unless_gone(ended).await {
                Some(view) => view,
                None => orchestrator.view(id).await,
            }
        }
        None if started.replayed => orchestrator.view(id).await,
        None => return Ok(enveloped(StatusCode::ACCEPTED, accepted(what, &started))),
    };
    let Some(view) = unless_removed(view)? else {
        return Ok(enveloped(StatusCode::ACCEPTED, accepted(what, &started)));
    };
    let mut answer = StartAnswer {
        status: view.row.status,
        ..accepted(what, &started)
    };
    if wait.left().is_some()
        && answer.status.is_ended()
        && let Some(output) = unless_removed(output(orchestrator, &view).await)?
    {
        answer.mode = StartMode::Sync;
        answer.message = None;
        answer.result = Some(output);
    }
    if answer.mode == StartMode::Async && !started.replayed {
        return Ok(enveloped(StatusCode::ACCEPTED, answer));
    }
    answer.operation = Some(Box::new(view));
    ok(answer)
}

fn accepted(what: &str, started: &Started) -> StartAnswer {
    let Started {
        id,
        status,
        replayed,
        ref forked_from,
    } = *started;
    StartAnswer {
        operation_id: id,
        status,
        mode: StartMode::Async,
        message: Some(message(what, id, replayed)),
        forked_from: forked_from.clone(),
        replayed,
        operation: None,
        result: None,
    }
}

fn message(what: &str, id: OperationId, replayed: bool) -> String {
    let done = if replayed {
        "had been accepted before"
    } else {
        "was accepted"
    };
    format!("{what} {id} {done}; watch it at /api/v1/operations/{id}")
}

/// The output, `null` where there is none. The view has it unless it is large.
async fn output(orchestrator: &Orchestrator, view: &OperationView) -> Result<Value, Error> {
    if let Some(output) = &view.result_summary {
        return Ok(output.clone());
    }
    match orchestrator.result(view.row.operation_id).await {
        Err(Error::NoResult(_)) => Ok(Value::Null),
        other => other,
    }
}

/// An operation that has ended may be removed while its caller waits for it. What was done before is
/// answered all the same, with what was known of it then.
fn unless_removed<T>(read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(Error::NotFound(_)) => Ok(None),
        read => read.map(Some),
    }
}

/// What every verb is asked with.
pub(super) type Ask = (Id, Caller, Wait, Reason);

/// Asks a verb: 202 with the operation after it; 200 when it was so already, or when what the
/// caller waited for has come. A new operation is answered as a start: `T` is what the rules make of
/// the verb.
pub(super) async fn asked<T>(
    orchestrator: &Orchestrator,
    verb: Verb,
    (Id(id), caller, wait, Reason(reason)): Ask,
) -> Answer<T> {
    let options = caller.options(StartOptions::default(), &wait);
    let (mut view, changed, durable) = match orchestrator.ask(id, verb, reason, options).await? {
        Asked::New(new) => {
            let reply = started(orchestrator, "operation", new, &wait).await?;
            return Ok(Reply::written(reply.response));
        }
        Asked::Done {
            view,
            changed,
            durable,
        } => (*view, changed, durable),
    };
    if let Some(limit) = wait.left()
        && let Some(until) = Until::of(verb)
        && !until.is_met(view.row.status)
    {
        let met = orchestrator.wait_until(id, until, limit);
        if let Some(met) = wait.unless_gone(met).await
            && let Some(met) = unless_removed(met)?
        {
            view = met;
        }
    }
    let done = Until::of(verb).is_some_and(|until| until.is_met(view.row.status));
    let code = if !changed || (wait.left().is_some() && done) {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    let answer = VerbAnswer {
        view,
        changed,
        durable,
    };
    let reply = enveloped(code, answer);
    Ok(Reply::written(reply.response))
}
