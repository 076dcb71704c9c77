//! A store that cannot write for a while: nothing that matters is lost, nothing is claimed that
//! is not so.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

use crossbeam_channel::unbounded;
use impresario::Error;
use impresario::store::{Command, MemoryStore, Store, StoreError};
use impresario_api::{EventBody, Status, StopVerb, Verb};
use serde_json::json;

use crate::kit::{LONG, Move, done, policy, stage_in, stage_with};
use crate::scripted::{Scripted, Unanswered, cut};

#[test]
fn a_recovery_that_is_written_late_takes_no_run_of_this_process_for_lost() {
    let (tell, recovered) = unbounded();
    let mut first = true;
    let script = move |store: &mut MemoryStore, batch: &[Command]| {
        if std::mem::take(&mut first) {
            return Err(StoreError::Unavailable("not yet".to_owned()));
        }
        let outcomes = store.commit(batch)?;
        if batch
            .iter()
            .any(|command| matches!(command, Command::Recover { .. }))
        {
            let _ = tell.send(());
        }
        Ok(outcomes)
    };
    let store = MemoryStore::new();
    let stage = stage_with(policy(), 1, Scripted { store, script });
    let start = stage.start_with(json!({}));
    // The first batch may hold the start too; the next one does not fail.
    let id = start
        .or_else(|_| stage.start_with(json!({})))
        .expect("room");
    stage.ready();
    recovered.recv_timeout(LONG).expect("it is tried again");
    assert_eq!(stage.returns(id).row.run, 1);
    assert_eq!(stage.told(id), ["running", "completed"]);
}

#[test]
fn a_start_that_cannot_be_written_is_answered_so_and_leaves_nothing() {
    let (out, store) = cut();
    let stage = stage_with(policy(), 1, store);
    stage.command(Move::Return);
    let id = stage.running();
    stage.ended(id);
    out.store(true, Release);
    let start = stage.start_with(json!({}));
    assert!(
        matches!(start, Err(Error::Store(StoreError::Unavailable(_)))),
        "{start:?}"
    );
    out.store(false, Release);
    let id = stage.running();
    assert_eq!(stage.returns(id).row.status, Status::Completed);
}

#[test]
fn only_a_stop_that_took_effect_is_said_to_have_done_so() {
    let (out, store) = cut();
    let stage = stage_with(impresario::operation::Policy::lane("puppets"), 1, store);
    let (id, waiting) = (stage.running(), stage.start());
    out.store(true, Release);
    for verb in [Verb::Pause, Verb::Finish, Verb::Resume, Verb::Retry] {
        let asked = stage.ask(id, verb);
        assert!(matches!(asked, Err(Error::Store(_))), "{verb}: {asked:?}");
    }
    let asked = stage.ask(waiting, Verb::Cancel);
    assert!(matches!(asked, Err(Error::Store(_))), "{asked:?}");
    assert_eq!(stage.view(waiting).row.status, Status::Pending);
    let (_, changed, durable) = done(stage.ask(id, Verb::Cancel));
    assert_eq!((changed, durable), (true, false));
    out.store(false, Release);
    stage.command(Move::Step);
    assert_eq!(stage.ended(id).row.status, Status::Cancelled);
}

#[test]
fn a_stop_that_could_not_be_recorded_is_recorded_when_there_is_room() {
    let (out, store) = cut();
    let stage = stage_with(policy(), 1, store);
    let id = stage.running();
    out.store(true, Release);
    assert!(!done(stage.ask(id, Verb::Cancel)).2);
    out.store(false, Release);
    let event = stage.event(
        id,
        |body| matches!(body, EventBody::Status(it) if it.status == Status::Cancelling),
    );
    let EventBody::Status(status) = event.body else {
        unreachable!("as wanted")
    };
    let stop = status.stop.expect("it is stopped");
    assert_eq!(
        (
            stop.verb,
            stop.requested_by.as_str(),
            stop.reason.as_deref()
        ),
        (StopVerb::Cancel, "a test", Some("because"))
    );
    stage.command(Move::Step);
    stage.ended(id);
    assert_eq!(stage.told(id), ["running", "cancelling", "cancelled"]);
}

#[test]
fn a_checkpoint_that_could_not_be_written_is_kept_for_later() {
    let (tell, failed) = unbounded();
    let out = Arc::new(AtomicBool::new(false));
    let is_out = Arc::clone(&out);
    let script = move |store: &mut MemoryStore, batch: &[Command]| {
        if !is_out.load(Acquire) {
            return store.commit(batch);
        }
        for command in batch {
            if let Command::Append { checkpoint, .. } = command {
                let _ = tell.send(checkpoint.is_some());
            }
        }
        Err(StoreError::Unavailable("the cable is out".to_owned()))
    };
    let store = MemoryStore::new();
    let always = policy().checkpoint_every(Duration::ZERO);
    let stage = stage_with(always, 1, Scripted { store, script });
    let id = stage.running();
    out.store(true, Release);
    // A checkpoint is taken with the first step that follows a tick; a line brings about a write
    // at each tick.
    loop {
        stage.step();
        stage.command(Move::Log(1));
        stage.ready();
        if failed.recv_timeout(LONG).expect("a write at the tick") {
            break;
        }
    }
    out.store(false, Release);
    stage.event(id, |body| matches!(body, EventBody::Checkpoint(_)));
    stage.returns(id);
}

