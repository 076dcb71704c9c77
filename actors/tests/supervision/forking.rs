//! Forks: what they begin with, what they leave alone, and what is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use impresario::operation::{Context, Failure, Kinds, Operation, Policy};
use impresario::store::{MemoryStore, Query, Store};
use impresario::{Config, Error, LaneConfig, MetricRange, Options, Orchestrator, Started, Until};
use impresario_api::{CheckpointChoice, OperationId, OperationView, Status, StepCounts, Verb};
use serde_json::{Map, Value, json};

use crate::kit::{LONG, eventually, now};
use crate::scripted::{Blinking, Says};
use crate::waiting::leaves;

/// Adds `by` to a sum in each of its steps, and waits for the test before each.
struct Adder {
    gate: Receiver<()>,
    begun: Sender<(u32, u32)>,
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Add {
    #[schemars(range(min = 0, max = 100))]
    steps: u32,
    #[schemars(range(min = 0, max = 100))]
    by: u32,
    /// Whether the sum is kept in a file beside the state.
    in_files: bool,
}

impl Operation for Adder {
    const KIND: &'static str = "adder";
    type Params = Add;
    type Output = u32;

    fn policy(&self) -> Policy {
        Policy::lane("default")
            .pausable()
            .checkpoint_every(Duration::ZERO)
            .fork_may_change(&["steps", "by"])
    }

    fn run(&self, params: Add, ctx: &Context) -> Result<u32, Failure> {
        let (mut done, mut sum) = (0, 0);
        if !params.in_files {
            (done, sum) = ctx.restored()?.unwrap_or((0, 0));
        } else if let Some((state, files)) = ctx.restored_dir()? {
            done = state;
            let text = fs::read_to_string(files.join("sum")).unwrap_or_default();
            sum = text.parse().unwrap_or_default();
        }
        let _ = self.begun.send((done, sum));
        for step in ctx.steps("step", done..params.steps) {
            step?;
            let _ = ctx.recv(&self.gate)?;
            (done, sum) = (done + 1, sum + params.by);
            ctx.metric("sum", done.into(), sum.into());
            if params.in_files {
                ctx.checkpoint_dir(&done, |folder| {
                    fs::write(folder.join("sum"), sum.to_string())
                        .map_err(|error| Failure::new("DISK", error.to_string()))
                })?;
            } else {
                ctx.checkpoint(&(done, sum))?;
            }
        }
        Ok(sum)
    }
}

/// An orchestrator of adders with one slot, and the strings.
struct Stage {
    orchestrator: Orchestrator,
    gate: Sender<()>,
    begun: Receiver<(u32, u32)>,
    root: PathBuf,
}

fn stage(root: &Path, store: impl Store) -> Stage {
    let (gate, waits) = unbounded();
    let (begins, begun) = unbounded();
    let adder = Adder {
        gate: waits,
        begun: begins,
    };
    let lane = LaneConfig::default().concurrency(1).queue_limit(2);
    let config = Config::default()
        .lane("default", lane)
        .checkpoint_dir(Some(root.to_owned()))
        .blocking_threads(1)
        .progress_every(Duration::from_millis(5));
    let kinds = Kinds::new().register(adder);
    Stage {
        orchestrator: Orchestrator::start(config, kinds, store).expect("it starts"),
        gate,
        begun,
        root: root.to_owned(),
    }
}

fn changes(given: Value) -> Map<String, Value> {
    match given {
        Value::Object(changes) => changes,
        other => panic!("{other} is no object"),
    }
}

impl Stage {
    /// Starts one of five steps by 1.
    fn start(&self, in_files: bool) -> OperationId {
        let params = Add {
            steps: 5,
            by: 1,
            in_files,
        };
        let started = self
            .orchestrator
            .start_managed_operation::<Adder>(params, Options::default());
        let id = now(started).expect("there is room").id;
        assert_eq!(self.begun.recv_timeout(LONG), Ok((0, 0)));
        id
    }

