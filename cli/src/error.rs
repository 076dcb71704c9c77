//! Everything that can go wrong, in one place: the exit code and what to do next.

use impresario_api::{Envelope, ErrorBody, Fault, OperationId};
use serde_json::Value;

/// The operation completed, or what was asked was accepted.
pub(crate) const DONE: u8 = 0;
/// The operation failed, or the server refused.
pub(crate) const FAILED: u8 = 1;
/// What was typed cannot be meant.
pub(crate) const USAGE: u8 = 2;
/// Nobody answers.
pub(crate) const UNREACHABLE: u8 = 3;
/// Cancelled, or left by Ctrl-C.
pub(crate) const CANCELLED: u8 = 130;

/// Why a command ends without what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nobody answers at the address.
    #[error("cannot reach impresariod at {url} ({why})")]
    Unreachable { url: String, why: String },
    /// Somebody else answers there.
    #[error("what answers at {url} is not impresariod ({why})")]
    Stranger { url: String, why: String },
    /// The server said no.
    #[error("{} ({})", body.message, body.code)]
    Api { body: ErrorBody },
    /// The answer is not what the contract says.
    #[error("the server's answer cannot be read: {0}")]
    Garbled(String),
    /// Not an id, nor the end of one.
    #[error("\"{0}\" is not an operation's id")]
    BadId(String),
    /// No operation ends so.
    #[error("no operation's id ends in {0}")]
    UnknownId(String),
    /// More than one ends so.
    #[error("{text} is the end of more than one operation's id")]
    AmbiguousId {
        text: String,
        /// A line for each: whole id, kind, status.
        candidates: Vec<String>,
    },
    /// What was typed cannot be meant.
    #[error("{0}")]
    Usage(String),
    /// Ctrl-C while following; for a machine, which sees no notes.
    #[error("left {}; {state}", id.short())]
    Left {
        id: OperationId,
        state: &'static str,
    },
    /// Standard output is gone or full.
    #[error("cannot write: {0}")]
    Output(#[from] std::io::Error),
}

impl Error {
    /// What was typed cannot be meant.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            // The reader has seen enough (`| head -1`): nothing went wrong.
            Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => DONE,
            Self::Unreachable { .. } | Self::Stranger { .. } => UNREACHABLE,
            Self::BadId(_) | Self::AmbiguousId { .. } | Self::Usage(_) => USAGE,
            Self::Api { body } => match body.code.as_str() {
                "INVALID_PARAMS" | "BAD_REQUEST" | "BAD_JSON" | "KIND_NOT_FOUND" => USAGE,
                _ => FAILED,
            },
            Self::Left { .. } => CANCELLED,
            Self::Garbled(_) | Self::UnknownId(_) | Self::Output(_) => FAILED,
        }
    }

    /// Whether the reader has gone, so that there is nobody to tell.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// Whether it may pass by itself, so that a follower keeps trying.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Stranger { .. } => true,
            Self::Api { body } => body.retryable,
            _ => false,
        }
    }

    /// The faults that the server found in what was sent.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let Self::Api { body } = self else {
            return Vec::new();
        };
        let details = body.details.clone().unwrap_or(Value::Null);
        serde_json::from_value(details).unwrap_or_default()
    }

    /// What to do next: pairs of a few words and a command.
    pub(crate) fn next(&self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Unreachable { .. } => vec![
                (
                    "start one:",
                    "impresariod            or, from a checkout, cargo xtask serve",
                ),
                (
                    "another place:",
                    "impresario --url http://host:7979 …   or IMPRESARIO_URL",
                ),
            ],
            Self::Stranger { .. } => {
                vec![(
                    "another place:",
                    "impresario --url http://host:7979 …   or IMPRESARIO_URL",
                )]
            }
            Self::BadId(_) => vec![(
                "expected:",
                "op_ and 13 characters, or the last 4 or more of them",
            )],
            Self::AmbiguousId { .. } => vec![("type more of it, or all of it", "")],
            Self::UnknownId(_) => vec![("see which there are:", "impresario ops list --all")],
            Self::Api { body } => api_next(&body.code),
            Self::Garbled(_) => vec![(
                "compare the versions:",
                "impresario --version   and   impresario system",
            )],
            Self::Usage(_) | Self::Left { .. } | Self::Output(_) => Vec::new(),
        }
    }

    /// As the API would say it, for `--json`.
    pub(crate) fn envelope(&self) -> Envelope<Value> {
        let code = match self {
            Self::Api { body } => return Envelope::error(body.clone()),
            Self::Unreachable { .. } => "UNREACHABLE",
            Self::Stranger { .. } => "NOT_IMPRESARIO",
            Self::Garbled(_) => "GARBLED_ANSWER",
            Self::BadId(_) => "BAD_ID",
            Self::UnknownId(_) => "OPERATION_NOT_FOUND",
            Self::AmbiguousId { .. } => "AMBIGUOUS_ID",
            Self::Usage(_) => "USAGE",
            Self::Left { .. } => "LEFT",
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
            retryable: self.may_pass(),
        })
    }
}

