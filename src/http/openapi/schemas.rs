//! Schemas: of the API's types by schemars, of params and outputs as the kinds give them.

use impresario_api::{Envelope, ErrorBody, KindView};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::endpoint::{MakeSchema, Shape};
use crate::http::query::MOST_VALUES;

/// Where schemas are in the document.
const PLACE: &str = "#/components/schemas/";

/// What makes schemas, and those that others refer to.
pub(super) struct Schemas {
    /// Of what is answered: each type has a name.
    answered: SchemaGenerator,
    /// Of what is sent: whole, since the same type may be stricter here.
    sent: SchemaGenerator,
    kinds: Map<String, Value>,
}

impl Schemas {
    pub(super) fn of(kinds: &[KindView]) -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.meta_schema = None;
            settings.definitions_path = "/components/schemas".into();
        });
        let whole = settings
            .clone()
            .with(|settings| settings.inline_subschemas = true);
        let mut schemas = Self {
            answered: settings.for_serialize().into_generator(),
            sent: whole.for_deserialize().into_generator(),
            kinds: Map::new(),
        };
        for kind in kinds {
            schemas.adopt(&params_name(&kind.kind), kind.params_schema.clone());
            schemas.adopt(&output_name(&kind.kind), kind.output_schema.clone());
        }
        schemas
    }

    pub(super) fn answered(&mut self, make: MakeSchema) -> Value {
        make(&mut self.answered).to_value()
    }

    pub(super) fn sent(&mut self, make: MakeSchema) -> Value {
        make(&mut self.sent).to_value()
    }

    /// A parameter's.
    pub(super) fn parameter(&mut self, shape: Shape) -> Value {
        match shape {
            Shape::One(make) => self.sent(make),
            Shape::Several(make) => {
                json!({"type": "array", "items": self.sent(make), "minItems": 1, "maxItems": MOST_VALUES})
            }
            Shape::Integer {
                least,
                most,
                default,
            } => {
                json!({"type": "integer", "minimum": least, "maximum": most, "default": default})
            }
            Shape::Seconds(most) => json!({"type": "number", "minimum": 0, "maximum": most}),
        }
    }

    /// The envelope around data with this schema.
    pub(super) fn success(&mut self, data: &Value) -> Value {
        self.envelope::<Value>(true, "data", data)
    }

    /// The envelope around an error.
    pub(super) fn failure(&mut self) -> Value {
        let error = self.answered(SchemaGenerator::subschema_for::<ErrorBody>);
        self.envelope::<()>(false, "error", &error)
    }

    /// The envelope's own schema, with the one of its two halves that there is.
    fn envelope<T: JsonSchema>(&mut self, success: bool, half: &str, schema: &Value) -> Value {
        let mut envelope = Envelope::<T>::json_schema(&mut self.answered).to_value();
        if let Some(fields) = envelope["properties"].as_object_mut() {
            fields.retain(|name, _| name == "success" || name == half);
            fields.insert("success".to_owned(), json!({"const": success}));
            fields.insert(half.to_owned(), schema.clone());
        }
        envelope["required"] = json!(["success", half]);
        envelope
    }

    /// The params of a kind with `options` beside them.
    pub(super) fn named_start(&self, kind: &str, options: Value) -> Value {
        let mut schema = self.kinds.get(&params_name(kind)).cloned();
        let fields = schema
            .as_mut()
            .and_then(Value::as_object_mut)
            .map(|schema| schema.entry("properties").or_insert_with(|| json!({})));
        if let Some(Value::Object(fields)) = fields {
            let options = json!({"anyOf": [options, {"type": "null"}]});
            fields.insert("options".to_owned(), options);
        }
        schema.unwrap_or_else(|| json!({"type": "object"}))
    }

    /// One schema for each kind: what a start of it looks like. Params may be left out, or be null,
    /// where none of them is required.
    pub(super) fn starts(kinds: &[KindView]) -> Vec<Value> {
        let start = |kind: &KindView| {
            let params = reference(&params_name(&kind.kind));
            let fields = json!({"kind": {"const": kind.kind}, "params": params});
            let required = kind.params_schema["required"].as_array();
            if required.is_some_and(|required| !required.is_empty()) {
                return json!({"properties": fields, "required": ["params"]});
            }
            let mut start = json!({"properties": fields});
            start["properties"]["params"] = json!({"anyOf": [params, {"type": "null"}]});
            start
        };
        kinds.iter().map(start).collect()
    }

    /// The answer to a start of a kind: its `result` is that kind's.
    pub(super) fn with_result(data: &Value, kind: &str) -> Value {
        let result = json!({"anyOf": [reference(&output_name(kind)), {"type": "null"}]});
        json!({"allOf": [data, {"properties": {"result": result}}]})
    }

    /// Everything that is referred to, by name.
    pub(super) fn components(mut self) -> Map<String, Value> {
        let mut all = self.answered.take_definitions(true);
        all.append(&mut self.kinds);
        all
    }

    /// A whole schema as a component: what it defines for itself becomes a component too.
    fn adopt(&mut self, name: &str, mut schema: Value) {
        let Some(fields) = schema.as_object_mut() else {
            self.kinds.insert(name.to_owned(), schema);
            return;
        };
        fields.remove("$schema");
        let own = fields.remove("$defs");
        let prefix = format!("{name}.");
        relocate(&mut schema, &prefix);
        self.kinds.insert(name.to_owned(), schema);
        if let Some(Value::Object(own)) = own {
            for (inner, mut schema) in own {
                relocate(&mut schema, &prefix);
                self.kinds.insert(format!("{prefix}{inner}"), schema);
            }
        }
    }
}

fn params_name(kind: &str) -> String {
    format!("{kind}.params")
}

fn output_name(kind: &str) -> String {
    format!("{kind}.output")
}

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("{PLACE}{name}")})
}

/// Lets references to a schema's own definitions point to where those are now.
fn relocate(schema: &mut Value, prefix: &str) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(to) if name == "$ref" => {
                        if let Some(inner) = to.strip_prefix("#/$defs/") {
                            *to = format!("{PLACE}{prefix}{inner}");
                        }
                    }
                    value => relocate(value, prefix),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|one| relocate(one, prefix)),
        _ => {}
    }
}
