//! What a process left is taken up: counts, lanes and kinds that are gone, damaged checkpoints, and
//! what is removed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use impresario::operation::{Context, Failure, Kinds, Operation, Policy};
use impresario::store::{Command, LockError, MemoryStore, Store};
use impresario::{Config, LaneConfig, Options, Orchestrator, Retention, StartupError, Until};
use impresario_api::{EventBody, OperationId, OperationView, Status, Verb};

use crate::kit::{
    LONG, Move, NoParams, Puppet, eventually, now, policy, stage_in, stage_of, stage_with,
};

/// Leaves so many pending ones behind, and one that runs.
fn left(store: &MemoryStore, waiting: usize) -> Vec<OperationId> {
    let stage = stage_with(policy(), 1, store.clone());
    let mut ids = vec![stage.running()];
    ids.extend((0..waiting).map(|_| stage.start()));
    // As a killed process does: nothing is put in order.
    std::mem::forget(stage);
    ids
}

#[test]
fn what_waits_is_counted_and_waits_again_in_order() {
    let store = MemoryStore::new();
    let ids = left(&store, 2);
    let stage = stage_with(policy(), 1, store);
    assert_eq!(
        stage.ready(),
        2,
        "the lost run goes on first: it is the oldest"
    );
    let system = stage.system();
    assert_eq!(system.lanes[1].queued, 2, "{:?}", system.lanes);
    for id in ids {
        assert_eq!(stage.returns(id).row.status, Status::Completed);
        let _ = stage.ready.recv_timeout(Duration::from_millis(1));
    }
}

/// An orchestrator without the kind, or without the lane, of what was left.
fn stranger(store: MemoryStore, lane: Option<&str>) -> Orchestrator {
    let (config, kinds) = match lane {
        Some(lane) => (
            Config::default().lane(lane, LaneConfig::default()),
            Kinds::new(),
        ),
        None => {
            let (puppet, ..) = Puppet::new(Policy::lane("default"));
            (Config::default(), Kinds::new().register(puppet))
        }
    };
    Orchestrator::start(config, kinds, store).expect("it starts")
}

fn code_of(orchestrator: &Orchestrator, id: OperationId) -> String {
    let ended = now(orchestrator.wait_until(id, Until::Ended, LONG)).expect("it is kept");
    assert_eq!(ended.row.status, Status::Failed);
    ended.row.error.expect("an error").code
}

#[test]
fn a_kind_or_a_lane_that_is_gone_fails_what_waited_by_name_and_blocks_nothing() {
    for (lane, code) in [(Some("puppets"), "KIND_UNKNOWN"), (None, "LANE_UNKNOWN")] {
        let store = MemoryStore::new();
        let ids = left(&store, 2);
        let orchestrator = stranger(store, lane);
        for id in ids {
            assert_eq!(code_of(&orchestrator, id), code);
        }
    }
}

#[test]
fn a_lane_that_is_gone_fails_what_comes_back_to_it_too() {
    let store = MemoryStore::new();
    let stage = stage_with(policy(), 1, store.clone());
    let later = serde_json::json!({"not_before": "2099-01-01T00:00:00Z"});
    let id = stage.start_with(later).expect("room");
    now(stage.orchestrator.shutdown());
    let orchestrator = stranger(store, None);
    let asked = orchestrator.ask(id, Verb::StartNow, None, impresario::Options::default());
    now(asked).expect("it waits for its time");
    assert_eq!(code_of(&orchestrator, id), "LANE_UNKNOWN");
}

/// Fills a folder in each of its ten steps, and says where it began.
struct Filler {
    gate: crossbeam_channel::Receiver<()>,
    begun: crossbeam_channel::Sender<u32>,
}

impl Operation for Filler {
    const KIND: &'static str = "filler";
    type Params = NoParams;
    type Output = u32;

