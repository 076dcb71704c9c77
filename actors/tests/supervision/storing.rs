//! Shutdown, recovery, and a store that cannot write.

use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Instant;

use impresario::store::{Command, MemoryStore, Store, StoreError};
use impresario::{Config, Error};
use impresario_api::{Status, Verb};
use serde_json::json;

use crate::kit::{LONG, Move, Stage, done, now, policy, stage_in, stage_of, stage_with};
use crate::scripted::Scripted;

#[test]
fn a_shutdown_puts_what_runs_back_at_no_charge_and_the_next_one_goes_on() {
    let store = MemoryStore::new();
    let stage = stage_with(policy(), 1, store.clone());
    let (id, waiting) = (stage.running(), stage.start());
    stage.step();
    stage.command(Move::Sleep);
    now(stage.orchestrator.shutdown());
    assert!(matches!(
        stage.start_with(json!({})),
        Err(Error::ShuttingDown)
    ));

    let stage = stage_with(policy(), 1, store);
    assert_eq!(stage.ready(), 2, "the older one goes on, in its second run");
    let view = stage.view(id);
    assert_eq!((view.row.status, view.row.attempt), (Status::Running, 1));
    assert_eq!(stage.returns(id).result_summary, Some(1.into()));
    assert_eq!(stage.ready(), 1);
    assert_eq!(stage.returns(waiting).row.status, Status::Completed);
}

#[test]
fn the_handle_works_under_tokio_and_under_actix_alike() {
    let stage = stage_of(policy(), 1);
    let id = stage.running();
    let tokio = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let actix = actix_rt::System::new();
    for view in [
        tokio.block_on(stage.orchestrator.view(id)),
        actix.block_on(stage.orchestrator.view(id)),
    ] {
        assert_eq!(view.expect("kept").row.status, Status::Running);
    }
    stage.returns(id);
}

const WELL: u8 = 0;
const FULL: u8 = 1;
const BROKEN: u8 = 2;
const PANICS: u8 = 3;

/// A store that fails as it is told to.
fn faulty() -> (impl Store, Arc<AtomicU8>) {
    let fault = Arc::new(AtomicU8::new(WELL));
    let told = Arc::clone(&fault);
    let script = move |store: &mut MemoryStore, batch: &[Command]| match told.load(Acquire) {
        WELL => store.commit(batch),
        FULL => Err(StoreError::Full("no room".to_owned())),
        BROKEN => Err(StoreError::Fatal("the disk lies".to_owned())),
        _ => panic!("a bug in the store"),
    };
    let store = MemoryStore::new();
    (Scripted { store, script }, fault)
}

#[test]
fn a_full_store_refuses_starts_and_a_stop_takes_effect_and_says_that_it_is_not_durable() {
    let (store, fault) = faulty();
    let stage = stage_with(policy(), 1, store);
    let id = stage.running();
    stage.command(Move::Sleep);
    fault.store(FULL, Release);
    assert!(matches!(
        stage.start_with(json!({})),
        Err(Error::Store(StoreError::Full(_)))
    ));
    let (status, _, durable) = done(stage.ask(id, Verb::Cancel));
    assert_eq!((status, durable), (Status::Cancelling, false));
    fault.store(WELL, Release);
    let view = stage.ended(id);
    assert_eq!(
        view.row.status,
        Status::Cancelled,
        "the end is written once there is room"
    );
    assert_eq!(
        view.row.stop.expect("it goes into the end").requested_by,
        "a test"
    );
}

#[test]
fn a_store_that_cannot_be_trusted_or_panics_ends_the_orchestrator_and_says_why() {
    for (how, why) in [(BROKEN, "the disk lies"), (PANICS, "a bug in the store")] {
        let (store, fault) = faulty();
        let stage = stage_with(policy(), 1, store);
        let id = stage.running();
        stage.command(Move::Return);
        // Nothing else is left to be written: the start is what it fails at.
        stage.ended(id);
        fault.store(how, Release);
        let start = stage.start_with(json!({}));
        // Whoever hears of it finds that nothing is admitted any more.
        assert!(!stage.orchestrator.is_admitting());
        assert!(
            matches!(&start, Err(Error::Store(StoreError::Fatal(text))) if text.contains(why)),
            "{start:?}"
        );
        let failed = now(stage.orchestrator.failed());
        assert!(failed.contains(why), "{failed}");
        let start = stage.start_with(json!({}));
        assert!(matches!(start, Err(Error::Gone)), "{start:?}");
    }
}

/// A stage whose shutdown may take far longer than any test waits.
fn patient(store: impl Store) -> Stage {
    let config = Config::default().shutdown_grace(LONG * 10);
    stage_in(config, policy(), 1, store)
}

/// A shutdown that waits for nothing but functions that return at once.
fn leaves_soon(stage: &Stage) {
    let began = Instant::now();
    now(stage.orchestrator.shutdown());
    assert!(began.elapsed() < LONG, "it waited for the grace");
}

#[test]
fn after_a_fatal_fault_a_shutdown_waits_for_no_end_that_cannot_be_recorded() {
    // One that has returned, one that has yet to hear of it, and a start whose claim is lost.
    for next in [Some(Move::Return), Some(Move::Sleep), None] {
        let (store, fault) = faulty();
        let stage = patient(store);
        if let Some(next) = next {
            let id = stage.running();
            let mut listener = now(stage.orchestrator.subscribe(id, None)).expect("it is kept");
            fault.store(BROKEN, Release);
            stage.command(next);
            stage.start_with(json!({})).expect_err("nothing is kept");
            // Nothing will come any more.
            while now(listener.next()).expect("it can be read").is_some() {}
        } else {
            fault.store(BROKEN, Release);
            stage.start_with(json!({})).expect_err("nothing is kept");
        }
        leaves_soon(&stage);
    }
}

#[test]
fn a_store_that_fails_for_good_in_a_shutdown_does_not_hold_it() {
    let (store, fault) = faulty();
    let stage = patient(store);
    stage.running();
    stage.command(Move::Sleep);
    fault.store(BROKEN, Release);
    // The first thing that it cannot write is the mark of this very shutdown.
    leaves_soon(&stage);
    assert!(now(stage.orchestrator.failed()).contains("the disk lies"));
}
