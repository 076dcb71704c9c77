//! What a file of bars was read as, what became of its rows, and why one was refused.

use impresario_api::{DroppedRows, QualityPlace, QualityReport, QualityWarning, RowCounts};
use serde_json::Value;

use super::end::Fact;
use super::numbers::{counted, date, thousands};

/// The fields of a bar in their order.
const FIELDS: [&str; 6] = ["timestamp", "open", "high", "low", "close", "volume"];
/// Places of a warning that are shown.
const PLACES: usize = 3;

/// The report of a load.
pub(crate) fn report(report: &QualityReport) -> Vec<Fact> {
    let read = &report.read_as;
    let mut form = read.packed.clone();
    if !read.dialect.is_empty() {
        form.push(format!("dialect {}", read.dialect));
    }
    form.push(format!("separator {}", read.separator));
    form.push(format!("decimal {}", read.decimal));
    let unit = read.time_unit.as_ref().map(|unit| format!(" in {unit}"));
    let times = [
        format!("{}{}", read.time_format, unit.unwrap_or_default()),
        read.time_zone.clone(),
        read.order.clone(),
    ];
    let place = |field: &str| FIELDS.iter().position(|one| *one == field);
    let mut columns: Vec<_> = read.columns.iter().collect();
    columns.sort_by_key(|(field, _)| place(field).unwrap_or(FIELDS.len()));
    let columns = columns
        .iter()
        .map(|(field, header)| format!("{field} = {header}"));
    let mut facts = vec![
        Fact::new("read as", &form.join(", ")),
        Fact::new("columns", &columns.collect::<Vec<_>>().join(", ")),
        Fact::new("times", &times.join(", ")),
        Fact::new("rows", &rows(&report.rows)),
    ];
    facts.extend(warnings(&report.warnings));
    facts
}

/// What is remarkable about the bars, one line for each code.
pub(crate) fn warnings(warnings: &[QualityWarning]) -> Vec<Fact> {
    warnings.iter().map(warning).collect()
}

/// `2,148 read, 2,140 added, 5 replaced, 3 left out (2 bad row, 1 duplicate)`
fn rows(rows: &RowCounts) -> String {
    let mut told = vec![
        format!("{} read", thousands(rows.read)),
        format!("{} added", thousands(rows.added)),
    ];
    if rows.replaced > 0 {
        told.push(format!("{} replaced", thousands(rows.replaced)));
    }
    let dropped = rows
        .dropped
        .iter()
        .fold(0_u64, |sum, one| sum.saturating_add(one.count));
    if dropped > 0 {
        let each: Vec<_> = rows.dropped.iter().map(why).collect();
        told.push(format!(
            "{} left out ({})",
            thousands(dropped),
            each.join(", ")
        ));
    }
    told.join(", ")
}

fn why(dropped: &DroppedRows) -> String {
    let one = match dropped.why.as_str() {
        "bad_row" => "bad row",
        "duplicate" => "duplicate",
        "other_symbol" => "row of another symbol",
        "file_end" => "unfinished last line",
        other => return format!("{}: {other}", thousands(dropped.count)),
    };
    match dropped.count {
        0 | 1 => counted(dropped.count, one),
        count if one == "row of another symbol" => {
            format!("{} rows of other symbols", thousands(count))
        }
        count => counted(count, one),
    }
}

/// `OUTLIER  2 times: … (line 12, 2024-01-05: close 1000)`
fn warning(warning: &QualityWarning) -> Fact {
    let shown = warning.places.iter().take(PLACES).map(place);
    let mut places: Vec<_> = shown.collect();
    let more = warning.count.saturating_sub(places.len() as u64);
    if !places.is_empty() && more > 0 {
        places.push(format!("{} more", thousands(more)));
    }
    let mut text = warning.message.clone();
    if text.is_empty() {
        text = counted(warning.count, "place");
    } else if places.is_empty() {
        if warning.count > 1 {
            text.push_str(&format!(" ({} times)", thousands(warning.count)));
        }
    } else {
        text.push_str(&format!(": {}", places.join("; ")));
    }
    Fact::new(&warning.code, &text)
}

fn place(place: &QualityPlace) -> String {
    let line = place.line.map(|line| format!("line {}", thousands(line)));
    let time = place.time.map(date);
    let at: Vec<_> = line.into_iter().chain(time).collect();
    match (at.is_empty(), place.text.is_empty()) {
        (true, _) => place.text.clone(),
        (false, true) => at.join(", "),
        (false, false) => format!("{}: {}", at.join(", "), place.text),
    }
}

/// Params of a load, and how the client's command says them.
const OPTIONS: [(&str, &str); 13] = [
    ("accept_doubts", "--accept-doubt CODE"),
    ("bad_rows", "--bad-rows skip"),
    ("columns", "--column FIELD=HEADER"),
    ("decimal", "--decimal"),
    ("dialect", "--dialect NAME"),
    ("dry_run", "--dry-run"),
    ("duplicates", "--duplicates"),
    ("mode", "--mode"),
    ("separator", "--separator"),
    ("symbol", "--symbol"),
    ("time_format", "--time-format"),
    ("time_zone", "--time-zone"),
    ("timeframe", "--timeframe"),
];

