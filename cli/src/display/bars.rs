//! Progress bars: one for each level of steps, the items, and the small bar of a list.

use impresario_api::{OperationRow, Progress, Status, StepProgress};

use super::numbers::{clock, percent, rate, thousands};
use super::text::{clean, cut, left, right, width};
use super::{Look, Tone, tone_of};

/// The longest bar. A longer one would not show more.
const LONGEST_BAR: usize = 40;
/// Below this width the times are left out before the bar shrinks further.
const SHORT_BAR: usize = 16;
/// Below this width there is no bar.
const SHORTEST_BAR: usize = 4;

/// One level of steps, ready to be drawn.
struct Level {
    name: String,
    count: String,
    ratio: f64,
    is_whole: bool,
}

/// The levels of steps to show, outermost first. What has ended has no current step, and neither has the
/// outermost level when all of it is complete: the inner levels in which nothing is complete are left out
/// then, as the server leaves them out of its texts.
pub(crate) fn shown_steps(row: &OperationRow) -> &[StepProgress] {
    let Some(progress) = &row.progress else {
        return &[];
    };
    let steps = progress.steps.as_slice();
    let outermost = steps.first();
    let is_whole =
        outermost.is_some_and(|step| step.total.is_some_and(|total| step.current >= total));
    if !is_whole && !row.status.is_ended() {
        return steps;
    }
    let inner = steps.iter().skip(1);
    let begun = inner.take_while(|step| step.current > 0).count();
    &steps[..steps.len().min(1 + begun)]
}

/// One bar for each level of steps, or one for the items if there are no steps; then the line of the items.
pub(crate) fn bars(row: &OperationRow, items: &str, look: Look) -> Vec<String> {
    let Some(progress) = &row.progress else {
        return Vec::new();
    };
    let levels = levels(progress, shown_steps(row), items);
    let rate = item_rate(progress, items);
    let columns = Columns::of(row, progress, &levels, look);
    let mut lines = Vec::new();
    for (at, level) in levels.iter().enumerate() {
        let is_inner = at > 0 && at + 1 == levels.len();
        let tail = match &rate {
            _ if at == 0 => columns.first_tail.clone(),
            Some(rate) if is_inner => format!("  {rate}"),
            _ => String::new(),
        };
        let name = left(&cut(&level.name, columns.name), columns.name);
        let drawn = draw(level, columns.bar, row.status, look);
        let line = format!("  {name}  {drawn}  {}", right(&level.count, columns.count));
        // A rate that is cut would be wrong.
        let fits = at == 0 || width(&line) + width(&tail) <= look.width;
        lines.push(look.fit(&format!("{line}{}", if fits { &tail } else { "" })));
    }
    if levels.len() < 2 {
        lines.extend(items_line(progress, items, rate, columns.name, look));
    }
    lines
}

/// How the width is distributed. The times are left out before the bar is.
struct Columns {
    name: usize,
    bar: usize,
    count: usize,
    first_tail: String,
}

impl Columns {
    fn of(row: &OperationRow, progress: &Progress, levels: &[Level], look: Look) -> Self {
        let widest = |part: fn(&Level) -> &str| {
            let widths = levels.iter().map(|level| width(part(level)));
            widths.max().unwrap_or(0)
        };
        let name = widest(|level| &level.name).min(look.width / 4).max(5);
        let count = widest(|level| &level.count);
        let beside = 2 + name + 2 + 2 + count;
        let [full, short, shortest] = first_tails(row, progress);
        let fits = |tail: &String| look.width >= beside + width(tail) + SHORT_BAR;
        let first_tail = [full, short].into_iter().find(fits).unwrap_or(shortest);
        let bar = look.width.saturating_sub(beside + width(&first_tail));
        Self {
            name,
            bar: bar.min(LONGEST_BAR),
            count,
            first_tail,
        }
    }
}

