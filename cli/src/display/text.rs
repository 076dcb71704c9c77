//! Makes text from elsewhere safe, and cuts, pads and wraps it by its width on the screen.

use impresario_api::text::is_hidden;
use serde_json::Value;

use super::glyphs;

/// The width of `text` in columns.
pub(crate) fn width(text: &str) -> usize {
    console::measure_text_width(text)
}

/// The text on one line, and without control sequences.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if is_hidden(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// The text cut to `columns`, with `…` for what is left out.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    console::truncate_str(text, columns, "…").into_owned()
}

/// The text, padded with spaces on the right.
pub(crate) fn left(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// The text, padded with spaces on the left.
pub(crate) fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

/// `first` and `text` on lines of at most `columns`. Lines after the first are indented by the width of
/// `first`.
pub(crate) fn wrap(first: &str, text: &str, columns: usize) -> Vec<String> {
    let indent = width(first).min(columns / 2);
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    // The number of spaces before the next word; none at the beginning of a line.
    let mut gap = 0;
    for word in text.split(' ') {
        if word.is_empty() {
            gap += usize::from(gap > 0);
            continue;
        }
        if gap > 0 && width(&line) + gap + width(word) > columns {
            lines.push(line.trim_end().to_owned());
            line = " ".repeat(indent);
            gap = 0;
        }
        line.push_str(&" ".repeat(gap));
        line.push_str(word);
        gap = 1;
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// Compact JSON that is safe for a terminal: control characters that serde does not escape are escaped.
pub(crate) fn json(value: &Value) -> String {
    glyphs::json(escape(&value.to_string()))
}

/// The same as [`json`] over several lines.
pub(crate) fn pretty(value: &Value) -> Vec<String> {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    text.lines()
        .map(|line| glyphs::json(escape(line)))
        .collect()
}

/// Escapes unsafe characters. Outside strings JSON is plain ASCII, so they are all in strings.
fn escape(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// A value for a person: a text without quotes, anything else as JSON.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => clean(text),
        Value::Number(number) => match number.as_u64() {
            Some(number) => super::numbers::thousands(number),
            None => number.to_string(),
        },
        other => json(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_comes_through() {
        assert_eq!(clean("a\u{1b}[31mb\nc\td"), "a\u{fffd}[31mb c d");
        for bad in [
            '\0', '\u{7}', '\u{8}', '\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200b}',
        ] {
            assert_eq!(clean(&bad.to_string()), "\u{fffd}", "{bad:?}");
        }
        let text = super::json(&json!({"a": "\u{1b}\u{9b}\u{7f}\u{202e}ü"}));
        assert_eq!(text, "{\"a\":\"\\u001b\\u009b\\u007f\\u202eü\"}");
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(width("模型"), 4);
        assert_eq!(cut("模型训练", 5), "模型…");
        assert_eq!(left("模", 4), "模  ");
        assert_eq!(right("模", 4), "  模");
    }

    #[test]
    fn wrapped_lines_are_set_in() {
        let lines = wrap("  label  ", "one two three four five", 20);
        assert_eq!(
            lines,
            ["  label  one two", "         three four", "         five"]
        );
        let gaps = wrap("  ", "one two   three   four", 12);
        assert_eq!(gaps, ["  one two", "  three", "  four"]);
        let long = wrap("x ", "averylongwordindeed", 10);
        assert_eq!(long, ["x averylongwordindeed"]);
    }
}
