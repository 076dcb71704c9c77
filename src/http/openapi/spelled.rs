//! Schemas that are `true` or `false`, spelled out: many tools know schemas as objects alone.

use serde_json::{Value, json};

/// Keywords whose value is one schema.
const ONE: &[&str] = &[
    "items",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "propertyNames",
    "schema",
];
/// Keywords whose value is a list of schemas.
const LISTS: &[&str] = &["anyOf", "oneOf", "allOf", "prefixItems"];
/// Keywords whose value is an object of schemas.
const MAPS: &[&str] = &[
    "properties",
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "schemas",
];
/// Whose `false` is known everywhere, and must stay: as an object it would read as a map of anything.
const CLOSING: &[&str] = &["additionalProperties", "unevaluatedProperties"];

/// Spells out every schema in a document.
pub(super) fn spell_out(document: &mut Value) {
    match document {
        Value::Array(all) => all.iter_mut().for_each(spell_out),
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), &mut *value) {
                    (key, one) if ONE.contains(&key) => object(one),
                    (key, Value::Array(all)) if LISTS.contains(&key) => {
                        all.iter_mut().for_each(object);
                    }
                    (key, Value::Object(all)) if MAPS.contains(&key) => {
                        all.values_mut().for_each(object);
                    }
                    (key, one) if CLOSING.contains(&key) && *one == Value::Bool(true) => {
                        object(one)
                    }
                    // Values, not schemas.
                    ("const" | "enum" | "default" | "examples", _) => continue,
                    _ => {}
                }
                spell_out(value);
            }
        }
        _ => {}
    }
}

fn object(schema: &mut Value) {
    match schema {
        Value::Bool(true) => *schema = json!({}),
        Value::Bool(false) => *schema = json!({"not": {}}),
        _ => {}
    }
}