    /// One that has done three steps and was cancelled then.
    fn cancelled(&self, in_files: bool) -> OperationId {
        let id = self.start(in_files);
        self.steps(id, 3);
        self.cancel(id);
        eventually("the removal of the first one", || {
            !in_files || self.folders(id).len() == 2
        });
        id
    }

    fn cancel(&self, id: OperationId) {
        let options = Options::default().wait(LONG);
        now(self.orchestrator.ask(id, Verb::Cancel, None, options)).expect("it is asked");
        assert_eq!(self.view(id).row.status, Status::Cancelled);
    }

    /// Lets it do steps up to this one, and waits until each checkpoint is recorded.
    fn steps(&self, id: OperationId, until: u64) {
        let done = || {
            let checkpoint = self.view(id).row.checkpoint;
            checkpoint.map_or(0, |checkpoint| checkpoint.step["step"])
        };
        for next in done() + 1..=until {
            self.gate.send(()).expect("it waits");
            eventually("the checkpoint", || done() == next);
        }
    }

    /// Lets it do the steps that are left, and waits for its end.
    fn ends(&self, id: OperationId, steps: u32) -> OperationView {
        for _ in 0..steps {
            self.gate.send(()).expect("it waits");
        }
        now(self.orchestrator.wait_until(id, Until::Ended, LONG)).expect("it is kept")
    }

    fn view(&self, id: OperationId) -> OperationView {
        now(self.orchestrator.view(id)).expect("it is kept")
    }

    fn fork(&self, id: OperationId, checkpoint: Value, params: Value) -> Result<Started, Error> {
        self.fork_with(id, checkpoint, params, Options::default())
    }

    fn fork_with(
        &self,
        id: OperationId,
        checkpoint: Value,
        params: Value,
        options: Options,
    ) -> Result<Started, Error> {
        let checkpoint = serde_json::from_value(checkpoint).expect("a choice");
        now(self
            .orchestrator
            .fork(id, checkpoint, changes(params), options))
    }

    /// Forks the newest checkpoint: the new one, which runs.
    fn forked(&self, id: OperationId, params: Value, begins: (u32, u32)) -> OperationId {
        let fork = self
            .fork(id, json!("latest"), params)
            .expect("a checkpoint is kept");
        assert_eq!(self.begun.recv_timeout(LONG), Ok(begins));
        fork.id
    }

    /// The sums by step, with the run of each.
    fn curve(&self, id: OperationId) -> Vec<(u64, f64, u32)> {
        let all = MetricRange {
            names: Vec::new(),
            steps: 0..=u64::MAX,
            max_points: 1_000,
        };
        let metrics = now(self.orchestrator.metrics(id, all)).expect("it is kept");
        let points = metrics.series.get("sum").into_iter().flatten();
        points
            .map(|one| (one.step, one.value.unwrap_or(-1.0), one.run))
            .collect()
    }

    fn folders(&self, id: OperationId) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root.join(id.to_string())).expect("it has folders");
        let mut folders: Vec<_> = entries.map(|one| one.expect("readable").path()).collect();
        folders.sort();
        folders
    }
}

fn damage(folder: &Path) {
    fs::write(folder.join("files/sum"), "77").expect("writable");
}

#[test]
fn a_fork_goes_on_with_other_params_and_the_original_stays_as_it_is() {
    for in_files in [false, true] {
        let root = tempfile::tempdir().expect("a temporary folder");
        let stage = stage(root.path(), MemoryStore::new());
        let id = stage.cancelled(in_files);
        let before = stage.view(id);
        let fork = stage.forked(id, json!({"by": 10}), (3, 3));
        let view = stage.view(fork);
        assert_eq!(
            view.params,
            json!({"steps": 5, "by": 10, "in_files": in_files})
        );
        let from = view.row.forked_from.expect("it is a fork");
        let newest = &before.checkpoints[0];
        assert_eq!((from.operation_id, from.run), (id, 1));
        assert_eq!((&from.step, from.at), (&newest.step, newest.at));
        assert_eq!(
            view.checkpoints,
            std::slice::from_ref(newest),
            "it begins with it"
        );
        let after = stage.view(id);
        assert_eq!(
            (after.row.seq, &after.checkpoints),
            (before.row.seq, &before.checkpoints)
        );
        assert_eq!(stage.ends(fork, 2).result_summary, Some(23.into()));
    }
}