    fn policy(&self) -> Policy {
        Policy::lane("default")
            .pausable()
            .checkpoint_every(Duration::ZERO)
    }

    fn run(&self, _: NoParams, ctx: &Context) -> Result<u32, Failure> {
        let restored = ctx.restored_dir::<u32>()?;
        let mut done = 0;
        if let Some((state, files)) = restored {
            let text = fs::read_to_string(files.join("done")).unwrap_or_default();
            assert_eq!(text, state.to_string(), "state and folder are one");
            done = state;
        }
        let _ = self.begun.send(done);
        for step in ctx.steps("step", done..10) {
            step?;
            let _ = ctx.recv(&self.gate)?;
            done += 1;
            ctx.checkpoint_dir(&done, |folder| {
                fs::write(folder.join("done"), done.to_string())
                    .map_err(|error| Failure::new("DISK", error.to_string()))
            })?;
        }
        Ok(done)
    }
}

/// An orchestrator of fillers on a folder.
struct Company {
    orchestrator: Orchestrator,
    gate: crossbeam_channel::Sender<()>,
    begun: crossbeam_channel::Receiver<u32>,
}

fn company(root: &Path, store: MemoryStore) -> Company {
    founded(root, store).expect("it starts")
}

fn founded(root: &Path, store: MemoryStore) -> Result<Company, StartupError> {
    let (gate, waits) = crossbeam_channel::unbounded();
    let (begins, begun) = crossbeam_channel::unbounded();
    let filler = Filler {
        gate: waits,
        begun: begins,
    };
    let config = Config::default()
        .checkpoint_dir(Some(root.to_owned()))
        .progress_every(Duration::from_millis(5));
    let kinds = Kinds::new().register(filler);
    let orchestrator = Orchestrator::start(config, kinds, store)?;
    Ok(Company {
        orchestrator,
        gate,
        begun,
    })
}

impl Company {
    /// Lets it do so many steps, each with its folder, and waits until the last is recorded.
    fn steps(&self, id: OperationId, steps: u32, done: u64) {
        for _ in 0..steps {
            self.gate.send(()).expect("it waits");
        }
        let mut since = 0;
        loop {
            let page = now(self
                .orchestrator
                .events(id, since, 100, &["checkpoint"], Some(LONG)));
            let page = page.expect("it is kept");
            assert!(!page.events.is_empty(), "the checkpoint never came");
            since = page.next_since;
            let reached = |event: &impresario_api::Event| matches!(&event.body, EventBody::Checkpoint(one) if one.step["step"] >= done);
            if page.events.iter().any(reached) {
                return;
            }
        }
    }

    fn start(&self) -> OperationId {
        let started = self
            .orchestrator
            .start_managed_operation::<Filler>(NoParams {}, Options::default());
        now(started).expect("a start").id
    }

    fn ended(&self, id: OperationId) -> OperationView {
        now(self.orchestrator.wait_until(id, Until::EndedOrPaused, LONG)).expect("it is kept")
    }
}

/// Three steps are done, and then the process is gone.
fn lost(root: &Path) -> (MemoryStore, OperationId) {
    let store = MemoryStore::new();
    let company = company(root, store.clone());
    let id = company.start();
    for done in 1..=3 {
        company.steps(id, 1, done);
    }
    // The sweeper of the one that is gone removes nothing any more.
    removed(|| folders(root, id).len() <= 2);
    std::mem::forget(company);
    // The system releases the locks of a process that is gone.
    fs::remove_file(root.join("checkpoints.lock")).expect("it was locked");
    (store, id)
}

#[test]
fn two_orchestrators_do_not_share_a_folder_of_checkpoints() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let first = company(root.path(), MemoryStore::new());
    let second = founded(root.path(), MemoryStore::new());
    let Err(StartupError::CheckpointFolder(LockError::Taken(folder))) = second else {
        panic!("it would remove the other one's checkpoints");
    };
    assert_eq!(folder, root.path());
    now(first.orchestrator.shutdown());
    now(company(root.path(), MemoryStore::new())
        .orchestrator
        .shutdown());
}

