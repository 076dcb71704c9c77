//! Laying one table over another. The defaults hold every key, so they are the list of what
//! there is: a key that they lack is unknown, and a value of another type is wrong.

use strsim::levenshtein;
use toml::{Table, Value};

use super::error::ConfigError;

/// The one table with free names: each is a lane, shaped like the default one.
const LANES: &str = "lanes";
const LANE_SHAPE: &str = "default";
/// How the name of a key ends whose value is a time.
const TIMES: [&str; 3] = ["_seconds", "_hours", "_days"];

/// Lays `over` over `table`.
pub(super) fn merge(table: &mut Table, over: Table, defaults: &Table) -> Result<(), ConfigError> {
    merge_at("", table, over, defaults)
}

/// Sets one dotted key; the value is TOML when it parses as such, else a string.
pub(super) fn set(
    table: &mut Table,
    key: &str,
    text: &str,
    defaults: &Table,
) -> Result<(), ConfigError> {
    let parsed = text.trim().parse::<Value>().ok();
    let value = match (parsed, shape(defaults, key)) {
        // A folder named 2026 is a string all the same.
        (Some(value), Some(Value::String(_))) if !value.is_str() => Value::String(text.to_owned()),
        (Some(value), _) => value,
        (None, _) => Value::String(text.to_owned()),
    };
    let mut nested = value;
    for part in key.rsplit('.') {
        nested = Value::Table(Table::from_iter([(part.to_owned(), nested)]));
    }
    let Value::Table(over) = nested else {
        return Ok(());
    };
    merge(table, over, defaults)
}

fn merge_at(path: &str, table: &mut Table, over: Table, shape: &Table) -> Result<(), ConfigError> {
    for (key, value) in over {
        let full = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let Some(wanted) = child(path, shape, &key) else {
            return Err(unknown(&full, path, &key, shape));
        };
        match (wanted, value) {
            (Value::Table(wanted), Value::Table(value)) => {
                let slot = table
                    .entry(key)
                    .or_insert_with(|| Value::Table(wanted.clone()));
                if let Value::Table(slot) = slot {
                    merge_at(&full, slot, value, wanted)?;
                }
            }
            (wanted, value) => {
                table.insert(key, fitting(&full, wanted, value)?);
            }
        }
    }
    Ok(())
}

fn child<'a>(path: &str, shape: &'a Table, key: &str) -> Option<&'a Value> {
    shape.get(if path == LANES { LANE_SHAPE } else { key })
}

fn shape<'a>(defaults: &'a Table, key: &str) -> Option<&'a Value> {
    let (parent, last) = key.rsplit_once('.').unwrap_or(("", key));
    if parent.is_empty() {
        return defaults.get(last);
    }
    match shape(defaults, parent)? {
        Value::Table(table) => child(parent, table, last),
        _ => None,
    }
}

fn fitting(key: &str, wanted: &Value, value: Value) -> Result<Value, ConfigError> {
    let is_time = TIMES.iter().any(|ending| key.ends_with(ending));
    let fits = match (wanted, &value) {
        (Value::Array(_), Value::Array(items)) => items.iter().all(Value::is_str),
        // Times may be given with a fraction where the default has none; their ranges come later.
        (Value::Integer(_), Value::Float(_)) => is_time,
        (Value::Integer(_), Value::Integer(number)) => is_time || *number >= 0,
        _ => wanted.same_type(&value),
    };
    if fits {
        return Ok(value);
    }
    let expected = match (wanted, &value) {
        (Value::Integer(_), Value::Integer(_)) => "an integer of 0 or more",
        _ => words(wanted),
    };
    let got = value.to_string();
    Err(ConfigError(format!(
        "{key}: expected {expected}, got {} ({})",
        words(&value),
        got.trim()
    )))
}

fn words(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list of strings",
        Value::Table(_) => "a table",
    }
}

fn unknown(full: &str, path: &str, key: &str, shape: &Table) -> ConfigError {
    let prefix = if path.is_empty() {
        String::new()
    } else {
        format!("{path}.")
    };
    let known: Vec<String> = shape.keys().map(|one| format!("{prefix}{one}")).collect();
    let distances = shape.keys().map(|one| (levenshtein(one, key), one));
    let hint = match distances.min_by_key(|(distance, _)| *distance) {
        Some((..=2, near)) => format!("did you mean {prefix}{near}? "),
        _ => String::new(),
    };
    let what = match (key, path) {
        ("", "") => "a key is missing".to_owned(),
        ("", path) => format!("a key is missing in {path}"),
        _ => format!("unknown key {full}"),
    };
    ConfigError(format!("{what}; {hint}known here: {}", known.join(", ")))
}
