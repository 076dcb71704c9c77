//! Every cell of the table "Outside a run", the ranks of stops, and the other inputs.

use crate::common::{MOMENT, STOPS, asked, running, stop, terms};
use impresario::operation::RunEnd;
use impresario::rules::lifecycle::{
    Announcement, Input, Recorded, Rejection, Ruling, State, Terms, next, rule,
};
use impresario_api::{Status, StopVerb, Verb};

/// What a verb does, in words.
fn answer(state: &State, verb: Verb) -> String {
    match next(state, &asked(verb), MOMENT) {
        Ok(change) if change.new_operation => "new".to_owned(),
        Ok(change) if change.announcement == Announcement::Nothing => {
            assert_eq!(&change.state, state, "nothing is recorded");
            "so already".to_owned()
        }
        Ok(change) => change.state.shown().to_string(),
        Err(rejection) => {
            assert!(!rejection.explain(state, MOMENT.now).is_empty());
            code(rejection).to_owned()
        }
    }
}

const fn code(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::AlreadyEnded => "ALREADY_ENDED",
        Rejection::WrongState(_) => "WRONG_STATE",
        Rejection::NotSupported(_) => "VERB_NOT_SUPPORTED",
        Rejection::Stopping(..) => "STOPPING",
        Rejection::NoCheckpoint => "NO_CHECKPOINT",
        Rejection::Fenced(_) => "fenced",
        Rejection::NotPending => "not pending",
    }
}

fn at(status: Recorded, has_checkpoint: bool) -> State {
    State {
        status,
        has_checkpoint,
        attempt: 2,
        run: 2,
        ..State::submitted(terms(), None)
    }
}

#[test]
fn verbs_outside_a_run() {
    use Recorded::{Cancelled, Completed, Failed, Paused, Pending};
    let (ended, wrong) = ("ALREADY_ENDED", "WRONG_STATE");
    let rows = [
        (
            Verb::Cancel,
            ["cancelled", "cancelled", ended, "so already", ended],
        ),
        (Verb::Pause, ["paused", "so already", ended, ended, ended]),
        (Verb::Finish, [wrong, wrong, ended, ended, ended]),
        (
            Verb::Resume,
            ["so already", "pending", "pending", "pending", ended],
        ),
        (Verb::Retry, [wrong, wrong, "new", "new", "new"]),
        (Verb::StartNow, ["so already", wrong, ended, ended, ended]),
    ];
    for (verb, cells) in rows {
        for (status, cell) in [Pending, Paused, Failed, Cancelled, Completed]
            .into_iter()
            .zip(cells)
        {
            assert_eq!(
                answer(&at(status, true), verb),
                cell,
                "{verb} when {status:?}"
            );
            let without = match (verb, status) {
                (Verb::Resume, Failed | Cancelled) => "NO_CHECKPOINT",
                _ => cell,
            };
            assert_eq!(
                answer(&at(status, false), verb),
                without,
                "{verb} when {status:?}"
            );
        }
    }
}

#[test]
fn a_stronger_stop_replaces_a_weaker() {
    let (weaker, again) = ("STOPPING", "so already");
    let rows = [
        (Verb::Finish, ["running", again, weaker, weaker, weaker]),
        (Verb::Pause, ["pausing", "pausing", again, weaker, weaker]),
        (
            Verb::Cancel,
            [
                "cancelling",
                "cancelling",
                "cancelling",
                "cancelling",
                again,
            ],
        ),
        (Verb::Resume, ["WRONG_STATE"; 5]),
        (Verb::Retry, ["WRONG_STATE"; 5]),
        (Verb::StartNow, ["WRONG_STATE"; 5]),
    ];
    for (verb, cells) in rows {
        for (under_way, cell) in STOPS.into_iter().zip(cells) {
            assert_eq!(
                answer(&running(under_way), verb),
                cell,
                "{verb} with {under_way:?}"
            );
        }
    }
    let replaced = [true, true, true, false, false];
    for (under_way, replaced) in STOPS.into_iter().zip(replaced) {
        let state = running(under_way);
        let timeout = Input::TimedOut {
            run: state.run,
            reason: "one run may take 30 s".to_owned(),
        };
        let change = next(&state, &timeout, MOMENT).expect("the run goes on");
        let verb = change.state.stop.as_ref().map(|stop| stop.verb);
        let expected = if replaced {
            Some(StopVerb::Deadline)
        } else {
            under_way
        };
        assert_eq!(verb, expected, "a timeout with {under_way:?}");
        assert_eq!(change.announcement == Announcement::Status, replaced);
    }
}

#[test]
fn what_the_kind_cannot_do() {
    let mut state = running(None);
    state.terms = Terms {
        pausable: false,
        finishable: false,
        ..terms()
    };
    assert_eq!(answer(&state, Verb::Pause), "VERB_NOT_SUPPORTED");
    assert_eq!(answer(&state, Verb::Finish), "VERB_NOT_SUPPORTED");
    assert_eq!(state.verbs(MOMENT.now), [Verb::Cancel]);
    state.status = Recorded::Pending;
    assert_eq!(
        answer(&state, Verb::Pause),
        "paused",
        "a row can rest, whatever its kind"
    );
}

#[test]
fn a_shutdown_is_no_stop() {
    for under_way in STOPS {
        let state = running(under_way);
        let change = next(&state, &Input::ShuttingDown { run: 1 }, MOMENT).expect("it runs");
        assert_eq!(change.announcement, Announcement::Nothing);
        assert_eq!(
            change.state,
            State {
                shutdown: true,
                ..state
            }
        );
    }
}

