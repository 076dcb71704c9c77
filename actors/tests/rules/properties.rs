//! What holds for every operation, whatever happens to it.

use crate::common::{failure, panicked, terms};
use impresario::operation::RunEnd;
use impresario::rules::admission::Limits;
use impresario::rules::lifecycle::{Input, Moment, Recorded, Rejection, Ruling, Terms, rule};
use impresario::store::{StoredOperation, Submission};
use impresario_api::{EventBody, OperationId, Stop, StopVerb, Timestamp, Verb};
use proptest::prelude::*;

fn verb() -> impl Strategy<Value = Verb> {
    prop::sample::select(Verb::ALL)
}

fn end() -> impl Strategy<Value = RunEnd> {
    prop_oneof![
        Just(RunEnd::Returned),
        Just(RunEnd::Ignored),
        Just(RunEnd::Stopped),
        any::<bool>().prop_map(|went_further| RunEnd::Lost { went_further }),
        any::<bool>().prop_map(failure),
        Just(panicked()),
    ]
}

fn signalled() -> impl Strategy<Value = Option<Stop>> {
    prop::option::of(prop::sample::select(StopVerb::ALL).prop_map(crate::common::stop))
}

/// `run` is the distance from the run that goes on: 0 hits it.
fn input() -> impl Strategy<Value = (Input, u32)> {
    let run = prop_oneof![4 => Just(0_u32), 1 => 1..3_u32];
    let input = prop_oneof![
        3 => Just(Input::Dispatched),
        4 => verb().prop_map(crate::common::asked),
        1 => Just(Input::TimedOut { run: 0, reason: "late".to_owned() }),
        1 => Just(Input::ShuttingDown { run: 0 }),
        4 => (end(), signalled()).prop_map(|(end, signalled)| Input::Ended { run: 0, end, signalled }),
    ];
    (input, run)
}

fn any_terms() -> impl Strategy<Value = Terms> {
    (any::<[bool; 4]>(), 1..4_u32).prop_map(|([pausable, finishable, panics, lost], attempts)| {
        Terms {
            pausable,
            finishable,
            max_attempts: attempts,
            retry_panics: panics,
            fail_when_lost: lost,
            ..terms()
        }
    })
}

fn submitted(terms: Terms, has_checkpoint: bool, not_before: Option<i64>) -> StoredOperation {
    let (mut operation, event) = StoredOperation::submitted(Submission {
        id: OperationId::from_u64(1),
        kind: "dummy".to_owned(),
        lane: "default".to_owned(),
        priority: 0,
        labels: [].into(),
        requested_by: "me".to_owned(),
        retry_of: None,
        reason: None,
        fork: None,
        params: std::sync::Arc::new(serde_json::Value::Null),
        timeout_ms: None,
        not_before: not_before.map(Timestamp::from_millis),
        terms,
        idempotency: None,
        unique: None,
        limits: Limits::NONE,
        now: Timestamp::from_millis(1_000),
    });
    assert!(matches!(event, EventBody::Submitted(_)));
    operation.state.has_checkpoint = has_checkpoint;
    operation
}

/// The input, aimed at a run so far away from the one that goes on.
fn aimed(input: Input, off: u32, operation: &StoredOperation) -> Input {
    let at = operation.state.run.wrapping_sub(off);
    match input {
        Input::TimedOut { reason, .. } => Input::TimedOut { run: at, reason },
        Input::ShuttingDown { .. } => Input::ShuttingDown { run: at },
        Input::Ended { end, signalled, .. } => Input::Ended {
            run: at,
            end,
            signalled,
        },
        other => other,
    }
}

