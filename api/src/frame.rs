//! What goes over a live socket, one JSON text frame each: `GET /api/v1/ws`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{
    Event, EventBody, GapData, LogData, MetricData, RestoredData, ResumedData, StatusData,
    SubmittedData,
};
use crate::{
    CheckpointView, OperationId, OperationRow, OperationView, Progress, Timestamp, Warning,
};

/// What a client may say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Hear of one operation (`operation_id`), or of all that match (`filter`): one of the two.
    Subscribe {
        /// The client's own name for it, 1 to 64 characters; every frame of it carries the name.
        sub: String,
        /// One operation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation_id: Option<OperationId>,
        /// All that match.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filter: Option<Filter>,
        /// Everything after this one first: a `seq` of the operation, or a `cursor` of the filter.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<u64>,
        /// Only these types; by default all. `progress` is one of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        events: Option<Vec<String>>,
        /// At most one progress frame an operation in so many milliseconds: 100 to 10,000.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress_ms: Option<u64>,
    },
    /// Hear no more of it.
    Unsubscribe {
        /// Its name.
        sub: String,
    },
    /// Is anybody there?
    Ping {},
    /// Who calls: the first frame, where tokens are on and none came with the request.
    Auth {
        /// The token.
        token: String,
    },
}

/// Which operations; every condition must hold. Kinds and labels never change, so an operation
/// matches for life.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// One of these kinds; all, when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kind: Vec<String>,
    /// `key:value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerFrame {
    /// The subscription's name, where it is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// Whose, where it is of one operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
    /// Contiguous per operation: of durable events, and of a view the last one that it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Ascending over the whole server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
    /// When.
    pub at: Timestamp,
    /// `type` and `data`.
    #[serde(flatten)]
    pub body: FrameBody,
}

/// What a frame of the server holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum FrameBody {
    /// How it is now; after a replay it says: caught up.
    Snapshot(Snapshot),
    /// How far a run has come: merged, without a number; the last one always arrives.
    Progress(Progress),
    /// A durable event.
    Submitted(SubmittedData),
    /// A durable event.
    Status(StatusData),
    /// A durable event.
    Resumed(ResumedData),
    /// A durable event.
    Restored(RestoredData),
    /// A durable event.
    Checkpoint(CheckpointView),
    /// A durable event.
    Warning(Warning),
    /// A durable event.
    Metric(MetricData),
    /// A durable event.
    Log(LogData),
    /// A durable event, or what is no longer kept of what was asked for.
    Gap(GapData),
    /// The subscription stands; what it is of comes next.
    Subscribed(Nothing),
    /// Nothing more comes of it.
    Unsubscribed(Nothing),
    /// Here.
    Pong(Nothing),
    /// A frame could not be obeyed; the socket stays.
    Error(FrameError),
    /// The socket is about to be closed.
    Closing(Closing),
}

/// How it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Snapshot {
    /// One operation.
    One(Box<OperationView>),
    /// The newest 100 that match and have not ended; older ones are paged by GET.
    Many {
        /// Newest first.
        operations: Vec<OperationRow>,
        /// Everything up to here is in it; a client keeps the higher `seq`.
        cursor: u64,
    },
}

/// Nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nothing {}

/// Why a frame could not be obeyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FrameError {
    /// SCREAMING_SNAKE_CASE.
    pub code: String,
    /// What was expected and what came.
    pub message: String,
}

/// Why the socket is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Closing {
    /// For a person.
    pub reason: String,
}

impl From<EventBody> for FrameBody {
    fn from(body: EventBody) -> Self {
        match body {
            EventBody::Submitted(data) => Self::Submitted(data),
            EventBody::Status(data) => Self::Status(data),
            EventBody::Resumed(data) => Self::Resumed(data),
            EventBody::Restored(data) => Self::Restored(data),
            EventBody::Checkpoint(data) => Self::Checkpoint(data),
            EventBody::Warning(data) => Self::Warning(data),
            EventBody::Metric(data) => Self::Metric(data),
            EventBody::Log(data) => Self::Log(data),
            EventBody::Gap(data) => Self::Gap(data),
        }
    }
}

impl From<Event> for ServerFrame {
    fn from(event: Event) -> Self {
        Self {
            sub: None,
            operation_id: Some(event.operation_id),
            seq: Some(event.seq),
            cursor: Some(event.cursor),
            at: event.at,
            body: event.body.into(),
        }
    }
}

/// The JSON Schemas of both directions, by the names `client` and `server`.
pub fn frame_schemas() -> BTreeMap<&'static str, schemars::Schema> {
    BTreeMap::from([
        ("client", schemars::schema_for!(ClientFrame)),
        ("server", schemars::schema_for!(ServerFrame)),
    ])
}
