//! What clients send, and how a start is answered.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::text::unclear_class;
use crate::{OperationId, OperationView, Status, Timestamp};

/// `POST /api/v1/operations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRequest {
    /// The kind to start.
    pub kind: String,
    /// Its params: an object.
    #[serde(default)]
    pub params: Value,
    /// How to run it.
    #[serde(default, deserialize_with = "or_null")]
    #[schemars(with = "Option<StartOptions>")]
    pub options: StartOptions,
}

/// How to run an operation; what is left out is the kind's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StartOptions {
    /// −100 to 100, higher first; 0 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -100, max = 100))]
    pub priority: Option<i32>,
    /// The caller's own words: at most 64, and at most 4 KiB together.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "or_null"
    )]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    #[schemars(extend(
        "maxProperties" = 64,
        "propertyNames" = {"pattern": format!("^[^:{}]{{1,100}}$", unclear_class())},
        "additionalProperties" = {"type": "string", "pattern": format!("^[^{}]{{0,4096}}$", unclear_class())},
    ))]
    pub labels: BTreeMap<String, String>,
    /// One run's time, in seconds; more than 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 3_162_240_000_u64))]
    pub timeout_seconds: Option<f64>,
    /// The retry budget; at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    pub max_attempts: Option<u32>,
    /// Not dispatched before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

/// The body of a verb; may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VerbRequest {
    /// Why, for the people who will wonder.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_000))]
    pub reason: Option<String>,
}

/// Null is the same as a field that is left out.
fn or_null<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Whether the answer waited for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StartMode {
    /// It did not, or the end did not come in time.
    Async,
    /// It did.
    Sync,
}

/// The answer to a start: 202 `async`, 200 `sync` or 200 `replayed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StartAnswer {
    /// The new operation, or the first one of a replay.
    pub operation_id: OperationId,
    /// The shown status.
    pub status: Status,
    /// Whether the answer waited for the end.
    pub mode: StartMode,
    /// For a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// True when the idempotency key was seen before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    /// The operation, for `sync` and `replayed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Box<OperationView>>,
    /// The output, for `sync`: null when it ended without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
}

/// `POST /api/v1/operations/prune`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PruneRequest {
    /// Those that ended longer ago than this.
    #[schemars(range(min = 0.0, max = 1e10))]
    pub older_than_seconds: f64,
    /// Only counts them.
    #[serde(default)]
    pub dry_run: bool,
}

/// What was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PruneAnswer {
    /// How many.
    pub pruned: u64,
    /// Whether they were only counted.
    pub dry_run: bool,
}
