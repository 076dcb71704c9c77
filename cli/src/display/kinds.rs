//! The kinds and their params.

use impresario_api::KindView;
use serde_json::Value;

use super::end::{Fact, render};
use super::text::{clean, value, wrap};
use super::{Look, Tone};

/// All kinds with their params.
pub(crate) fn kinds(kinds: &[KindView], look: Look) -> Vec<String> {
    let mut lines = Vec::new();
    for kind in kinds {
        let name = look.paint(Tone::Strong, &clean(&kind.kind));
        lines.extend(wrap(
            &format!("{name}  "),
            &clean(&kind.description),
            look.width,
        ));
        lines.extend(render(&params(&kind.params_schema), look));
        let verbs: Vec<_> = kind.verbs.iter().map(|verb| verb.as_str()).collect();
        let text = format!("lane {}   {}", clean(&kind.lane), verbs.join(", "));
        lines.push(look.fit(&format!("  {}", look.paint(Tone::Dim, &text))));
        if !kind.fork_params.is_empty() {
            let params: Vec<_> = kind.fork_params.iter().map(|one| clean(one)).collect();
            let text = format!("a fork may change {}", params.join(", "));
            lines.push(look.fit(&format!("  {}", look.paint(Tone::Dim, &text))));
        }
        lines.push(String::new());
    }
    lines.push(look.fit("start one: impresario start KIND --param key=value"));
    lines
}

/// One line for each param, from the JSON Schema.
fn params(schema: &Value) -> Vec<Fact> {
    let required = schema["required"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let Some(properties) = schema["properties"].as_object() else {
        return Vec::new();
    };
    let describe = |(name, one): (&String, &Value)| {
        let mut parts = vec![type_of(one)];
        parts.extend(range(one));
        if required.iter().any(|must| must.as_str() == Some(name)) {
            parts.push("required".to_owned());
        }
        if let Some(default) = one.get("default") {
            parts.push(format!("default {}", value(default)));
        }
        let about = one["description"].as_str().map(|text| format!("   {text}"));
        Fact::new(
            name,
            &format!("{}{}", parts.join(", "), about.unwrap_or_default()),
        )
    };
    properties.iter().map(describe).collect()
}

fn type_of(schema: &Value) -> String {
    if let Some(choices) = schema["enum"].as_array() {
        let choices: Vec<_> = choices.iter().map(value).collect();
        return choices.join(" | ");
    }
    match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
            names.join(" or ")
        }
        _ => "value".to_owned(),
    }
}

fn range(schema: &Value) -> Option<String> {
    let bound = |name: &str| schema.get(name).map(value);
    match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}")),
        (Some(least), None) => Some(format!("{least} or more")),
        (None, Some(most)) => Some(format!("up to {most}")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::display::sample::look;

    #[test]
    fn kinds_with_their_params() {
        let list: Vec<KindView> = serde_json::from_value(json!([
            {"kind": "dummy", "description": "Counts to `iterations`, resting between steps.",
             "params_schema": {"type": "object", "properties": {
                "iterations": {"type": "integer", "minimum": 0, "maximum": 1_000_000_000, "default": 100,
                    "description": "How many iterations."},
                "step_ms": {"type": "integer", "minimum": 0, "maximum": 3_600_000, "default": 2000,
                    "description": "How long each rests, in milliseconds."}}},
             "output_schema": {}, "lane": "default", "verbs": ["cancel", "pause", "finish"],
             "fork_params": ["iterations", "step_ms"]},
            {"kind": "load", "description": "Loads\u{1b}[2J bars.",
             "params_schema": {"required": ["symbol"], "properties": {
                "symbol": {"type": "string"}, "file": {"type": ["string", "null"]},
                "timeframe": {"enum": ["1m", "1d"]}}},
             "output_schema": {}, "lane": "io", "verbs": ["cancel"]},
            {"kind": "bare", "description": "", "params_schema": true, "output_schema": {},
             "lane": "io", "verbs": []}
        ]))
        .expect("the sample is a list of kinds");
        for columns in [80, 40] {
            let lines = kinds(&list, look(columns));
            insta::assert_snapshot!(format!("kinds_{columns}"), lines.join("\n"));
        }
    }
}
