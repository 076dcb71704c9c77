//! A schema in words.

use impresario_api::text;
use serde_json::Value;

/// The longest part of a value that a message repeats.
const SHOWN: usize = 60;
/// Alternatives: each sees a part of the fields alone.
pub(super) const COMPOSED: &[&str] = &["anyOf", "oneOf", "allOf", "$ref"];

/// The words for parts of a schema.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a>(pub(crate) &'a Value);

impl<'a> Words<'a> {
    /// The names of an object's fields, without those that belong to another alternative.
    pub(crate) fn known(self, rules: &Value, unexpected: &[String]) -> String {
        let mut names = Vec::new();
        self.names(rules, &mut names);
        names.retain(|name| !unexpected.contains(name));
        match names {
            names if names.is_empty() => "none".to_owned(),
            names => names.join(", "),
        }
    }

    fn names(self, rules: &Value, names: &mut Vec<String>) {
        let rules = self.resolved(rules);
        let fields = rules.get("properties").and_then(Value::as_object);
        let fields = fields.into_iter().flat_map(|fields| fields.keys().cloned());
        for name in fields {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for one in ["anyOf", "oneOf", "allOf"]
            .into_iter()
            .flat_map(|key| alternatives(rules, key))
        {
            self.names(one, names);
        }
    }

    /// "an integer from 0 to 100"; `None` where there are no words for it.
    pub(crate) fn describe(self, rules: &Value) -> Option<String> {
        let rules = self.resolved(rules);
        // The words of the kind's author, where a pattern says too little to a person.
        if let Some(expected) = rules.get("x-expected").and_then(Value::as_str) {
            return Some(expected.to_owned());
        }
        if let Some(options) = rules.get("enum").and_then(Value::as_array) {
            return Some(one_of(options.iter().map(shown).collect()));
        }
        if let Some(only) = rules.get("const") {
            return Some(shown(only));
        }
        for key in ["anyOf", "oneOf"] {
            let all = alternatives(rules, key);
            if all.is_empty() {
                continue;
            }
            let values: Option<Vec<_>> = all.iter().map(values).collect();
            if let Some(values) = values {
                return Some(one_of(values.into_iter().flatten().collect()));
            }
            let all: Option<Vec<_>> = all.iter().map(|one| self.describe(one)).collect();
            return all.map(|all| all.join(" or "));
        }
        let types = match rules.get("type")? {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            one => vec![one.as_str()?],
        };
        let all: Option<Vec<_>> = types.iter().map(|one| self.typed(one, rules)).collect();
        all.map(|all| all.join(" or "))
    }

    fn typed(self, kind: &str, rules: &Value) -> Option<String> {
        let bound = |key: &str| rules.get(key).filter(|bound| !bound.is_null()).map(plain);
        Some(match kind {
            "integer" => format!("an integer{}", range(rules)),
            "number" => format!("a number{}", range(rules)),
            "string" => {
                let length = count(rules, "minLength", "maxLength", "characters");
                let pattern = bound("pattern").map(|pattern| format!(" that matches {pattern}"));
                format!("a text{length}{}", pattern.unwrap_or_default())
            }
            "boolean" => "true or false".to_owned(),
            "array" => format!("a list{}", count(rules, "minItems", "maxItems", "items")),
            "object" => format!("an object{}", tag(rules)),
            "null" => "nothing".to_owned(),
            _ => return None,
        })
    }

    fn resolved<'b>(self, rules: &'b Value) -> &'b Value
    where
        'a: 'b,
    {
        resolve(self.0, rules)
    }
}

/// A value as a message repeats it.
pub(super) fn shown(value: &Value) -> String {
    text::json(value, SHOWN)
}

/// The schema that this one refers to, or itself.
pub(crate) fn resolve<'a>(root: &'a Value, rules: &'a Value) -> &'a Value {
    let target = rules.get("$ref").and_then(Value::as_str);
    let target = target.and_then(|target| root.pointer(target.trim_start_matches('#')));
    target.unwrap_or(rules)
}

fn alternatives<'b>(rules: &'b Value, key: &str) -> &'b [Value] {
    rules
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The only values that there are.
fn values(rules: &Value) -> Option<Vec<String>> {
    let options = rules.get("enum").and_then(Value::as_array);
    let options = options.map(|options| options.iter().map(shown).collect());
    options.or_else(|| Some(vec![shown(rules.get("const")?)]))
}

fn one_of(options: Vec<String>) -> String {
    format!("one of {}", options.join(", "))
}

/// What tells an object from its alternatives: ` with kind "mlp"`.
fn tag(rules: &Value) -> String {
    let fields = rules.get("properties").and_then(Value::as_object);
    let mut fields = fields.into_iter().flatten();
    let tag = fields.find_map(|(name, field)| Some((name, field.get("const")?)));
    tag.map_or_else(String::new, |(name, tag)| {
        format!(" with {name} {}", shown(tag))
    })
}

fn range(rules: &Value) -> String {
    let bound = |key: &str| rules.get(key).filter(|bound| !bound.is_null()).map(plain);
    let range = match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" of at least {least}"),
        (None, Some(most)) => format!(" of at most {most}"),
        (None, None) => String::new(),
    };
    let over = bound("exclusiveMinimum").map(|least| format!(" over {least}"));
    let under = bound("exclusiveMaximum").map(|most| format!(" under {most}"));
    format!(
        "{range}{}{}",
        over.unwrap_or_default(),
        under.unwrap_or_default()
    )
}

/// " of 1 to 8 items".
fn count(rules: &Value, least: &str, most: &str, of: &str) -> String {
    let bound = |key: &str| rules.get(key).and_then(Value::as_u64);
    match (bound(least), bound(most)) {
        (Some(least), Some(most)) if least == most => format!(" of {least} {of}"),
        (Some(least), Some(most)) => format!(" of {least} to {most} {of}"),
        (Some(1), None) => format!(" of at least 1 {}", of.trim_end_matches('s')),
        (Some(least), None) => format!(" of at least {least} {of}"),
        (None, Some(most)) => format!(" of at most {most} {of}"),
        (None, None) => String::new(),
    }
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
