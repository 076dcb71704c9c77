//! Everything about one operation.

use impresario_api::{OperationRow, OperationView, Timestamp};
use serde_json::Value;

use super::end::{Fact, reached, render};
use super::numbers::{age, bytes, date, span};
use super::text::pretty;
use super::{Look, Tone, bars, live};

/// The operation, whole.
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
    let mut facts = vec![
        Fact::new("id", &row.operation_id.to_string()),
        Fact::new("status", &status(row)),
        Fact::new("started by", &row.requested_by),
    ];
    let mut add = |label: &str, text: Option<String>| {
        facts.extend(text.map(|text| Fact::new(label, &text)));
    };
    let when = |time: Timestamp| {
        format!(
            "{}  ({} ago)",
            date(time),
            age(row.server_time.seconds_since(time))
        )
    };
    add("created", Some(when(row.created_at)));
    add("not before", row.not_before.map(date));
    add("started", row.started_at.map(when));
    add("ended", row.completed_at.map(when));
    add("took", row.started_at.map(|_| span(row.elapsed_seconds)));
    add(
        "lane",
        Some(format!("{}, priority {}", row.lane, row.priority)),
    );
    add("waits", live::waiting(row));
    let labels: Vec<_> = row
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    add(
        "labels",
        Some(labels.join("  ")).filter(|labels| !labels.is_empty()),
    );
    add("retry of", row.retry_of.map(|id| id.to_string()));
    add(
        "stop",
        row.stop.as_ref().map(|stop| {
            let why = stop
                .reason
                .as_ref()
                .map(|why| format!(": \"{why}\""))
                .unwrap_or_default();
            format!(
                "{}, {} by {}{why}",
                stop.verb,
                date(stop.requested_at),
                stop.requested_by
            )
        }),
    );
    add(
        "silent",
        row.unresponsive_since
            .map(|since| format!("does not react to the stop since {}", when(since))),
    );
    add(
        "checkpoint",
        row.checkpoint.as_ref().map(|point| {
            format!(
                "{}, {}, {}",
                reached(row, point),
                bytes(point.bytes),
                date(point.at)
            )
        }),
    );
    if let Some(error) = &row.error {
        add("error", Some(format!("{}  {}", error.code, error.message)));
        add(
            "",
            error
                .step
                .as_ref()
                .map(|step| format!("run {}, in {step}", error.run)),
        );
    }
    for warning in &view.warnings {
        add(
            "warning",
            Some(format!("{}  {}", warning.code, warning.message)),
        );
    }
    let verbs: Vec<_> = row.verbs.iter().map(|verb| verb.as_str()).collect();
    add(
        "may be asked",
        Some(verbs.join(", ")).filter(|verbs| !verbs.is_empty()),
    );
    facts
}

fn status(row: &OperationRow) -> String {
    let early = if row.stopped_early { ", early" } else { "" };
    format!(
        "{}{early}, run {}, attempt {} of {}",
        row.status, row.run, row.attempt, row.max_attempts
    )
}

/// A JSON value under its name.
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
    // A value is there to be copied: it is never cut.
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
