//! Makes values of any wire type from its own JSON Schema: every field that a schema allows, with the extremes
//! of its type, also fields that are added later.

use std::fmt::Debug;

use impresario_api::{ModelId, OperationId, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestRng;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// The deepest nesting of values where a schema allows anything.
const LEVELS: usize = 4;

/// A strategy for any value of a type.
pub(crate) fn any_of<T: JsonSchema + DeserializeOwned + Debug>() -> impl Strategy<Value = T> {
    let root = schemars::schema_for!(T).to_value();
    Just(()).prop_perturb(move |(), rng| {
        let mut maker = Maker { root: &root, rng };
        let value = maker.make(&root);
        // The type must accept what its schema allows.
        serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
    })
}

struct Maker<'a> {
    root: &'a Value,
    rng: TestRng,
}

impl<'a> Maker<'a> {
    fn below(&mut self, count: usize) -> usize {
        (self.rng.next_u64() % count.max(1) as u64) as usize
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn make(&mut self, schema: &'a Value) -> Value {
        let Some(keywords) = schema.as_object().filter(|keywords| is_some_type(keywords)) else {
            return self.anything(LEVELS);
        };
        if let Some(name) = keywords.get("$ref").and_then(Value::as_str) {
            let place = name.trim_start_matches('#');
            let there = if place.is_empty() {
                Some(self.root)
            } else {
                self.root.pointer(place)
            };
            return self.make(there.expect("a reference leads somewhere"));
        }
        if let Some(only) = keywords.get("const") {
            return only.clone();
        }
        if let Some(Value::Array(all)) = keywords.get("enum") {
            return self.pick(all);
        }
        let choice = ["oneOf", "anyOf"]
            .iter()
            .find_map(|name| keywords.get(*name));
        let Some(Value::Array(choices)) = choice else {
            return self.of_type(keywords);
        };
        let chosen = &choices[self.below(choices.len())];
        let chosen = self.make(chosen);
        if !keywords.contains_key("properties") {
            return chosen;
        }
        // A tagged value inside an object of its own.
        let (Value::Object(mut whole), Value::Object(chosen)) = (self.object(keywords), chosen)
        else {
            panic!("only objects are joined: {schema}");
        };
        whole.extend(chosen);
        Value::Object(whole)
    }

    fn of_type(&mut self, keywords: &'a Map<String, Value>) -> Value {
        let name = match keywords.get("type") {
            Some(Value::Array(names)) => self.pick(names),
            Some(name) => name.clone(),
            None => json!("object"),
        };
        match name.as_str() {
            Some("object") => self.object(keywords),
            Some("array") => self.array(keywords),
            Some("string") => self.string(keywords),
            Some("integer") => self.integer(keywords),
            Some("number") => self.number(keywords),
            Some("boolean") => Value::Bool(self.below(2) == 0),
            Some("null") => Value::Null,
            other => panic!("a type: {other:?}"),
        }
    }

    fn object(&mut self, keywords: &'a Map<String, Value>) -> Value {
        let required = keywords.get("required").and_then(Value::as_array);
        let mut object = Map::new();
        for (name, schema) in keywords
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let must = required.is_some_and(|names| names.contains(&json!(name)));
            if must || self.below(2) == 0 {
                object.insert(name.clone(), self.make(schema));
            }
        }
        if let Some(inner) = keywords.get("additionalProperties")
            && inner.is_object()
        {
            for _ in 0..self.below(4) {
                let name = self.text();
                object.insert(name, self.make(inner));
            }
        }
        Value::Object(object)
    }

    fn array(&mut self, keywords: &'a Map<String, Value>) -> Value {
        let bound = |name| keywords.get(name).and_then(Value::as_u64);
        let least = bound("minItems").unwrap_or(0);
        let most = bound("maxItems").unwrap_or(least + 3);
        let count = least + self.below((most - least + 1) as usize) as u64;
        let items = keywords.get("items").unwrap_or(&Value::Bool(true));
        (0..count).map(|_| self.make(items)).collect()
    }

    fn string(&mut self, keywords: &Map<String, Value>) -> Value {
        let pattern = keywords.get("pattern").and_then(Value::as_str);
        let bits = self.rng.next_u64();
        let bits = self.pick(&[bits, 0, u64::MAX]);
        Value::String(match pattern {
            Some(pattern) if pattern.starts_with("^op_") => OperationId::from_u64(bits).to_string(),
            Some(pattern) if pattern.starts_with("^mdl_") => ModelId::from_u64(bits).to_string(),
            _ if keywords.get("format") == Some(&json!("date-time")) => self.time().to_string(),
            _ => self.text(),
        })
    }