/// The server names params; the same text with the options of the client: those with a line between their
/// words always, the others where they follow "say".
pub(crate) fn in_options(text: &str) -> String {
    let mut said = false;
    let words = text.split(' ').map(|word| {
        let bare = word.trim_matches(|one: char| !one.is_alphanumeric() && one != '_');
        let option = OPTIONS.iter().find(|(param, _)| *param == bare);
        let shown = match option {
            Some((param, option)) if said || param.contains('_') => word.replacen(bare, option, 1),
            _ => word.to_owned(),
        };
        // "say dialect or time_format"
        said = matches!(bare, "say" | "or" if bare == "say" || said) || (said && option.is_some());
        shown
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Why a file was refused: each doubt with what to say instead, or the rows that are no bars.
pub(crate) fn refusal(code: &str, details: &Value) -> Vec<Fact> {
    match code {
        "DATA_DOUBTFUL" => doubts(details),
        "BAD_ROW" => bad_rows(details),
        _ => Vec::new(),
    }
}

fn doubts(details: &Value) -> Vec<Fact> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let doubts = details["doubts"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if doubts.is_empty() {
        return Vec::new();
    }
    let count = counted(doubts.len() as u64, "doubt");
    let (file, those) = (
        text(details, "file"),
        if doubts.len() == 1 { "it" } else { "them" },
    );
    let title =
        format!("{file} leaves {count}, and nothing was changed; to load it, answer {those}:");
    let mut facts = vec![Fact::new("DATA_DOUBTFUL", &title)];
    for doubt in doubts {
        let code = text(doubt, "code");
        let instead = in_options(&text(doubt, "instead"));
        facts.push(Fact::new(&code, &in_options(&text(doubt, "message"))));
        facts.extend((!instead.is_empty()).then(|| Fact::new("", &instead)));
        facts.push(Fact::new(
            "",
            &format!("or --accept-doubt {code}, if it is meant so"),
        ));
    }
    facts
}

fn bad_rows(details: &Value) -> Vec<Fact> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let rows = details["rows"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if rows.len() < 2 {
        return Vec::new();
    }
    let count = details["count"].as_u64().unwrap_or(rows.len() as u64);
    let title = format!(
        "{}: {} are no bars, and nothing was changed; --bad-rows skip leaves such rows out",
        text(details, "file"),
        counted(count, "row")
    );
    let mut facts = vec![Fact::new("BAD_ROW", &title)];
    for row in rows {
        let line = row["line"].as_u64().unwrap_or(0);
        let (field, expected, got) = (text(row, "field"), text(row, "expected"), text(row, "got"));
        facts.push(Fact::new(
            &format!("line {}", thousands(line)),
            &format!("{field}: expected {expected}, got {got}"),
        ));
    }
    let more = count.saturating_sub(rows.len() as u64);
    facts.extend((more > 0).then(|| Fact::new("", &format!("and {} more", thousands(more)))));
    facts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::display::end::render;
    use crate::display::sample::{look, quality};

    #[test]
    fn a_report_says_what_the_file_was_taken_for_and_what_is_remarkable() {
        for columns in [100, 40] {
            let lines = render(&report(&quality()), look(columns));
            insta::assert_snapshot!(format!("quality_{columns}"), lines.join("\n"));
        }
    }

    #[test]
    fn a_doubt_is_answered_by_an_option_and_every_bad_row_is_named() {
        let doubtful = json!({"file": "a.csv", "doubts": [
            {"code": "DAY_OR_MONTH", "message": "day and month cannot be told apart in \"01/02/2024\"",
                "instead": "say time_format, such as %d/%m/%Y or %m/%d/%Y"},
            {"code": "SPACING_DIFFERS", "message": "most bars are 1 h apart\u{1b}[2J, not 1d",
                "instead": "say timeframe 1h"}]});
        let row = |line| {
            json!({"row": line - 1, "line": line, "field": "close",
            "expected": "a number", "got": "\"n/a\""})
        };
        let bad = json!({"file": "a.csv", "count": 1_204, "rows": [row(12), row(1_300)]});
        let mut lines = render(&refusal("DATA_DOUBTFUL", &doubtful), look(80));
        lines.extend(render(&refusal("BAD_ROW", &bad), look(80)));
        insta::assert_snapshot!("quality_refusals", lines.join("\n"));
        for strange in [json!(null), json!([]), json!({"doubts": 1, "rows": {}})] {
            assert_eq!(refusal("DATA_DOUBTFUL", &strange), []);
            assert_eq!(refusal("BAD_ROW", &strange), []);
        }
    }

    #[test]
    fn params_become_options_where_they_are_meant() {
        for (said, told) in [
            ("say time_zone", "say --time-zone"),
            (
                "say columns if they have other names",
                "say --column FIELD=HEADER if they have other names",
            ),
            (
                "say dialect or separator",
                "say --dialect NAME or --separator",
            ),
            ("the separator is missing", "the separator is missing"),
            ("say what you mean, or mode", "say what you mean, or mode"),
            ("(accept_doubts)", "(--accept-doubt CODE)"),
        ] {
            assert_eq!(in_options(said), told);
        }
    }
}