fn folders(root: &Path, id: OperationId) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join(id.to_string())).expect("it has folders");
    let mut folders: Vec<_> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    folders.sort();
    folders
}

fn goes_on_from(root: &Path, store: MemoryStore, id: OperationId, begins: u32, warnings: usize) {
    let company = company(root, store);
    assert_eq!(company.begun.recv_timeout(LONG), Ok(begins));
    for _ in begins..10 {
        company.gate.send(()).expect("it waits");
    }
    let view = company.ended(id);
    assert_eq!(view.result_summary, Some(10.into()), "{view:#?}");
    assert_eq!(view.warnings.len(), warnings, "{:?}", view.warnings);
    let damaged = |warning: &impresario_api::Warning| warning.code == "CHECKPOINT_DAMAGED";
    assert!(view.warnings.iter().all(damaged));
    let page = now(company
        .orchestrator
        .events(id, 0, 1_000, &["restored"], None));
    let restored: Vec<_> = page.expect("kept").events;
    let from = restored.iter().map(|event| match &event.body {
        EventBody::Restored(data) => data.from_step["step"],
        _ => 0,
    });
    let expected = if begins == 0 {
        vec![]
    } else {
        vec![u64::from(begins)]
    };
    assert_eq!(
        from.collect::<Vec<_>>(),
        expected,
        "the one that was used is told"
    );
    now(company.orchestrator.shutdown());
}

#[test]
fn a_lost_run_goes_on_from_its_newest_folder() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let (store, id) = lost(root.path());
    goes_on_from(root.path(), store, id, 3, 0);
}

#[test]
fn a_damaged_folder_is_skipped_for_the_one_before_it() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let (store, id) = lost(root.path());
    let newest = folders(root.path(), id).pop().expect("three steps");
    fs::write(newest.join("files/done"), "4").expect("writable");
    goes_on_from(root.path(), store, id, 2, 1);
}

#[test]
fn with_every_folder_damaged_it_begins_anew() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let (store, id) = lost(root.path());
    for folder in folders(root.path(), id) {
        fs::remove_file(folder.join("manifest.json")).expect("removable");
    }
    goes_on_from(root.path(), store, id, 0, 2);
}

#[test]
fn folders_are_found_where_the_data_folder_was_moved_to() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let (store, id) = lost(&root.path().join("old"));
    fs::rename(root.path().join("old"), root.path().join("new")).expect("movable");
    goes_on_from(&root.path().join("new"), store, id, 3, 0);
}

/// Waits for what a thread of its own removes.
fn removed(gone: impl Fn() -> bool) {
    eventually("its removal", gone);
}

#[test]
fn what_a_crash_left_half_written_goes_and_so_does_what_belongs_to_nobody() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let (store, id) = lost(root.path());
    let half = root.path().join(id.to_string()).join(".000001-000009");
    let nobodys = root.path().join(OperationId::from_u64(77).to_string());
    let foreign = root.path().join("notes");
    for folder in [&half, &nobodys, &foreign] {
        fs::create_dir_all(folder).expect("writable");
    }
    let company = company(root.path(), store);
    removed(|| !half.exists() && !nobodys.exists());
    assert!(foreign.exists(), "what was not made here stays");
    drop(company);
}

