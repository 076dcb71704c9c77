//! Faults of params, every one at once, in words that a person understands.

mod close;
mod fields;
mod found;
mod lengths;
mod words;

use std::collections::BTreeSet;

use impresario_api::Faults;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use schemars::JsonSchema;
use serde_json::Value;

use close::close;
use found::Found;
use words::{Words, shown};

/// Faults of the schema that are looked at; what is counted stops there too.
const MOST_ERRORS: usize = 10_000;

/// The JSON Schema of a kind's params, ready to check with.
pub(crate) struct ParamsSchema {
    json: Value,
    /// Or why there is none.
    validator: Result<Validator, String>,
}

impl ParamsSchema {
    pub(crate) fn of<P: JsonSchema>() -> Self {
        let mut json = schemars::schema_for!(P).to_value();
        close(&mut json);
        let validator = jsonschema::validator_for(&json).map_err(|error| error.to_string());
        Self { json, validator }
    }

    /// Why nothing can be checked with it, if so.
    pub(crate) fn unusable(&self) -> Option<&str> {
        self.validator.as_ref().err().map(String::as_str)
    }

    /// As clients see it: params are an object for them, also those of a kind that takes `()`.
    pub(crate) fn published(&self) -> Value {
        let mut json = self.json.clone();
        if self.no_params().is_null() {
            json["type"] = "object".into();
            close(&mut json);
        }
        json
    }

    /// The names of the fields; `None` where params may have any.
    pub(crate) fn fields(&self) -> Option<BTreeSet<&str>> {
        fields::fields(&self.json)
    }

    /// What a start without params means: an empty object, or `null` for a kind that takes `()`.
    pub(crate) fn no_params(&self) -> Value {
        match self.json.get("type").and_then(Value::as_str) {
            Some("null") => Value::Null,
            _ => Value::Object(serde_json::Map::new()),
        }
    }

    /// The params as they are, or what is wrong with them, by path.
    ///
    /// Lists and maps that are too long are found first, and what is in them is not looked at: a
    /// request can hold hundreds of thousands of faults.
    pub(crate) fn check(&self, mut params: Value) -> Result<Value, Faults> {
        // An author's pattern may be none: then nothing is taken, for nothing else checks a range.
        let validator = match &self.validator {
            Ok(validator) => validator,
            Err(why) => return Err(Faults::one("", "a schema to check with", why)),
        };
        let mut found = Found::default();
        lengths::take_long(&self.json, &mut params, &mut found);
        if found.is_empty() && validator.is_valid(&params) {
            return Ok(params);
        }
        for error in validator.iter_errors(&params).take(MOST_ERRORS) {
            self.find(&error, &mut found);
        }
        Err(found.faults())
    }

    fn find(&self, error: &ValidationError<'_>, found: &mut Found) {
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
                let expected = format!("a known field ({known})");
                let told = unexpected.len().min(Faults::TOLD);
                for name in &unexpected[..told] {
                    let got = error.instance().get(name).unwrap_or(&Value::Null);
                    found.push(&below(name), &expected, &shown(got));
                }
                found.count((unexpected.len() - told) as u64);
            }
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                found.push(&below(name), &self.missing(rules, name), "nothing");
            }
            ValidationErrorKind::AnyOf { context }
            | ValidationErrorKind::OneOfNotValid { context }
                if let Some(meant) = meant(context, error) =>
            {
                meant.iter().for_each(|error| self.find(error, found));
            }
            _ => {
                let expected = self.words().describe(rules);
                let expected = expected.unwrap_or_else(|| error.to_string());
                found.push(&path, &expected, &shown(error.instance()));
            }
        }
    }

    fn missing(&self, rules: &Value, name: &str) -> String {
        let field = rules.get("properties").and_then(|all| all.get(name));
        let described = field.and_then(|field| self.words().describe(field));
        described.unwrap_or_else(|| "a value".to_owned())
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

/// `/layers/0` as `layers.0`.
fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}
