//! The frames of a live socket, `GET /api/v1/ws`: each text frame is a JSON object.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    CheckpointView, ErrorBody, Event, EventBody, EventType, GapData, LogData, MetricData,
    OperationId, OperationRow, OperationView, Progress, RescheduledData, RestoredData, ResumedData,
    StatusData, SubmittedData, Timestamp, Warning,
};

/// A frame of a client. Unknown fields are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Subscribes to one operation, or to all that match.
    Subscribe {
        /// The client's name for the subscription, which every frame of it repeats: 1 to 64 characters.
        sub: String,
        /// The operation; either this or `filter` is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation_id: Option<OperationId>,
        /// The filter; either this or `operation_id` is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filter: Option<Filter>,
        /// The `seq` (for one operation) or `cursor` (for a filter) after which the events that were missed
        /// come first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<u64>,
        /// The types to send, by default all. Snapshots and the answers to frames always come.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        events: Option<Vec<EventType>>,
        /// The least time between two progress frames of an operation, in milliseconds: 100 to 10,000.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress_ms: Option<u64>,
    },
    /// Ends a subscription.
    Unsubscribe {
        /// The name of the subscription.
        sub: String,
    },
    /// Asks for a `pong`.
    Ping {},
    /// The first frame if the server needs a token and the handshake had none.
    Auth {
        /// The token, as in the token file.
        token: String,
    },
}

/// Operations for which all conditions hold. Kind and labels never change, so an operation matches for
/// its whole life.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// The kinds; all kinds if left out or empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Vec<String>>,
    /// A label, as `key:value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A frame of the server. Clients ignore what they do not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerFrame {
    /// The subscription; left out if the frame is about the socket itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The operation; left out if the frame is not about a single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
    /// For an event its number in its operation, for a view the number of the last event that it includes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// For an event its number in the store, for a filter's snapshot that of the last event that it includes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
    /// When the event was recorded, the snapshot read, or the frame answered.
    pub at: Timestamp,
    /// `type` and `data`.
    #[serde(flatten)]
    pub body: FrameBody,
}

impl ServerFrame {
    /// A frame without `seq` and `cursor`.
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

/// The content of a server's frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum FrameBody {
    /// The present state of what is subscribed to. After a replay it means that the client is up to date.
    Snapshot(Snapshot),
    /// The start was recorded.
    Submitted(SubmittedData),
    /// The status, the stop or the attempt changed.
    Status(StatusData),
    /// The verb `resume` made the operation pending again.
    Resumed(ResumedData),
    /// The verb `start-now` removed the time for which the operation waited.
    Rescheduled(RescheduledData),
    /// A run goes on from a checkpoint.
    Restored(RestoredData),
    /// A checkpoint was recorded.
    Checkpoint(CheckpointView),
    /// A person should know about something.
    Warning(Warning),
    /// One point of a metric.
    Metric(MetricData),
    /// One line of the function's log.
    Log(LogData),
    /// Some events could not be kept.
    Gap(GapData),
    /// The progress of an operation. The newest replaces older ones, and the last one always arrives.
    Progress(Progress),
    /// The subscription has begun.
    Subscribed(Nothing),
    /// The subscription has ended.
    Unsubscribed(Nothing),
    /// The answer to `ping`.
    Pong(Nothing),
    /// A frame of the client was refused.
    Error(ErrorBody),
    /// The server closes the socket.
    Closing(ClosingData),
}

/// An empty object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nothing {}

/// The present state of what is subscribed to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Snapshot {
    /// The operations of a filter.
    Rows(FilterSnapshot),
    /// The view of one operation.
    View(Box<OperationView>),
}

/// The newest 100 active rows of a filter; older ones are read with GET.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FilterSnapshot {
    /// The rows, newest first. A row may include events that are sent later, so clients keep the higher
    /// `seq`.
    pub operations: Vec<OperationRow>,
    /// The cursor after which every event follows.
    pub cursor: u64,
}

/// Why the server closes the socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClosingData {
    /// The reason, for a person.
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

/// The JSON Schemas of both directions, named `client` and `server`.
pub fn frame_schemas() -> BTreeMap<&'static str, schemars::Schema> {
    BTreeMap::from([
        ("client", schemars::schema_for!(ClientFrame)),
        ("server", schemars::schema_for!(ServerFrame)),
    ])
}
