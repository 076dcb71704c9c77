//! What a run's end means.

use impresario_api::{OperationError, StopVerb};

use super::state::{Moment, Recorded, State};
use crate::rules::retry::backoff_ms;
use crate::rules::run_end::{RunEnd, RunFailure};

/// What a run's end means: the first table of the lifecycle, column by column.
pub(super) fn ended(state: &State, end: &RunEnd, moment: Moment) -> State {
    use StopVerb::{Cancel, Deadline, Finish, Pause};
    // What an earlier run has failed of is not how this one ended.
    let to = |status| State {
        status,
        error: None,
        ..state.clone()
    };
    let failed = |error| State {
        error: Some(error),
        ..to(Recorded::Failed)
    };
    let completed = to(Recorded::Completed);
    match (end, state.stop_verb()) {
        (RunEnd::Ignored, Some(Finish)) if !state.shutdown => completed,
        (RunEnd::Returned, _) => completed,
        (RunEnd::Finished, _) => State {
            early: true,
            ..completed
        },
        (RunEnd::Stopped | RunEnd::Ignored, None | Some(Finish)) => to(Recorded::Pending),
        (RunEnd::Stopped | RunEnd::Ignored | RunEnd::Lost { .. }, Some(Pause)) => {
            to(Recorded::Paused)
        }
        (RunEnd::Stopped | RunEnd::Ignored | RunEnd::Lost { .. }, Some(Cancel)) => {
            to(Recorded::Cancelled)
        }
        (RunEnd::Stopped | RunEnd::Ignored | RunEnd::Lost { .. }, Some(Deadline)) => {
            failed(deadline(state))
        }
        (RunEnd::Failed(failure) | RunEnd::Panicked(failure), Some(Cancel)) => State {
            error: Some(error(state, failure)),
            ..to(Recorded::Cancelled)
        },
        (RunEnd::Failed(failure) | RunEnd::Panicked(failure), Some(Pause | Deadline)) => {
            failed(error(state, failure))
        }
        (RunEnd::Failed(failure), None | Some(Finish)) => {
            tried_again(state, error(state, failure), failure.retryable, moment)
        }
        (RunEnd::Panicked(failure), None | Some(Finish)) => {
            let again = state.terms.retry_panics;
            tried_again(state, error(state, failure), again, moment)
        }
        (RunEnd::Lost { went_further }, None | Some(Finish)) => lost(state, *went_further),
    }
}

/// The retry policy: the next attempt after a backoff, or the end.
fn tried_again(state: &State, error: OperationError, retryable: bool, moment: Moment) -> State {
    let error = OperationError { retryable, ..error };
    if !retryable || state.attempt >= state.terms.max_attempts {
        return State {
            status: Recorded::Failed,
            error: Some(error),
            ..state.clone()
        };
    }
    let wait = backoff_ms(state.terms.backoff, state.attempt, moment.jitter);
    State {
        status: Recorded::Pending,
        attempt: state.attempt + 1,
        backoff_until: Some(moment.now.plus_millis(wait)),
        error: Some(error),
        ..state.clone()
    }
}

/// A run that went with its process: free after a shutdown mark, and if it has come further than where it
/// began; else it costs an attempt. A kind that is not run again by itself fails in any case: its run did
/// not come back in order.
fn lost(state: &State, went_further: bool) -> State {
    let spent = state.attempt >= state.terms.max_attempts;
    let again = |attempt, error| State {
        status: Recorded::Pending,
        attempt,
        error,
        ..state.clone()
    };
    let message = match (state.terms.fail_when_lost, state.shutdown, spent) {
        (true, ..) => {
            "the process ended under the run, and this kind is not run again by itself".to_owned()
        }
        (false, true, _) => return again(state.attempt, None),
        (false, false, _) if went_further => {
            let message = "the process ended under the run, which goes on from its checkpoint";
            let error = lost_error(state, message.to_owned());
            return again(state.attempt, Some(error));
        }
        (false, false, true) => {
            let attempt = state.attempt;
            format!("the process ended under the run, and attempt {attempt} was the last")
        }
        (false, false, false) => {
            let message = "the process ended under the run".to_owned();
            return again(state.attempt + 1, Some(lost_error(state, message)));
        }
    };
    State {
        status: Recorded::Failed,
        error: Some(lost_error(state, message)),
        ..state.clone()
    }
}

fn lost_error(state: &State, message: String) -> OperationError {
    OperationError {
        code: "LOST".to_owned(),
        message,
        details: None,
        retryable: true,
        run: state.run,
        step: None,
    }
}

fn error(state: &State, failure: &RunFailure) -> OperationError {
    OperationError {
        code: failure.code.clone(),
        message: failure.message.clone(),
        details: failure.details.clone(),
        retryable: failure.retryable,
        run: state.run,
        step: failure.step.clone(),
    }
}

fn deadline(state: &State) -> OperationError {
    let reason = state.stop.as_ref().and_then(|stop| stop.reason.clone());
    OperationError {
        code: "DEADLINE_EXCEEDED".to_owned(),
        message: reason.unwrap_or_else(|| "the run took longer than it may".to_owned()),
        details: None,
        retryable: true,
        run: state.run,
        step: None,
    }
}
