//! Forks: new operations that go on from a checkpoint of another one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::request::or_null;
use crate::{MAX_INTEGER, OperationId, StartOptions, StepCounts, Timestamp, whole_numbers};

/// The checkpoint from which an operation was forked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForkedFrom {
    /// The operation that gave the checkpoint. It may have been removed since.
    pub operation_id: OperationId,
    /// How many steps of each name were complete, outermost first.
    pub step: StepCounts,
    /// When the checkpoint was taken.
    pub at: Timestamp,
    /// The number of the run that took it; 0 if that operation was itself forked, and had it from there.
    pub run: u32,
}

/// `POST /api/v1/operations/{id}/fork`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ForkRequest {
    /// The checkpoint to go on from; the newest by default.
    pub checkpoint: CheckpointChoice,
    /// The params that change. The kind's `fork_params` says which may.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "or_null")]
    #[schemars(with = "Option<Map<String, Value>>")]
    pub params: Map<String, Value>,
    /// How to run the new operation. Options that are left out are those of the original.
    #[serde(deserialize_with = "or_null")]
    #[schemars(with = "Option<StartOptions>")]
    pub options: StartOptions,
}

/// Which of the checkpoints that an operation keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum CheckpointChoice {
    /// The newest; if that one is damaged, the one before it.
    #[default]
    Latest,
    /// The one at this step, as views show it: how many steps of each name were complete.
    Step(BTreeMap<String, u64>),
    /// The newest with so many complete steps of the outermost loop.
    Outermost(u64),
}

const LATEST: &str = "latest";

impl CheckpointChoice {
    /// What a JSON value has to be, for a person.
    pub const EXPECTED: &str =
        "\"latest\", a step as views show it ({\"epoch\": 3, \"batch\": 12}), or a number of steps";

    fn of(mut value: Value) -> Option<Self> {
        whole_numbers(&mut value);
        let number = |value: &Value| value.as_u64().filter(|number| *number <= MAX_INTEGER);
        match &value {
            Value::String(text) if text == LATEST => Some(Self::Latest),
            Value::Number(_) => number(&value).map(Self::Outermost),
            Value::Object(step) => {
                let step = step
                    .iter()
                    .map(|(name, at)| Some((name.clone(), number(at)?)));
                step.collect::<Option<_>>().map(Self::Step)
            }
            _ => None,
        }
    }
}

/// As a person names it: `latest`, `epoch 3, batch 12`, `step 3`.
impl fmt::Display for CheckpointChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str(LATEST),
            Self::Outermost(count) => write!(f, "step {count}"),
            Self::Step(step) if step.is_empty() => f.write_str("no step"),
            Self::Step(step) => {
                let steps: Vec<_> = step
                    .iter()
                    .map(|(name, at)| format!("{name} {at}"))
                    .collect();
                f.write_str(&steps.join(", "))
            }
        }
    }
}

impl Serialize for CheckpointChoice {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Latest => to.serialize_str(LATEST),
            Self::Step(step) => step.serialize(to),
            Self::Outermost(count) => to.serialize_u64(*count),
        }
    }
}

impl<'de> Deserialize<'de> for CheckpointChoice {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        let wrong = || D::Error::custom(format_args!("expected {}", Self::EXPECTED));
        Self::of(value).ok_or_else(wrong)
    }
}

impl JsonSchema for CheckpointChoice {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CheckpointChoice".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let count = json_schema!({"type": "integer", "minimum": 0, "maximum": MAX_INTEGER});
        json_schema!({"anyOf": [
            {"const": LATEST, "description": "The newest; if that one is damaged, the one before it"},
            {"type": "object", "additionalProperties": count,
                "description": "The one at this step, as views show it"},
            {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER,
                "description": "The newest with so many complete steps of the outermost loop"},
        ]})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[test]
    fn a_checkpoint_is_chosen_by_word_by_step_or_by_number() {
        let step =
            CheckpointChoice::Step([("epoch".to_owned(), 3), ("batch".to_owned(), 12)].into());
        for (sent, choice, told) in [
            (json!("latest"), CheckpointChoice::Latest, "latest"),
            (json!({"epoch": 3, "batch": 12}), step, "batch 12, epoch 3"),
            (json!(7), CheckpointChoice::Outermost(7), "step 7"),
            (
                json!({}),
                CheckpointChoice::Step(BTreeMap::new()),
                "no step",
            ),
        ] {
            let read: CheckpointChoice = from_value(sent.clone()).expect("a choice");
            assert_eq!((&read, read.to_string().as_str()), (&choice, told));
            assert_eq!(to_value(&choice).expect("JSON"), sent);
        }
        let whole: CheckpointChoice = from_value(json!(7.0)).expect("a whole number");
        assert_eq!(whole, CheckpointChoice::Outermost(7));
        for wrong in [
            json!("newest"),
            json!(-1),
            json!(1.5),
            json!({"epoch": "3"}),
            json!([3]),
            json!(null),
        ] {
            from_value::<CheckpointChoice>(wrong.clone()).expect_err(&wrong.to_string());
        }
    }

    #[test]
    fn a_fork_asks_for_the_newest_checkpoint_where_it_names_none() {
        let nothing: ForkRequest =
            from_value(json!({"params": null, "options": null})).expect("a request");
        assert_eq!(nothing, ForkRequest::default());
        from_value::<ForkRequest>(json!({"param": {}})).expect_err("an unknown field");
    }
}
