//! An operation that is going on: header, one bar per step level, items, notes, keys.

use impresario_api::{OperationRow, OperationView, Progress, Status, StepProgress};

use super::numbers::{clock, ordinal, percent, rate, span, thousands};
use super::text::{clean, cut, left, right, width};
use super::{Look, Tone, tone_of};

/// A longer bar says nothing more.
const LONGEST_BAR: usize = 40;
/// Below this the times go before the bar shrinks further.
const SHORT_BAR: usize = 16;
/// Below this there is no bar.
const SHORTEST_BAR: usize = 4;

/// What Ctrl-C does just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// We started it.
    Owner,
    /// Cancel was asked for.
    Cancelling,
    /// We only look on.
    Watcher,
}

/// The whole picture, each line within the width.
pub(crate) fn picture(view: &OperationView, items: &str, keys: Keys, look: Look) -> Vec<String> {
    let mut lines = vec![header(&view.row, look)];
    lines.extend(bars(&view.row, items, look));
    lines.extend(notes(&view.row, look));
    lines.push(key_line(keys, look));
    lines
}

/// `▸ dummy  x7r8d0bh  Working hard on iteration 50!`
pub(crate) fn header(row: &OperationRow, look: Look) -> String {
    let id = look.paint(Tone::Dim, &row.operation_id.short());
    let kind = look.paint(Tone::Strong, &clean(&row.kind));
    let doing = doing(row);
    look.fit(&format!("{} {kind}  {id}  {doing}", look.sign(row.status)))
}

/// What it is doing, or why it is not; the status's word where the sign alone would not do.
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

/// Why it waits, and its place in the queue.
pub(crate) fn waiting(row: &OperationRow) -> Option<String> {
    let place = row
        .queue_position
        .map(|at| format!("{} in line", ordinal(at)));
    match (row.waiting_for.as_deref().map(clean), place) {
        (Some(why), Some(place)) => Some(format!("{why}, {place}")),
        (why, place) => why.or(place),
    }
}

/// One level as it is drawn.
struct Level {
    name: String,
    count: String,
    ratio: f64,
    is_whole: bool,
}

/// One bar per step level; items alone are a level too. Then the items' own line.
pub(crate) fn bars(row: &OperationRow, items: &str, look: Look) -> Vec<String> {
    let Some(progress) = &row.progress else {
        return Vec::new();
    };
    let levels = levels(progress, items);
    let rate = item_rate(progress, items);
    let names = levels
        .iter()
        .map(|level| width(&level.name))
        .max()
        .unwrap_or(0);
    let names = names.min(look.width / 4).max(5);
    let counts = levels
        .iter()
        .map(|level| width(&level.count))
        .max()
        .unwrap_or(0);
    let tails = first_tails(row, progress);
    let beside = 2 + names + 2 + 2 + counts;
    let tail = tails
        .iter()
        .find(|tail| look.width >= beside + width(tail) + SHORT_BAR);
    let tail = tail.or(tails.last()).map_or("", String::as_str);
    let bar = look
        .width
        .saturating_sub(beside + width(tail))
        .min(LONGEST_BAR);
    let mut lines = Vec::new();
    for (at, level) in levels.iter().enumerate() {
        let is_inner = at > 0 && at + 1 == levels.len();
        let tail = match at {
            0 => tail.to_owned(),
            _ if is_inner => rate
                .as_ref()
                .map(|rate| format!("  {rate}"))
                .unwrap_or_default(),
            _ => String::new(),
        };
        let name = left(&cut(&level.name, names), names);
        let drawn = draw(level, bar, row.status, look);
        lines.push(look.fit(&format!(
            "  {name}  {drawn}  {}{tail}",
            right(&level.count, counts)
        )));
    }
    if levels.len() < 2 {
        lines.extend(items_line(progress, items, rate, names, look));
    }
    lines
}

fn levels(progress: &Progress, items: &str) -> Vec<Level> {
    let counted = |step: &StepProgress| {
        let (current, total) = (thousands(step.current), thousands(step.total));
        // The total's width twice, so that the slash stays where it is while `current` grows.
        Level {
            name: clean(&step.name),
            count: format!("{}/{total}", right(&current, total.len())),
            ratio: if step.total == 0 {
                1.0
            } else {
                step.current as f64 / step.total as f64
            },
            is_whole: step.current >= step.total,
        }
    };
    let of_items = |total| {
        vec![counted(&StepProgress {
            name: items.to_owned(),
            current: progress.items_processed,
            total,
        })]
    };
    match progress.items_total {
        Some(total) if progress.steps.is_empty() => of_items(total),
        _ => progress.steps.iter().map(counted).collect(),
    }
}

/// What may stand behind the first bar, longest first; each has the same columns at all times.
fn first_tails(row: &OperationRow, progress: &Progress) -> [String; 3] {
    let percent = percent(progress.percentage);
    let elapsed = right(&clock(row.elapsed_seconds), 7);
    let eta = match progress.eta_seconds {
        Some(eta) if row.status == Status::Running => right(&clock(eta), 7),
        _ => "-:--:--".to_owned(),
    };
    [
        format!("  {percent}  {elapsed}  ETA {eta}"),
        format!("  {percent}  {elapsed}"),
        format!("  {percent}"),
    ]
}

