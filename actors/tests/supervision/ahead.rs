//! Runs of tiny kinds that begin before they are recorded.

use std::sync::atomic::Ordering::Release;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use impresario::store::{Command, MemoryStore, Store, StoreError};
use impresario::{Config, Error, Interest, Options, Update};
use impresario_api::{EventBody, OperationId, Status, Verb};
use serde_json::json;

use crate::kit::{LONG, Move, NoParams, Puppet, Stage, now, policy, stage_in};
use crate::scripted::{Scripted, cut};

/// No run that a test lets take its time is recorded before its end.
const NEVER: Duration = LONG;
/// Every run is recorded before its end, unless it ends at once.
const AT_ONCE: Duration = Duration::ZERO;

fn tiny(recorded_within: Duration, store: impl Store) -> Stage {
    let config = Config {
        recorded_within,
        ..Config::default()
    };
    let stage = stage_in(config, policy().tiny(), 1, store);
    // Nothing begins before it is recorded until a claim has found that nobody waits; the one that
    // came with this end has, when the end is told.
    let mut heard = listen(&stage);
    stage.command(Move::Return);
    stage.running();
    while heard.next() != Some("completed".to_owned()) {}
    stage
}

/// What is told of all operations: statuses, types of events, and progress.
fn listen(stage: &Stage) -> impl Iterator<Item = String> + use<> {
    let all = Interest::Matching {
        kinds: vec![],
        label: None,
    };
    let mut heard = now(stage.orchestrator.subscribe_matching(all, None)).expect("it listens");
    let next = move || match now(heard.next()).expect("the store answers") {
        Some(Update::Event(event)) => match &event.body {
            EventBody::Status(status) => Some(status.status.to_string()),
            body => Some(body.type_name().to_owned()),
        },
        Some(Update::Progress { progress, .. }) => {
            Some(format!("progress {}", progress.steps[0].current))
        }
        Some(other) => Some(format!("{other:?}")),
        None => panic!("it is open"),
    };
    std::iter::from_fn(next)
}

/// What a store was given to write, a list a batch.
type Written = Arc<Mutex<Vec<Vec<String>>>>;

/// A store that keeps the names of what it is given.
fn listed() -> (Written, impl Store) {
    let written = Written::default();
    let list = Arc::clone(&written);
    let script = move |store: &mut MemoryStore, batch: &[Command]| {
        let names = batch.iter().map(|command| match command {
            Command::Submit(_) => "submit".to_owned(),
            Command::Record { end: None, .. } => "record".to_owned(),
            Command::Record { .. } => "record with end".to_owned(),
            Command::End(_) => "end".to_owned(),
            Command::Claim { .. } => "claim".to_owned(),
            other => format!("{other:?}"),
        });
        list.lock().expect("no panic").push(names.collect());
        store.commit(batch)
    };
    let store = MemoryStore::new();
    (written, Scripted { store, script })
}

/// What was written since this was asked last.
fn since(written: &Written) -> Vec<Vec<String>> {
    std::mem::take(&mut *written.lock().expect("no panic"))
}

#[test]
fn a_start_its_run_and_its_end_are_one_commit() {
    let (written, store) = listed();
    let stage = tiny(NEVER, store);
    let heard = listen(&stage);
    since(&written);
    stage.command(Move::Step);
    stage.command(Move::Return);
    let id = stage.start();
    assert_eq!(since(&written), [["record with end"]]);
    let view = stage.view(id);
    assert_eq!((view.row.status, view.row.run), (Status::Completed, 1));
    assert_eq!(view.result_summary, Some(json!(1)));
    assert_eq!(view.row.progress.expect("it stepped").steps[0].current, 1);
    assert_eq!(stage.told(id), ["running", "completed"]);

    let told: Vec<_> = heard.skip(1).take(5).collect();
    let expected = [
        "submitted",
        "running",
        "checkpoint",
        "progress 1",
        "completed",
    ];
    assert_eq!(told, expected);
}

