//! `data imports` and `data dialects`: the files that can be loaded, and how they may be written.

use impresario_api::{ImportList, ImportView};

use super::App;
use crate::client::{escaped, parse};
use crate::display;
use crate::display::dialects::Dialects;
use crate::error::Error;

const IMPORTS: &str = "/api/v1/data/imports";

pub(super) fn list(app: &App) -> Result<(), Error> {
    let raw = app.client.get(IMPORTS, &[])?;
    if app.out.json {
        return app.out.document(&raw);
    }
    let list: ImportList = parse(raw)?;
    app.out
        .lines(&display::upload::imports(&list, app.out.look))
}

pub(super) fn delete(app: &App, name: &str) -> Result<(), Error> {
    let raw = app
        .client
        .delete(&format!("{IMPORTS}/{}", escaped(name)), "")?;
    if app.out.json {
        return app.out.document(&raw);
    }
    let removed: ImportView = parse(raw)?;
    app.out.line(&display::upload::removed(&removed))
}

pub(super) fn dialects(app: &App) -> Result<(), Error> {
    let raw = app.client.get("/api/v1/data/dialects", &[])?;
    if app.out.json {
        return app.out.document(&raw);
    }
    let told: Dialects = parse(raw)?;
    app.out.lines(&display::dialects::list(&told, app.out.look))
}
