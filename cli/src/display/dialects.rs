//! The dialects of files of bars, and the names by which their columns are known.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::end::{Fact, render};
use super::text::wrap;
use super::{Look, Tone};

/// What the server tells.
#[derive(Deserialize)]
pub(crate) struct Dialects {
    dialects: Vec<Dialect>,
    /// For each field of a bar, the names by which its column is known.
    columns: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Dialect {
    name: String,
    description: String,
}

pub(crate) fn list(told: &Dialects, look: Look) -> Vec<String> {
    let title = |text: &str| {
        let lines = wrap("", text, look.width).into_iter();
        lines
            .map(|line| look.paint(Tone::Strong, &line))
            .collect::<Vec<_>>()
    };
    let dialects = told.dialects.iter();
    let dialects: Vec<_> = dialects
        .map(|one| Fact::new(&one.name, &one.description))
        .collect();
    let columns = told.columns.iter();
    let columns: Vec<_> = columns
        .map(|(field, names)| Fact::new(field, &names.join(", ")))
        .collect();
    let mut lines = title("dialects, for --dialect NAME");
    lines.extend(render(&dialects, look));
    lines.push(String::new());
    lines.extend(title(
        "names by which columns are known; another is said by --column FIELD=HEADER",
    ));
    lines.extend(render(&columns, look));
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::display::sample::look;

    #[test]
    fn dialects_and_columns_are_listed() {
        let told = json!({"dialects": [{"name": "auto", "description": "found from the file"},
                {"name": "lean", "description": "prices times 10,000\u{1b}[2J"}],
            "columns": {"close": ["close", "last"], "timestamp": ["date", "time"]}});
        let told = serde_json::from_value(told).expect("it is well formed");
        insta::assert_snapshot!("dialects_60", list(&told, look(60)).join("\n"));
    }
}