/// What to do about a refusal of the server.
fn api_next(code: &str) -> Vec<(&'static str, &'static str)> {
    match code {
        "KIND_NOT_FOUND" => vec![("see which there are:", "impresario kinds")],
        "OPERATION_NOT_FOUND" => vec![("see which there are:", "impresario ops list --all")],
        "INVALID_PARAMS" => vec![("what it takes:", "impresario kinds")],
        "UNAUTHENTICATED" => vec![(
            "bring a token:",
            "impresario --token-file FILE …   or IMPRESARIO_TOKEN",
        )],
        "QUEUE_FULL" => vec![("see what fills it:", "impresario system")],
        "SHUTTING_DOWN" | "STORE_UNAVAILABLE" => vec![("try again in a moment", "")],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(code: &str) -> Error {
        Error::Api {
            body: ErrorBody {
                code: code.to_owned(),
                message: "no".to_owned(),
                details: None,
                retryable: false,
            },
        }
    }

    #[test]
    fn every_refusal_has_its_exit_code() {
        for (code, exit) in [
            ("INVALID_PARAMS", 2),
            ("BAD_REQUEST", 2),
            ("KIND_NOT_FOUND", 2),
            ("OPERATION_NOT_FOUND", 1),
            ("ALREADY_ENDED", 1),
            ("QUEUE_FULL", 1),
            ("INTERNAL", 1),
        ] {
            assert_eq!(api(code).exit_code(), exit, "{code}");
        }
    }

    #[test]
    fn every_other_error_has_its_exit_code() {
        let text = || "x".to_owned();
        let (url, why) = (text(), text());
        let unreachable = Error::Unreachable { url, why };
        let (url, why) = (text(), text());
        let stranger = Error::Stranger { url, why };
        let ambiguous = Error::AmbiguousId {
            text: text(),
            candidates: vec![],
        };
        let left = Error::Left {
            id: OperationId::from_u64(0),
            state: "it goes on",
        };
        let output = |kind| Error::Output(std::io::Error::from(kind));
        for (error, code) in [
            (unreachable, 3),
            (stranger, 3),
            (Error::Garbled(text()), 1),
            (Error::BadId(text()), 2),
            (Error::UnknownId(text()), 1),
            (ambiguous, 2),
            (Error::Usage(text()), 2),
            (left, 130),
            (output(std::io::ErrorKind::BrokenPipe), 0),
            (output(std::io::ErrorKind::StorageFull), 1),
        ] {
            assert_eq!(error.exit_code(), code, "{error}");
        }
    }

    #[test]
    fn the_envelope_of_an_api_error_is_the_servers_own() {
        let envelope = api("QUEUE_FULL").envelope();
        assert_eq!(envelope.error.expect("it is an error").code, "QUEUE_FULL");
    }
}
