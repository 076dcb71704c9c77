//! Verbs outside a run, the slots of a lane, and what events say of who asked.

use impresario_api::{EventBody, Status, StopVerb, Verb};

use crate::kit::{Move, Stage, next, policy, stage, stage_of};

fn paused(stage: &Stage) -> impresario_api::OperationId {
    let id = stage.running();
    stage.ask(id, Verb::Pause).expect("it runs");
    stage.command(Move::Step);
    assert_eq!(stage.ended(id).row.status, Status::Paused);
    id
}

#[test]
fn what_rests_is_cancelled_at_once_and_again_changes_nothing() {
    let stage = stage();
    let id = paused(&stage);
    stage.does(id, Verb::Pause, Status::Paused, false);
    stage.does(id, Verb::Cancel, Status::Cancelled, true);
    stage.does(id, Verb::Cancel, Status::Cancelled, false);
    assert_eq!(
        stage.told(id),
        ["running", "pausing", "paused", "cancelled"]
    );
}

#[test]
fn what_was_cancelled_is_resumed_from_its_checkpoint_with_its_attempts_anew() {
    let stage = stage();
    let id = paused(&stage);
    stage.ask(id, Verb::Cancel).expect("it rests");
    stage.does(id, Verb::Resume, Status::Pending, true);
    assert_eq!(stage.ready(), 2);
    assert_eq!(stage.view(id).row.attempt, 1);
    let view = stage.returns(id);
    assert_eq!(view.result_summary, Some(1.into()), "from the first step");
}

#[test]
fn events_say_who_asked_for_a_stop_and_why() {
    let stage = stage();
    let id = stage.running();
    stage.ask(id, Verb::Pause).expect("it runs");
    stage.ask(id, Verb::Cancel).expect("it is stronger");
    stage.command(Move::Step);
    stage.ended(id);
    let stops: Vec<_> = stage
        .events(id, &["status"])
        .into_iter()
        .filter_map(|event| match event.body {
            EventBody::Status(status) => status.stop,
            _ => None,
        })
        .map(|stop| (stop.verb, stop.requested_by, stop.reason))
        .collect();
    let stop = |verb| (verb, "a test".to_owned(), Some("because".to_owned()));
    assert_eq!(
        stops,
        [StopVerb::Pause, StopVerb::Cancel, StopVerb::Cancel].map(stop)
    );
}

#[test]
fn a_failure_under_a_cancel_is_cancelled_and_keeps_its_error() {
    let stage = stage();
    let id = stage.running();
    stage.ask(id, Verb::Cancel).expect("it runs");
    stage.command(Move::Retry);
    let view = stage.ended(id);
    assert_eq!(view.row.status, Status::Cancelled);
    assert_eq!(view.row.error.expect("kept").code, "NOT_YET");
    assert_eq!(view.row.run, 1, "a cancelled one is never tried again");
}

#[test]
fn no_more_than_a_lane_has_slots_run_at_a_time() {
    let stage = stage_of(policy(), 2);
    // A start is answered before the manager hears of it; what it counts, it has told.
    let mut told = stage.listen();
    let ids: Vec<_> = (0..5).map(|_| stage.start()).collect();
    let mut submitted = 0;
    while submitted < ids.len() {
        submitted += usize::from(matches!(next(&mut told).body, EventBody::Submitted(_)));
    }
    stage.ready();
    stage.ready();
    for waiting in (0..=3).rev() {
        let lane = stage.lane();
        let busy = lane.slots.iter().filter(|slot| slot.operation_id.is_some());
        assert_eq!((busy.count(), lane.queued), (2, waiting));
        stage.command(Move::Return);
        if waiting > 0 {
            stage.ready();
        }
    }
    stage.command(Move::Return);
    for id in ids {
        assert_eq!(stage.ended(id).row.status, Status::Completed);
    }
}
