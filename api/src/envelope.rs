//! The envelope around every answer, and the codes of its errors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Every answer: `{"success": true, "data": …}` or `{"success": false, "error": …}`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq)]
pub struct Envelope<T> {
    /// Whether the request was carried out.
    pub success: bool,
    /// What was asked for, when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<T>,
    /// Why not, when it was not.
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
    /// What was expected and what came.
    pub message: String,
    /// More, by code: for `INVALID_PARAMS` and `BAD_REQUEST` the first of a list of [`crate::Fault`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// How many faults there are, where `details` lists the first 20 of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details_total: Option<u64>,
    /// Whether the same request may go through later.
    #[serde(default)]
    pub retryable: bool,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal),* $(,)?) => {
        /// The codes of the API itself. A kind's refusals and failures bring codes of their own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[doc = $doc])* $name),* }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As it stands on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What it says, for a person.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_ascii()),* }
            }
        }
    };
}

codes! {
    /// The body is not JSON.
    BadJson = "BAD_JSON",
    /// A fault in the query, the options or the outer fields.
    BadRequest = "BAD_REQUEST",
    /// No token, or a wrong one.
    Unauthenticated = "UNAUTHENTICATED",
    /// Too many tokens of this caller were refused; it may try again later.
    TooManyRefusals = "TOO_MANY_REFUSALS",
    /// The Host header names no host that this server answers to.
    ForbiddenHost = "FORBIDDEN_HOST",
    /// A foreign page asked for a change or a socket.
    ForbiddenOrigin = "FORBIDDEN_ORIGIN",
    /// No such route.
    RouteNotFound = "ROUTE_NOT_FOUND",
    /// No such operation.
    OperationNotFound = "OPERATION_NOT_FOUND",
    /// No such kind.
    KindNotFound = "KIND_NOT_FOUND",
    /// No such data.
    DataNotFound = "DATA_NOT_FOUND",
    /// No such model.
    ModelNotFound = "MODEL_NOT_FOUND",
    /// The route exists, the method does not.
    MethodNotAllowed = "METHOD_NOT_ALLOWED",
    /// The operation has ended.
    AlreadyEnded = "ALREADY_ENDED",
    /// The verb does not apply in this status.
    WrongState = "WRONG_STATE",
    /// There is no output yet.
    NoResult = "NO_RESULT",
    /// The kind cannot do this verb.
    VerbNotSupported = "VERB_NOT_SUPPORTED",
    /// A stronger stop is already under way.
    Stopping = "STOPPING",
    /// Nothing to resume from.
    NoCheckpoint = "NO_CHECKPOINT",
    /// One like it is live.
    Duplicate = "DUPLICATE",
    /// The body is over its limit.
    BodyTooLarge = "BODY_TOO_LARGE",
    /// The body is not declared as JSON.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
    /// The params are not what the kind takes.
    InvalidParams = "INVALID_PARAMS",
    /// The idempotency key stands for another request.
    IdempotencyMismatch = "IDEMPOTENCY_MISMATCH",
    /// The lane's queue is full.
    QueueFull = "QUEUE_FULL",
    /// A client has as many connections or requests under way as it may have, or the server as many
    /// live sockets.
    TooManyConnections = "TOO_MANY_CONNECTIONS",
    /// `since` is a number that has not been reached yet.
    SinceAhead = "SINCE_AHEAD",
    /// The socket has a subscription of this name.
    SubInUse = "SUB_IN_USE",
    /// The socket has no subscription of this name.
    SubNotFound = "SUB_NOT_FOUND",
    /// The socket has as many subscriptions as it may have.
    TooManySubscriptions = "TOO_MANY_SUBSCRIPTIONS",
    /// A bug.
    Internal = "INTERNAL",
    /// More is asked at once than the server works on; try again in a moment.
    Busy = "BUSY",
    /// The server is going down.
    ShuttingDown = "SHUTTING_DOWN",
    /// The store does not answer.
    StoreUnavailable = "STORE_UNAVAILABLE",
    /// The store's disk is full.
    StoreFull = "STORE_FULL",
}