#[test]
fn lines_that_could_not_be_written_leave_a_gap_that_counts_them() {
    let (out, store) = cut();
    let stage = stage_with(policy(), 1, store);
    let id = stage.running();
    out.store(true, Release);
    stage.command(Move::Log(7));
    stage.ready();
    // The lines wait with the function, or were dropped by a write that failed.
    let asked = stage.ask(id, Verb::Resume);
    assert!(matches!(asked, Err(Error::Store(_))));
    out.store(false, Release);
    stage.returns(id);
    let events = stage.events(id, &[]);
    let count = |body: &EventBody| match body {
        EventBody::Log(_) => 1,
        EventBody::Gap(gap) => gap.logs,
        _ => 0,
    };
    let lines: u64 = events.iter().map(|event| count(&event.body)).sum();
    assert_eq!(lines, 7);
}

#[test]
fn a_stop_that_could_not_be_recorded_is_shown_and_judged_by() {
    let (out, store) = cut();
    let stage = stage_with(policy(), 1, store);
    let id = stage.running();
    out.store(true, Release);
    let asked = done(stage.ask(id, Verb::Cancel));
    assert_eq!(asked, (Status::Cancelling, true, false));
    let asked = done(stage.ask(id, Verb::Cancel));
    assert_eq!(
        asked,
        (Status::Cancelling, false, false),
        "it is so already"
    );
    for verb in [Verb::Pause, Verb::Finish] {
        let asked = stage.ask(id, verb);
        assert!(
            matches!(asked, Err(Error::Rejected { .. })),
            "{verb}: {asked:?}"
        );
    }
    let row = stage.view(id).row;
    assert_eq!(row.status, Status::Cancelling);
    let stop = row.stop.expect("it is under way");
    assert_eq!(
        (stop.verb, stop.requested_by.as_str()),
        (StopVerb::Cancel, "a test")
    );
    assert_eq!(row.verbs, []);
    let query = impresario::store::Query::default().limit(10);
    let list = crate::kit::now(stage.orchestrator.list(query)).expect("a list");
    assert_eq!(list.operations[0].status, Status::Cancelling);
    stage.command(Move::Step);
    out.store(false, Release);
    assert_eq!(stage.ended(id).row.status, Status::Cancelled);
}

#[test]
fn a_shutdown_tries_once_more_to_record_what_could_not_be_recorded() {
    let out = Arc::new(AtomicBool::new(false));
    let (tell, failed) = unbounded();
    let is_out = Arc::clone(&out);
    let script = move |store: &mut MemoryStore, batch: &[Command]| {
        if !is_out.load(Acquire) {
            return store.commit(batch);
        }
        if batch.iter().any(|one| matches!(one, Command::End(_))) {
            let _ = tell.send(());
        }
        Err(StoreError::Unavailable("the cable is out".to_owned()))
    };
    let store = MemoryStore::new();
    let scripted = Scripted {
        store: store.clone(),
        script,
    };
    let config = impresario::Config::default().shutdown_grace(Duration::ZERO);
    let stage = stage_in(config, policy(), 1, scripted);
    let id = stage.running();
    out.store(true, Release);
    assert!(!done(stage.ask(id, Verb::Cancel)).2);
    stage.command(Move::Step);
    failed.recv_timeout(LONG).expect("the end is tried");
    // What is asked after it is answered after the manager has heard that the end was not written.
    let asked = done(stage.ask(id, Verb::Cancel));
    assert_eq!(asked, (Status::Cancelling, false, false));
    out.store(false, Release);
    crate::kit::now(stage.orchestrator.shutdown());
    let kept = store.reader().operation(id).wait().expect("in memory");
    assert_eq!(kept.expect("it is kept").state.shown(), Status::Cancelled);
}

#[test]
fn a_start_whose_commit_was_not_answered_is_answered_by_what_the_store_has_kept() {
    for keeps in [true, false] {
        let loses = Arc::new(AtomicBool::new(false));
        let store = Unanswered {
            store: MemoryStore::new(),
            loses: Arc::clone(&loses),
            keeps,
            kept: None,
            unsettled: false,
            asked: 0,
        };
        let stage = stage_with(policy(), 1, store);
        loses.store(true, Release);
        let start = stage.start_with(json!({}));
        let id = match (keeps, start) {
            (true, Ok(id)) => id,
            (false, Err(Error::Store(StoreError::Unavailable(_)))) => stage.start(),
            (_, other) => panic!("{other:?}"),
        };
        stage.ready();
        assert_eq!(stage.returns(id).row.status, Status::Completed);
        let counts = stage.system().store.operations;
        assert_eq!(counts, 1, "nothing is recorded twice");
    }
}

#[test]
fn on_a_full_disk_operations_are_removed_a_few_at_a_time() {
    let script = |store: &mut MemoryStore, batch: &[Command]| {
        let many = |one: &Command| matches!(one, Command::Prune { limit, .. } if (21..1_000).contains(limit));
        if batch.iter().any(many) {
            return Err(StoreError::Full("no room for so many".to_owned()));
        }
        store.commit(batch)
    };
    let store = MemoryStore::new();
    let stage = stage_with(policy(), 1, Scripted { store, script });
    for _ in 0..45 {
        let id = stage.running();
        stage.returns(id);
    }
    let pruned = crate::kit::now(stage.orchestrator.prune(Duration::ZERO, false));
    // Those that ended in the same millisecond are not older yet.
    let pruned = pruned.expect("a few at a time");
    assert!(pruned > 40, "{pruned}");
}