/// `━━━━━━╸─────`: the thin rest tells how much is left without a colour.
fn draw(level: &Level, columns: usize, status: Status, look: Look) -> String {
    if columns < SHORTEST_BAR {
        return String::new();
    }
    let halves = (level.ratio.clamp(0.0, 1.0) * (columns * 2) as f64) as usize;
    // Only what is whole fills the bar.
    let most = if level.is_whole {
        columns * 2
    } else {
        columns * 2 - 1
    };
    let halves = halves.min(most);
    let done = format!(
        "{}{}",
        "━".repeat(halves / 2),
        if halves % 2 == 1 { "╸" } else { "" }
    );
    let rest = "─".repeat(columns - halves.div_ceil(2));
    format!(
        "{}{}",
        look.paint(tone_of(status), &done),
        look.paint(Tone::Dim, &rest)
    )
}

/// A small bar for a list, by percentage.
pub(crate) fn small_bar(row: &OperationRow, columns: usize, look: Look) -> String {
    let percentage = row
        .progress
        .as_ref()
        .map_or(0.0, |progress| progress.percentage);
    let level = Level {
        name: String::new(),
        count: String::new(),
        ratio: percentage / 100.0,
        is_whole: percentage >= 100.0,
    };
    draw(&level, columns, row.status, look)
}

fn has_items(progress: &Progress) -> bool {
    progress.items_processed > 0 || progress.items_total.is_some()
}

fn item_rate(progress: &Progress, items: &str) -> Option<String> {
    let per_second = progress.rate_per_second.filter(|_| has_items(progress))?;
    Some(format!("{} {items}/s", rate(per_second)))
}

/// `  bars   1,254 of ~2,148   410 bars/s`
fn items_line(
    progress: &Progress,
    items: &str,
    rate: Option<String>,
    names: usize,
    look: Look,
) -> Option<String> {
    if !has_items(progress) {
        return None;
    }
    let count = match progress.items_total {
        Some(total) => {
            let total = thousands(total);
            format!(
                "{} of {total}",
                right(&thousands(progress.items_processed), total.len())
            )
        }
        None => thousands(progress.items_processed),
    };
    let name = left(items, names);
    Some(look.fit(&format!("  {name}  {count}   {}", rate.unwrap_or_default())))
}

/// What a person should know beside the bars.
fn notes(row: &OperationRow, look: Look) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(error) = row.error.as_ref().filter(|_| !row.status.is_ended()) {
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

fn key_line(keys: Keys, look: Look) -> String {
    let text = match keys {
        Keys::Owner => "^C cancel   ^C^C cancel, don't wait",
        Keys::Cancelling => "^C leave, don't wait for the end",
        Keys::Watcher => "^C leave it running",
    };
    look.fit(&format!("  {}", look.paint(Tone::Dim, text)))
}

#[cfg(test)]
mod tests {
    use impresario_api::Status;

    use super::*;
    use crate::display::sample::{self, look};

    #[test]
    fn pictures_of_every_status() {
        for columns in [80, 40] {
            let mut all = Vec::new();
            for status in Status::ALL.iter().filter(|status| !status.is_ended()) {
                let view = sample::view(status.as_str());
                all.extend(picture(&view, "items", Keys::Owner, look(columns)));
                all.push(String::new());
            }
            assert!(all.iter().all(|line| width(line) <= columns), "{all:#?}");
            insta::assert_snapshot!(format!("picture_{columns}"), all.join("\n"));
        }
    }

    #[test]
    fn nested_steps_items_and_wide_text() {
        for columns in [100, 40, 20] {
            let mut all = picture(&sample::nested(), "rows", Keys::Cancelling, look(columns));
            all.extend(picture(
                &sample::items(),
                "bars",
                Keys::Watcher,
                look(columns),
            ));
            all.extend(picture(
                &sample::hostile(),
                "items",
                Keys::Owner,
                look(columns),
            ));
            assert!(all.iter().all(|line| width(line) <= columns), "{all:#?}");
            insta::assert_snapshot!(format!("nested_{columns}"), all.join("\n"));
        }
    }

    #[test]
    fn colours_change_no_column() {
        let (plain, mut coloured) = (look(80), look(80));
        coloured.colour = true;
        let view = sample::nested();
        let strip = |lines: Vec<String>| -> Vec<String> {
            lines
                .iter()
                .map(|line| console::strip_ansi_codes(line).into_owned())
                .collect()
        };
        assert_eq!(
            strip(picture(&view, "rows", Keys::Owner, coloured)),
            picture(&view, "rows", Keys::Owner, plain)
        );
    }

    #[test]
    fn nothing_jumps_while_it_counts() {
        let mut view = sample::view("running");
        let mut ends = std::collections::BTreeSet::new();
        for current in 0..=100 {
            let progress = view.row.progress.as_mut().expect("the sample has it");
            progress.steps[0].current = current;
            progress.percentage = current as f64;
            let line = &bars(&view.row, "items", look(80))[0];
            ends.insert((width(line), line.find('/').map(|at| width(&line[..at]))));
        }
        assert_eq!(ends.len(), 1, "{ends:?}");
    }
}
