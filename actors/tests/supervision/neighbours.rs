//! Two orchestrators in one process: neither hears, stops or ends what is the other one's.

use std::time::{Duration, Instant};

use impresario::store::sqlite::{self, SqliteStore};
use impresario::{Interest, Update};
use impresario_api::{EventBody, Status, Verb};
use serde_json::json;
use tempfile::TempDir;

use crate::kit::{LONG, Move, Stage, next, now, policy, stage, stage_with};

/// With a store in a folder of its own.
fn embedded() -> (Stage, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open(folder.path(), sqlite::Options::default());
    (stage_with(policy(), 1, store.expect("a store")), folder)
}

#[test]
fn each_has_its_own_operations_events_numbers_and_stops() {
    let ((ours, _ours), (other, _other)) = (embedded(), embedded());
    let all = || Interest::Matching {
        kinds: Vec::new(),
        label: None,
    };
    let heard = other.orchestrator.subscribe_matching(all(), Some(0));
    let mut heard = now(heard).expect("it listens");
    let (here, there) = (ours.running(), other.running());
    now(other.orchestrator.view(here)).expect_err("it is not the other one's");
    ours.does(here, Verb::Cancel, Status::Cancelling, true);
    ours.command(Move::Sleep);
    assert_eq!(ours.ended(here).row.status, Status::Cancelled);
    assert_eq!(other.view(there).row.stop, None);
    assert_eq!(other.returns(there).row.status, Status::Completed);
    // The cursors have no gaps: nothing of the other one was counted.
    for cursor in 1.. {
        let event = next(&mut heard);
        assert_eq!((event.operation_id, event.cursor), (there, cursor));
        if matches!(&event.body, EventBody::Status(it) if it.status.is_ended()) {
            break;
        }
    }
    let (of_ours, of_other) = (ours.system(), other.system());
    assert_eq!((of_ours.admitted, of_other.admitted), (1, 1));
    assert_eq!(of_ours.ended_last_hour.get("cancelled"), Some(&1));
    assert_eq!(of_other.ended_last_hour.get("cancelled"), None);
}

#[test]
fn the_end_of_one_is_not_the_end_of_the_other() {
    let ((ours, _ours), (other, _other), third) = (embedded(), embedded(), stage());
    let (id, last) = (other.running(), third.running());
    let mut heard = now(other.orchestrator.subscribe(id, None)).expect("it is kept");
    now(ours.orchestrator.shutdown());
    drop(ours);
    third.command(Move::Return);
    let view = third.ended(last);
    assert_eq!(view.row.status, Status::Completed);
    drop(third);
    other.step();
    other.does(id, Verb::Pause, Status::Pausing, true);
    other.command(Move::Step);
    assert_eq!(other.ended(id).row.status, Status::Paused);
    let is_pause = |update: Update| matches!(update, Update::Event(event) if matches!(&event.body, EventBody::Status(it) if it.status == Status::Paused));
    while !is_pause(
        now(heard.next())
            .expect("the store answers")
            .expect("it goes on"),
    ) {}
    assert!(other.orchestrator.is_admitting());
}

#[test]
fn one_that_is_dropped_asks_what_runs_to_go_and_releases_its_folder() {
    let (stage, folder) = embedded();
    let id = stage.running();
    stage.start_with(json!({})).expect("room");
    let Stage {
        orchestrator,
        moves,
        ready,
    } = stage;
    drop(orchestrator);
    // The function is told at its next call, as in a shutdown.
    moves.send(Move::Sleep).expect("it waits for a move");
    let began = Instant::now();
    let store = loop {
        match SqliteStore::open(folder.path(), sqlite::Options::default()) {
            Ok(store) => break store,
            Err(_) => std::thread::yield_now(),
        }
        assert!(began.elapsed() < LONG, "the folder is not released");
    };
    assert!(
        ready.recv_timeout(Duration::ZERO).is_err(),
        "no other run began"
    );
    let again = stage_with(policy(), 1, store);
    assert_eq!(again.ready(), 2, "it waited, and goes on first");
    let view = again.view(id);
    assert_eq!(
        (view.row.attempt, view.row.error),
        (1, None),
        "it cost no attempt"
    );
    again.returns(id);
}
