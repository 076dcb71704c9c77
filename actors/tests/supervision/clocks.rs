//! A clock that is set, forward as after a sleep of the machine, and back.

use std::time::Duration;

use impresario::operation::Policy;
use impresario::store::MemoryStore;
use impresario::{Clock, Config, Subscription};
use impresario_api::{EventBody, OperationId, Status, Verb};
use serde_json::json;

use crate::kit::{Move, Stage, done, eventually, next, now, policy, stage_in};

const MINUTE: i64 = 60_000;

/// A stage, and the clock that it reads.
fn clocked() -> (Stage, Clock) {
    let clock = Clock::default();
    (stage_on(&clock, policy(), MemoryStore::new()), clock)
}

/// A stage that reads this clock.
fn stage_on(clock: &Clock, policy: Policy, store: MemoryStore) -> Stage {
    let config = Config::default().clock(clock.clone());
    stage_in(config, policy, 1, store)
}

/// Waits until the manager knows of a start that waits, and so watches its time.
fn watched(stage: &Stage, listener: &mut Subscription, id: OperationId) {
    while next(listener).operation_id != id {}
    // It answers when it has done with the start.
    stage.system();
}

#[test]
fn what_is_due_in_a_minute_runs_within_seconds_when_the_clock_goes_forward() {
    let (stage, clock) = clocked();
    let mut listener = stage.listen();
    let due = clock.now().plus_millis(MINUTE);
    let id = stage.start_with(json!({"not_before": due})).expect("room");
    watched(&stage, &mut listener, id);
    clock.jump(2 * MINUTE);
    let soon = Duration::from_secs(10);
    let ran = stage.ready.recv_timeout(soon);
    assert_eq!(ran, Ok(1), "{:#?}", stage.view(id));
    let row = stage.view(id).row;
    assert!(row.started_at.is_some_and(|at| at >= due), "{row:?}");
    stage.returns(id);
}

#[test]
fn a_backoff_is_over_when_the_clock_says_so() {
    let clock = Clock::default();
    let wait = Duration::from_secs(3_600);
    let stage = stage_on(&clock, policy().backoff(wait, wait), MemoryStore::new());
    let id = stage.running();
    stage.command(Move::Retry);
    stage.event(
        id,
        |body| matches!(body, EventBody::Status(data) if data.status == Status::Pending),
    );
    clock.jump(61 * MINUTE);
    assert_eq!(stage.ready(), 2);
    stage.returns(id);
}

#[test]
fn a_clock_that_is_set_back_freezes_no_time_and_puts_no_end_before_its_start() {
    let (stage, clock) = clocked();
    let id = stage.running();
    let waiting = stage.start();
    clock.jump(-60 * MINUTE);
    let first = stage.view(id).row.elapsed_seconds;
    let elapsed = || stage.view(id).row.elapsed_seconds;
    eventually("a later time", || elapsed() > first);
    let second = elapsed();
    assert_eq!(done(stage.ask(waiting, Verb::Cancel)).0, Status::Cancelled);
    stage.command(Move::Return);
    for id in [id, waiting] {
        let row = stage.ended(id).row;
        let ended = row.completed_at.expect("it has ended");
        assert!(ended >= row.started_at.unwrap_or(row.created_at), "{row:?}");
        assert!(row.started_at.is_none_or(|at| at >= row.created_at));
        let events = stage.events(id, &[]);
        assert!(events.iter().all(|event| event.at >= row.created_at));
    }
    assert!(stage.view(id).row.elapsed_seconds >= second);
    let next = stage.running();
    assert_eq!(stage.returns(next).row.status, Status::Completed);
}

#[test]
fn what_ended_before_this_process_counts_in_the_last_hour_as_the_clock_has_it() {
    let (store, clock) = (MemoryStore::new(), Clock::default());
    let begin = || stage_on(&clock, policy(), store.clone());
    let first = begin();
    for (step, status) in [
        (Move::Return, Status::Completed),
        (Move::Return, Status::Completed),
        (Move::Fail, Status::Failed),
    ] {
        let id = first.running();
        first.command(step);
        assert_eq!(first.ended(id).row.status, status);
    }
    now(first.orchestrator.shutdown());
    clock.jump(10 * MINUTE);
    let second = begin();
    let id = second.running();
    second.returns(id);
    let ended = || {
        let system = second.system();
        let of = |status| system.ended_last_hour.get(status).copied().unwrap_or(0);
        (of("completed"), of("failed"))
    };
    // They are counted beside the rest of the start.
    eventually("their count", || ended() == (3, 1));
    clock.jump(55 * MINUTE);
    assert_eq!(ended(), (1, 0), "an hour and five minutes ago is no more");
}

#[test]
fn what_waits_for_its_time_fills_no_queue_and_waits_no_time() {
    let (stage, clock) = clocked();
    let due = clock.now().plus_millis(60 * MINUTE);
    let later = || stage.start_with(json!({"not_before": due}));
    let (first, second) = (later().expect("room"), later().expect("room"));
    let third = later();
    let Err(impresario::Error::QueueFull {
        waiting: 2,
        limit: 2,
        scheduled: true,
        ..
    }) = third
    else {
        panic!("{third:?}")
    };
    clock.jump(30 * MINUTE);
    let idle = stage.lane();
    assert_eq!((idle.queued, idle.scheduled), (0, 2));
    assert_eq!((idle.delayed_limit, idle.oldest_wait_seconds), (2, None));
    let running = stage.running();
    let waiting: Vec<_> = (0..3).map(|_| stage.start()).collect();
    assert!(stage.start_with(json!({})).is_err(), "the queue is full");
    assert_eq!(stage.view(first).row.queue_position, None);
    // Their time comes; no slot is free.
    clock.jump(31 * MINUTE);
    eventually("their time", || stage.lane().scheduled == 0);
    assert_eq!(stage.lane().queued, 5, "the queue may go over its limit");
    assert_eq!(stage.view(first).row.queue_position, Some(1));
    let oldest = stage.lane().oldest_wait_seconds.expect("some wait");
    assert!((1_860.0..1_900.0).contains(&oldest), "{oldest}");
    stage.returns(running);
    for id in [first, second].into_iter().chain(waiting) {
        stage.ready();
        assert_eq!(stage.view(id).row.status, Status::Running);
        stage.returns(id);
    }
}
