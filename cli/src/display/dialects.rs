//! The dialects of files of bars, and the names by which their columns are known.

use serde_json::Value;

use super::end::{Fact, render};
use super::text::wrap;
use super::{Look, Tone};

/// Everything that the server tells: `{dialects: [{name, description}], columns: {field: [names]}}`.
pub(crate) fn list(told: &Value, look: Look) -> Vec<String> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let dialects = told["dialects"].as_array().into_iter().flatten();
    let dialects: Vec<_> = dialects
        .map(|one| Fact::new(&text(one, "name"), &text(one, "description")))
        .collect();
    let columns = told["columns"].as_object().into_iter().flatten();
    let columns: Vec<_> = columns
        .map(|(field, names)| {
            let names = names.as_array().into_iter().flatten();
            let names: Vec<_> = names.filter_map(Value::as_str).collect();
            Fact::new(field, &names.join(", "))
        })
        .collect();
    let mut lines = vec![look.paint(Tone::Strong, "dialects, for --dialect NAME")];
    lines.extend(render(&dialects, look));
    lines.push(String::new());
    let title = "names by which columns are known; another is said by --column FIELD=HEADER";
    let title = wrap("", title, look.width).into_iter();
    lines.extend(title.map(|line| look.paint(Tone::Strong, &line)));
    lines.extend(render(&columns, look));
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::display::sample::look;

    #[test]
    fn dialects_and_columns_are_listed_whatever_the_server_sends() {
        let told = json!({"dialects": [{"name": "auto", "description": "found from the file"},
                {"name": "lean", "description": "prices times 10,000\u{1b}[2J"}],
            "columns": {"close": ["close", "last"], "timestamp": ["date", "time"]}});
        insta::assert_snapshot!("dialects_60", list(&told, look(60)).join("\n"));
        for strange in [
            json!(null),
            json!([1]),
            json!({"dialects": 1, "columns": [{}]}),
        ] {
            assert_eq!(list(&strange, look(60)).len(), 4);
        }
    }
}
