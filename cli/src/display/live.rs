//! A live operation: header, one bar for each level of steps, items, metrics, notes, keys.

use impresario_api::{OperationRow, OperationView, Status};

use super::bars::bars;
use super::metrics::Metrics;
use super::numbers::{ordinal, span};
use super::text::clean;
use super::{Look, Tone};
use crate::keys::{self, Standing};

/// What the last line depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) standing: Standing,
    /// Whether keys other than Ctrl-C are read.
    pub(crate) are_heard: bool,
}

/// The whole picture, each line within the width.
pub(crate) fn picture(
    view: &OperationView,
    metrics: &Metrics,
    items: &str,
    keys: Keys,
    look: Look,
) -> Vec<String> {
    let mut lines = vec![header(&view.row, look)];
    lines.extend(bars(&view.row, items, look));
    lines.extend(metrics.line(&view.row, look));
    lines.extend(notes(&view.row, look));
    lines.push(key_line(&view.row, keys, look));
    lines
}

/// `▸ dummy  x7r8d0bh  Working hard on iteration 50!`
pub(crate) fn header(row: &OperationRow, look: Look) -> String {
    let id = look.paint(Tone::Dim, &row.operation_id.short());
    let kind = look.paint(Tone::Strong, &clean(&row.kind));
    let doing = doing(row);
    look.fit(&format!("{} {kind}  {id}  {doing}", look.sign(row.status)))
}

/// What the operation is doing, or why it is not running; with the status in words if the sign is not clear
/// enough.
pub(crate) fn doing(row: &OperationRow) -> String {
    let message = row
        .progress
        .as_ref()
        .map(|p| clean(&p.message))
        .unwrap_or_default();
    let joined = |word: String, rest: &str| match rest {
        "" => word,
        rest => format!("{word}, {rest}"),
    };
    match row.status {
        Status::Pending => match waiting(row) {
            None => "waits".to_owned(),
            Some(why) => format!("waits: {why}"),
        },
        Status::Cancelling | Status::Pausing => {
            let asked = row.stop.as_ref().map(|stop| {
                let ago = span(row.server_time.seconds_since(stop.requested_at));
                let why = stop
                    .reason
                    .as_ref()
                    .map(|why| format!(" (\"{}\")", clean(why)));
                format!("asked {ago} ago{}", why.unwrap_or_default())
            });
            joined(row.status.to_string(), &asked.unwrap_or_default())
        }
        Status::Paused => joined("paused".to_owned(), &message),
        _ => message,
    }
}

/// The same as [`doing`] beside a column with the status.
pub(crate) fn doing_without_status(row: &OperationRow) -> String {
    let doing = doing(row);
    let rest = doing.strip_prefix(row.status.as_str()).unwrap_or(&doing);
    rest.trim_start_matches([',', ' ']).to_owned()
}

/// Why the operation waits, and its place in the queue.
pub(crate) fn waiting(row: &OperationRow) -> Option<String> {
    let why = row.waiting_for.as_deref().map(clean);
    let at = row.queue_position;
    let place = at.map(|at| format!("{} in line", ordinal(at)));
    match (why, place) {
        (Some(why), Some(place)) if !why.contains("in line") => Some(format!("{why}, {place}")),
        (why, place) => why.or(place),
    }
}

/// What a person should know beside the bars.
fn notes(row: &OperationRow, look: Look) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(error) = &row.error
        && !row.status.is_ended()
    {
        let (code, message) = (clean(&error.code), clean(&error.message));
        notes.push(format!("run {} failed: {code}  {message}", error.run));
    }
    if let Some(since) = row.unresponsive_since {
        let ago = span(row.server_time.seconds_since(since));
        notes.push(format!("it does not react, for {ago} now"));
    }
    if row.status == Status::Paused {
        notes.push(format!(
            "goes on with: impresario ops resume {}",
            row.operation_id.short()
        ));
    }
    notes
        .iter()
        .map(|note| look.fit(&format!("  {}", look.paint(Tone::Warn, note))))
        .collect()
}

fn key_line(row: &OperationRow, keys: Keys, look: Look) -> String {
    let text = keys::line(keys.standing, keys.are_heard, &row.verbs);
    look.fit(&format!("  {}", look.paint(Tone::Dim, &text)))
}

#[cfg(test)]
mod tests {
    use impresario_api::Status;

    use super::*;
    use crate::display::sample::{self, look};
    use crate::display::text::width;

    fn heard(standing: Standing) -> Keys {
        Keys {
            standing,
            are_heard: true,
        }
    }

    #[test]
    fn pictures_of_every_status() {
        for columns in [80, 40] {
            let mut all = Vec::new();
            for status in Status::ALL.iter().filter(|status| !status.is_ended()) {
                let view = sample::view(status.as_str());
                let none = Metrics::default();
                all.extend(picture(
                    &view,
                    &none,
                    "items",
                    heard(Standing::Owner),
                    look(columns),
                ));
                all.push(String::new());
            }
            assert!(all.iter().all(|line| width(line) <= columns), "{all:#?}");
            insta::assert_snapshot!(format!("picture_{columns}"), all.join("\n"));
        }
    }

    #[test]
    fn nested_steps_items_and_wide_text() {
        for columns in [100, 40, 20] {
            let (some, none) = (sample::metrics(), Metrics::default());
            let mut all = Vec::new();
            for (view, metrics, items, keys) in [
                (sample::nested(), &some, "rows", heard(Standing::Cancelling)),
                (sample::items(), &none, "bars", heard(Standing::Watcher)),
                (sample::hostile(), &none, "items", heard(Standing::Owner)),
            ] {
                all.extend(picture(&view, metrics, items, keys, look(columns)));
            }
            assert!(all.iter().all(|line| width(line) <= columns), "{all:#?}");
            insta::assert_snapshot!(format!("nested_{columns}"), all.join("\n"));
        }
    }

    #[test]
    fn colours_change_no_column() {
        let (plain, mut coloured) = (look(80), look(80));
        coloured.colour = true;
        let (view, metrics) = (sample::nested(), sample::metrics());
        let strip = |lines: Vec<String>| -> Vec<String> {
            lines
                .iter()
                .map(|line| console::strip_ansi_codes(line).into_owned())
                .collect()
        };
        assert_eq!(
            strip(picture(
                &view,
                &metrics,
                "rows",
                heard(Standing::Owner),
                coloured
            )),
            picture(&view, &metrics, "rows", heard(Standing::Owner), plain)
        );
    }
}
