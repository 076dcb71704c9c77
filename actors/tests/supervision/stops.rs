//! Stops: they take effect at once, rank, and are told of truthfully.

use std::time::Duration;

use impresario::Asked;
use impresario_api::{EventBody, Status, StopVerb, Verb};

use crate::kit::{Move, done, policy, stage, stage_of};

#[test]
fn a_cancel_wakes_a_sleeping_function_and_its_view_says_what_was_done() {
    let stage = stage();
    let id = stage.running();
    stage.step();
    stage.command(Move::Sleep);
    stage.ask(id, Verb::Cancel).expect("it runs");
    let view = stage.ended(id);
    assert_eq!(view.row.status, Status::Cancelled);
    let stop = view.row.stop.expect("it was asked");
    assert_eq!(
        (stop.requested_by.as_str(), stop.reason.as_deref()),
        ("a test", Some("because"))
    );
    assert_eq!(view.row.progress.expect("it reported").steps[0].current, 1);
    assert_eq!(stage.told(id), ["running", "cancelling", "cancelled"]);
}

#[test]
fn cancelled_is_told_only_after_the_function_returned_and_ignoring_it_is_found_out() {
    let policy = policy().grace(Duration::from_millis(1));
    let stage = stage_of(policy, 1);
    let id = stage.running();
    stage.does(id, Verb::Cancel, Status::Cancelling, true);
    let warning = stage.warning(id, "UNRESPONSIVE");
    assert!(warning.contains("in step 1/1000"), "{warning}");
    let view = stage.view(id);
    assert_eq!(view.row.status, Status::Cancelling);
    assert!(view.row.unresponsive_since.is_some());
    stage.command(Move::Step); // Its next call tells it.
    assert_eq!(stage.ended(id).row.status, Status::Cancelled);
}

#[test]
fn a_cancel_long_after_a_finish_has_a_grace_period_of_its_own() {
    let policy = policy().grace(Duration::from_secs(5));
    let stage = stage_of(policy, 1);
    let id = stage.running();
    stage.ask(id, Verb::Finish).expect("it runs");
    stage.ask(id, Verb::Cancel).expect("it is stronger");
    assert_eq!(stage.view(id).row.unresponsive_since, None);
    stage.command(Move::Step);
    assert_eq!(stage.ended(id).row.status, Status::Cancelled);
}

#[test]
fn a_function_that_returns_before_it_is_told_completes_and_the_canceller_sees_it() {
    let stage = stage();
    let id = stage.running();
    stage.ask(id, Verb::Cancel).expect("it runs");
    let view = stage.returns(id);
    assert_eq!(view.row.status, Status::Completed);
    assert_eq!(view.row.stop.map(|stop| stop.verb), Some(StopVerb::Cancel));
}

#[test]
fn a_pause_rests_and_a_resume_goes_on_from_what_was_done() {
    let stage = stage();
    let id = stage.running();
    stage.step();
    stage.command(Move::Sleep);
    stage.ask(id, Verb::Pause).expect("it runs");
    let paused = stage.ended(id);
    assert_eq!(paused.row.status, Status::Paused);
    assert_eq!(
        paused.row.checkpoint.expect("one was given").step["step"],
        1
    );
    assert!(done(stage.ask(id, Verb::Resume)).1);
    assert_eq!(stage.ready(), 2);
    stage.event(
        id,
        |body| matches!(body, EventBody::Restored(it) if it.from_step["step"] == 1),
    );
    assert_eq!(stage.returns(id).result_summary, Some(1.into()));
    assert_eq!(
        stage.told(id),
        [
            "running",
            "pausing",
            "paused",
            "resumed",
            "running",
            "completed"
        ]
    );
}

#[test]
fn a_retry_is_a_new_operation_with_the_same_terms() {
    let stage = stage();
    let first = stage
        .start_with(serde_json::json!({"priority": 7, "labels": {"a": "b"}}))
        .expect("a start");
    stage.ready();
    stage.command(Move::Fail);
    stage.ended(first);
    let Ok(Asked::New(started)) = stage.ask(first, Verb::Retry) else {
        panic!("a new one")
    };
    let view = stage.view(started.id);
    assert_eq!((view.row.retry_of, view.row.priority), (Some(first), 7));
    assert_eq!(view.row.labels["a"], "b");
    stage.ready();
    stage.command(Move::Return);
    assert_eq!(stage.ended(started.id).row.status, Status::Completed);
    assert_eq!(stage.view(first).row.status, Status::Failed);
}

#[test]
fn a_stop_of_a_run_that_was_just_claimed_reaches_it() {
    let stage = stage();
    for _ in 0..50 {
        // A function that is reached only after it asked for a move sleeps until it is woken.
        stage.command(Move::Sleep);
        let id = stage.start();
        // Nothing says that the run has begun: the cancel may find it pending, claimed or running.
        stage.ask(id, Verb::Cancel).expect("it is live");
        assert_eq!(stage.ended(id).row.status, Status::Cancelled);
    }
}
