//! The kinds of operations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Verb;

/// One kind of operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KindView {
    /// The kind's name.
    pub kind: String,
    /// What the kind does.
    pub description: String,
    /// The JSON Schema of its params.
    pub params_schema: Value,
    /// The JSON Schema of its output.
    pub output_schema: Value,
    /// The lane in which it runs.
    pub lane: String,
    /// The verbs that a run of it supports.
    #[serde(deserialize_with = "crate::view::known_verbs")]
    pub verbs: Vec<Verb>,
    /// The names of the params that a fork of an operation of this kind may change.
    #[serde(default)]
    pub fork_params: Vec<String>,
}
