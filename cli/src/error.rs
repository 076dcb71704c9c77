//! All errors of the client, with their exit codes and what to do next.

use std::borrow::Cow;

use impresario_api::{Envelope, ErrorBody, Fault, OperationId};
use serde_json::Value;

use crate::values;

/// The operation completed, or the request was accepted.
pub(crate) const DONE: u8 = 0;
/// The operation failed, or the server refused.
pub(crate) const FAILED: u8 = 1;
/// The command line is wrong.
pub(crate) const USAGE: u8 = 2;
/// The server does not answer.
pub(crate) const UNREACHABLE: u8 = 3;
/// Cancelled, or left by Ctrl-C.
pub(crate) const CANCELLED: u8 = 130;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The server does not answer at the address.
    #[error("cannot reach impresariod at {url} ({why})")]
    Unreachable { url: String, why: String },
    /// A live socket ended before its operation did.
    #[error("the connection was lost ({why})")]
    ConnectionLost { why: String },
    /// Another program answers at the address.
    #[error("what answers at {url} is not impresariod ({why})")]
    Stranger { url: String, why: String },
    /// The server refused the request.
    #[error("{} ({})", body.message, body.code)]
    Api { body: ErrorBody },
    /// The server has no such route below the path of the address, which may be the wrong place.
    #[error("{} ({})", body.message, body.code)]
    NoRoute { url: String, body: Box<ErrorBody> },
    /// The answer is not as the API describes it.
    #[error("the server's answer cannot be read: {0}")]
    Garbled(String),
    /// The text is neither an id nor the end of one.
    #[error("\"{text}\" is not {thing}'s id")]
    BadId { thing: Thing, text: String },
    /// No id ends in the text.
    #[error("no {}'s id ends in {text}", thing.noun())]
    UnknownId { thing: Thing, text: String },
    /// More than one id ends in the text.
    #[error("{text} is the end of more than one {}'s id", thing.noun())]
    AmbiguousId {
        thing: Thing,
        text: String,
        /// A line for each: the whole id, and a description.
        candidates: Vec<String>,
    },
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// Ctrl-C while following, for `--json`, which shows no notes.
    #[error("left {}; {state}", id.short())]
    Left {
        id: OperationId,
        state: &'static str,
    },
    /// Ctrl-C during an upload.
    #[error("the upload of {name} was aborted; the server keeps nothing of it")]
    Aborted { name: String },
    /// Standard output is closed or full.
    #[error("cannot write: {0}")]
    Output(#[from] std::io::Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    Operation,
    Model,
}

impl Thing {
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Model => "model",
        }
    }

    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Operation => "op_",
            Self::Model => "mdl_",
        }
    }

    /// The command that lists them.
    const fn list(self) -> &'static str {
        match self {
            Self::Operation => "impresario ops list --all",
            Self::Model => "impresario models list",
        }
    }
}

impl std::fmt::Display for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Operation => "an operation",
            Self::Model => "a model",
        })
    }
}

