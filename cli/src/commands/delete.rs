//! `data delete` and `models delete`: what refers to it is shown first, and the person is asked.

use std::io::{self, BufRead, IsTerminal};

use impresario_api::{DeleteAnswer, Reference};

use super::{App, data};
use crate::args::{DeleteData, DeleteModel};
use crate::client::parse;
use crate::display::deleting;
use crate::error::{DONE, Error, FAILED};
use crate::ids;
use crate::values::quoted;

pub(super) fn dataset(app: &App, asked: &DeleteData) -> Result<u8, Error> {
    let (symbol, timeframe) = (&asked.symbol, &asked.timeframe);
    let again = format!(
        "impresario data delete {} {} --yes",
        quoted(symbol),
        quoted(timeframe)
    );
    ready(app, asked.yes, &again)?;
    let path = data::path(symbol, timeframe);
    delete(app, &path, &format!("{symbol} {timeframe}"), asked.yes)
}

pub(super) fn model(app: &App, asked: &DeleteModel) -> Result<u8, Error> {
    let again = format!("impresario models delete {} --yes", quoted(&asked.id));
    ready(app, asked.yes, &again)?;
    let id = ids::resolve_model(&app.client, &asked.id)?;
    let path = format!("/api/v1/models/{id}");
    delete(app, &path, &format!("model {}", id.short()), asked.yes)
}

/// Whether somebody can be asked, or need not be.
fn ready(app: &App, yes: bool, again: &str) -> Result<(), Error> {
    let asks = !app.out.json && io::stdin().is_terminal() && io::stderr().is_terminal();
    if yes || asks {
        return Ok(());
    }
    Err(Error::usage(format!(
        "it is deleted for good, and there is no terminal to ask at; say --yes: {again}"
    )))
}

fn delete(app: &App, path: &str, name: &str, yes: bool) -> Result<u8, Error> {
    let mut force = yes;
    if !yes {
        let shown: DeleteAnswer = parse(app.client.delete(path, "dry_run")?)?;
        let more = shown.references_total;
        app.out.note(&deleting::asked(
            name,
            &shown.references,
            more,
            app.out.err_look,
        ));
        if !is_confirmed() {
            app.out.note(&["nothing was deleted"]);
            return Ok(FAILED);
        }
        force = more > 0;
    }
    let raw = match force {
        true => app.client.delete(path, "force")?,
        false => app.client.delete(path, "")?,
    };
    if app.out.json {
        app.out.document(&raw)?;
        return Ok(DONE);
    }
    let answer: DeleteAnswer = parse(raw)?;
    // Who was asked has seen them.
    let references: &[Reference] = if yes { &answer.references } else { &[] };
    let total = if yes { answer.references_total } else { 0 };
    app.out
        .lines(&deleting::done(name, references, total, app.out.look))?;
    Ok(DONE)
}

/// Whether the person types yes.
fn is_confirmed() -> bool {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.is_ok() && matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
