//! Faults of params, every one at once, in words that a person understands.

use garde::Report;
use impresario_api::{Fault, MAX_INTEGER};
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// The longest part of a value that a message repeats.
const SHOWN: usize = 60;

/// The JSON Schema of a kind's params, ready to check with.
pub(super) struct ParamsSchema {
    json: Value,
    validator: Option<Validator>,
}

impl ParamsSchema {
    pub(super) fn of<P: JsonSchema>() -> Self {
        let mut json = schemars::schema_for!(P).to_value();
        close(&mut json);
        // A schema that schemars made compiles; if one ever does not, serde still checks.
        let validator = jsonschema::validator_for(&json)
            .inspect_err(|error| log::error!("a kind's schema cannot be checked with: {error}"))
            .ok();
        Self { json, validator }
    }

    pub(super) const fn json(&self) -> &Value {
        &self.json
    }

    /// Every fault, by path.
    pub(super) fn check(&self, params: &Value) -> Result<(), Vec<Fault>> {
        let Some(validator) = &self.validator else {
            return Ok(());
        };
        if validator.is_valid(params) {
            return Ok(());
        }
        let mut faults: Vec<_> = validator
            .iter_errors(params)
            .flat_map(|error| self.faults(&error))
            .collect();
        faults.sort_by(|a, b| (&a.path, &a.expected).cmp(&(&b.path, &b.expected)));
        // One fault a field: that a word is no integer says all, its range would only repeat it.
        faults.dedup_by(|b, a| a.path == b.path && a.expected == b.expected);
        Err(faults)
    }

    fn faults(&self, error: &ValidationError<'_>) -> Vec<Fault> {
        let path = dotted(&error.instance_path().to_string());
        let below = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let known = self.known();
                let fault = |name: &String| Fault {
                    path: below(name),
                    expected: format!("a known field ({known})"),
                    got: shown(error.instance().get(name).unwrap_or(&Value::Null)),
                };
                unexpected.iter().map(fault).collect()
            }
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let expected = self.describe(&below(name));
                vec![Fault {
                    path: below(name),
                    expected,
                    got: "nothing".to_owned(),
                }]
            }
            kind => {
                let described = self.describe(&path);
                let expected = if described == ANYTHING {
                    expectation(kind, error)
                } else {
                    described
                };
                vec![Fault {
                    path: path.clone(),
                    expected,
                    got: shown(error.instance()),
                }]
            }
        }
    }

    fn known(&self) -> String {
        let names = self.json.get("properties").and_then(Value::as_object);
        let names = names.map(|names| names.keys().cloned().collect::<Vec<_>>().join(", "));
        names
            .filter(|names| !names.is_empty())
            .unwrap_or_else(|| "none".to_owned())
    }

    /// What a field takes, from its own schema.
    fn describe(&self, path: &str) -> String {
        let field = self
            .json
            .get("properties")
            .and_then(|fields| fields.get(path));
        field.map_or_else(|| ANYTHING.to_owned(), describe)
    }
}

const ANYTHING: &str = "something else";

/// "an integer from 0 to 100".
fn describe(schema: &Value) -> String {
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    };
    if let Some(options) = schema.get("enum").and_then(Value::as_array) {
        let options: Vec<_> = options.iter().map(shown).collect();
        return format!("one of {}", options.join(", "));
    }
    let noun = match kind {
        "integer" => "an integer",
        "number" => "a number",
        "string" => "a text",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "an object",
        _ => return ANYTHING.to_owned(),
    };
    let bound = |key: &str| schema.get(key).filter(|bound| !bound.is_null()).map(plain);
    let range = match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" of at least {least}"),
        (None, Some(most)) => format!(" of at most {most}"),
        (None, None) => String::new(),
    };
    let over = bound("exclusiveMinimum")
        .map(|least| format!(" over {least}"))
        .unwrap_or_default();
    let under = bound("exclusiveMaximum")
        .map(|most| format!(" under {most}"))
        .unwrap_or_default();
    let pattern = bound("pattern")
        .map(|pattern| format!(" that matches {pattern}"))
        .unwrap_or_default();
    format!("{noun}{range}{over}{under}{pattern}")
}

/// A bound without a needless ".0".
fn plain(bound: &Value) -> String {
    match bound.as_f64() {
        Some(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        _ => bound
            .as_str()
            .map_or_else(|| bound.to_string(), str::to_owned),
    }
}

/// What a rule expects, where the field's own schema does not say.
fn expectation(kind: &ValidationErrorKind, error: &ValidationError<'_>) -> String {
    match kind {
        ValidationErrorKind::Type {
            kind: TypeKind::Single(one),
        } => format!("{one}"),
        ValidationErrorKind::Minimum { limit } => format!("at least {}", plain(limit)),
        ValidationErrorKind::Maximum { limit } => format!("at most {}", plain(limit)),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("more than {}", plain(limit)),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("less than {}", plain(limit)),
        ValidationErrorKind::Enum { options } => format!("one of {options}"),
        _ => error.to_string(),
    }
}

/// A value as a message repeats it.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// `/layers/0` as `layers.0`.
fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// What the schema leaves open is closed: unknown fields are refused, and integers fit every client.
fn close(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if object.contains_key("properties") {
        object
            .entry("additionalProperties")
            .or_insert(Value::Bool(false));
    } else if object.get("type") == Some(&json!("object"))
        && !object.contains_key("additionalProperties")
    {
        object.insert("properties".to_owned(), json!({}));
        object.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    if object.get("type") == Some(&json!("integer")) {
        let over = object
            .get("maximum")
            .and_then(Value::as_f64)
            .is_none_or(|most| most > MAX_INTEGER as f64);
        if over {
            object.insert("maximum".to_owned(), json!(MAX_INTEGER));
        }
    }
    for (key, inner) in object.iter_mut() {
        match (key.as_str(), inner) {
            ("properties" | "$defs", Value::Object(fields)) => fields.values_mut().for_each(close),
            ("items", inner) => close(inner),
            _ => {}
        }
    }
}

/// What garde found.
pub(super) fn faults<P: Serialize>(report: &Report, params: &P) -> Vec<Fault> {
    let params = serde_json::to_value(params).unwrap_or_default();
    let fault = |(path, error): &(garde::Path, garde::Error)| {
        let path = path.to_string();
        let got = params
            .get(&path)
            .map_or_else(|| "what was sent".to_owned(), shown);
        Fault {
            path,
            expected: error.to_string(),
            got,
        }
    };
    report.iter().map(fault).collect()
}
