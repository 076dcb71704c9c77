//! Faults of params, every one at once, in words that a person understands.

mod close;
mod words;

use garde::Report;
use impresario_api::{Fault, MAX_INTEGER};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use close::close;
use words::Words;

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
        let below = |name: &str| match path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        let rules = self.rules_of(error);
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let known = self.words().known(rules, unexpected);
                let fault = |name: &String| Fault {
                    path: below(name),
                    expected: format!("a known field ({known})"),
                    got: shown(error.instance().get(name).unwrap_or(&Value::Null)),
                };
                unexpected.iter().map(fault).collect()
            }
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                vec![self.missing(rules, name, below(name))]
            }
            ValidationErrorKind::AnyOf { context }
            | ValidationErrorKind::OneOfNotValid { context }
                if let Some(meant) = meant(context, error) =>
            {
                meant.iter().flat_map(|error| self.faults(error)).collect()
            }
            _ => vec![Fault {
                expected: self
                    .words()
                    .describe(rules)
                    .unwrap_or_else(|| error.to_string()),
                got: shown(error.instance()),
                path,
            }],
        }
    }

    fn missing(&self, rules: &Value, name: &str, path: String) -> Fault {
        let field = rules.get("properties").and_then(|all| all.get(name));
        let described = field.and_then(|field| self.words().describe(field));
        Fault {
            path,
            expected: described.unwrap_or_else(|| "a value".to_owned()),
            got: "nothing".to_owned(),
        }
    }

    /// The part of the schema that a fault is against.
    fn rules_of(&self, error: &ValidationError<'_>) -> &Value {
        let keyword = error.schema_path().to_string();
        let (rules, _) = keyword.rsplit_once('/').unwrap_or_default();
        self.json.pointer(rules).unwrap_or(&Value::Null)
    }

    const fn words(&self) -> Words<'_> {
        Words(&self.json)
    }
}

/// Of several alternatives the one that the value was meant to be, if only one can be: it has the
/// right type and the right tag.
fn meant<'a>(
    alternatives: &'a [Vec<ValidationError<'static>>],
    whole: &ValidationError<'_>,
) -> Option<&'a [ValidationError<'static>]> {
    let is_other = |error: &ValidationError<'_>| match error.kind() {
        ValidationErrorKind::Type { .. } | ValidationErrorKind::Enum { .. } => {
            error.instance_path() == whole.instance_path()
        }
        ValidationErrorKind::Constant { .. } => true,
        _ => false,
    };
    let mut possible = alternatives
        .iter()
        .filter(|errors| !errors.iter().any(is_other));
    let first = possible.next()?;
    possible.next().is_none().then_some(first.as_slice())
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

/// 5.0 as 5: to a schema they are the same, to an integer's parser they are not.
pub(super) fn whole_numbers(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(whole_numbers),
        Value::Object(all) => all.values_mut().for_each(whole_numbers),
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() <= MAX_INTEGER as f64 => {
                *number = (float as i64).into();
            }
            _ => {}
        },
        _ => {}
    }
}

/// What garde found.
pub(super) fn faults<P: Serialize>(report: &Report, params: &P) -> Vec<Fault> {
    let params = serde_json::to_value(params).unwrap_or_default();
    let fault = |(path, error): &(garde::Path, garde::Error)| {
        // `layers[0].units`, as the schema's faults have it: `layers.0.units`.
        let path = path.to_string().replace('[', ".").replace(']', "");
        let got = params
            .pointer(&format!("/{}", path.replace('.', "/")))
            .map_or_else(|| "what was sent".to_owned(), shown);
        Fault {
            path,
            expected: error.to_string(),
            got,
        }
    };
    report.iter().map(fault).collect()
}
