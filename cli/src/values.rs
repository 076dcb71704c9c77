//! Parses params, labels and durations that people type.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use impresario_api::CheckpointChoice;
use impresario_api::json::{self, Unreadable};
use impresario_api::text::is_unclear;
use serde_json::{Map, Value};

use crate::error::Error;

/// `key=value`, split at the first `=`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("expected key=value, got \"{text}\"")),
    }
}

/// The params of a start: the object of `--params-json`, whose fields each `--param` replaces.
pub(crate) fn params(json: Option<&str>, pairs: &[(String, String)]) -> Result<Value, Error> {
    let mut object = match json.map(|json| json::read(json.as_bytes())) {
        None => Map::new(),
        Some(Ok(Value::Object(object))) => object,
        Some(Ok(other)) => {
            let got = crate::display::text::cut(&other.to_string(), 40);
            return Err(Error::usage(format!(
                "--params-json: expected a JSON object such as '{{\"epochs\": 50}}', got {got}"
            )));
        }
        Some(Err(Unreadable::NotJson(error))) => {
            return Err(Error::usage(format!("--params-json: {error}")));
        }
        Some(Err(Unreadable::FieldTwice(path))) => {
            return Err(Error::usage(format!(
                "--params-json: \"{path}\" twice; give each once"
            )));
        }
    };
    for (key, value) in once("--param", pairs.iter().cloned())? {
        object.insert(key, scalar(&value));
    }
    Ok(Value::Object(object))
}

/// JSON if it parses as JSON, otherwise the text itself: `5`, `true`, `[64, 32]`, `GOOG`.
pub(crate) fn scalar(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// A number that JSON can hold.
pub(crate) fn number(text: &str) -> Result<Value, String> {
    let wrong = || format!("expected a number such as 0.001, got \"{text}\"");
    let number: f64 = text.parse().map_err(|_| wrong())?;
    // JSON has no NaN and no infinity.
    serde_json::Number::from_f64(number)
        .map(Value::Number)
        .ok_or_else(wrong)
}

/// An integer of any sign. The server decides about its range.
pub(crate) fn integer(text: &str) -> Result<Value, String> {
    let number: Result<i64, _> = text.parse();
    number
        .map(Value::from)
        .map_err(|_| format!("expected an integer, got \"{text}\""))
}

/// `64,32`: integers with commas between them; `none` is the empty list.
pub(crate) fn integers(text: &str) -> Result<Value, String> {
    if text == "none" {
        return Ok(Value::Array(Vec::new()));
    }
    let each = text.split(',').map(|one| integer(one.trim()));
    let all: Result<Vec<_>, _> = each.collect();
    all.map(Value::Array)
        .map_err(|_| format!("expected integers such as 64,32, or none, got \"{text}\""))
}

/// The command that loads bars. A name that cannot be one, or that the command line would take for an option, is
/// replaced by a placeholder, so that a copied command works.
pub(crate) fn load_command(symbol: &str, timeframe: &str) -> String {
    let name = |text: &str, placeholder: &str| match is_name(text) {
        true => quoted(text),
        false => placeholder.to_owned(),
    };
    let (symbol, timeframe) = (name(symbol, "SYMBOL"), name(timeframe, "TIMEFRAME"));
    format!("impresario data load {symbol} --timeframe {timeframe}")
}

/// Whether the text can be a symbol or a timeframe. The server decides which there are.
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.chars().count())
        && !text.starts_with('-')
        && !text.contains(|c| c == '~' || is_unclear(c))
}

/// A word of a command for a shell, which changes nothing between single quotes.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Seconds of `90s`, `1.5h`, `30d`; a number without a unit is refused.
pub(crate) fn duration(text: &str) -> Result<f64, String> {
    let wrong = || format!("expected a number and one of s m h d w, such as 30d, got \"{text}\"");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let factor = match unit {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3_600.0,
        'd' => 86_400.0,
        'w' => 604_800.0,
        _ => return Err(wrong()),
    };
    let number = &text[..text.len() - unit.len_utf8()];
    // `parse` alone would also accept "inf", "nan", "1e3" and signs.
    if !number.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Err(wrong());
    }
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Ok(number * factor)
}

/// Seconds, with or without a unit.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    let bare = text.ends_with(|c: char| c.is_ascii_digit());
    let given = if bare { &format!("{text}s") } else { text };
    let wrong = |_| {
        format!("expected a time such as 90 (seconds) or 1.5h (units: s m h d w), got \"{text}\"")
    };
    duration(given).map_err(wrong)
}

/// Seconds that a server may be asked to wait.
pub(crate) fn wait(text: &str) -> Result<f64, String> {
    let plain = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds| plain && *seconds <= 300.0);
    seconds.ok_or_else(|| format!("expected 0 to 300 seconds, such as 0.5 or 10, got \"{text}\""))
}

/// `latest`, a number of steps of the outermost loop, or a step such as `epoch=3,batch=12`.
pub(crate) fn checkpoint(text: &str) -> Result<CheckpointChoice, String> {
    let wrong =
        || format!("expected latest, a number, or a step such as epoch=3,batch=12, got \"{text}\"");
    if text == "latest" {
        return Ok(CheckpointChoice::Latest);
    }
    if let Ok(count) = text.parse() {
        return Ok(CheckpointChoice::Outermost(count));
    }
    let mut step = BTreeMap::new();
    for one in text.split(',') {
        let (name, count) = pair(one.trim()).map_err(|_| wrong())?;
        let count = count.parse().map_err(|_| wrong())?;
        if step.insert(name, count).is_some() {
            return Err(wrong());
        }
    }
    Ok(CheckpointChoice::Step(step))
}