impl Error {
    /// The command line is wrong.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            // The reader has closed the pipe (`| head -1`), which is not an error.
            Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => DONE,
            Self::Unreachable { .. } | Self::ConnectionLost { .. } | Self::Stranger { .. } => {
                UNREACHABLE
            }
            Self::BadId { .. } | Self::AmbiguousId { .. } | Self::Usage(_) => USAGE,
            Self::Api { body } => match body.code.as_str() {
                "INVALID_PARAMS" | "BAD_REQUEST" | "BAD_JSON" | "KIND_NOT_FOUND" => USAGE,
                _ => FAILED,
            },
            Self::Left { .. } | Self::Aborted { .. } => CANCELLED,
            Self::Garbled(_) | Self::UnknownId { .. } | Self::NoRoute { .. } | Self::Output(_) => {
                FAILED
            }
        }
    }

    /// Whether the reader has closed the pipe, so that no message can be shown.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// Whether the error may be temporary, so that a follower keeps trying.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::ConnectionLost { .. } | Self::Stranger { .. } => true,
            Self::Api { body } => body.retryable,
            _ => false,
        }
    }

    /// The faults that the server found in the request.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let Self::Api { body } = self else {
            return Vec::new();
        };
        let details = body.details.clone().unwrap_or(Value::Null);
        serde_json::from_value(details).unwrap_or_default()
    }

    /// How many more faults the server found than it sent.
    pub(crate) fn more_faults(&self) -> u64 {
        let total = match self {
            Self::Api { body } => body.details_total.unwrap_or(0),
            _ => 0,
        };
        total.saturating_sub(self.faults().len() as u64)
    }

    /// What to do next: each a few words and a command.
    pub(crate) fn next(&self) -> Vec<(&'static str, Cow<'static, str>)> {
        let elsewhere = "impresario --url http://host:7979 ...   or IMPRESARIO_URL";
        let pairs = match self {
            Self::Unreachable { .. } => vec![
                (
                    "start one:",
                    "impresariod            or, from a checkout, cargo xtask serve",
                ),
                ("another place:", elsewhere),
            ],
            Self::Stranger { .. } => vec![("another place:", elsewhere)],
            Self::BadId { thing, .. } => {
                let prefix = thing.prefix();
                let what = format!("{prefix} and 13 characters, or the last 4 or more of them");
                return vec![("expected:", what.into())];
            }
            Self::AmbiguousId { .. } => vec![("type more of it, or all of it", "")],
            Self::UnknownId { thing, .. } => vec![("see which there are:", thing.list())],
            Self::Api { body } => return api_next(body),
            Self::NoRoute { url, body } => {
                let mut next = vec![("is this --url the right one?", url.clone().into())];
                next.extend(api_next(body));
                return next;
            }
            Self::Garbled(_) => vec![(
                "compare the versions:",
                "impresario --version   and   impresario system",
            )],
            Self::ConnectionLost { .. }
            | Self::Usage(_)
            | Self::Left { .. }
            | Self::Aborted { .. }
            | Self::Output(_) => Vec::new(),
        };
        let fixed = |(label, command): (_, &'static str)| (label, command.into());
        pairs.into_iter().map(fixed).collect()
    }

    /// The error in the form of the API, for `--json`.
    pub(crate) fn envelope(&self) -> Envelope<Value> {
        let code = match self {
            Self::Api { body } => return Envelope::error(body.clone()),
            Self::NoRoute { body, .. } => return Envelope::error((**body).clone()),
            Self::Unreachable { .. } => "UNREACHABLE",
            Self::ConnectionLost { .. } => "CONNECTION_LOST",
            Self::Stranger { .. } => "NOT_IMPRESARIO",
            Self::Garbled(_) => "GARBLED_ANSWER",
            Self::BadId { .. } => "BAD_ID",
            Self::UnknownId { thing, .. } => match thing {
                Thing::Operation => "OPERATION_NOT_FOUND",
                Thing::Model => "MODEL_NOT_FOUND",
            },
            Self::AmbiguousId { .. } => "AMBIGUOUS_ID",
            Self::Usage(_) => "USAGE",
            Self::Left { .. } => "LEFT",
            Self::Aborted { .. } => "ABORTED",
            Self::Output(_) => "OUTPUT",
        };
        let details = match self {
            Self::AmbiguousId { candidates, .. } => Some(Value::from(candidates.clone())),
            Self::Left { id, .. } => Some(serde_json::json!({"operation_id": id})),
            _ => None,
        };
        Envelope::error(ErrorBody {
            code: code.to_owned(),
            message: self.to_string(),
            details,
            details_total: None,
            retryable: self.may_pass(),
        })
    }
}

/// What to do after a refusal of the server.
fn api_next(body: &ErrorBody) -> Vec<(&'static str, Cow<'static, str>)> {
    let (label, command) = match body.code.as_str() {
        "ROUTE_NOT_FOUND" => (
            "it may be built without; compare:",
            "impresario --version   and   impresario system",
        ),
        "KIND_NOT_FOUND" => ("see which there are:", "impresario kinds"),
        "OPERATION_NOT_FOUND" => ("see which there are:", Thing::Operation.list()),
        "MODEL_NOT_FOUND" => ("see which there are:", Thing::Model.list()),
        "DATA_NOT_FOUND" => return vec![("try", load(body).into())],
        // Bars in the request are the user's own and need no advice; a dataset is named in the details.
        "NOT_ENOUGH_BARS" if names_data(body) => {
            let text = format!("{} --file NAME   with a longer history", load(body));
            return vec![("try", text.into())];
        }
        "INVALID_PARAMS" => ("what it takes:", "impresario kinds"),
        "REFERENCED" => ("delete it all the same:", "the same with --yes"),
        "UNAUTHENTICATED" => (
            "bring a token:",
            "impresario --token-file FILE ...   or IMPRESARIO_TOKEN",
        ),
        "FILE_NOT_FOUND" => ("see which there are:", "impresario data imports"),
        "QUEUE_FULL" => ("see what fills it:", "impresario system"),
        "SHUTTING_DOWN" | "STORE_UNAVAILABLE" | "BUSY" => ("try again in a moment", ""),
        _ => return Vec::new(),
    };
    vec![(label, command.into())]
}

fn names_data(body: &ErrorBody) -> bool {
    let details = body.details.as_ref();
    details.is_some_and(|details| details["symbol"].is_string())
}

/// The command that loads the missing data, as far as the details name it.
fn load(body: &ErrorBody) -> String {
    let details = body.details.clone().unwrap_or(Value::Null);
    let named = |name: &str| details[name].as_str().unwrap_or_default().to_owned();
    values::load_command(&named("symbol"), &named("timeframe"))
}

#[cfg(test)]
mod tests;
