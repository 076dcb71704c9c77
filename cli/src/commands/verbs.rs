//! `ops cancel`, `pause`, `resume`, `start-now`, `finish`, `retry` and `fork`.

use impresario_api::{OperationRow, StartAnswer, Status, Verb, VerbAnswer, VerbRequest};
use serde_json::{Value, json};

use super::App;
use crate::args::{Fork, Verbs, Waiting};
use crate::client::{Post, parse};
use crate::display::end::steps_of;
use crate::display::text::clean;
use crate::error::{CANCELLED, DONE, Error, FAILED};
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
        let ended = ask(app, verb, id, asked, wait).unwrap_or_else(|error| {
            app.out.error_of(id, asked.ids.len() > 1, &error);
            error.exit_code()
        });
        if code == DONE {
            code = ended;
        }
    }
    code
}

fn ask(app: &App, verb: Verb, id: &str, asked: &Verbs, wait: Option<f64>) -> Result<u8, Error> {
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
    if verb == Verb::Retry {
        return say_new(app, &id.short(), "started again", raw);
    }
    if app.out.json {
        app.out.document(&raw)?;
    } else {
        say(app, verb, &parse(raw)?)?;
    }
    Ok(DONE)
}

/// Starts a new operation from a checkpoint of another one.
pub(super) fn fork(app: &App, asked: Fork) -> Result<u8, Error> {
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
    say_new(app, &id.short(), "forked", raw)
}

/// Says which new operation came of which old one. Returns the exit code: that of its end, if it has ended.
fn say_new(app: &App, old: &str, did: &str, raw: Value) -> Result<u8, Error> {
    let answer: StartAnswer = parse(raw.clone())?;
    let (status, new) = (answer.status, answer.operation_id.short());
    let code = match status {
        Status::Failed => FAILED,
        Status::Cancelled => CANCELLED,
        _ => DONE,
    };
    if app.out.json {
        app.out.document(&raw)?;
        return Ok(code);
    }
    let from = answer.forked_from.as_ref();
    let at = from.map(|from| match steps_of(&from.step) {
        Some(steps) => format!(" at {}", clean(&steps)),
        None => " at no step".to_owned(),
    });
    let at = at.unwrap_or_default();
    let sign = app.out.look.sign(status);
    let mut lines = vec![format!("{sign} {old} {did}{at} as {new}  {status}")];
    let error = answer
        .operation
        .as_ref()
        .and_then(|view| view.row.error.as_ref());
    if let Some(error) = error {
        let why = format!("  {}  {}", clean(&error.code), clean(&error.message));
        lines.push(app.out.look.fit(&why));
    }
    lines.push(match status.is_ended() {
        true => format!("  next  impresario ops show {new}"),
        false => format!("  next  impresario ops watch {new}"),
    });
    app.out.lines(&lines)?;
    Ok(code)
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