/// Pairs as a map; no key may come twice, as none may in what the server takes.
pub(crate) fn once<V>(
    option: &str,
    pairs: impl IntoIterator<Item = (String, V)>,
) -> Result<BTreeMap<String, V>, Error> {
    let mut all = BTreeMap::new();
    for (key, value) in pairs {
        match all.entry(key) {
            Entry::Vacant(free) => free.insert(value),
            Entry::Occupied(taken) => {
                let key = taken.key();
                return Err(Error::usage(format!(
                    "{option}: \"{key}\" twice; give each once"
                )));
            }
        };
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_json_when_it_parses_and_text_otherwise() {
        for (text, value) in [
            ("5", json!(5)),
            ("-0.5", json!(-0.5)),
            ("true", json!(true)),
            ("null", json!(null)),
            ("[64, 32]", json!([64, 32])),
            ("\"5\"", json!("5")),
            ("GOOG", json!("GOOG")),
            ("1d", json!("1d")),
            ("", json!("")),
            ("a=b", json!("a=b")),
        ] {
            assert_eq!(scalar(text), value, "{text}");
        }
    }

    #[test]
    fn numbers_are_json_numbers() {
        assert_eq!(number("1e-3"), Ok(json!(0.001)));
        assert_eq!(integer("-5"), Ok(json!(-5)));
        assert_eq!(integers("64, 32"), Ok(json!([64, 32])));
        assert_eq!(integers("64"), Ok(json!([64])));
        assert_eq!(integers("none"), Ok(json!([])));
        for text in ["", "nan", "inf", "x", "1,2"] {
            assert!(number(text).is_err(), "{text}");
        }
        for text in ["", "1.5", "64,", "64,,32", "a"] {
            assert!(integers(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_command_to_copy_holds_names_only() {
        assert_eq!(
            load_command("BRK.B", "1d"),
            "impresario data load BRK.B --timeframe 1d"
        );
        for (symbol, word) in [
            ("goog", "goog"),
            ("BTC/USDT", "BTC/USDT"),
            ("^GSPC", "'^GSPC'"),
            ("M&M.NS", "'M&M.NS'"),
            ("A; rm -r .", "'A; rm -r .'"),
            ("it's $(x)", "'it'\\''s $(x)'"),
            ("茅台", "'茅台'"),
        ] {
            assert_eq!(
                load_command(symbol, "1mo"),
                format!("impresario data load {word} --timeframe 1mo")
            );
        }
        for symbol in ["", "-A", "A~B", "A\u{1b}[2J", "A\u{202e}", &"A".repeat(65)] {
            assert_eq!(
                load_command(symbol, ""),
                "impresario data load SYMBOL --timeframe TIMEFRAME"
            );
        }
    }

    #[test]
    fn a_pair_splits_at_the_first_equals_sign() {
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(pair("a="), Ok(("a".into(), String::new())));
        assert!(pair("a").is_err() && pair("=a").is_err());
    }

    #[test]
    fn pairs_go_over_the_object() {
        let pairs = [("a".to_owned(), "2".to_owned())];
        let value = params(Some("{\"a\": 1, \"b\": 1}"), &pairs).expect("both are well formed");
        assert_eq!(value, json!({"a": 2, "b": 1}));
        assert!(params(Some("[1]"), &[]).is_err());
        assert!(params(Some("{"), &[]).is_err());
        let twice = params(Some("{\"a\": [{\"b\": 1, \"b\": 2}]}"), &[]);
        let message = twice.expect_err("one field stands twice").to_string();
        assert!(message.contains("\"a[0].b\" twice"), "{message}");
        assert_eq!(params(None, &[]).expect("nothing is fine"), json!({}));
    }

    #[test]
    fn a_checkpoint_is_a_word_a_number_or_a_step() {
        let step = [("epoch".to_owned(), 3), ("batch".to_owned(), 12)].into();
        for (text, choice) in [
            ("latest", CheckpointChoice::Latest),
            ("7", CheckpointChoice::Outermost(7)),
            ("epoch=3,batch=12", CheckpointChoice::Step(step)),
        ] {
            assert_eq!(checkpoint(text), Ok(choice), "{text}");
        }
        for text in [
            "", "newest", "-1", "1.5", "epoch=", "epoch=x", "epoch=3,", "=3", "a=1,a=2",
        ] {
            assert!(checkpoint(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_need_a_unit() {
        for (text, value) in [
            ("30d", 2_592_000.0),
            ("1.5h", 5_400.0),
            ("0s", 0.0),
            ("2w", 1_209_600.0),
            ("10m", 600.0),
        ] {
            assert_eq!(duration(text), Ok(value), "{text}");
        }
        for text in [
            "", "30", "d", "-1d", "infd", "1e3s", "1y", "1 d", "1.2.3s", "5µ",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(seconds("90"), Ok(90.0));
        assert_eq!(seconds("2m"), Ok(120.0));
    }
}