#[test]
fn dispatch_and_resume_clear_the_stop_except_a_kept_finish() {
    for (under_way, kept) in [(StopVerb::Finish, true), (StopVerb::Pause, false)] {
        let mut state = at(Recorded::Pending, false);
        (state.stop, state.shutdown) = (Some(stop(under_way)), true);
        state.not_before = Some(MOMENT.now);
        let ran = next(&state, &Input::Dispatched, MOMENT)
            .expect("it is pending")
            .state;
        assert_eq!(ran.stop.is_some(), kept, "{under_way}");
        assert_eq!(
            (ran.run, ran.attempt),
            (3, 2),
            "a new run, the same attempt"
        );
        assert_eq!((ran.shutdown, ran.not_before), (false, None));
    }
    for (status, attempt) in [
        (Recorded::Paused, 2),
        (Recorded::Failed, 1),
        (Recorded::Cancelled, 1),
    ] {
        let mut state = at(status, true);
        state.stop = Some(stop(StopVerb::Cancel));
        let change = next(&state, &asked(Verb::Resume), MOMENT).expect("it can be resumed");
        assert_eq!(change.state.stop, None);
        assert_eq!(
            (change.state.run, change.state.attempt),
            (2, attempt),
            "{status:?}"
        );
        assert!(matches!(change.announcement, Announcement::Resumed { .. }));
    }
}

/// Pending, and waits for these times.
fn waiting(not_before: Option<i64>, backoff_until: Option<i64>) -> State {
    let after = |millis| MOMENT.now.plus_millis(millis);
    State {
        not_before: not_before.map(after),
        backoff_until: backoff_until.map(after),
        ..at(Recorded::Pending, false)
    }
}

#[test]
fn start_now_does_something_while_a_time_is_waited_for() {
    for (state, does) in [
        (waiting(None, None), false),
        (waiting(Some(0), None), false),
        (waiting(Some(1), None), true),
        (waiting(None, Some(1)), true),
        (waiting(Some(-1), Some(0)), false),
        (waiting(Some(-1), Some(1)), true),
    ] {
        let change = next(&state, &asked(Verb::StartNow), MOMENT).expect("it is pending");
        let told = matches!(change.announcement, Announcement::Rescheduled { .. });
        assert_eq!(told, does, "{state:?}");
        assert_eq!(state.verbs(MOMENT.now).contains(&Verb::StartNow), does);
        assert_eq!(state.is_scheduled(MOMENT.now), does);
        if does {
            assert_eq!(change.state.waits_until(), None);
            assert_eq!(change.state.status, Recorded::Pending);
        }
    }
}

#[test]
fn a_time_that_was_asked_for_is_kept_and_a_backoff_is_not() {
    let state = waiting(Some(9), Some(7));
    let mut state = next(&state, &asked(Verb::Pause), MOMENT)
        .expect("it rests")
        .state;
    let asked_for = Some(MOMENT.now.plus_millis(9));
    assert_eq!((state.not_before, state.backoff_until), (asked_for, None));
    state = next(&state, &asked(Verb::Resume), MOMENT)
        .expect("it goes on")
        .state;
    assert_eq!(state.waits_until(), asked_for);
    state = next(&state, &Input::Dispatched, MOMENT)
        .expect("it is pending")
        .state;
    assert_eq!(state.waits_until(), None, "its time has come");
}

#[test]
fn old_runs_and_wrong_dispatches_are_refused() {
    let inputs = |run| {
        let reason = String::new();
        let ended = |end| Input::Ended {
            run,
            end,
            signalled: None,
        };
        [
            Input::TimedOut { run, reason },
            Input::ShuttingDown { run },
            ended(RunEnd::Returned),
        ]
    };
    for input in inputs(7) {
        assert_eq!(
            next(&running(None), &input, MOMENT),
            Err(Rejection::Fenced(7))
        );
    }
    use Recorded::{Cancelled, Completed, Failed, Paused, Pending, Running};
    for status in [Paused, Running, Completed, Failed, Cancelled] {
        let state = at(status, true);
        assert_eq!(
            next(&state, &Input::Dispatched, MOMENT),
            Err(Rejection::NotPending)
        );
    }
    for status in [Pending, Paused, Completed, Failed, Cancelled] {
        for input in inputs(2) {
            assert_eq!(
                next(&at(status, true), &input, MOMENT),
                Err(Rejection::Fenced(2))
            );
        }
    }
}

#[test]
fn a_stop_that_could_not_be_recorded_counts_all_the_same() {
    let ended = |under_way, signalled: StopVerb| {
        let input = Input::Ended {
            run: 1,
            end: RunEnd::Stopped,
            signalled: Some(stop(signalled)),
        };
        let change = next(&running(under_way), &input, MOMENT).expect("it runs");
        change.state.shown()
    };
    assert_eq!(ended(None, StopVerb::Cancel), Status::Cancelled);
    assert_eq!(
        ended(Some(StopVerb::Finish), StopVerb::Pause),
        Status::Paused
    );
    assert_eq!(
        ended(Some(StopVerb::Cancel), StopVerb::Pause),
        Status::Cancelled
    );
}

#[test]
fn a_ruling_is_what_next_does() {
    assert_eq!(
        rule(&at(Recorded::Completed, false), Verb::Retry, MOMENT.now),
        Ok(Ruling::New)
    );
    assert_eq!(
        rule(&at(Recorded::Pending, false), Verb::Cancel, MOMENT.now),
        Ok(Ruling::Do)
    );
    assert_eq!(
        rule(&at(Recorded::Paused, false), Verb::Pause, MOMENT.now),
        Ok(Ruling::Already)
    );
}
