//! `ops list`, `show`, `watch` and `prune`.

use impresario_api::{OperationId, OperationList, OperationView, PruneAnswer};
use serde_json::{Value, json};

use super::App;
use crate::args::{List, Prune};
use crate::client::{Object, Post, onward, parse, take_list};
use crate::display;
use crate::display::numbers::{span, thousands};
use crate::error::Error;
use crate::handlers;
use crate::ids;
use crate::runner::{OperationRunner, Role};

/// How many rows are requested at a time.
const PAGE: u32 = 100;

pub(super) fn list(app: &App, asked: &List) -> Result<(), Error> {
    let filter = filter(asked);
    let wanted = if asked.all { u32::MAX } else { asked.limit };
    let mut whole: Option<Object> = None;
    let mut all = Vec::new();
    let mut missing = wanted;
    let mut cursor: Option<OperationId> = None;
    loop {
        let mut query = filter.clone();
        query.push(("limit", missing.min(PAGE).to_string()));
        query.extend(cursor.map(|cursor| ("cursor", cursor.to_string())));
        let mut page = app.client.get_object("/api/v1/operations", &query)?;
        let mut rows = take_list(&mut page, "operations")?;
        missing = missing.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        // The newest come first, so the end of each page must be older than that of the page before.
        cursor = onward(&page, "next_cursor", |next| {
            cursor.is_none_or(|last| *next < last)
        })?;
        let is_empty = rows.is_empty();
        all.append(&mut rows);
        whole.get_or_insert(page);
        if cursor.is_none() || missing == 0 || is_empty {
            break;
        }
    }
    // The result has the counts of the first page, the rows of every page, and the cursor of the last one.
    let mut whole = whole.unwrap_or_default();
    whole.insert("operations".to_owned(), all.into());
    whole.insert("next_cursor".to_owned(), json!(cursor));
    let whole = Value::Object(whole);
    if app.out.json {
        return app.out.document(&whole);
    }
    let list: OperationList = parse(whole)?;
    app.out.lines(&display::list::list(&list, app.out.look))
}

fn filter(asked: &List) -> Vec<(&'static str, String)> {
    let mut query = Vec::new();
    let statuses: Vec<_> = asked.status.iter().map(|status| status.as_str()).collect();
    let mut add = |name, value: String| {
        if !value.is_empty() {
            query.push((name, value));
        }
    };
    add("status", statuses.join(","));
    add("kind", asked.kind.join(","));
    let label = asked
        .label
        .as_ref()
        .map(|(key, value)| format!("{key}:{value}"));
    add("label", label.unwrap_or_default());
    add("q", asked.query.clone().unwrap_or_default());
    query
}

pub(super) fn show(app: &App, id: &str) -> Result<(), Error> {
    let id = ids::resolve(&app.client, id)?;
    let raw = app.client.get(&format!("/api/v1/operations/{id}"), &[])?;
    if app.out.json {
        return app.out.document(&raw);
    }
    let view: OperationView = parse(raw)?;
    let handler = handlers::of(&view.row.kind);
    app.out
        .lines(&display::show::show(&view, handler.items(), app.out.look))
}

/// Follows an operation that was already started.
pub(super) fn watch(app: &App, id: &str) -> Result<u8, Error> {
    let id = ids::resolve(&app.client, id)?;
    OperationRunner::new(&app.client, &app.out).follow(id, Role::Watcher)
}

/// Deletes operations that ended long ago.
pub(super) fn prune(app: &App, asked: &Prune) -> Result<(), Error> {
    // Whole seconds are sent as an integer, as most clients would send them.
    let seconds = match asked.older_than {
        whole if whole.fract() == 0.0 && whole < 1e15 => json!(whole as u64),
        other => json!(other),
    };
    let body = json!({"older_than_seconds": seconds, "dry_run": asked.dry_run});
    let raw = app
        .client
        .post("/api/v1/operations/prune", &body, Post::default())?;
    if app.out.json {
        return app.out.document(&raw);
    }
    let answer: PruneAnswer = parse(raw)?;
    let count = thousands(answer.pruned);
    let what = if asked.dry_run {
        "would be deleted"
    } else {
        "deleted"
    };
    let than = span(asked.older_than);
    let than = [" 00 s", " 00 m", " 00 h"]
        .iter()
        .find_map(|zero| than.strip_suffix(zero))
        .unwrap_or(&than);
    app.out.line(&format!(
        "{count} operations that ended more than {than} ago {what}"
    ))
}