#[test]
fn one_that_takes_long_is_recorded_as_running_and_can_be_stopped() {
    let (written, store) = listed();
    let stage = tiny(AT_ONCE, store);
    since(&written);
    let id = stage.start();
    assert_eq!(since(&written), [["record"]], "it waits for a move");
    assert_eq!(stage.view(id).row.status, Status::Running);
    stage.ready();
    let behind = stage.start();
    let waits = stage.view(behind).row.status;
    assert_eq!(waits, Status::Pending, "its slot is shared no more");
    stage.ask(id, Verb::Cancel).expect("it runs");
    stage.command(Move::Sleep);
    assert_eq!(stage.ended(id).row.status, Status::Cancelled);
    stage.ready();
    stage.command(Move::Return);
    assert_eq!(stage.ended(behind).row.status, Status::Completed);
    assert_eq!(stage.told(behind), ["running", "completed"]);
}

#[test]
fn one_that_is_to_be_tried_again_waits_as_any_other() {
    let stage = tiny(NEVER, MemoryStore::new());
    stage.command(Move::Retry);
    let id = stage.start();
    stage.ready();
    // The second attempt.
    stage.ready();
    stage.command(Move::Return);
    assert_eq!(stage.ended(id).row.status, Status::Completed);
    let told = ["running", "pending", "running", "completed"];
    assert_eq!(stage.told(id), told);
}

fn is_unavailable(start: &Result<OperationId, Error>) -> bool {
    matches!(start, Err(Error::Store(StoreError::Unavailable(_))))
}

#[test]
fn a_start_that_cannot_be_recorded_is_refused_whether_its_function_has_returned_or_not() {
    for within in [NEVER, AT_ONCE] {
        let (out, store) = cut();
        let stage = tiny(within, store);
        out.store(true, Release);
        if within == NEVER {
            stage.command(Move::Return);
        }
        let start = stage.start_with(json!({}));
        assert!(is_unavailable(&start), "{start:?}");
        stage.ready();
        if within == AT_ONCE {
            stage.command(Move::Return);
        }
        out.store(false, Release);
        // Its slot is free again, and nothing of it is kept.
        stage.command(Move::Return);
        let next = stage.start();
        stage.ended(next);
        let list = now(stage.orchestrator.list(impresario::store::Query {
            limit: 10,
            ..impresario::store::Query::default()
        }));
        assert_eq!(list.expect("it answers").total_count, 2);
        now(stage.orchestrator.shutdown());
    }
}

#[test]
fn a_start_with_a_key_is_recorded_before_it_runs() {
    let (written, store) = listed();
    let stage = tiny(NEVER, store);
    since(&written);
    let start = || {
        let options = Options {
            idempotency_key: Some("k".to_owned()),
            ..Options::default()
        };
        let start = stage
            .orchestrator
            .start_managed_operation::<Puppet>(NoParams {}, options);
        now(start).map(|started| started.id)
    };
    let id = start().expect("a start");
    assert_eq!(since(&written)[0], ["submit", "claim"]);
    stage.ready();
    assert_eq!(start().expect("a replay"), id);
    stage.command(Move::Return);
    stage.ended(id);
}

#[test]
fn a_shutdown_records_what_runs_and_puts_it_back() {
    let store = MemoryStore::new();
    let stage = tiny(NEVER, store.clone());
    std::thread::scope(|scope| {
        let start = scope.spawn(|| stage.start_with(json!({})));
        stage.ready();
        assert!(!start.is_finished(), "it is not recorded yet");
        let lanes = now(stage.orchestrator.system()).expect("it lives").lanes;
        let lane = lanes.iter().find(|lane| lane.name == "puppets");
        let slot = &lane.expect("it is configured").slots[0];
        assert_eq!(slot.operation_id, None, "so nobody is told of it");
        stage.command(Move::Sleep);
        now(stage.orchestrator.shutdown());
        let id = start.join().expect("no panic").expect("it was taken");
        let kept = store.reader().operation(id).expect("it answers");
        let state = &kept.as_ref().expect("it is recorded").state;
        assert_eq!((state.shown(), state.attempt), (Status::Pending, 1));
    });
}
