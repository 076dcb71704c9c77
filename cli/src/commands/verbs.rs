//! `ops cancel`, `pause`, `resume`, `finish` and `retry`.

use impresario_api::{StartAnswer, Status, Verb, VerbAnswer, VerbRequest};
use serde_json::json;

use super::App;
use crate::args::Verbs;
use crate::client::{Post, parse};
use crate::display::text::clean;
use crate::error::{DONE, Error};
use crate::ids;

/// Asks each; one that refuses does not keep the others from being asked. The first error's code.
pub(super) fn ask_all(app: &App, verb: Verb, asked: &Verbs) -> u8 {
    let mut code = DONE;
    for id in &asked.ids {
        if let Err(error) = ask(app, verb, id, asked) {
            app.out.error(&error);
            if code == DONE {
                code = error.exit_code();
            }
        }
    }
    code
}

fn ask(app: &App, verb: Verb, id: &str, asked: &Verbs) -> Result<(), Error> {
    let id = ids::resolve(&app.client, id)?;
    let path = format!("/api/v1/operations/{id}/{verb}");
    let request = VerbRequest {
        reason: asked.reason.clone(),
    };
    let post = Post {
        wait: asked.wait,
        idempotency_key: None,
    };
    let raw = app.client.post(&path, &json!(request), post)?;
    if app.out.json {
        return app.out.document(&raw);
    }
    if verb == Verb::Retry {
        let answer: StartAnswer = parse(raw)?;
        let (sign, new) = (
            app.out.look.sign(answer.status),
            answer.operation_id.short(),
        );
        return app.out.lines(&[
            format!(
                "{sign} {} started again as {new}  {}",
                id.short(),
                answer.status
            ),
            format!("  next  impresario ops watch {new}"),
        ]);
    }
    let answer: VerbAnswer = parse(raw)?;
    let row = &answer.view.row;
    let said = said(verb, row.status);
    let line = format!(
        "{} {}  {}  {said}",
        app.out.look.sign(row.status),
        clean(&row.kind),
        id.short()
    );
    app.out.line(&app.out.look.fit(&line))?;
    if !answer.durable {
        app.out
            .line("  it took effect, but could not be recorded: a restart may forget it")?;
    }
    Ok(())
}

/// `cancel asked, now cancelling`
fn said(verb: Verb, status: Status) -> String {
    match verb {
        _ if status.is_ended() => status.to_string(),
        Verb::Resume => format!("resumed, now {status}"),
        _ => format!("{verb} asked, now {status}"),
    }
}
