//! Shutdown in the worst moments.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use impresario::operation::{Admit, Context, Failure, Kinds, Operation, Policy, Refusal};
use impresario::store::{Command, MemoryStore, Store};
use impresario::{Config, Error, Options, Orchestrator};
use impresario_api::{Status, Verb};

use crate::kit::{
    LONG, Move, NoParams, Puppet, now, policy, stage_in, stage_of, stage_with, until_completed,
};
use crate::scripted::Scripted;

/// Lets a future do what it does before it first waits.
fn begun<F: Future>(mut future: Pin<Box<F>>) -> Pin<Box<F>> {
    let waits = future
        .as_mut()
        .poll(&mut std::task::Context::from_waker(Waker::noop()));
    assert!(matches!(waits, Poll::Pending), "it waits for something");
    future
}

#[test]
fn a_shutdown_while_a_claim_is_written_asks_the_run_to_go_and_charges_nothing() {
    let store = MemoryStore::new();
    let ((enter, entered), (go, gate)) = (unbounded(), unbounded::<()>());
    let armed = Arc::new(AtomicBool::new(false));
    let is_armed = Arc::clone(&armed);
    let script = move |store: &mut MemoryStore, batch: &[Command]| {
        let ours =
            |command: &Command| matches!(command, Command::Claim(claim) if claim.lane == "puppets");
        if is_armed.load(Ordering::Acquire) && batch.iter().any(ours) {
            let _ = enter.send(());
            let _ = gate.recv_timeout(LONG);
        }
        store.commit(batch)
    };
    let scripted = Scripted {
        store: store.clone(),
        script,
    };
    let stage = stage_with(policy(), 1, scripted);
    let orchestrator = stage.orchestrator.clone();
    // Once the manager tells of an end, no claim is on its way but those of the test.
    let first = stage.running();
    let mut subscription = now(orchestrator.subscribe(first, None)).expect("it is kept");
    stage.command(Move::Return);
    until_completed(&mut subscription, first);
    armed.store(true, Ordering::Release);
    let start = orchestrator.start_managed_operation::<Puppet>(NoParams {}, Options::default());
    let start = begun(Box::pin(start));
    entered.recv_timeout(LONG).expect("the claim is written");
    let leave = begun(Box::pin(orchestrator.shutdown()));
    // Answered after the manager has heard of the shutdown.
    let system = now(orchestrator.system());
    assert!(!system.expect("it waits for the claim").admitting);
    // It is told at its first step, or wakes from this.
    stage.command(Move::Sleep);
    go.send(()).expect("the store listens");
    let id = now(start).expect("it was recorded").id;
    now(leave);
    let view = stage.view(id);
    assert_eq!((view.row.status, view.row.error), (Status::Pending, None));

    let stage = stage_with(policy(), 1, store);
    assert_eq!(stage.ready(), 2);
    let view = stage.view(id);
    assert_eq!((view.row.attempt, view.row.error), (1, None));
    assert_eq!(stage.returns(id).row.status, Status::Completed);
}

#[test]
fn a_function_that_does_not_go_holds_a_shutdown_for_the_grace_and_is_charged_nothing() {
    let store = MemoryStore::new();
    let config = Config::default().shutdown_grace(Duration::from_millis(1));
    let stage = stage_in(config, policy(), 1, store.clone());
    let id = stage.running();
    now(stage.orchestrator.shutdown());
    assert_eq!(stage.view(id).row.status, Status::Running);

    let next = stage_with(policy(), 1, store);
    assert_eq!(next.ready(), 2);
    let view = next.view(id);
    assert_eq!((view.row.attempt, view.row.error), (1, None));
    // What the first function does now is nobody's business any more.
    stage.command(Move::Return);
    assert_eq!(next.returns(id).row.status, Status::Completed);
    assert_eq!(
        next.told(id),
        ["running", "pending", "running", "completed"]
    );
}

#[test]
fn a_shutdown_with_nothing_to_do_and_a_second_one_end_at_once() {
    let stage = stage_of(policy(), 1);
    now(stage.orchestrator.shutdown());
    now(stage.orchestrator.shutdown());
    assert!(!stage.orchestrator.is_admitting());
}

#[test]
fn a_cancel_during_a_shutdown_wins_over_it() {
    let store = MemoryStore::new();
    let stage = stage_with(policy(), 1, store.clone());
    let id = stage.running();
    let orchestrator = stage.orchestrator.clone();
    let leave = begun(Box::pin(orchestrator.shutdown()));
    stage.ask(id, Verb::Cancel).expect("stops are admitted");
    stage.command(Move::Step);
    now(leave);
    assert_eq!(stage.view(id).row.status, Status::Cancelled);
}

/// Its admission waits until a test lets it go.
struct Held {
    entered: Sender<()>,
    gate: Receiver<()>,
}

impl Held {
    fn admit(&self, _: &NoParams) -> Result<(), Refusal> {
        let _ = self.entered.send(());
        // A test that has gone wants nothing any more.
        let _ = self.gate.recv();
        Ok(())
    }
}

impl Operation for Held {
    const KIND: &'static str = "held";
    type Params = NoParams;
    type Output = ();
    const ADMIT: Option<Admit<Self>> = Some(Self::admit);

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn run(&self, _: NoParams, _: &Context) -> Result<(), Failure> {
        Ok(())
    }
}

#[test]
fn an_admission_that_hangs_holds_up_no_shutdown() {
    let ((tells, entered), (open, gate)) = (unbounded(), unbounded());
    let held = Held {
        entered: tells,
        gate,
    };
    let kinds = Kinds::new().register(held);
    let orchestrator = Orchestrator::start(Config::default(), kinds, MemoryStore::new());
    let orchestrator = orchestrator.expect("the default lane");
    let (caller, leaver) = (orchestrator.clone(), orchestrator);
    let start = std::thread::spawn(move || {
        now(caller.start_managed_operation::<Held>(NoParams {}, Options::default()))
    });
    entered.recv_timeout(LONG).expect("it is asked");
    let (left, gone) = unbounded();
    std::thread::spawn(move || {
        now(leaver.shutdown());
        left.send(())
    });
    gone.recv_timeout(LONG).expect("the shutdown waits for it");
    drop(open);
    let start = start.join().expect("no panic");
    assert!(matches!(start, Err(Error::ShuttingDown)), "{start:?}");
}
