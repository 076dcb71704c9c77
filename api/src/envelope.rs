//! The envelope around every answer, and the codes of its errors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Every answer: `{"success": true, "data": …}` or `{"success": false, "error": …}`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq)]
pub struct Envelope<T> {
    /// Whether the request was carried out.
    pub success: bool,
    /// The result of a request that was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<T>,
    /// Why a request was not carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

impl<T> Envelope<T> {
    /// The envelope of an answer.
    pub const fn ok(data: T) -> Self {
        Self {
            success: true,
            data: Some(data),
            error: None,
        }
    }

    /// The envelope of an error.
    pub const fn error(error: ErrorBody) -> Self {
        Self {
            success: false,
            data: None,
            error: Some(error),
        }
    }

    /// The data, or the error.
    pub fn into_result(self) -> Result<T, Option<ErrorBody>> {
        match self.data {
            Some(data) if self.success => Ok(data),
            _ => Err(self.error),
        }
    }
}

/// One error, for a program (`code`, `details`, `retryable`) and for a person (`message`).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq)]
pub struct ErrorBody {
    /// SCREAMING_SNAKE_CASE: one of [`Code`], or a kind's own refusal.
    pub code: String,
    /// What was expected and what came, for a person.
    pub message: String,
    /// More, depending on the code: for `INVALID_PARAMS` and `BAD_REQUEST` the first faults, each a
    /// [`crate::Fault`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// How many faults there are, where `details` lists the first 20 of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details_total: Option<u64>,
    /// Whether the same request may succeed later.
    #[serde(default)]
    pub retryable: bool,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal),* $(,)?) => {
        /// The codes of the API itself. Refusals and failures of a kind have codes of their own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[doc = $doc])* $name),* }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What the code means, for a person.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_ascii()),* }
            }
        }
    };
}

codes! {
    /// The body is not JSON.
    BadJson = "BAD_JSON",
    /// There is a fault in the query, the options or the outer fields.
    BadRequest = "BAD_REQUEST",
    /// There is no token, or a wrong one.
    Unauthenticated = "UNAUTHENTICATED",
    /// Too many tokens of this caller were refused. The caller may try again later.
    TooManyRefusals = "TOO_MANY_REFUSALS",
    /// The Host header names a host to which this server does not answer.
    ForbiddenHost = "FORBIDDEN_HOST",
    /// A foreign page asked for a change or a socket.
    ForbiddenOrigin = "FORBIDDEN_ORIGIN",
    /// There is no such route.
    RouteNotFound = "ROUTE_NOT_FOUND",
    /// There is no such operation.
    OperationNotFound = "OPERATION_NOT_FOUND",
    /// There is no such kind.
    KindNotFound = "KIND_NOT_FOUND",
    /// There is no such dataset.
    DataNotFound = "DATA_NOT_FOUND",
    /// There is no such model.
    ModelNotFound = "MODEL_NOT_FOUND",
    /// The route does not have this method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED",
    /// The operation has ended.
    AlreadyEnded = "ALREADY_ENDED",
    /// The verb does not apply in this status.
    WrongState = "WRONG_STATE",
    /// There is no output yet.
    NoResult = "NO_RESULT",
    /// The kind does not support this verb.
    VerbNotSupported = "VERB_NOT_SUPPORTED",
    /// A stronger stop is already under way.
    Stopping = "STOPPING",
    /// There is no checkpoint to go on from, or none at that step.
    NoCheckpoint = "NO_CHECKPOINT",
    /// The checkpoint is damaged.
    CheckpointDamaged = "CHECKPOINT_DAMAGED",
    /// Where the checkpoint should be there is another operation's.
    CheckpointForeign = "CHECKPOINT_FOREIGN",
    /// The checkpoint could not be copied. There may be no room.
    CheckpointNotWritten = "CHECKPOINT_NOT_WRITTEN",
    /// An operation like it has not ended yet.
    Duplicate = "DUPLICATE",
    /// Models or operations refer to what should be deleted.
    Referenced = "REFERENCED",
    /// The body is over its limit.
    BodyTooLarge = "BODY_TOO_LARGE",
    /// The body is not declared as JSON.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
    /// The params do not fit the kind.
    InvalidParams = "INVALID_PARAMS",
    /// The idempotency key belongs to another request.
    IdempotencyMismatch = "IDEMPOTENCY_MISMATCH",
    /// The lane's queue is full.
    QueueFull = "QUEUE_FULL",
    /// The client has too many connections or requests at the same time, or the server too many live
    /// sockets.
    TooManyConnections = "TOO_MANY_CONNECTIONS",
    /// `since` is higher than the newest number.
    SinceAhead = "SINCE_AHEAD",
    /// The socket already has a subscription with this name.
    SubInUse = "SUB_IN_USE",
    /// The socket has no subscription with this name.
    SubNotFound = "SUB_NOT_FOUND",
    /// The socket has as many subscriptions as are allowed.
    TooManySubscriptions = "TOO_MANY_SUBSCRIPTIONS",
    /// The server has a bug.
    Internal = "INTERNAL",
    /// The server has too many large requests at the same time. Try again in a moment.
    Busy = "BUSY",
    /// The server is shutting down.
    ShuttingDown = "SHUTTING_DOWN",
    /// The store is not available.
    StoreUnavailable = "STORE_UNAVAILABLE",
    /// The disk of the store is full.
    StoreFull = "STORE_FULL",
}