    fn time(&mut self) -> Timestamp {
        let now = 1_700_000_000_000 + (self.rng.next_u64() >> 24) as i64;
        let any = self.rng.next_u64() as i64;
        let far = Timestamp::from_millis(any >> 16);
        let near = Timestamp::from_millis(now);
        self.pick(&[
            Timestamp::MIN,
            Timestamp::MAX,
            Timestamp::default(),
            near,
            far,
        ])
    }

    fn integer(&mut self, keywords: &Map<String, Value>) -> Value {
        let (least, most): (i128, i128) = match keywords.get("format").and_then(Value::as_str) {
            Some("uint64" | "uint") => (0, u64::MAX.into()),
            Some("uint32") => (0, u32::MAX.into()),
            Some("int32") => (i32::MIN.into(), i32::MAX.into()),
            _ => (i64::MIN.into(), i64::MAX.into()),
        };
        let bound = |name| keywords.get(name).and_then(Value::as_i64).map(i128::from);
        let least = bound("minimum").map_or(least, |bound| bound.max(least));
        let most = bound("maximum").map_or(most, |bound| bound.min(most));
        let any = least + i128::from(self.rng.next_u64()).rem_euclid(most - least + 1);
        let extremes = [least, most, any, 0, 1, -1, 1 << 53, (1 << 53) + 1];
        let number = self.pick(&extremes).clamp(least, most);
        u64::try_from(number).map_or_else(|_| json!(number as i64), |number| json!(number))
    }

    fn number(&mut self, keywords: &Map<String, Value>) -> Value {
        let bound = |name| keywords.get(name).and_then(Value::as_f64);
        let least = bound("minimum")
            .or(bound("exclusiveMinimum"))
            .unwrap_or(f64::MIN);
        let most = bound("maximum").unwrap_or(f64::MAX);
        let number = self.float();
        let number = if (least..=most).contains(&number) {
            number
        } else {
            least.midpoint(most)
        };
        json!(number)
    }

    /// A finite number.
    fn float(&mut self) -> f64 {
        let any = f64::from_bits(self.rng.next_u64());
        let any = if any.is_finite() { any } else { 0.1 + 0.2 };
        let extremes = [
            any,
            any,
            0.0,
            -0.0,
            1.0,
            1e16,
            5e-324,
            f64::MAX,
            f64::MIN,
            1.0 / 3.0,
        ];
        self.pick(&extremes)
    }

    fn text(&mut self) -> String {
        let odd = [
            "",
            " ",
            "a",
            "\0",
            "a\0b",
            "\u{202e}\u{fffd}",
            "\"\\\n\t\r\u{7f}",
            "é𝄞👩‍🚀",
            "{\"a\":",
            "null",
        ];
        match self.below(8) {
            0 => "k:v ".repeat(1_024),
            1 => (0..self.below(20)).map(|_| self.char()).collect(),
            _ => self.pick(&odd).to_owned(),
        }
    }

    fn char(&mut self) -> char {
        char::from_u32(self.rng.next_u32() % 0x11_0000).unwrap_or('\u{e000}')
    }

    /// A value for a schema that allows anything.
    pub(crate) fn anything(&mut self, levels: usize) -> Value {
        let inner = levels.saturating_sub(1);
        match self.below(if levels == 0 { 6 } else { 9 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 0),
            2 => json!(self.rng.next_u64()),
            3 => json!(self.rng.next_u64() as i64),
            4 => json!(self.float()),
            5 => Value::String(self.text()),
            6 => (0..self.below(4)).map(|_| self.anything(inner)).collect(),
            _ => {
                let fields = (0..self.below(4)).map(|_| (self.text(), self.anything(inner)));
                Value::Object(fields.collect())
            }
        }
    }
}

/// Whether a schema restricts its values, and not only describes them.
fn is_some_type(keywords: &Map<String, Value>) -> bool {
    let types = [
        "$ref",
        "const",
        "enum",
        "oneOf",
        "anyOf",
        "type",
        "properties",
    ];
    types.iter().any(|name| keywords.contains_key(*name))
}