#[test]
fn its_first_events_tell_where_it_comes_from_and_what_it_keeps() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let stage = stage(root.path(), MemoryStore::new());
    let id = stage.cancelled(false);
    let fork = stage.forked(id, json!({}), (3, 3));
    let page = now(stage.orchestrator.events(fork, 0, 100, &[], None)).expect("kept");
    let told: Vec<_> = page.events.iter().map(|event| json!(event.body)).collect();
    assert_eq!(
        told[0]["data"]["forked_from"]["operation_id"],
        id.to_string()
    );
    assert_eq!(told[1]["type"], "checkpoint");
    assert_eq!(told[1]["data"]["step"]["step"], 3);
    let submitted = now(stage.orchestrator.events(id, 0, 1, &[], None)).expect("kept");
    assert!(
        json!(submitted.events[0].body)["data"]
            .get("forked_from")
            .is_none()
    );
    stage.cancel(fork);
}

#[test]
fn one_that_runs_is_forked_and_runs_on() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let stage = stage(root.path(), MemoryStore::new());
    let id = stage.start(true);
    stage.steps(id, 2);
    let fork = stage
        .fork(id, json!("latest"), json!({"steps": 3}))
        .expect("it is kept");
    assert_eq!(fork.status, Status::Pending);
    assert_eq!(stage.ends(id, 3).result_summary, Some(5.into()));
    assert_eq!(stage.begun.recv_timeout(LONG), Ok((2, 2)));
    assert_eq!(stage.ends(fork.id, 1).result_summary, Some(3.into()));
    let of = |id: OperationId| root.path().join(id.to_string());
    eventually("the removal", || !of(fork.id).exists() && !of(id).exists());
}

