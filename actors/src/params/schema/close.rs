//! What a kind's schema leaves open is closed: unknown fields are refused, integers fit their type
//! and every client, and lists and maps have a limit.

use impresario_api::MAX_INTEGER;
use serde_json::{Map, Value, json};

use super::lengths::limit;
use super::words::COMPOSED;

/// Closes a schema.
pub(crate) fn close(schema: &mut Value) {
    close_as(schema, true);
}

/// `whole`: nothing beside this schema knows more fields of the same object.
fn close_as(schema: &mut Value, whole: bool) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let fields = object.contains_key("properties");
    let shared = fields && COMPOSED.iter().any(|key| object.contains_key(*key));
    if whole {
        close_fields(object, fields, shared);
    }
    bound_integers(object);
    limit(object);
    for (key, inner) in object.iter_mut() {
        match (key.as_str(), inner) {
            ("properties" | "patternProperties" | "$defs", Value::Object(all)) => {
                all.values_mut().for_each(close)
            }
            ("items" | "additionalProperties", inner) => close(inner),
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(all)) => {
                all.iter_mut()
                    .for_each(|one| close_as(one, whole && !shared));
            }
            _ => {}
        }
    }
}

fn close_fields(object: &mut Map<String, Value>, fields: bool, shared: bool) {
    let no = Value::Bool(false);
    if shared {
        object.remove("additionalProperties");
        object.insert("unevaluatedProperties".to_owned(), no);
    } else if fields {
        object.entry("additionalProperties").or_insert(no);
    } else if object.get("type") == Some(&json!("object"))
        && !object.contains_key("additionalProperties")
    {
        object.insert("properties".to_owned(), json!({}));
        object.insert("additionalProperties".to_owned(), no);
    }
}

/// Integers that their type or a client's numbers cannot hold are faults with a path, too.
fn bound_integers(object: &mut Map<String, Value>) {
    let integer = match object.get("type") {
        Some(Value::String(one)) => one == "integer",
        Some(Value::Array(all)) => all.contains(&json!("integer")),
        _ => false,
    };
    if !integer || object.contains_key("enum") || object.contains_key("const") {
        return;
    }
    let most = MAX_INTEGER as i64;
    let (least, most) = match object.get("format").and_then(Value::as_str) {
        Some("uint8") => (0, i64::from(u8::MAX)),
        Some("uint16") => (0, i64::from(u16::MAX)),
        Some("uint32") => (0, i64::from(u32::MAX)),
        Some("int8") => (i64::from(i8::MIN), i64::from(i8::MAX)),
        Some("int16") => (i64::from(i16::MIN), i64::from(i16::MAX)),
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        Some(unsigned) if unsigned.starts_with('u') => (0, most),
        _ => (-most, most),
    };
    let least_keys = ["minimum", "exclusiveMinimum"];
    bound(object, least_keys, least, |own| own >= least as f64);
    let most_keys = ["maximum", "exclusiveMaximum"];
    bound(object, most_keys, most, |own| own <= most as f64);
}

/// Sets the first of two bounds, unless one that the author has set says at least as much.
fn bound(
    object: &mut Map<String, Value>,
    keys: [&str; 2],
    bound: i64,
    says_as_much: impl Fn(f64) -> bool,
) {
    let mut own = keys.iter().filter_map(|key| object.get(*key)?.as_f64());
    if !own.any(says_as_much) {
        for key in keys {
            object.remove(key);
        }
        object.insert(keys[0].to_owned(), json!(bound));
    }
}
