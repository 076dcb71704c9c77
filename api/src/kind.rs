//! What can be started.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Verb;

/// One kind of operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KindView {
    /// Its name.
    pub kind: String,
    /// What it does.
    pub description: String,
    /// JSON Schema of its params.
    pub params_schema: Value,
    /// JSON Schema of its output.
    pub output_schema: Value,
    /// The lane it runs in.
    pub lane: String,
    /// What may be asked of one of its runs.
    #[serde(deserialize_with = "crate::view::known_verbs")]
    pub verbs: Vec<Verb>,
}
