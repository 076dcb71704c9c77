//! Every cell of the table "What a run's end means".

use crate::common::{MOMENT, STOPS, failure, panicked, running};
use impresario::operation::RunEnd;
use impresario::rules::lifecycle::{Announcement, Input, State, next};
use impresario_api::StopVerb;

/// The state after a run's end, in words: its status, whether an attempt was charged, its error.
fn told(state: &State, was: &State) -> String {
    let early = if state.stopped_early() { " early" } else { "" };
    let charged = if state.attempt > was.attempt {
        " charged"
    } else {
        ""
    };
    let code = state
        .error
        .as_ref()
        .map_or(String::new(), |error| format!(" {}", error.code));
    format!("{}{early}{charged}{code}", state.shown())
}

fn check_ends(end: &RunEnd, expected: [&str; 5], set: impl Fn(&mut State)) {
    for (verb, expected) in STOPS.into_iter().zip(expected) {
        let mut state = running(verb);
        set(&mut state);
        let input = Input::Ended {
            run: state.run,
            end: end.clone(),
            signalled: None,
        };
        let change = next(&state, &input, MOMENT).expect("a run that goes on can end");
        assert_eq!(
            told(&change.state, &state),
            expected,
            "{end:?} with {verb:?}"
        );
        assert_eq!(
            change.state.stop, state.stop,
            "the stop stays: {end:?} with {verb:?}"
        );
        assert_eq!(change.announcement, Announcement::Status);
        let backoff = change.state.backoff_until.is_some();
        let retried = expected.starts_with("pending") && !matches!(end, RunEnd::Lost { .. });
        assert_eq!(
            backoff,
            retried && expected.contains("charged"),
            "{end:?} with {verb:?}"
        );
    }
}

/// A finish had cut the loop before a stronger stop came: what came back is not the whole.
#[test]
fn finished() {
    check_ends(&RunEnd::Finished, ["completed early"; 5], |_| {});
    check_ends(&RunEnd::Finished, ["completed early"; 5], |state| {
        state.shutdown = true;
    });
    let ended = Input::Ended {
        run: 1,
        end: RunEnd::Finished,
        signalled: None,
    };
    let state = running(Some(StopVerb::Cancel));
    let change = next(&State { run: 1, ..state }, &ended, MOMENT).expect("it can end");
    assert!(change.state.early && change.state.stopped_early());
}

#[test]
fn returned() {
    let early = [
        "completed",
        "completed early",
        "completed",
        "completed",
        "completed",
    ];
    check_ends(&RunEnd::Returned, early, |_| {});
    check_ends(&RunEnd::Returned, early, |state| state.shutdown = true);
}

#[test]
fn returned_stopped() {
    let expected = [
        "pending",
        "pending",
        "paused",
        "failed DEADLINE_EXCEEDED",
        "cancelled",
    ];
    check_ends(&RunEnd::Stopped, expected, |state| state.shutdown = true);
    check_ends(&RunEnd::Stopped, expected, |_| {});
    check_ends(&RunEnd::Ignored, expected, |state| state.shutdown = true);
    let finished = [
        "pending",
        "completed early",
        "paused",
        "failed DEADLINE_EXCEEDED",
        "cancelled",
    ];
    check_ends(&RunEnd::Ignored, finished, |_| {});
}

#[test]
fn failed_or_panicked() {
    let again = [
        "pending charged BAD",
        "pending charged BAD",
        "failed BAD",
        "failed BAD",
        "cancelled BAD",
    ];
    let over = [
        "failed BAD",
        "failed BAD",
        "failed BAD",
        "failed BAD",
        "cancelled BAD",
    ];
    check_ends(&failure(true), again, |_| {});
    check_ends(&failure(true), again, |state| state.shutdown = true);
    check_ends(&failure(false), over, |_| {});
    check_ends(&failure(true), over, |state| {
        state.attempt = state.terms.max_attempts
    });
    check_ends(&panicked(), over, |_| {});
    check_ends(&panicked(), again, |state| state.terms.retry_panics = true);
}

const LOST: RunEnd = RunEnd::Lost {
    went_further: false,
};

/// What an earlier run has failed of is told while the next one runs, and is not how that one ends.
#[test]
fn the_error_of_an_earlier_run_goes_with_the_end_of_the_next() {
    let failed_before = |state: &mut State| {
        let failed = |end| {
            let input = Input::Ended {
                run: 1,
                end,
                signalled: None,
            };
            next(&running(None), &input, MOMENT).expect("it runs").state
        };
        state.error = failed(failure(true)).error;
        assert!(state.error.is_some());
    };
    let stopped = [
        "pending",
        "pending",
        "paused",
        "failed DEADLINE_EXCEEDED",
        "cancelled",
    ];
    check_ends(&RunEnd::Stopped, stopped, failed_before);
    let [.., paused, late, cancelled] = stopped;
    let lost = [
        "pending charged LOST",
        "pending charged LOST",
        paused,
        late,
        cancelled,
    ];
    check_ends(&LOST, lost, failed_before);
}

#[test]
fn lost_with_its_process_further_than_where_it_began() {
    let further = RunEnd::Lost { went_further: true };
    let rest = ["paused", "failed DEADLINE_EXCEEDED", "cancelled"];
    let with = |first| [first, first, rest[0], rest[1], rest[2]];
    check_ends(&further, with("pending LOST"), |_| {});
    check_ends(&further, with("pending LOST"), |state| state.attempt = 3);
    check_ends(&further, with("pending"), |state| state.shutdown = true);
    check_ends(&further, with("failed LOST"), |state| {
        state.terms.fail_when_lost = true
    });
}

#[test]
fn lost_with_its_process() {
    let rest = ["paused", "failed DEADLINE_EXCEEDED", "cancelled"];
    let with = |first| [first, first, rest[0], rest[1], rest[2]];
    check_ends(&LOST, with("pending charged LOST"), |_| {});
    check_ends(&LOST, with("pending"), |state| state.shutdown = true);
    check_ends(&LOST, with("failed LOST"), |state| state.attempt = 3);
    check_ends(&LOST, with("failed LOST"), |state| {
        state.terms.fail_when_lost = true
    });
    check_ends(&LOST, with("pending"), |state| {
        (state.shutdown, state.attempt) = (true, 3);
    });
    check_ends(&LOST, with("failed LOST"), |state| {
        (state.shutdown, state.terms.fail_when_lost) = (true, true);
    });
}
