//! The names of the fields that params may have.

use std::collections::BTreeSet;

use serde_json::Value;

/// Alternatives within alternatives are followed so far; a schema may refer to itself.
const DEEPEST: usize = 16;

/// The names of the fields in any alternative of a schema; `None` where params may have any, as a map may.
pub(super) fn fields(schema: &Value) -> Option<BTreeSet<&str>> {
    let mut names = BTreeSet::new();
    gather(schema, schema, &mut names, 0).then_some(names)
}

/// Whether there are no others.
fn gather<'a>(
    root: &'a Value,
    rules: &'a Value,
    names: &mut BTreeSet<&'a str>,
    depth: usize,
) -> bool {
    let is_map = matches!(
        rules.get("additionalProperties"),
        Some(Value::Object(_) | Value::Bool(true))
    );
    if depth > DEEPEST || is_map || rules.get("patternProperties").is_some() {
        return false;
    }
    let own = rules.get("properties").and_then(Value::as_object);
    names.extend(
        own.into_iter()
            .flat_map(|own| own.keys().map(String::as_str)),
    );
    let referred = rules.get("$ref").and_then(Value::as_str);
    let referred = referred.and_then(|target| root.pointer(target.trim_start_matches('#')));
    let alternatives = ["anyOf", "oneOf", "allOf"].into_iter();
    let alternatives = alternatives.filter_map(|key| rules.get(key)?.as_array());
    let mut inner = referred.into_iter().chain(alternatives.flatten());
    inner.all(|one| gather(root, one, names, depth + 1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;

    use super::super::ParamsSchema;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Flat {
        own: u8,
        #[serde(rename = "called")]
        named: u8,
        #[serde(flatten)]
        either: Either,
    }

    #[derive(JsonSchema)]
    #[serde(tag = "kind")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Either {
        Left { left: u8 },
        Right(Right),
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Right {
        right: u8,
    }

    fn of<P: JsonSchema>() -> Option<Vec<String>> {
        let schema = ParamsSchema::of::<P>();
        let fields = schema.fields();
        fields.map(|names| names.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn fields_are_named_as_they_are_sent_whichever_alternative_has_them() {
        let all = ["called", "kind", "left", "own", "right"].map(str::to_owned);
        assert_eq!(of::<Flat>(), Some(all.to_vec()));
        assert_eq!(of::<Option<Right>>(), Some(vec!["right".to_owned()]));
        assert_eq!(of::<()>(), Some(Vec::new()));
        assert_eq!(of::<BTreeMap<String, u8>>(), None);
    }
}
