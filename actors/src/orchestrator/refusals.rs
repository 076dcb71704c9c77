//! Why the store refused a command, as a caller hears it.

use impresario_api::Timestamp;

use super::Orchestrator;
use crate::Error;
use crate::rules::admission;
use crate::rules::lifecycle::Rejection;
use crate::store::{Outcome, Refused, StoreError, StoredOperation};

impl Orchestrator {
    pub(super) fn refused(&self, refused: Refused, lane: &str) -> Error {
        match refused {
            Refused::NotFound(id) => Error::NotFound(id),
            Refused::Rejected(rejection, operation) => rejected(rejection, &operation, self.now()),
            Refused::Duplicate(id) => Error::Duplicate(id),
            Refused::IdempotencyMismatch(id) => Error::IdempotencyMismatch(id),
            Refused::NoRoom(why) => StoreError::Full(why).into(),
            Refused::QueueFull(full) => {
                let limits = self.limits(lane, 0);
                Error::QueueFull {
                    lane: lane.to_owned(),
                    waiting: full.waiting,
                    scheduled: full.scheduled,
                    limit: if full.scheduled {
                        limits.scheduled
                    } else {
                        limits.waiting
                    },
                    retry_after_seconds: admission::retry_after_seconds(full),
                }
            }
        }
    }
}

fn rejected(rejection: Rejection, operation: &StoredOperation, now: Timestamp) -> Error {
    let state = &operation.state;
    Error::Rejected {
        rejection,
        message: rejection.explain(state, now),
        status: state.shown(),
        verbs: state.verbs(now),
    }
}

/// A store that answers a command with another command's outcome.
pub(super) fn unexpected(outcome: &Outcome) -> Error {
    StoreError::Fatal(format!("an unexpected outcome: {outcome:?}")).into()
}
