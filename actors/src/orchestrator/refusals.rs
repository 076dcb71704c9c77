//! Why the store refused a command, as a caller hears it.

use super::Orchestrator;
use crate::Error;
use crate::rules::admission;
use crate::rules::lifecycle::Rejection;
use crate::store::{Operation, Outcome, Refused, StoreError};

impl Orchestrator {
    pub(super) fn refused(&self, refused: Refused, lane: &str) -> Error {
        match refused {
            Refused::NotFound(id) => Error::NotFound(id),
            Refused::Rejected(rejection, operation) => rejected(rejection, &operation),
            Refused::Duplicate(id) => Error::Duplicate(id),
            Refused::IdempotencyMismatch(id) => Error::IdempotencyMismatch(id),
            Refused::NoRoom(why) => StoreError::Full(why).into(),
            Refused::QueueFull { waiting } => {
                let limit = self.queue_limit(lane);
                let room = admission::Room {
                    waiting,
                    free_slots: 0,
                    queue_limit: limit,
                };
                let retry_after_seconds = admission::retry_after_seconds(room);
                Error::QueueFull {
                    lane: lane.to_owned(),
                    waiting,
                    limit,
                    retry_after_seconds,
                }
            }
        }
    }
}

fn rejected(rejection: Rejection, operation: &Operation) -> Error {
    let state = &operation.state;
    Error::Rejected {
        rejection,
        message: rejection.explain(state),
        status: state.shown(),
        verbs: state.verbs(),
    }
}

/// A store that answers a command with another command's outcome.
pub(super) fn unexpected(outcome: &Outcome) -> Error {
    StoreError::Fatal(format!("an unexpected outcome: {outcome:?}")).into()
}