#[test]
fn a_checkpoint_is_named_by_its_step_or_by_a_number() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let stage = stage(root.path(), MemoryStore::new());
    let id = stage.cancelled(true);
    for choice in [json!({"step": 2}), json!(2)] {
        let fork = stage.fork(id, choice, json!({})).expect("it is kept");
        assert_eq!(stage.begun.recv_timeout(LONG), Ok((2, 2)));
        assert_eq!(fork.forked_from.expect("a fork").step["step"], 2);
        stage.cancel(fork.id);
    }
    for choice in [json!({"step": 1}), json!(1), json!({"epoch": 3})] {
        match stage.fork(id, choice, json!({})) {
            Err(Error::NoCheckpoint { message, kept }) => {
                assert!(
                    message.contains("it keeps one at step 3, and one at step 2"),
                    "{message}"
                );
                assert_eq!(json!(kept), json!([{"step": 3}, {"step": 2}]));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn of_a_damaged_one_the_one_before_it_is_taken_and_by_its_step_it_is_refused() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let stage = stage(root.path(), MemoryStore::new());
    let id = stage.cancelled(true);
    let folders = stage.folders(id);
    damage(&folders[1]);
    let fork = stage
        .fork(id, json!("latest"), json!({}))
        .expect("one is whole");
    assert_eq!(fork.forked_from.expect("a fork").step["step"], 2);
    assert_eq!(stage.begun.recv_timeout(LONG), Ok((2, 2)));
    stage.cancel(fork.id);
    let damaged = |choice: Value| match stage.fork(id, choice, json!({})) {
        Err(Error::CheckpointDamaged(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(damaged(json!(3)).contains("sum in "));
    damage(&folders[0]);
    let both = damaged(json!("latest"));
    assert_eq!(both.matches("sum in ").count(), 2, "{both}");
    let left = || fs::read_dir(root.path()).expect("readable").count();
    // The original, the fork, and the lock.
    eventually("the removal of what was copied", || left() == 3);
}

#[test]
fn one_that_is_replaced_while_it_is_copied_gives_way_to_the_newest() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let (refuses, old) = (Arc::new(AtomicU32::new(0)), Arc::new(OnceLock::new()));
    let kept = MemoryStore::new();
    let store = Blinking {
        store: kept.clone(),
        refuses: Arc::clone(&refuses),
        says: Says::Old(Arc::clone(&old)),
    };
    let stage = stage(root.path(), store);
    let id = stage.start(true);
    stage.steps(id, 2);
    let read = kept.reader().operation(id).wait().expect("memory answers");
    old.set(read.expect("it is kept")).expect("set once");
    stage.steps(id, 4);
    eventually("the removal of the older ones", || {
        stage.folders(id).len() == 2
    });
    for (choice, expected) in [(json!("latest"), Some(4)), (json!(2), None)] {
        // As it was before: when its params are read, and when its checkpoint is chosen.
        refuses.store(2, Ordering::Release);
        let forked = stage.fork(id, choice, json!({}));
        match expected {
            Some(step) => {
                let from = forked.expect("the newest is whole").forked_from;
                assert_eq!(from.expect("a fork").step["step"], step);
            }
            None => assert!(
                matches!(forked, Err(Error::NoCheckpoint { .. })),
                "{forked:?}"
            ),
        }
    }
    stage.cancel(id);
}

#[test]
fn nothing_to_fork_is_told_by_name() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let stage = stage(root.path(), MemoryStore::new());
    let told = |id| match stage.fork(id, json!("latest"), json!({})) {
        Err(Error::NoCheckpoint { message, kept }) => {
            assert!(kept.is_empty());
            message
        }
        other => panic!("{other:?}"),
    };
    let id = stage.start(true);
    assert_eq!(told(id), "the operation keeps no checkpoint");
    let view = stage.ends(id, 5);
    assert!(view.checkpoints.is_empty() && view.row.checkpoint.is_none());
    assert!(told(id).contains("the folders of its checkpoints were removed"));
    let unknown = OperationId::from_u64(7);
    let refused = stage.fork(unknown, json!("latest"), json!({}));
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    // Without folders, what has completed can go further.
    let id = stage.start(false);
    stage.ends(id, 5);
    let fork = stage.forked(id, json!({"steps": 6, "by": 4}), (5, 5));
    assert_eq!(stage.ends(fork, 1).result_summary, Some(9.into()));
}

#[test]
fn params_that_may_not_change_are_refused_by_name_and_the_others_judged_as_at_a_start() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let stage = stage(root.path(), MemoryStore::new());
    let id = stage.cancelled(false);
    let paths = |params: Value| match stage.fork(id, json!("latest"), params) {
        Err(Error::InvalidParams(faults)) => {
            let paths = faults.first().iter().map(|fault| fault.path.clone());
            paths.collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let given = json!({"by": 101, "in_files": true, "stpes": 3});
    assert_eq!(paths(given), ["in_files", "stpes"]);
    assert_eq!(paths(json!({"by": 101, "steps": "5"})), ["by", "steps"]);
    let page = now(stage.orchestrator.list(Query::default()));
    assert_eq!(page.expect("a list").total_count, 1, "nothing is made");
}

#[test]
fn a_fork_takes_the_options_of_the_original_and_its_place_in_the_queue() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let stage = stage(root.path(), MemoryStore::new());
    let id = stage.cancelled(true);
    let running = stage.start(true);
    let start = |options: Value| serde_json::from_value(options).expect("options");
    let labels = start(json!({"labels": {"team": "blue"}, "priority": 5}));
    let first = stage.fork_with(
        id,
        json!("latest"),
        json!({}),
        Options::default().start(labels),
    );
    let first = first.expect("there is room").id;
    let second = stage.fork_with(
        first,
        json!("latest"),
        json!({}),
        Options::default().start(start(json!({"priority": 6}))),
    );
    let row = stage.view(second.expect("there is room").id).row;
    assert_eq!((row.priority, row.labels["team"].as_str()), (6, "blue"));
    assert_eq!(
        row.forked_from.expect("a fork").run,
        0,
        "the first one has not run"
    );
    let before = fs::read_dir(root.path()).expect("readable").count();
    let refused = stage.fork(id, json!("latest"), json!({}));
    assert!(
        matches!(refused, Err(Error::QueueFull { .. })),
        "{refused:?}"
    );
    eventually("the removal of its copy", || {
        fs::read_dir(root.path()).expect("readable").count() == before
    });
    stage.cancel(running);
}

#[test]
fn the_copy_for_a_caller_who_has_left_goes() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let stage = stage(root.path(), MemoryStore::new());
    let id = stage.cancelled(true);
    let there = || fs::read_dir(root.path()).expect("readable").count();
    let before = there();
    let latest = CheckpointChoice::Latest;
    let fork = stage
        .orchestrator
        .fork(id, latest, Map::new(), Options::default());
    leaves(fork);
    // The pool has one thread: what is done after it finds the copy made.
    now(stage.orchestrator.blocking(|| ())).expect("there is room");
    eventually("the removal of its copy", || there() == before);
    let page = now(stage.orchestrator.list(Query::default())).expect("a list");
    assert_eq!(page.total_count, 1, "nothing is started");
}

#[test]
fn the_same_key_and_request_make_one_fork() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let stage = stage(root.path(), MemoryStore::new());
    let id = stage.cancelled(true);
    let ask = |choice: Value, params: Value| {
        stage.fork_with(id, choice, params, Options::default().idempotency_key("k"))
    };
    let first = ask(json!("latest"), json!({"by": 2})).expect("a fork");
    let again = ask(json!("latest"), json!({"by": 2})).expect("a replay");
    assert_eq!((again.id, again.replayed), (first.id, true));
    assert_eq!(again.forked_from, first.forked_from);
    for (choice, params) in [(json!(3), json!({"by": 2})), (json!("latest"), json!({}))] {
        let other = ask(choice, params);
        assert!(
            matches!(other, Err(Error::IdempotencyMismatch(_))),
            "{other:?}"
        );
    }
    stage.cancel(first.id);
}

#[test]
fn the_curve_of_a_fork_of_a_fork_is_one() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let stage = stage(root.path(), MemoryStore::new());
    let id = stage.start(false);
    stage.steps(id, 3);
    let fork = stage
        .fork(id, json!(2), json!({"by": 10}))
        .expect("it is kept")
        .id;
    let head = [(1, 1.0, 0), (2, 2.0, 0)];
    assert_eq!(stage.curve(fork), head, "before its first run");
    stage.ends(id, 2);
    assert_eq!(stage.begun.recv_timeout(LONG), Ok((2, 2)));
    stage.steps(fork, 4);
    stage.cancel(fork);
    let whole = [(1, 1.0, 0), (2, 2.0, 0), (3, 12.0, 1), (4, 22.0, 1)];
    assert_eq!(stage.curve(fork), whole);
    let second = stage.forked(fork, json!({"by": 100}), (4, 22));
    stage.ends(second, 1);
    let joined = [
        (1, 1.0, 0),
        (2, 2.0, 0),
        (3, 12.0, 0),
        (4, 22.0, 0),
        (5, 122.0, 1),
    ];
    assert_eq!(stage.curve(second), joined);
    let own = [
        (1, 1.0, 1),
        (2, 2.0, 1),
        (3, 3.0, 1),
        (4, 4.0, 1),
        (5, 5.0, 1),
    ];
    assert_eq!(stage.curve(id), own, "the original's is its own");
}

