//! `ops logs`: the log lines of a function.

use std::thread;
use std::time::{Duration, Instant};

use impresario_api::{Event, EventBody, LogLevel, OperationId, OperationView};
use serde_json::{Value, json};

use super::App;
use crate::args::Logs;
use crate::client::take_list;
use crate::display::text::{clean, left};
use crate::display::{Look, Tone};
use crate::error::Error;
use crate::feed::PATIENCE;
use crate::ids;

/// How many events are requested at a time.
const PAGE: usize = 1_000;
/// The time between two requests.
const EVERY: Duration = Duration::from_millis(250);

/// The lines so far, and with `--follow` also later ones.
pub(super) fn logs(app: &App, asked: &Logs) -> Result<(), Error> {
    let id = ids::resolve(&app.client, &asked.id)?;
    let mut since = 0;
    if !asked.follow && app.out.json {
        let mut all = Vec::new();
        read(app, id, asked, &mut since, |event| {
            all.push(event.clone());
            Ok(())
        })?;
        return app
            .out
            .document(&json!({"events": all, "next_since": since}));
    }
    let mut lost_at: Option<Instant> = None;
    loop {
        match round(app, id, asked, &mut since) {
            Ok(true) => return Ok(()),
            Ok(false) => lost_at = None,
            Err(error) if asked.follow && error.may_pass() => {
                let at = *lost_at.get_or_insert_with(|| {
                    app.out.lost(&error, PATIENCE);
                    Instant::now()
                });
                if at.elapsed() >= PATIENCE {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
        thread::sleep(EVERY);
    }
}

/// Prints the new lines. Returns whether they were the last.
fn round(app: &App, id: OperationId, asked: &Logs, since: &mut u64) -> Result<bool, Error> {
    // The status is read before the lines, so the lines include everything up to the end.
    let is_last = !asked.follow || has_ended(app, id)?;
    read(app, id, asked, since, |event| say(app, event))?;
    Ok(is_last)
}

fn has_ended(app: &App, id: OperationId) -> Result<bool, Error> {
    let view: OperationView = app
        .client
        .get_as(&format!("/api/v1/operations/{id}"), &[])?;
    Ok(view.row.status.is_ended())
}

/// Every line after `since`, page by page.
fn read(
    app: &App,
    id: OperationId,
    asked: &Logs,
    since: &mut u64,
    mut each: impl FnMut(&Value) -> Result<(), Error>,
) -> Result<(), Error> {
    let level = asked
        .level
        .and_then(|level| json!(level).as_str().map(str::to_owned));
    loop {
        let mut query = vec![("since", since.to_string()), ("limit", PAGE.to_string())];
        query.extend(level.clone().map(|level| ("level", level)));
        let mut page = app
            .client
            .get_object(&format!("/api/v1/operations/{id}/logs"), &query)?;
        let events = take_list(&mut page, "events")?;
        for event in &events {
            each(event)?;
        }
        let next = page.remove("next_since").unwrap_or_default();
        *since = match next.as_u64().filter(|next| *next > *since) {
            Some(next) => next,
            None if events.is_empty() => *since,
            None => {
                let text = clean(&next.to_string());
                let why = format!("its next_since, {text}, leads to no further page");
                return Err(Error::Garbled(why));
            }
        };
        if events.len() < PAGE {
            return Ok(());
        }
    }
}

fn say(app: &App, event: &Value) -> Result<(), Error> {
    if app.out.json {
        return app.out.document(event);
    }
    // A client ignores events that it does not know.
    match serde_json::from_value::<Event>(event.clone()) {
        Ok(event) => line(&event, app.out.look).map_or(Ok(()), |line| app.out.line(&line)),
        Err(_) => Ok(()),
    }
}

/// `12:00:01.220  warn   message`. Log lines are never cut.
fn line(event: &Event, look: Look) -> Option<String> {
    let (word, tone, message) = match &event.body {
        EventBody::Log(log) => {
            let (word, tone) = match log.level {
                LogLevel::Debug => ("debug", Tone::Dim),
                LogLevel::Info => ("info", Tone::Active),
                LogLevel::Warn => ("warn", Tone::Warn),
                LogLevel::Error => ("error", Tone::Bad),
            };
            (word, tone, clean(&log.message))
        }
        EventBody::Gap(gap) => (
            "gap",
            Tone::Warn,
            format!("{} lines could not be kept", gap.logs),
        ),
        _ => return None,
    };
    let at = event.at.to_string();
    let time = at.get(11..23).unwrap_or(&at);
    Some(format!(
        "{}  {}  {message}",
        look.paint(Tone::Dim, time),
        look.paint(tone, &left(word, 5))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_made_safe_and_lines_up() {
        let event: Event = serde_json::from_value(json!({
            "operation_id": "op_0k3j9x7r8d0bh", "seq": 3, "cursor": 9, "at": "2026-01-31T12:00:01.220Z",
            "type": "log", "data": {"level": "warn", "message": "a\u{1b}[2J\nb", "run": 1}
        }))
        .expect("a log event");
        let said = line(&event, Look::PLAIN).expect("a log is said");
        assert_eq!(said, "12:00:01.220  warn   a\u{fffd}[2J b");
    }
}