#[test]
fn folders_go_when_newer_ones_are_recorded_and_with_the_operation() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let store = MemoryStore::new();
    let company = company(root.path(), store);
    let id = company.start();
    for done in 1..=5 {
        company.steps(id, 1, done);
    }
    removed(|| folders(root.path(), id).len() <= 2);
    company.steps(id, 5, 9);
    assert_eq!(company.ended(id).row.status, Status::Completed);
    removed(|| !root.path().join(id.to_string()).exists());
    let cancelled = company.start();
    company.steps(cancelled, 1, 1);
    let cancel = now(company
        .orchestrator
        .ask(cancelled, Verb::Cancel, None, Options::default()));
    cancel.expect("it may be cancelled");
    assert_eq!(company.ended(cancelled).row.status, Status::Cancelled);
    assert!(
        !folders(root.path(), cancelled).is_empty(),
        "it may be resumed"
    );
    removed(|| {
        // Within the millisecond of its end it is not older than that.
        now(company.orchestrator.prune(Duration::ZERO, false)).expect("pruned");
        !root.path().join(cancelled.to_string()).exists()
    });
}

#[test]
fn what_ended_goes_by_number_and_by_age() {
    let store = MemoryStore::new();
    let retention = Retention::default()
        .max_operations(2)
        .every(Duration::from_millis(5));
    let config = Config::default().retention(retention);
    let stage = stage_in(config, policy(), 1, store.clone());
    let ids: Vec<_> = (0..4)
        .map(|_| {
            let id = stage.running();
            stage.returns(id);
            id
        })
        .collect();
    let kept = |id| {
        store
            .reader()
            .operation(id)
            .wait()
            .expect("memory answers")
            .is_some()
    };
    removed(|| !kept(ids[0]) && !kept(ids[1]));
    assert!(kept(ids[2]) && kept(ids[3]), "the newest two stay");
    now(stage.orchestrator.shutdown());
    let config = Config::default().retention(
        Retention::default()
            .max_age(Duration::ZERO)
            .every(Duration::from_millis(5)),
    );
    let stage = stage_in(config, policy(), 1, store.clone());
    removed(|| !kept(ids[2]) && !kept(ids[3]));
    drop(stage);
}

#[test]
fn a_clock_far_ahead_removes_nothing_by_age_at_once() {
    let store = MemoryStore::new();
    // The last commit was a year ago, as the clock has it.
    let long_ago = impresario_api::Timestamp::now().plus_millis(-365 * 24 * 3_600_000);
    let mut writer = store.clone();
    let stage = stage_of(policy(), 1);
    let id = stage.running();
    let view = stage.view(id);
    let submission = impresario::store::Submission {
        id,
        kind: "puppet".to_owned(),
        lane: "puppets".to_owned(),
        priority: 0,
        labels: view.row.labels.clone(),
        requested_by: "me".to_owned(),
        retry_of: None,
        reason: None,
        fork: None,
        params: Arc::new(serde_json::json!({})),
        timeout_ms: None,
        not_before: None,
        terms: impresario::rules::lifecycle::Terms {
            pausable: false,
            finishable: false,
            max_attempts: 1,
            backoff: impresario::rules::retry::Backoff {
                base: Duration::ZERO,
                cap: Duration::ZERO,
            },
            retry_panics: false,
            fail_when_lost: false,
        },
        idempotency: None,
        unique: None,
        limits: impresario::rules::admission::Limits::NONE,
        now: long_ago,
    };
    let input = impresario::rules::lifecycle::Input::Asked {
        verb: Verb::Cancel,
        by: "me".to_owned(),
        reason: None,
    };
    let now_then = long_ago;
    let batch = [
        Command::Submit(Box::new(submission)),
        Command::Apply {
            id,
            input,
            now: now_then,
        },
    ];
    writer.commit(&batch).expect("memory commits");
    stage.command(Move::Return);
    let config = Config::default().retention(Retention::default().every(Duration::from_millis(1)));
    let stage = stage_in(config, policy(), 1, store.clone());
    // Many looks go by while this one runs; none of them removes what the clock makes old.
    let other = stage.running();
    stage.command(Move::Log(1));
    stage.ready();
    stage.event(other, |body| matches!(body, EventBody::Log(_)));
    assert!(
        store
            .reader()
            .operation(id)
            .wait()
            .expect("answers")
            .is_some()
    );
    stage.returns(other);
}
