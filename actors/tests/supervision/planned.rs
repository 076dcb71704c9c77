//! The supervisor stopped at its named points: what is true there, and what a failure there leaves.

use crossbeam_channel::Receiver;
use impresario::store::{MemoryStore, Store, StoreError};
use impresario::{Breakpoints, Config, Error, Halt, Point, Then};
use impresario_api::{OperationId, Status};

use crate::kit::{LONG, Move, Stage, now, policy, stage_in, stage_with};
use crate::scripted::Scripted;

/// A stage that stops at some points, and its store.
fn stopping(points: &[Point]) -> (Stage, Receiver<Halt>, MemoryStore) {
    let (breakpoints, halts) = Breakpoints::at(points);
    let config = Config::default().breakpoints(Some(breakpoints));
    let store = MemoryStore::new();
    // On a thread of its own, as a store with a disk is.
    let scripted = Scripted {
        store: store.clone(),
        script: |store: &mut MemoryStore, batch: &[_]| store.commit(batch),
    };
    (stage_in(config, policy(), 1, scripted), halts, store)
}

fn halt(halts: &Receiver<Halt>, point: Point) -> Halt {
    let halt = halts.recv_timeout(LONG).expect("it comes there");
    assert_eq!(halt.point, point);
    halt
}

/// Starts one on a thread of its own, for the start waits at a point.
fn starting<'a>(
    stage: &'a Stage,
    scope: &'a std::thread::Scope<'a, '_>,
) -> std::thread::ScopedJoinHandle<'a, Result<OperationId, Error>> {
    scope.spawn(|| stage.start_with(serde_json::json!({})))
}

fn kept(store: &MemoryStore) -> usize {
    let counts = store.reader().counts().wait().expect("memory answers");
    counts.values().sum::<u64>() as usize
}

#[test]
fn a_start_is_answered_only_when_it_is_committed() {
    let (stage, halts, store) = stopping(&[Point::Submitted, Point::Committed]);
    std::thread::scope(|scope| {
        let start = starting(&stage, scope);
        let before = halt(&halts, Point::Submitted);
        assert_eq!(kept(&store), 0, "nothing is kept yet");
        assert!(!start.is_finished(), "so nobody is told");
        before.then(Then::GoOn);
        let after = halt(&halts, Point::Committed);
        assert_eq!(kept(&store), 1, "it is kept");
        assert!(!start.is_finished(), "and nobody has heard of it");
        after.then(Then::GoOn);
        start.join().expect("no panic").expect("a start");
    });
    stage.ready();
    stage.command(Move::Return);
}

#[test]
fn a_store_that_fails_at_a_start_keeps_nothing_and_the_next_start_works() {
    let (stage, halts, store) = stopping(&[Point::Submitted]);
    std::thread::scope(|scope| {
        let start = starting(&stage, scope);
        let full = StoreError::Full("a planned failure".to_owned());
        halt(&halts, Point::Submitted).then(Then::Fail(full));
        let refused = start.join().expect("no panic");
        assert!(
            matches!(refused, Err(Error::Store(StoreError::Full(_)))),
            "{refused:?}"
        );
        assert_eq!(kept(&store), 0);
        let start = starting(&stage, scope);
        halt(&halts, Point::Submitted).then(Then::GoOn);
        start.join().expect("no panic").expect("a start");
    });
    stage.ready();
    stage.command(Move::Return);
}

#[test]
fn a_function_begins_only_when_its_run_is_committed() {
    let (stage, halts, store) = stopping(&[Point::Dispatched]);
    let id = stage.start();
    let dispatched = halt(&halts, Point::Dispatched);
    let operation = store
        .reader()
        .operation(id)
        .wait()
        .expect("answers")
        .expect("kept");
    assert_eq!(operation.state.shown(), Status::Running);
    assert!(stage.ready.is_empty(), "the function has not begun");
    dispatched.then(Then::GoOn);
    stage.ready();
    stage.returns(id);
}

#[test]
fn an_end_is_told_only_when_it_is_committed() {
    let (stage, halts, store) = stopping(&[Point::Returned, Point::EndCommitted]);
    let id = stage.running();
    stage.command(Move::Return);
    let status = || {
        let operation = store.reader().operation(id).wait().expect("answers");
        operation.expect("kept").state.shown()
    };
    let returned = halt(&halts, Point::Returned);
    assert_eq!(status(), Status::Running, "nothing of its end is kept yet");
    returned.then(Then::GoOn);
    let committed = halt(&halts, Point::EndCommitted);
    assert_eq!(status(), Status::Completed);
    committed.then(Then::GoOn);
    assert_eq!(stage.ended(id).row.status, Status::Completed);
}

/// A panic at a point ends the orchestrator; the next one, on what it left, goes on.
fn panics_at(point: Point) -> (Stage, Status, u32) {
    let (stage, halts, store) = stopping(&[point]);
    std::thread::scope(|scope| {
        let start = starting(&stage, scope);
        if matches!(point, Point::Returned | Point::EndCommitted) {
            stage.ready();
            stage.command(Move::Return);
        }
        halt(&halts, point).then(Then::Panic);
        let why = now(stage.orchestrator.failed());
        assert!(why.contains("a planned failure"), "{why}");
        let _ = start.join().expect("no panic of the caller");
    });
    assert!(!stage.orchestrator.is_admitting());
    let query = impresario::store::Query::default().limit(10);
    let left = store
        .reader()
        .page(&query)
        .wait()
        .expect("answers")
        .operations;
    let (status, id) = match left.first() {
        Some(one) => (one.state.shown(), one.id),
        None => return (stage_with(policy(), 1, store), Status::Pending, 0),
    };
    let next = stage_with(policy(), 1, store);
    if status.is_ended() {
        return (next, status, 1);
    }
    let run = next.ready();
    assert_eq!(next.returns(id).row.status, Status::Completed);
    (next, status, run)
}

#[test]
fn a_panic_of_the_writer_loses_nothing_that_was_acknowledged() {
    // Before the commit nothing was told; after it the operation is there and runs.
    assert_eq!(panics_at(Point::Submitted).2, 0);
    let (_, status, run) = panics_at(Point::Committed);
    // The claim shares the start's commit, unless the start was there before the recovery: then the
    // run was lost with the process.
    assert!(matches!(
        (status, run),
        (Status::Running, 2) | (Status::Pending, 1)
    ));
}

#[test]
fn a_panic_of_the_manager_loses_nothing_that_was_acknowledged() {
    let (_, status, run) = panics_at(Point::Dispatched);
    assert_eq!((status, run), (Status::Running, 2));
    let (_, status, run) = panics_at(Point::Returned);
    assert_eq!(
        (status, run),
        (Status::Running, 2),
        "its end was not recorded"
    );
}

#[test]
fn what_ended_before_a_panic_does_not_run_again() {
    let (next, status, _) = panics_at(Point::EndCommitted);
    assert_eq!(status, Status::Completed);
    assert!(next.ready.is_empty());
}