fn levels(progress: &Progress, steps: &[StepProgress], items: &str) -> Vec<Level> {
    let counted = |step: &StepProgress| {
        let (name, current) = (clean(&step.name), thousands(step.current));
        let Some(total) = step.total else {
            return Level {
                name,
                count: current,
                ratio: 0.0,
                is_whole: false,
            };
        };
        let of = thousands(total);
        // `current` gets the width of the total, so that the slash does not move while it grows.
        Level {
            name,
            count: format!("{}/{of}", right(&current, of.len())),
            ratio: if total == 0 {
                1.0
            } else {
                step.current as f64 / total as f64
            },
            is_whole: step.current >= total,
        }
    };
    let of_items = |total| {
        vec![counted(&StepProgress {
            name: items.to_owned(),
            current: progress.items_processed,
            total: Some(total),
        })]
    };
    match progress.items_total {
        Some(total) if steps.is_empty() => of_items(total),
        _ => steps.iter().map(counted).collect(),
    }
}

/// The texts that may follow the first bar, the longest first. Each always has the same width.
fn first_tails(row: &OperationRow, progress: &Progress) -> [String; 3] {
    let percent = percent(progress.percentage);
    let elapsed = right(&clock(row.elapsed_seconds), 7);
    let eta = match progress.eta_seconds {
        _ if row.status.is_ended() => String::new(),
        Some(eta) if row.status == Status::Running => format!("  ETA {}", right(&clock(eta), 7)),
        _ => "  ETA -:--:--".to_owned(),
    };
    [
        format!("  {percent}  {elapsed}{eta}"),
        format!("  {percent}  {elapsed}"),
        format!("  {percent}"),
    ]
}

/// `━━━━━━╸─────`: the thin part shows how much is left, also without colours.
fn draw(level: &Level, columns: usize, status: Status, look: Look) -> String {
    if columns < SHORTEST_BAR {
        return String::new();
    }
    let halves = (level.ratio.clamp(0.0, 1.0) * (columns * 2) as f64) as usize;
    // Only a complete level fills the bar.
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

/// The small bar of a list, by percentage.
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
    match progress.rate_per_second {
        Some(per_second) if has_items(progress) => Some(format!("{} {items}/s", rate(per_second))),
        _ => None,
    }
}

/// `  bars   1,254 of 2,148   410 bars/s`.
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
    let rate = rate.unwrap_or_default();
    let count = match progress.items_total {
        Some(_) if progress.steps.is_empty() => {
            return Some(look.fit(&format!("  {}  {rate}", left("", names))));
        }
        Some(total) => {
            let total = thousands(total);
            let done = right(&thousands(progress.items_processed), total.len());
            format!("{done} of {total}")
        }
        None => thousands(progress.items_processed),
    };
    Some(look.fit(&format!("  {}  {count}   {rate}", left(items, names))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::sample::{self, look};

    #[test]
    fn a_level_without_a_total_shows_its_count_and_an_empty_bar() {
        let mut view = sample::view("running");
        let progress = view.row.progress.as_mut().expect("the sample has it");
        (progress.steps[0].current, progress.steps[0].total) = (1_234, None);
        let line = &bars(&view.row, "items", look(80))[0];
        assert!(line.contains("  1,234  "), "{line}");
        assert!(line.contains('─') && !line.contains('━'), "{line}");
    }

    #[test]
    fn a_level_in_which_nothing_is_complete_is_shown_only_while_a_step_is_current() {
        let mut view = sample::view("running");
        let mut batches = StepProgress {
            name: "batch".to_owned(),
            current: 0,
            total: Some(45),
        };
        let mut drawn = |status: Status, epochs: u64, batch: u64| {
            batches.current = batch;
            view.row.status = status;
            let progress = view.row.progress.as_mut().expect("the sample has it");
            progress.steps.truncate(1);
            progress.steps[0].current = epochs;
            progress.steps.push(batches.clone());
            bars(&view.row, "items", look(80)).len()
        };
        assert_eq!(drawn(Status::Running, 50, 0), 2);
        assert_eq!(drawn(Status::Running, 100, 0), 1);
        assert_eq!(drawn(Status::Completed, 100, 0), 1);
        assert_eq!(drawn(Status::Cancelled, 50, 0), 1);
        assert_eq!(drawn(Status::Cancelled, 50, 7), 2);
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
