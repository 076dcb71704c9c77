//! The frames of a live socket, `GET /api/v1/ws`: JSON, one object a text frame.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    CheckpointView, ErrorBody, Event, EventBody, EventType, GapData, LogData, MetricData,
    OperationId, OperationRow, OperationView, Progress, RescheduledData, RestoredData, ResumedData,
    StatusData, SubmittedData, Timestamp, Warning,
};

/// What a client sends. Fields that are not known are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Hear of one operation, or of all that match.
    Subscribe {
        /// The client's own name for it, on every frame that answers: 1 to 64 characters.
        sub: String,
        /// The one operation; this or `filter`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation_id: Option<OperationId>,
        /// All that match; this or `operation_id`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filter: Option<Filter>,
        /// After this `seq` (of one operation) or `cursor` (of a filter): exactly what was missed
        /// comes first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<u64>,
        /// The types to send, by default all. Snapshots and the answers to frames always come.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        events: Option<Vec<EventType>>,
        /// At most one progress frame in so many milliseconds and operation: 100 to 10,000.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress_ms: Option<u64>,
    },
    /// Hear no more of it.
    Unsubscribe {
        /// As it was subscribed.
        sub: String,
    },
    /// Answered by `pong`.
    Ping {},
    /// The first frame where the server wants tokens and the handshake brought none.
    Auth {
        /// As in the token file.
        token: String,
    },
}

/// Which operations: all conditions hold. Kind and labels never change, so it is for life.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// One of these kinds; all kinds when left out or empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Vec<String>>,
    /// Has this label: `key:value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What the server sends. Clients ignore what they do not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerFrame {
    /// The subscription; left out where a frame is about the socket itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The operation; left out where a frame is about no single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
    /// Of an event its number, of a view the last event that it knows of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Of an event its number over the whole store; of a filter's snapshot where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
    /// When it was recorded, read or answered.
    pub at: Timestamp,
    /// `type` and `data`.
    #[serde(flatten)]
    pub body: FrameBody,
}

impl ServerFrame {
    /// A frame without numbers.
    pub const fn new(sub: Option<String>, at: Timestamp, body: FrameBody) -> Self {
        Self {
            sub,
            operation_id: None,
            seq: None,
            cursor: None,
            at,
            body,
        }
    }
}

/// What a server's frame says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum FrameBody {
    /// What is subscribed to, as it is; after a replay it says: caught up.
    Snapshot(Snapshot),
    /// The start was recorded.
    Submitted(SubmittedData),
    /// The status, the stop or the attempt changed.
    Status(StatusData),
    /// The verb `resume` took it back to pending.
    Resumed(ResumedData),
    /// The verb `start-now` took away the time that it waited for.
    Rescheduled(RescheduledData),
    /// A run goes on from a checkpoint.
    Restored(RestoredData),
    /// A checkpoint was recorded.
    Checkpoint(CheckpointView),
    /// Something that a person should know.
    Warning(Warning),
    /// One point of a metric.
    Metric(MetricData),
    /// One line of the function's log.
    Log(LogData),
    /// Something could not be kept.
    Gap(GapData),
    /// How far an operation has come: the newest wins, and the last one always arrives.
    Progress(Progress),
    /// The subscription stands.
    Subscribed(Nothing),
    /// The subscription is over.
    Unsubscribed(Nothing),
    /// The answer to `ping`.
    Pong(Nothing),
    /// A frame of the client's was not carried out.
    Error(ErrorBody),
    /// The server closes the socket.
    Closing(ClosingData),
}

/// An empty object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nothing {}

/// What is subscribed to, as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Snapshot {
    /// Of a filter.
    Rows(FilterSnapshot),
    /// Of one operation.
    View(Box<OperationView>),
}

/// Of a filter: the newest 100 active rows; older ones are paged by GET.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FilterSnapshot {
    /// Newest first. A row may know of events that are told later: the higher `seq` wins.
    pub operations: Vec<OperationRow>,
    /// Every event after it follows.
    pub cursor: u64,
}

/// Why the server closes the socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClosingData {
    /// For a person.
    pub reason: String,
}

impl From<EventBody> for FrameBody {
    fn from(body: EventBody) -> Self {
        match body {
            EventBody::Submitted(data) => Self::Submitted(data),
            EventBody::Status(data) => Self::Status(data),
            EventBody::Resumed(data) => Self::Resumed(data),
            EventBody::Rescheduled(data) => Self::Rescheduled(data),
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
