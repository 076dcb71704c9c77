//! Lists and objects that are longer than their schema allows: found before anything looks at what
//! is in them.

use serde_json::{Map, Value, json};

use super::found::Found;
use super::words::{COMPOSED, resolve};

/// The most items of a list, or fields of a map, whose author sets no limit.
const MOST: u64 = 10_000;
/// Alternatives within alternatives are followed so far; a schema may refer to itself.
const DEEPEST: usize = 16;

/// Gives every list and map of a schema a limit.
pub(crate) fn limit(object: &mut Map<String, Value>) {
    let is = |name: &str| match object.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(all)) => all.contains(&json!(name)),
        _ => false,
    };
    let list = is("array");
    let open = !matches!(
        object.get("additionalProperties"),
        None | Some(Value::Bool(false))
    );
    // A map whose names are numbers says so by a pattern.
    let map = is("object") && (open || object.contains_key("patternProperties"));
    for (applies, key) in [(list, "maxItems"), (map, "maxProperties")] {
        if applies {
            object.entry(key).or_insert(json!(MOST));
        }
    }
}

/// Empties every list and map that is too long, with a fault for each: what is in it is not judged.
pub(crate) fn take_long(root: &Value, params: &mut Value, found: &mut Found) {
    let mut rules = Vec::new();
    expand(root, root, &mut rules, 0);
    walk(root, &rules, params, "", found);
}

/// A schema and every alternative in it.
fn expand<'a>(root: &'a Value, rules: &'a Value, all: &mut Vec<&'a Value>, depth: usize) {
    let rules = resolve(root, rules);
    all.push(rules);
    if depth == DEEPEST {
        return;
    }
    for key in COMPOSED {
        let inner = rules.get(key).and_then(Value::as_array);
        for one in inner.into_iter().flatten() {
            expand(root, one, all, depth + 1);
        }
    }
}

fn walk(root: &Value, rules: &[&Value], value: &mut Value, path: &str, found: &mut Found) {
    let (length, key, of) = match &*value {
        Value::Array(items) => (items.len(), "maxItems", "a list of at most"),
        Value::Object(fields) => (fields.len(), "maxProperties", "an object of at most"),
        _ => return,
    };
    let most = rules
        .iter()
        .filter_map(|rules| rules.get(key)?.as_u64())
        .max();
    if let Some(most) = most
        && length as u64 > most
    {
        let what = if key == "maxItems" { "items" } else { "fields" };
        found.push(
            path,
            &format!("{of} {most} {what}"),
            &format!("{length} {what}"),
        );
        match value {
            Value::Array(items) => items.clear(),
            Value::Object(fields) => fields.clear(),
            _ => {}
        }
        found.skip(path);
        return;
    }
    match value {
        Value::Array(items) => {
            let inner = below(root, rules, |rules| rules.get("items"));
            for (at, item) in items.iter_mut().enumerate().filter(|_| !inner.is_empty()) {
                if item.is_array() || item.is_object() {
                    walk(root, &inner, item, &join(path, &at.to_string()), found);
                }
            }
        }
        Value::Object(fields) => {
            for (name, item) in fields {
                if item.is_array() || item.is_object() {
                    let inner = below(root, rules, |rules| {
                        let named = rules.get("properties").and_then(|all| all.get(name));
                        // A map has the same schema for each of its patterns.
                        let patterns = rules.get("patternProperties").and_then(Value::as_object);
                        let matched = patterns.and_then(|all| all.values().next());
                        let named = named.or(matched);
                        named.or_else(|| rules.get("additionalProperties"))
                    });
                    walk(root, &inner, item, &join(path, name), found);
                }
            }
        }
        _ => {}
    }
}

fn below<'a>(
    root: &'a Value,
    rules: &[&'a Value],
    part: impl Fn(&'a Value) -> Option<&'a Value>,
) -> Vec<&'a Value> {
    let mut all = Vec::new();
    for inner in rules.iter().filter_map(|rules| part(rules)) {
        expand(root, inner, &mut all, 0);
    }
    all
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}
