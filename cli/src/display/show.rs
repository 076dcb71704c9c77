//! Everything about one operation.

use impresario_api::{CheckpointView, OperationRow, OperationView, Timestamp};
use serde_json::Value;

use super::end::{Fact, reached, render, steps_of};
use super::numbers::{age, bytes, date, span};
use super::text::pretty;
use super::{Look, Tone, bars, live};

/// Everything about the operation.
pub(crate) fn show(view: &OperationView, items: &str, look: Look) -> Vec<String> {
    let row = &view.row;
    let mut lines = vec![live::header(row, look)];
    lines.extend(bars::bars(row, items, look));
    lines.extend(render(&facts(view), look));
    lines.extend(block("params", &view.params, look));
    if let Some(result) = &view.result_summary {
        lines.extend(block("result", result, look));
    }
    lines
}

fn facts(view: &OperationView) -> Vec<Fact> {
    let row = &view.row;
    let mut facts = identity(row);
    facts.extend(times(row));
    facts.extend(circumstances(row));
    facts.extend(older(view));
    facts.extend(trouble(view));
    let verbs: Vec<_> = row.verbs.iter().map(|verb| verb.as_str()).collect();
    if !verbs.is_empty() {
        facts.push(Fact::new("may be asked", &verbs.join(", ")));
    }
    facts
}

fn identity(row: &OperationRow) -> Vec<Fact> {
    vec![
        Fact::new("id", &row.operation_id.to_string()),
        Fact::new("status", &status(row)),
        Fact::new("started by", &row.requested_by),
    ]
}

/// Facts for the values that are known.
fn known<const N: usize>(facts: [(&str, Option<String>); N]) -> Vec<Fact> {
    let fact = |(label, text): (&str, Option<String>)| Some(Fact::new(label, &text?));
    facts.into_iter().filter_map(fact).collect()
}

fn when(row: &OperationRow, time: Timestamp) -> String {
    let ago = age(row.server_time.seconds_since(time));
    format!("{}  ({ago} ago)", date(time))
}

fn times(row: &OperationRow) -> Vec<Fact> {
    let when = |time| when(row, time);
    known([
        ("created", Some(when(row.created_at))),
        ("not before", row.not_before.map(date)),
        ("started", row.started_at.map(when)),
        ("ended", row.completed_at.map(when)),
        ("took", row.started_at.map(|_| span(row.elapsed_seconds))),
    ])
}

fn circumstances(row: &OperationRow) -> Vec<Fact> {
    let pairs = row
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"));
    let labels = pairs.collect::<Vec<_>>().join("  ");
    let stop = row.stop.as_ref().map(|stop| {
        let why = stop.reason.as_ref().map(|why| format!(": \"{why}\""));
        let (at, by) = (date(stop.requested_at), &stop.requested_by);
        format!("{}, {at} by {by}{}", stop.verb, why.unwrap_or_default())
    });
    let silent = row.unresponsive_since.map(|since| when(row, since));
    let forked = row.forked_from.as_ref().map(|from| {
        let steps = steps_of(&from.step);
        let steps = steps.map(|steps| format!(" at {steps}"));
        format!(
            "{}{}, {}",
            from.operation_id,
            steps.unwrap_or_default(),
            date(from.at)
        )
    });
    let checkpoint = row.checkpoint.as_ref().map(kept);
    known([
        (
            "lane",
            Some(format!("{}, priority {}", row.lane, row.priority)),
        ),
        ("waits", live::waiting(row)),
        ("labels", Some(labels).filter(|labels| !labels.is_empty())),
        ("retry of", row.retry_of.map(|id| id.to_string())),
        ("forked from", forked),
        ("stop", stop),
        (
            "silent",
            silent.map(|since| format!("does not react to the stop since {since}")),
        ),
        ("checkpoint", checkpoint),
    ])
}

fn kept(point: &CheckpointView) -> String {
    let (size, at) = (bytes(point.bytes), date(point.at));
    format!("{}, {size}, {at}", reached(point))
}

/// The checkpoints before the last one.
fn older(view: &OperationView) -> Vec<Fact> {
    let older = view.checkpoints.iter().skip(1);
    older.map(|point| Fact::new("", &kept(point))).collect()
}

fn trouble(view: &OperationView) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(error) = &view.row.error {
        let place = |step: &String| format!("run {}, in {step}", error.run);
        facts.extend(known([
            ("error", Some(format!("{}  {}", error.code, error.message))),
            ("", error.step.as_ref().map(place)),
        ]));
    }
    for warning in &view.warnings {
        let text = format!("{}  {}", warning.code, warning.message);
        facts.push(Fact::new("warning", &text));
    }
    facts
}

fn status(row: &OperationRow) -> String {
    let early = if row.stopped_early { ", early" } else { "" };
    format!(
        "{}{early}, run {}, attempt {} of {}",
        row.status, row.run, row.attempt, row.max_attempts
    )
}

/// A JSON value with its name as a title.
pub(crate) fn block(name: &str, value: &Value, look: Look) -> Vec<String> {
    let is_empty = match value {
        Value::Null => true,
        Value::Object(object) => object.is_empty(),
        _ => false,
    };
    if is_empty {
        return Vec::new();
    }
    let mut lines = vec![format!("  {}", look.paint(Tone::Dim, name))];
    // A value may be copied, so it is never cut.
    lines.extend(pretty(value).iter().map(|line| format!("    {line}")));
    lines
}

#[cfg(test)]
mod tests {
    use impresario_api::Status;

    use super::*;
    use crate::display::sample::{self, look};

    #[test]
    fn an_operation_in_every_status() {
        for columns in [80, 40] {
            let mut all = Vec::new();
            for status in Status::ALL {
                all.extend(show(&sample::view(status.as_str()), "items", look(columns)));
                all.push(String::new());
            }
            all.extend(show(&sample::hostile(), "items", look(columns)));
            insta::assert_snapshot!(format!("show_{columns}"), all.join("\n"));
        }
    }
}