#[test]
fn a_curve_goes_back_a_bounded_number_of_forks() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let stage = stage(root.path(), MemoryStore::new());
    let mut id = stage.cancelled(false);
    let running = stage.start(false);
    let mut points = Vec::new();
    for _ in 0..17 {
        let fork = stage.fork(id, json!("latest"), json!({}));
        id = fork.expect("it has a checkpoint").id;
        points.push(stage.curve(id).len());
        stage.cancel(id);
    }
    let (within, beyond) = points.split_at(16);
    assert!(within.iter().all(|count| *count == 3), "{points:?}");
    assert_eq!(beyond, [0]);
    stage.cancel(running);
}

#[test]
fn the_points_of_an_ancestor_that_was_removed_are_left_out() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let stage = stage(root.path(), MemoryStore::new());
    let id = stage.cancelled(false);
    let fork = stage.forked(id, json!({}), (3, 3));
    stage.steps(fork, 4);
    eventually("the removal", || {
        // Within the millisecond of its end it is not older than that.
        now(stage.orchestrator.prune(Duration::ZERO, false)).expect("pruned") == 1
    });
    assert_eq!(stage.curve(fork), [(4, 4.0, 1)]);
    assert_eq!(
        stage
            .view(fork)
            .row
            .forked_from
            .expect("a fork")
            .operation_id,
        id
    );
    stage.cancel(fork);
}

