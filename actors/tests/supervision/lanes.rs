//! Lanes: how many run, who goes next, how many may wait.

use impresario::Error;
use impresario_api::{Status, Verb};
use serde_json::json;

use crate::kit::{Move, now, policy, stage, stage_with};

#[test]
fn one_slot_runs_one_at_a_time_by_priority_and_then_by_age() {
    let stage = stage();
    let first = stage.running();
    let old = stage.start_with(json!({"priority": 0})).expect("room");
    let young = stage.start_with(json!({"priority": 0})).expect("room");
    let urgent = stage.start_with(json!({"priority": 5})).expect("room");
    let positions = [urgent, old, young].map(|id| stage.view(id).row.queue_position);
    assert_eq!(positions, [Some(1), Some(2), Some(3)]);
    assert_eq!(
        stage.view(old).row.waiting_for.as_deref(),
        Some("lane puppets 1/1 busy")
    );
    for id in [first, urgent, old, young] {
        assert_eq!(stage.view(id).row.status, Status::Running);
        stage.command(Move::Return);
        stage.ended(id);
        if id != young {
            stage.ready();
        }
    }
}

#[test]
fn a_full_queue_refuses_starts_and_admits_stops() {
    let stage = stage();
    let running = stage.running();
    let waiting: Vec<_> = (0..3).map(|_| stage.start()).collect();
    let refused = stage.start_with(json!({}));
    let Err(Error::QueueFull {
        waiting: 3,
        limit: 3,
        ..
    }) = refused
    else {
        panic!("{refused:?}")
    };
    stage
        .ask(waiting[0], Verb::Cancel)
        .expect("stops are always admitted");
    stage.start();
    stage.command(Move::Sleep);
    stage
        .ask(running, Verb::Cancel)
        .expect("stops are always admitted");
    assert_eq!(stage.ended(running).row.status, Status::Cancelled);
}

#[test]
fn what_is_not_before_waits_for_its_time_and_then_runs() {
    let stage = stage();
    let due = impresario_api::Timestamp::now().plus_millis(50);
    let id = stage.start_with(json!({"not_before": due})).expect("room");
    let waiting = stage.view(id).row.waiting_for.unwrap_or_default();
    assert!(
        waiting.starts_with("until ") || stage.view(id).row.run == 1,
        "{waiting}"
    );
    stage.ready();
    let started = stage.view(id).row.started_at.expect("it runs");
    assert!(started >= due, "{started} is before {due}");
    stage.command(Move::Return);
    stage.ended(id);
}

#[test]
fn each_slot_shows_what_it_runs() {
    let stage = stage_with(policy(), 2, impresario::store::MemoryStore::new());
    let id = stage.running();
    let system = now(stage.orchestrator.system()).expect("it lives");
    let lane = system
        .lanes
        .iter()
        .find(|lane| lane.name == "puppets")
        .expect("configured");
    assert_eq!(lane.slots[0].operation_id, Some(id));
    assert_eq!(lane.slots[0].step.as_deref(), Some("step 1/1000"));
    assert_eq!(lane.slots[1].operation_id, None);
    stage.command(Move::Return);
    stage.ended(id);
}