/// What may follow what it was.
fn check_step(
    was: &StoredOperation,
    is: &StoredOperation,
    input: &Input,
    told: &[EventBody],
    now: Timestamp,
) {
    let (before, after) = (&was.state, &is.state);
    let dispatched = matches!(input, Input::Dispatched);
    assert_eq!(
        after.run,
        before.run + u32::from(dispatched),
        "run grows at dispatch alone"
    );
    let charged = matches!(
        input,
        Input::Ended {
            end: RunEnd::Failed(_)
                | RunEnd::Panicked(_)
                | RunEnd::Lost {
                    went_further: false
                },
            ..
        }
    );
    let renewed = before.status.is_ended() && after.attempt == 1;
    let same = after.attempt == before.attempt || renewed;
    assert!(
        same || (charged && after.attempt == before.attempt + 1),
        "{input:?}"
    );
    assert!(
        after.attempt <= after.terms.max_attempts,
        "the budget holds"
    );
    let resumed = matches!(told, [EventBody::Resumed(_)]);
    if before.status.is_ended() {
        assert!(
            resumed || told.is_empty(),
            "nothing follows an end but resumed: {told:?}"
        );
        assert_eq!(resumed, !after.status.is_ended());
    }
    if told.is_empty() {
        assert_eq!(before.shown(), after.shown(), "a change of status is told");
    }
    if let [EventBody::Status(status)] = told {
        assert_eq!((status.status, status.run), (after.shown(), after.run));
        assert_eq!(
            (&status.verbs, &status.stop),
            (&after.verbs(now), &after.stop)
        );
    }
    // A time that was asked for holds until a run begins or somebody says otherwise.
    let freed = dispatched || matches!(told, [EventBody::Rescheduled(_)]);
    let kept = if freed { None } else { before.not_before };
    assert_eq!(after.not_before, kept, "{input:?}");
    if !told.is_empty() {
        assert!(is.could_run_since() >= was.created_at);
    }
    if after.status == Recorded::Completed {
        assert_eq!(after.error, None);
    }
}

/// Its times and what it can be asked fit its status.
fn check_record(operation: &StoredOperation, now: Timestamp) {
    let state = &operation.state;
    assert_eq!(operation.completed_at.is_some(), state.status.is_ended());
    assert_eq!(
        operation.dispatched_at.is_some(),
        state.status == Recorded::Running
    );
    assert_eq!(operation.started_at.is_some(), state.run > 0);
    let created = operation.created_at;
    assert!(operation.started_at.is_none_or(|at| at >= created));
    let began = operation.started_at.unwrap_or(created);
    assert!(operation.completed_at.is_none_or(|at| at >= began));
    assert!(operation.dispatched_at.is_none_or(|at| at >= began));
    assert!(operation.ran_ms < 1 << 40, "no time is negative");
    for &verb in Verb::ALL {
        let does = match rule(state, verb, now) {
            Ok(ruling) => ruling != Ruling::Already,
            Err(rejection) => {
                assert!(!rejection.explain(state, now).is_empty());
                false
            }
        };
        assert_eq!(
            state.verbs(now).contains(&verb),
            does,
            "{verb} in {state:?}"
        );
    }
}

proptest! {
    #[test]
    fn a_life(
        terms in any_terms(),
        has_checkpoint in any::<bool>(),
        not_before in prop::option::of(0..5_000_i64),
        // The clock is set now and then, forward and back.
        inputs in prop::collection::vec((input(), 0.0..1.0, -400..1_000_i64), 1..60),
    ) {
        let mut operation = submitted(terms, has_checkpoint, not_before);
        let mut ended = false;
        let mut now = operation.created_at;
        for ((input, off), jitter, jump) in inputs {
            now = now.plus_millis(jump);
            let moment = Moment { now, jitter };
            let input = aimed(input, off, &operation);
            let was = operation.clone();
            match operation.apply(&input, moment) {
                Ok((facts, new_operation)) => {
                    prop_assert!(facts.iter().all(|(at, _)| *at >= was.created_at));
                    let told: Vec<_> = facts.into_iter().map(|(_, event)| event).collect();
                    let retry = matches!(input, Input::Asked { verb: Verb::Retry, .. });
                    prop_assert_eq!(new_operation, retry);
                    check_step(&was, &operation, &input, &told, now);
                    for event in &told {
                        let terminal = matches!(event, EventBody::Status(data) if data.status.is_ended());
                        prop_assert!(!(ended && terminal), "two ends without a resume");
                        ended = terminal;
                    }
                }
                Err(rejection) => {
                    prop_assert!(!rejection.explain(&was.state, now).is_empty());
                    prop_assert_eq!(&operation.state, &was.state);
                    let stale = off > 0 && matches!(rejection, Rejection::Fenced(_));
                    let judged = !matches!(rejection, Rejection::Fenced(_));
                    prop_assert!(stale || judged || was.state.status != Recorded::Running);
                }
            }
            check_record(&operation, now);
        }
    }
}
