//! How runs end, and what stays.

use impresario_api::{Status, Verb};

use crate::kit::{Move, policy, stage, stage_of};

#[test]
fn a_return_completes_with_its_output_and_frees_the_slot() {
    let stage = stage();
    for _ in 0..3 {
        let id = stage.running();
        stage.step();
        let view = stage.returns(id);
        assert_eq!(view.row.status, Status::Completed);
        assert_eq!(view.result_summary, Some(1.into()));
        assert_eq!(stage.told(id), ["running", "completed"]);
    }
}

#[test]
fn a_failure_keeps_its_code_its_message_and_its_step() {
    let stage = stage();
    let id = stage.running();
    stage.command(Move::Fail);
    let error = stage.ended(id).row.error.expect("it failed");
    assert_eq!((error.code.as_str(), error.run), ("NEVER", 1));
    assert_eq!(error.message, "it cannot be done");
    assert_eq!(error.step.as_deref(), Some("step 1/1000"));
    assert_eq!(stage.told(id), ["running", "failed"]);
}

#[test]
fn a_retryable_failure_is_tried_again_and_its_error_goes_when_it_completes() {
    let stage = stage();
    let id = stage.running();
    stage.command(Move::Retry);
    assert_eq!(stage.ready(), 2, "the second run");
    let view = stage.view(id);
    assert_eq!(
        (view.row.attempt, view.row.error.map(|error| error.code)),
        (2, Some("NOT_YET".to_owned()))
    );
    let view = stage.returns(id);
    assert_eq!((view.row.status, view.row.error), (Status::Completed, None));
    assert_eq!(
        stage.told(id),
        ["running", "pending", "running", "completed"]
    );
}

#[test]
fn attempts_come_to_an_end() {
    let stage = stage_of(policy().max_attempts(2), 1);
    let id = stage.running();
    stage.command(Move::Retry);
    stage.ready();
    stage.command(Move::Retry);
    let view = stage.ended(id);
    assert_eq!(
        (view.row.status, view.row.attempt, view.row.run),
        (Status::Failed, 2, 2)
    );
}

#[test]
fn a_panic_fails_with_its_message_and_everything_else_goes_on() {
    let stage = stage_of(policy(), 2);
    let (bad, good) = (stage.running(), stage.running());
    stage.command(Move::Panic);
    // Either function may have taken the move; the other one goes on.
    stage.command(Move::Return);
    let mut ends = [stage.ended(bad), stage.ended(good)];
    ends.sort_by_key(|view| view.row.status);
    assert_eq!(ends[0].row.status, Status::Completed);
    let error = ends[1].row.error.clone().expect("it panicked");
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("PANICKED", "the strings broke")
    );
    // Both slots take work again.
    let (one, two) = (stage.running(), stage.running());
    stage.command(Move::Return);
    assert_eq!(stage.returns(one).row.status, Status::Completed);
    assert_eq!(stage.ended(two).row.status, Status::Completed);
    let system = stage.system();
    assert_eq!(system.panics, 1);
}

#[test]
fn a_panic_is_tried_again_where_the_policy_says_so() {
    let stage = stage_of(policy().retry_panics(), 1);
    let id = stage.running();
    stage.command(Move::Panic);
    assert_eq!(stage.ready(), 2);
    assert_eq!(stage.returns(id).row.status, Status::Completed);
}

#[test]
fn a_run_past_its_time_is_stopped_with_deadline_exceeded() {
    let stage = stage();
    let id = stage
        .start_with(serde_json::json!({"timeout_seconds": 0.05}))
        .expect("a start");
    stage.ready();
    stage.command(Move::Sleep);
    let view = stage.ended(id);
    let error = view.row.error.expect("it took too long");
    assert_eq!(error.code, "DEADLINE_EXCEEDED");
    assert!(error.message.contains("0.05 s"), "{}", error.message);
    assert!(view.row.verbs.contains(&Verb::Retry));
}
