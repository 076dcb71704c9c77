//! `ops cancel`, `pause`, `resume`, `start-now`, `finish`, `retry` and `fork`.

use impresario_api::{CheckpointChoice, OperationRow, StartAnswer, Verb, VerbAnswer, VerbRequest};
use serde_json::json;

use super::App;
use crate::args::{Fork, Verbs, Waiting};
use crate::client::{Post, parse};
use crate::display::text::clean;
use crate::error::{DONE, Error};
use crate::ids;
use crate::values;

/// Sends the verb to each operation, and waits for its effect if asked to.
pub(super) fn ask_waiting(app: &App, verb: Verb, asked: &Waiting) -> u8 {
    ask_all(app, verb, &asked.verbs, asked.wait)
}

/// Sends the verb to each operation, also after one has refused it. Returns the code of the first error.
pub(super) fn ask_all(app: &App, verb: Verb, asked: &Verbs, wait: Option<f64>) -> u8 {
    let mut code = DONE;
    for id in &asked.ids {
        if let Err(error) = ask(app, verb, id, asked, wait) {
            app.out.error_of(id, asked.ids.len() > 1, &error);
            if code == DONE {
                code = error.exit_code();
            }
        }
    }
    code
}

fn ask(app: &App, verb: Verb, id: &str, asked: &Verbs, wait: Option<f64>) -> Result<(), Error> {
    let id = ids::resolve(&app.client, id)?;
    let path = format!("/api/v1/operations/{id}/{verb}");
    let request = VerbRequest {
        reason: asked.reason.clone(),
    };
    let post = Post {
        wait,
        idempotency_key: None,
    };
    let raw = app.client.post(&path, &json!(request), post)?;
    if app.out.json {
        return app.out.document(&raw);
    }
    if verb == Verb::Retry {
        return say_new(app, &id.short(), "started again", &parse(raw)?);
    }
    say(app, verb, &parse(raw)?)
}

/// Starts a new operation from a checkpoint of another one.
pub(super) fn fork(app: &App, asked: Fork) -> Result<(), Error> {
    let params = values::params(asked.params_json.as_deref(), &asked.param)?;
    let id = ids::resolve(&app.client, &asked.id)?;
    let key = asked.options.idempotency_key.clone();
    let request = json!({
        "checkpoint": asked.checkpoint,
        "params": params,
        "options": asked.options.start_options()?,
    });
    let post = Post {
        wait: asked.wait,
        idempotency_key: key.as_deref(),
    };
    let path = format!("/api/v1/operations/{id}/fork");
    let raw = app.client.post(&path, &request, post)?;
    if app.out.json {
        return app.out.document(&raw);
    }
    let answer: StartAnswer = parse(raw)?;
    let from = answer.forked_from.as_ref();
    let from = from.map(|from| CheckpointChoice::Step(from.step.clone()));
    let at = from.map(|step| format!(" at {}", clean(&step.to_string())));
    let did = format!("forked{}", at.unwrap_or_default());
    say_new(app, &id.short(), &did, &answer)
}

/// Says which new operation came of which old one.
fn say_new(app: &App, old: &str, did: &str, answer: &StartAnswer) -> Result<(), Error> {
    let (status, new) = (answer.status, answer.operation_id.short());
    let sign = app.out.look.sign(status);
    app.out.lines(&[
        format!("{sign} {old} {did} as {new}  {status}"),
        format!("  next  impresario ops watch {new}"),
    ])
}

fn say(app: &App, verb: Verb, answer: &VerbAnswer) -> Result<(), Error> {
    let row = &answer.view.row;
    let (sign, id) = (app.out.look.sign(row.status), row.operation_id.short());
    let said = said(verb, answer.changed, row);
    let line = format!("{sign} {}  {id}  {said}", clean(&row.kind));
    app.out.line(&app.out.look.fit(&line))?;
    if !answer.durable {
        app.out
            .line("  it took effect, but could not be recorded: a restart may forget it")?;
    }
    Ok(())
}

/// `cancel asked, now cancelling`; `resumed, now pending until 2026-01-31T12:00:00.000Z`; or, if nothing
/// was changed, `is already paused`.
fn said(verb: Verb, changed: bool, row: &OperationRow) -> String {
    let status = row.status;
    let waits = row.waiting_for.as_deref().map(clean);
    let until = waits.filter(|why| why.starts_with("until "));
    let until = until.map(|until| format!(" {until}")).unwrap_or_default();
    match verb {
        // The run goes on until the stop that was asked for before.
        _ if !changed && status.is_dispatched() => {
            format!("{verb} was already asked, now {status}")
        }
        _ if !changed => format!("is already {status}{until}"),
        _ if status.is_ended() => status.to_string(),
        Verb::Resume => format!("resumed, now {status}{until}"),
        _ => format!("{verb} asked, now {status}{until}"),
    }
}
