//! Numbers that JSON does not have: NaN and the infinities. `serde_json` writes null for them, and null is
//! taken for "nothing".

use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The numbers of `value` that are null in its `json`, with their paths: `prices.3`.
///
/// MessagePack keeps them, so they are looked for there, if there is a null at all.
pub(crate) fn find(value: &impl Serialize, json: &Value) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    if has_null(json)
        && let Ok(bytes) = rmp_serde::to_vec_named(value)
    {
        let all = Find {
            path: String::new(),
            found: &mut found,
        };
        // What MessagePack cannot hold or give back is not looked through to its end.
        let _ = all.deserialize(&mut rmp_serde::Deserializer::from_read_ref(&bytes));
    }
    found
}

fn has_null(json: &Value) -> bool {
    match json {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        _ => false,
    }
}

struct Find<'a> {
    path: String,
    found: &'a mut Vec<(String, f64)>,
}

impl Find<'_> {
    fn below(&mut self, part: impl fmt::Display) -> Find<'_> {
        let path = match self.path.as_str() {
            "" => part.to_string(),
            path => format!("{path}.{part}"),
        };
        Find {
            path,
            found: self.found,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Find<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Find<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        if !number.is_finite() {
            self.found.push((self.path, number));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let mut at = 0;
        while items.next_element_seed(self.below(at))?.is_some() {
            at += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<Value>()? {
            let name = name
                .as_str()
                .map_or_else(|| name.to_string(), str::to_owned);
            fields.next_value_seed(self.below(name))?;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    enum Shape {
        Of { size: f32, beside: Option<u32> },
    }

    #[derive(Serialize)]
    struct All {
        plain: f64,
        rows: Vec<(u8, f64)>,
        by_number: BTreeMap<u32, f64>,
        shape: Shape,
        text: &'static str,
        wide: u128,
        signed: i32,
        yes: bool,
        nothing: (),
    }

    fn told(all: &All) -> Vec<String> {
        let json = serde_json::to_value(all).expect("it is JSON");
        let found = find(all, &json).into_iter();
        found
            .map(|(path, number)| format!("{path} {number}"))
            .collect()
    }

    #[test]
    fn each_is_found_with_its_path_and_what_is_nothing_is_not() {
        let all = |of: f64| All {
            plain: of,
            rows: vec![(1, 0.5), (2, of)],
            by_number: [(7, of)].into(),
            shape: Shape::Of {
                size: of as f32,
                beside: None,
            },
            text: "NaN",
            wide: 1,
            signed: -1,
            yes: true,
            nothing: (),
        };
        assert!(told(&all(0.5)).is_empty());
        let places = ["plain", "rows.1.1", "by_number.7", "shape.Of.size"];
        for (number, text) in [(f64::NAN, "NaN"), (f64::NEG_INFINITY, "-inf")] {
            assert_eq!(
                told(&all(number)),
                places.map(|place| format!("{place} {text}"))
            );
        }
    }
}
