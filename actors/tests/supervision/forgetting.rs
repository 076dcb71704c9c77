//! The checkpoints of a cancelled operation: kept for a while, and then removed.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Sender, unbounded};
use impresario::store::MemoryStore;
use impresario::{Clock, Config, Error, Options, Rejection, Retention};
use impresario_api::{OperationId, OperationView, Status, Verb};

use crate::checkpointing::{Company, each, founded};
use crate::kit::{eventually, now};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// What outlives a process: the clock, the folder, the store.
struct World {
    clock: Clock,
    root: Arc<tempfile::TempDir>,
    store: MemoryStore,
}

impl World {
    fn new() -> Self {
        Self {
            clock: Clock::default(),
            root: Arc::new(tempfile::tempdir().expect("a temporary folder")),
            store: MemoryStore::new(),
        }
    }

    /// A process in it, and what lets a function do a step.
    fn begin(&self, cancelled_checkpoints: Duration) -> (Company, Sender<()>) {
        let retention = Retention::default()
            .cancelled_checkpoints(cancelled_checkpoints)
            .every(Duration::from_millis(5));
        let config = Config::default().clock(self.clock.clone());
        let (gate, waits) = unbounded();
        let company = founded(
            config.retention(retention),
            Arc::clone(&self.root),
            self.store.clone(),
            (each(), Some(waits)),
            |_, _| Ok(()),
        );
        (company, gate)
    }

    fn has_folder(&self, id: OperationId) -> bool {
        self.root.path().join(id.to_string()).exists()
    }
}

fn view(company: &Company, id: OperationId) -> OperationView {
    now(company.orchestrator.view(id)).expect("it is kept")
}

/// Cancels one that does a step.
fn cancel(company: &Company, gate: &Sender<()>, id: OperationId) {
    company.ask(id, Verb::Cancel);
    gate.send(()).expect("it waits");
    let ended = company.ended(id);
    assert_eq!(ended.row.status, Status::Cancelled, "{ended:#?}");
    assert!(ended.row.checkpoint.is_some(), "{ended:#?}");
}

#[test]
fn a_cancelled_operation_can_be_resumed_until_its_checkpoints_are_removed_and_not_after() {
    let world = World::new();
    let (company, gate) = world.begin(Duration::from_secs(20 * 60));
    let id = company.start();
    assert_eq!(company.begins(), 0);
    cancel(&company, &gate, id);
    world.clock.jump(19 * MINUTE);
    company.ask(id, Verb::Resume);
    assert_eq!(company.begins(), 1, "it was a mistake");
    cancel(&company, &gate, id);
    let before = view(&company, id);
    assert_eq!(before.row.verbs, [Verb::Resume, Verb::Retry]);
    world.clock.jump(21 * MINUTE);
    eventually("the removal", || {
        view(&company, id).row.checkpoint.is_none()
    });
    let after = view(&company, id);
    assert_eq!(after.row.verbs, [Verb::Retry]);
    assert_eq!(after.row.status, Status::Cancelled);
    assert_eq!(after.row.seq, before.row.seq, "nothing follows an end");
    eventually("its folder's", || !world.has_folder(id));
    let resume = company
        .orchestrator
        .ask(id, Verb::Resume, None, Options::default());
    match now(resume) {
        Err(Error::Rejected {
            rejection: Rejection::NoCheckpoint,
            ..
        }) => {}
        other => panic!("it cannot be resumed: {other:?}"),
    }
}

#[test]
fn a_clock_that_is_a_weekend_ahead_removes_no_checkpoints_at_once() {
    let world = World::new();
    let day = Duration::from_millis(DAY.unsigned_abs());
    let (company, gate) = world.begin(day);
    let id = company.start();
    assert_eq!(company.begins(), 0);
    cancel(&company, &gate, id);
    now(company.orchestrator.shutdown());
    drop(company);
    world.clock.jump(2 * DAY);
    let (company, gate) = world.begin(day);
    // Looks go by while these run; none of them removes what the clock makes old.
    for _ in 0..20 {
        let other = company.start();
        assert_eq!(company.begins(), 0);
        cancel(&company, &gate, other);
    }
    assert!(view(&company, id).row.checkpoint.is_some());
    assert!(world.has_folder(id));
}

#[test]
fn a_removal_that_was_cut_short_is_done_at_the_next_start() {
    let world = World::new();
    let (company, gate) = world.begin(Duration::ZERO);
    let id = company.start();
    assert_eq!(company.begins(), 0);
    company.ask(id, Verb::Cancel);
    gate.send(()).expect("it waits");
    company.ended(id);
    eventually("the removal", || {
        view(&company, id).row.checkpoint.is_none()
    });
    eventually("its folder's", || !world.has_folder(id));
    now(company.orchestrator.shutdown());
    drop(company);
    let left = world.root.path().join(id.to_string()).join("000001-000001");
    fs::create_dir_all(left).expect("writable");
    let _company = world.begin(Duration::ZERO);
    eventually("the leftovers'", || !world.has_folder(id));
}
