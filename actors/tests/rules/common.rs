//! What the tests of the rules have in common.

use std::time::Duration;

use impresario::operation::{RunEnd, RunFailure};
use impresario::rules::lifecycle::{Input, Moment, Recorded, State, Terms};
use impresario::rules::retry::Backoff;
use impresario_api::{Stop, StopVerb, Timestamp, Verb};

pub(crate) const MOMENT: Moment = Moment {
    now: Timestamp::from_millis(5_000),
    jitter: 0.5,
};

/// Every stop that may be under way, weakest first.
pub(crate) const STOPS: [Option<StopVerb>; 5] = [
    None,
    Some(StopVerb::Finish),
    Some(StopVerb::Pause),
    Some(StopVerb::Deadline),
    Some(StopVerb::Cancel),
];

/// A kind that can do everything and has three attempts.
pub(crate) fn terms() -> Terms {
    Terms {
        pausable: true,
        finishable: true,
        max_attempts: 3,
        backoff: Backoff {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(60),
        },
        retry_panics: false,
        fail_when_lost: false,
    }
}

pub(crate) fn stop(verb: StopVerb) -> Stop {
    Stop {
        verb,
        requested_at: Timestamp::from_millis(4_000),
        requested_by: "me".to_owned(),
        reason: None,
    }
}

/// In its first run, with a stop under way.
pub(crate) fn running(verb: Option<StopVerb>) -> State {
    State {
        status: Recorded::Running,
        run: 1,
        stop: verb.map(stop),
        ..State::submitted(terms(), None)
    }
}

pub(crate) fn asked(verb: Verb) -> Input {
    Input::Asked {
        verb,
        by: "me".to_owned(),
        reason: None,
    }
}

pub(crate) fn failure(retryable: bool) -> RunEnd {
    RunEnd::Failed(went_wrong(retryable))
}

pub(crate) fn panicked() -> RunEnd {
    RunEnd::Panicked(went_wrong(false))
}

fn went_wrong(retryable: bool) -> RunFailure {
    RunFailure {
        code: "BAD".to_owned(),
        message: "it went wrong".to_owned(),
        details: None,
        retryable,
        step: None,
    }
}
