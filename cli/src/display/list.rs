//! The list of operations.

use impresario_api::{OperationList, OperationRow, Status};

use super::numbers::{age, percent, short, thousands};
use super::text::{clean, cut, left, right, width};
use super::{Look, Tone, bars, live, tone_of};

/// The width of the small bar.
const BAR: usize = 12;
/// The least width of the column that says what an operation is doing.
const SHORTEST_WHAT: usize = 16;

#[derive(Clone, Copy)]
struct Columns {
    kind: usize,
    bar: bool,
    times: bool,
    what: usize,
}

impl Columns {
    /// The widest layout that fits: first the bar is left out, then the times, then what it is doing.
    fn of(rows: &[OperationRow], look: Look) -> Self {
        let kinds = rows
            .iter()
            .map(|row| width(&clean(&row.kind)))
            .max()
            .unwrap_or(0);
        let kind = kinds.clamp(4, 16);
        // The width of sign, id, kind, status, percentage and the spaces between them.
        let least = 2 + 8 + 2 + kind + 2 + 10 + 2 + 5;
        for (bar, times) in [(true, true), (false, true), (false, false)] {
            let used = least + usize::from(bar) * (BAR + 1) + usize::from(times) * 14;
            if look.width >= used + 2 + SHORTEST_WHAT {
                return Self {
                    kind,
                    bar,
                    times,
                    what: look.width - used - 2,
                };
            }
        }
        let kind = kind.min(look.width.saturating_sub(31).max(4));
        Self {
            kind,
            bar: false,
            times: false,
            what: 0,
        }
    }
}

/// The list with its head and a summary.
pub(crate) fn list(list: &OperationList, look: Look) -> Vec<String> {
    if list.operations.is_empty() {
        return empty(list, look);
    }
    let columns = Columns::of(&list.operations, look);
    let mut lines = vec![head(columns, look)];
    lines.extend(list.operations.iter().map(|row| line(row, columns, look)));
    lines.push(foot(list, look));
    lines
}

fn head(columns: Columns, look: Look) -> String {
    let kind = left("KIND", columns.kind);
    let bar = if columns.bar {
        left("PROGRESS", BAR + 6)
    } else {
        right("%", 5)
    };
    let times = if columns.times {
        "     AGE    TOOK"
    } else {
        ""
    };
    let times = times.get(2..).unwrap_or_default();
    let what = if columns.what > 0 { "  WHAT" } else { "" };
    let text = format!(
        "  {}  {kind}  {}  {bar}{times}{what}",
        left("ID", 8),
        left("STATUS", 10)
    );
    look.paint(Tone::Dim, &look.fit(&text))
}

fn line(row: &OperationRow, columns: Columns, look: Look) -> String {
    let kind = left(&cut(&clean(&row.kind), columns.kind), columns.kind);
    let status = look.paint(tone_of(row.status), &left(row.status.as_str(), 10));
    let mut line = format!(
        "{} {}  {kind}  {status}  ",
        look.sign(row.status),
        row.operation_id.short()
    );
    if columns.bar {
        let shown = row.progress.is_some() && !row.status.is_ended();
        let bar = if shown {
            bars::small_bar(row, BAR, look)
        } else {
            " ".repeat(BAR)
        };
        line.push_str(&format!("{bar} "));
    }
    let done = row
        .progress
        .as_ref()
        .map(|progress| percent(progress.percentage));
    line.push_str(&right(&done.unwrap_or_default(), 5));
    if columns.times {
        let old = age(row.server_time.seconds_since(row.created_at));
        let took = row
            .started_at
            .map(|_| short(row.elapsed_seconds))
            .unwrap_or_default();
        line.push_str(&format!("{}{}", right(&old, 6), right(&took, 8)));
    }
    if columns.what > 0 {
        line.push_str(&format!("  {}", cut(&what(row), columns.what)));
    }
    look.fit(&line)
}

/// What the operation is doing, or its error.
fn what(row: &OperationRow) -> String {
    let reason = row
        .stop
        .as_ref()
        .and_then(|stop| stop.reason.as_deref())
        .map(clean);
    match (row.status, &row.error, reason) {
        (Status::Failed, Some(error), _) => {
            format!("{}  {}", clean(&error.code), clean(&error.message))
        }
        (Status::Cancelled, _, Some(reason)) => format!("\"{reason}\""),
        _ => live::doing_without_status(row),
    }
}

fn foot(list: &OperationList, look: Look) -> String {
    let more = if list.total_is_exact { "" } else { "+" };
    let total = format!("{}{more}", thousands(list.total_count));
    let shown = thousands(list.operations.len() as u64);
    let active = thousands(list.active_count);
    let text = format!(
        "{shown} of {total} operations   active {active}   --all, --status, --kind, --json"
    );
    look.paint(Tone::Dim, &look.fit(&text))
}

fn empty(list: &OperationList, look: Look) -> Vec<String> {
    let lines = match list.active_count {
        0 => vec![
            "no operations here; one is made by",
            "  impresario dummy",
            "  impresario start KIND --param key=value",
            "  impresario kinds     says which kinds there are",
        ],
        _ => vec!["no operation matches; without the filters: impresario ops list"],
    };
    lines.iter().map(|line| look.fit(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::sample::{self, look};

    fn sample_list() -> OperationList {
        let mut operations: Vec<_> = Status::ALL
            .iter()
            .map(|status| sample::view(status.as_str()).row)
            .collect();
        operations.push(sample::nested().row);
        operations.push(sample::hostile().row);
        OperationList {
            operations,
            next_cursor: None,
            total_count: 1_204,
            total_is_exact: false,
            active_count: 6,
        }
    }

    #[test]
    fn a_list_at_every_width() {
        for columns in [120, 80, 60, 40] {
            let lines = list(&sample_list(), look(columns));
            assert!(
                lines.iter().all(|line| width(line) <= columns),
                "{lines:#?}"
            );
            insta::assert_snapshot!(format!("list_{columns}"), lines.join("\n"));
        }
    }

    #[test]
    fn an_empty_list_teaches() {
        let mut none = sample_list();
        none.operations.clear();
        none.active_count = 0;
        insta::assert_snapshot!("list_empty", list(&none, look(80)).join("\n"));
    }
}
