//! Verbs outside a run, lanes beside each other, and what events say of who asked.

use impresario::rules::lifecycle::Rejection;
use impresario::{Asked, Error, Interest, Update};
use impresario_api::{EventBody, Status, StopVerb, Verb};

use crate::kit::{Move, Stage, done, now, policy, stage, stage_with};

fn rejected(asked: Result<Asked, Error>) -> Rejection {
    match asked {
        Err(Error::Rejected { rejection, .. }) => rejection,
        other => panic!("not rejected: {other:?}"),
    }
}

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
    assert_eq!(
        done(stage.ask(id, Verb::Pause)),
        (Status::Paused, false, true)
    );
    assert_eq!(
        done(stage.ask(id, Verb::Cancel)),
        (Status::Cancelled, true, true)
    );
    assert_eq!(
        done(stage.ask(id, Verb::Cancel)),
        (Status::Cancelled, false, true)
    );
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
    assert_eq!(
        done(stage.ask(id, Verb::Resume)),
        (Status::Pending, true, true)
    );
    assert_eq!(stage.ready(), 2);
    assert_eq!(stage.view(id).row.attempt, 1);
    stage.command(Move::Return);
    let view = stage.ended(id);
    assert_eq!(view.result_summary, Some(1.into()), "from the first step");
}

#[test]
fn what_failed_without_a_checkpoint_cannot_be_resumed_nor_cancelled() {
    let stage = stage();
    let id = stage.running();
    stage.command(Move::Fail);
    stage.ended(id);
    assert_eq!(
        rejected(stage.ask(id, Verb::Resume)),
        Rejection::NoCheckpoint
    );
    assert_eq!(
        rejected(stage.ask(id, Verb::Cancel)),
        Rejection::AlreadyEnded
    );
    assert_eq!(stage.told(id), ["running", "failed"], "nothing follows");
}

#[test]
fn events_say_who_asked_for_a_stop_and_why() {
    let stage = stage();
    let id = stage.running();
    stage.ask(id, Verb::Pause).expect("it runs");
    stage.ask(id, Verb::Cancel).expect("it is stronger");
    stage.command(Move::Step);
    stage.ended(id);
    let events = now(stage.orchestrator.events(id, 0, 100, &["status"], None));
    let stops: Vec<_> = events
        .expect("kept")
        .events
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
    let stage = stage_with(policy(), 2, impresario::store::MemoryStore::new());
    // A start is answered before the manager hears of it; what it counts, it has told.
    let all = Interest::Matching {
        kinds: vec![],
        label: None,
    };
    let mut told = now(stage.orchestrator.subscribe_matching(all, None)).expect("it listens");
    let ids: Vec<_> = (0..5).map(|_| stage.start()).collect();
    let mut submitted = 0;
    while submitted < ids.len() {
        let update = now(told.next())
            .expect("the store answers")
            .expect("it is open");
        let is = matches!(&update, Update::Event(event) if matches!(event.body, EventBody::Submitted(_)));
        submitted += usize::from(is);
    }
    stage.ready();
    stage.ready();
    for waiting in (0..=3).rev() {
        let system = now(stage.orchestrator.system()).expect("it lives");
        let lane = system.lanes.iter().find(|lane| lane.name == "puppets");
        let lane = lane.expect("configured");
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
