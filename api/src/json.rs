//! JSON as people and clients write it, in bodies, frames and on the command line: a value in which every
//! object has each of its fields once. Of two fields with the same name serde would silently take the last
//! one, where another reader of the same bytes takes the first.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

/// Why a text is not read.
#[derive(Debug)]
pub enum Unreadable {
    /// It is not JSON.
    NotJson(serde_json::Error),
    /// An object in it has a field twice, at this path.
    FieldTwice(String),
}

/// Reads a text whole.
pub fn read(bytes: &[u8]) -> Result<Value, Unreadable> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut twice = Vec::new();
    let value = Once(&mut twice).deserialize(&mut json);
    let value = value.and_then(|value| json.end().map(|()| value));
    value.map_err(|error| {
        if twice.is_empty() {
            return Unreadable::NotJson(error);
        }
        twice.reverse();
        Unreadable::FieldTwice(twice.join(".").replace(".[", "["))
    })
}

/// Makes a value. The path of a field that came twice is noted from its end, on the way out.
struct Once<'a>(&'a mut Vec<String>);

impl<'de> DeserializeSeed<'de> for Once<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once<'_> {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        loop {
            match list.next_element_seed(Once(&mut *self.0)) {
                Ok(Some(value)) => all.push(value),
                Ok(None) => return Ok(Value::Array(all)),
                Err(error) => {
                    self.note(|| format!("[{}]", all.len()));
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            match all.entry(name) {
                Entry::Vacant(free) => match fields.next_value_seed(Once(&mut *self.0)) {
                    Ok(value) => {
                        free.insert(value);
                    }
                    Err(error) => {
                        self.note(|| free.key().clone());
                        return Err(error);
                    }
                },
                Entry::Occupied(taken) => {
                    self.0.push(taken.key().clone());
                    return Err(A::Error::custom("a field came twice"));
                }
            }
        }
        Ok(Value::Object(all))
    }
}

impl Once<'_> {
    /// Where in its parent a value is that has a field twice.
    fn note(self, place: impl FnOnce() -> String) {
        if !self.0.is_empty() {
            self.0.push(place());
        }
    }
}