#[test]
fn a_fork_that_was_cancelled_before_it_ran_is_resumed_from_its_checkpoint() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let stage = stage(root.path(), MemoryStore::new());
    let id = stage.cancelled(true);
    let running = stage.start(false);
    let fork = stage
        .fork(id, json!("latest"), json!({}))
        .expect("it is kept")
        .id;
    stage.cancel(fork);
    now(stage
        .orchestrator
        .ask(fork, Verb::Resume, None, Options::default()))
    .expect("it has one");
    stage.cancel(running);
    assert_eq!(stage.begun.recv_timeout(LONG), Ok((3, 3)));
    stage.ends(fork, 2);
}

#[test]
fn a_fork_without_a_whole_checkpoint_fails_and_begins_nothing() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let stage = stage(root.path(), MemoryStore::new());
    let id = stage.cancelled(true);
    let running = stage.start(false);
    let fork = stage.fork(id, json!("latest"), json!({}));
    let fork = fork.expect("it is kept").id;
    damage(&stage.folders(fork)[0]);
    stage.cancel(running);
    let view = stage.ends(fork, 0);
    let error = view.row.error.expect("it failed");
    assert_eq!(
        (view.row.status, &*error.code),
        (Status::Failed, "CHECKPOINT_DAMAGED")
    );
    assert!(
        error.message.contains("fork the original once more"),
        "{}",
        error.message
    );
    assert_eq!(view.warnings[0].code, "CHECKPOINT_DAMAGED");
    assert!(stage.begun.is_empty(), "its function was not called");
    let again = stage.forked(id, json!({}), (3, 3));
    stage.ends(again, 2);
}

#[test]
fn a_fork_outlives_the_process_and_a_copy_for_nobody_goes() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let store = MemoryStore::new();
    let first = stage(root.path(), store.clone());
    let id = first.cancelled(true);
    first.start(true);
    let fork = first
        .fork(id, json!("latest"), json!({}))
        .expect("it is kept")
        .id;
    std::mem::forget(first);
    // The system releases the locks of a process that is gone.
    fs::remove_file(root.path().join("checkpoints.lock")).expect("it was locked");
    let half = root.path().join(OperationId::from_u64(77).to_string());
    // One that the next process makes while it still takes up what this one left.
    let later = root
        .path()
        .join(OperationId::from_u64(u64::MAX >> 1).to_string());
    for folder in [&half, &later] {
        fs::create_dir_all(folder.join(".000000-000001/files")).expect("writable");
    }
    let second = stage(root.path(), store);
    assert_eq!(
        second.begun.recv_timeout(LONG),
        Ok((0, 0)),
        "the lost one goes first"
    );
    eventually("the removal", || !half.exists());
    assert!(later.exists());
    let lost = StepCounts::from([("step".to_owned(), 3)]);
    assert_eq!(
        second.view(fork).row.forked_from.expect("a fork").step,
        lost
    );
    for _ in 0..7 {
        second.gate.send(()).expect("it waits");
    }
    assert_eq!(second.begun.recv_timeout(LONG), Ok((3, 3)));
    assert_eq!(second.ends(fork, 0).result_summary, Some(5.into()));
}
