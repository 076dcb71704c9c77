//! What clients send, and the answer to a start.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::text::unclear_class;
use crate::{ForkedFrom, OperationId, OperationView, Status, Timestamp};

/// `POST /api/v1/operations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRequest {
    /// The kind to start.
    pub kind: String,
    /// The params, an object.
    #[serde(default)]
    pub params: Value,
    /// How to run the operation.
    #[serde(default, deserialize_with = "or_null")]
    #[schemars(with = "Option<StartOptions>")]
    pub options: StartOptions,
}

/// How to run an operation. Options that are left out have the kind's defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StartOptions {
    /// The priority, −100 to 100, higher first; 0 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -100, max = 100))]
    pub priority: Option<i32>,
    /// Labels of the caller: at most 64, and at most 4 KiB together.
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
    /// How long one run may take, in seconds; more than 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 3_162_240_000_u64))]
    pub timeout_seconds: Option<f64>,
    /// The greatest number of attempts; at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    pub max_attempts: Option<u32>,
    /// The time before which the operation does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

/// The body of a verb; may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VerbRequest {
    /// The reason, which is recorded and shown to people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_000))]
    pub reason: Option<String>,
}

/// Reads null as a field that is left out.
pub(crate) fn or_null<'de, T, D>(from: D) -> Result<T, D::Error>
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
    /// The answer did not wait, or the end did not come in time.
    Async,
    /// The answer waited, and the operation has ended.
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
    /// A sentence for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The checkpoint from which it goes on, for a fork.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<ForkedFrom>,
    /// True if the idempotency key was used before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    /// The operation, for `sync` and `replayed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Box<OperationView>>,
    /// The output, for `sync`; null if the operation ended without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
}

/// `POST /api/v1/operations/prune`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PruneRequest {
    /// Operations that ended longer ago than this are removed.
    #[schemars(range(min = 0.0, max = 1e10))]
    pub older_than_seconds: f64,
    /// Whether the operations are only counted.
    #[serde(default)]
    pub dry_run: bool,
}

/// How many operations were removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PruneAnswer {
    /// The number of operations.
    pub pruned: u64,
    /// Whether the operations were only counted.
    pub dry_run: bool,
}
