//! Checkpoints of a run that is supervised: when one is due by its cost, and disks that do not take one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, io};

use crossbeam_channel::{Receiver, Sender, unbounded};
use impresario::operation::{Context, Failure, Kinds, Operation, OrFail, Policy};
use impresario::store::MemoryStore;
use impresario::testing;
use impresario::{Config, Options, Orchestrator, Until};
use impresario_api::{Event, EventBody, OperationId, OperationView, Status, Verb};

use crate::kit::{LONG, NoParams, eventually, now};

/// What writes a folder of a test's kind.
type Write = dyn Fn(u32, &Path) -> Result<(), Failure> + Send + Sync;

/// Gives a folder at each step, of which there is no last one, and may wait for a test in each.
pub(crate) struct Steps {
    policy: Policy,
    gate: Option<Receiver<()>>,
    begun: Sender<u32>,
    write: Box<Write>,
}

impl Operation for Steps {
    const KIND: &'static str = "steps";
    type Params = NoParams;
    type Output = u32;

    fn policy(&self) -> Policy {
        self.policy.clone()
    }

    fn run(&self, _: NoParams, ctx: &Context) -> Result<u32, Failure> {
        let first = ctx.restored_dir::<u32>()?.map_or(0, |(done, _)| done);
        let mut done = first;
        for step in ctx.steps("step", first..) {
            let step = step?;
            if step == first {
                // What is asked from now on is heard at this step's checkpoint. A test that has gone
                // wants nothing any more.
                let _ = self.begun.send(first);
            }
            done = step + 1;
            if let Some(gate) = &self.gate {
                // It hears of no stop here.
                let _ = gate.recv();
            }
            ctx.checkpoint_dir(&done, |folder| (self.write)(done, folder))?;
        }
        Ok(done)
    }
}

/// An orchestrator of that kind, with folders that go with it.
pub(crate) struct Company {
    pub(crate) orchestrator: Orchestrator,
    begun: Receiver<u32>,
    root: Arc<tempfile::TempDir>,
}

/// By what each costs.
fn policy() -> Policy {
    policy_of(Policy::lane("default").checkpoint_share(0.02))
}

fn policy_of(policy: Policy) -> Policy {
    let soon = Duration::from_millis(1);
    policy.backoff(soon, soon).pausable()
}

fn company(
    policy: Policy,
    gate: Option<Receiver<()>>,
    write: impl Fn(u32, &Path) -> Result<(), Failure> + Send + Sync + 'static,
) -> Company {
    let root = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let config = Config::default();
    founded(config, root, MemoryStore::new(), (policy, gate), write)
}

/// On a folder and a store that may have been used.
pub(crate) fn founded(
    config: Config,
    root: Arc<tempfile::TempDir>,
    store: MemoryStore,
    (policy, gate): (Policy, Option<Receiver<()>>),
    write: impl Fn(u32, &Path) -> Result<(), Failure> + Send + Sync + 'static,
) -> Company {
    let (begun, begins) = unbounded();
    let kind = Steps {
        policy,
        gate,
        begun,
        write: Box::new(write),
    };
    let config = config
        .checkpoint_dir(Some(root.path().to_owned()))
        .progress_every(Duration::from_millis(5));
    let kinds = Kinds::new().register(kind);
    let orchestrator = Orchestrator::start(config, kinds, store);
    Company {
        orchestrator: orchestrator.expect("it starts"),
        begun: begins,
        root,
    }
}

impl Company {
    pub(crate) fn start(&self) -> OperationId {
        let options = Options::default();
        let started = self
            .orchestrator
            .start_managed_operation::<Steps>(NoParams {}, options);
        now(started).expect("room").id
    }

    pub(crate) fn ask(&self, id: OperationId, verb: Verb) {
        let asked = self.orchestrator.ask(id, verb, None, Options::default());
        now(asked).expect("it may be asked");
    }

    pub(crate) fn ended(&self, id: OperationId) -> OperationView {
        let wait = self.orchestrator.wait_until(id, Until::EndedOrPaused, LONG);
        let view = now(wait).expect("it is kept");
        assert!(Until::EndedOrPaused.is_met(view.row.status), "{view:#?}");
        view
    }

    /// From which step the next run begins.
    pub(crate) fn begins(&self) -> u32 {
        self.begun.recv_timeout(LONG).expect("it begins")
    }
}

/// As the system says it.
fn full() -> Failure {
    let full: Result<(), _> = Err(std::io::Error::from(std::io::ErrorKind::StorageFull));
    full.or_retry("DISK").expect_err("it is full")
}

/// Computes for so long: on a loaded machine it takes longer.
fn compute(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[test]
fn the_next_is_due_when_the_last_ones_cost_is_its_share_of_the_time_since_written_or_not() {
    let (tells, told) = unbounded();
    let already_failed = AtomicBool::new(false);
    let company = company(policy(), None, move |_, _| {
        let began = Instant::now();
        compute(Duration::from_millis(10));
        let fails = !already_failed.swap(true, Ordering::Relaxed);
        let _ = tells.send((began, Instant::now()));
        if fails { Err(full()) } else { Ok(()) }
    });
    let id = company.start();
    let next = || told.recv_timeout(LONG).expect("it is due");
    let attempts = [next(), next(), next()];
    for (one, next) in attempts.iter().zip(&attempts[1..]) {
        let (cost, since) = (one.1 - one.0, next.0 - one.1);
        // What is measured is the whole of it, so it is more than the closure takes.
        assert!(
            since >= cost * 50,
            "{cost:?} cost, and the next after {since:?}"
        );
    }
    company.ask(id, Verb::Cancel);
    assert_eq!(company.ended(id).row.status, Status::Cancelled);
    let metrics = now(company.orchestrator.system_metrics()).expect("it runs");
    let costs = &metrics.checkpoints[Steps::KIND];
    let attempts = attempts.len() + told.try_iter().count();
    assert_eq!(costs.count(), attempts as u64, "each is counted");
    assert!(costs.sum() >= Duration::from_millis(10) * attempts as u32);
}

#[test]
fn a_cancel_keeps_the_step_that_it_came_in_and_a_resume_goes_on_from_it() {
    let (gate, waits) = unbounded();
    let company = company(policy(), Some(waits), |_, _| Ok(()));
    let id = company.start();
    assert_eq!(company.begins(), 0);
    for verb in [Verb::Cancel, Verb::Pause] {
        let before = now(company.orchestrator.view(id)).expect("it is kept");
        company.ask(id, verb);
        gate.send(()).expect("it waits");
        let ended = company.ended(id);
        let kept = ended.row.checkpoint.as_ref().expect("one was written");
        let before = before.row.checkpoint.map_or(0, |kept| kept.step["step"]);
        assert_eq!(kept.step["step"], before + 1, "{ended:#?}");
        company.ask(id, Verb::Resume);
        assert_eq!(u64::from(company.begins()), before + 1);
    }
    drop(gate);
    company.ask(id, Verb::Cancel);
    company.ended(id);
    assert!(company.root.path().join(id.to_string()).exists());
}

/// One at each step, whatever it costs.
pub(crate) fn each() -> Policy {
    policy_of(Policy::lane("default").checkpoint_every(Duration::ZERO))
}

/// The names in an operation's folder.
fn folders(company: &Company, id: OperationId) -> Vec<String> {
    let entries = fs::read_dir(company.root.path().join(id.to_string())).expect("it has folders");
    let name = |entry: io::Result<fs::DirEntry>| entry.expect("readable").file_name();
    let names = entries.map(|entry| name(entry).to_string_lossy().into_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// The numbers of the steps of its checkpoints that were recorded.
fn recorded(company: &Company, id: OperationId) -> Vec<u64> {
    let page = now(company
        .orchestrator
        .events(id, 0, 1_000, &["checkpoint"], None));
    let events = page.expect("it is kept").events;
    let step = |event: &Event| match &event.body {
        EventBody::Checkpoint(one) => one.step["step"],
        other => panic!("{other:?} is no checkpoint"),
    };
    events.iter().map(step).collect()
}

#[test]
fn on_a_full_disk_the_work_goes_on_warns_once_and_goes_back_to_the_last_one_that_was_written() {
    let (gate, waits) = unbounded();
    let is_full = Arc::new(AtomicBool::new(false));
    let disk = Arc::clone(&is_full);
    let company = company(each(), Some(waits), move |done, folder| {
        let file = folder.join("done");
        if disk.load(Ordering::Acquire) {
            // A device that is full: the system itself says so.
            std::os::unix::fs::symlink("/dev/full", &file).or_fail("NO_LINK")?;
        }
        fs::write(&file, done.to_string()).or_retry("CHECKPOINT_NOT_WRITTEN")
    });
    let id = company.start();
    assert_eq!(company.begins(), 0);
    let steps = |steps: usize| (0..steps).for_each(|_| gate.send(()).expect("it waits"));
    let reaches = |step: u64| {
        let shown = || {
            let view = now(company.orchestrator.view(id)).expect("it is kept");
            let progress = view.row.progress?;
            progress.steps.first().map(|step| step.current)
        };
        eventually("the step", || shown() == Some(step));
    };
    for (full, step) in [(false, 1), (true, 4), (false, 5), (true, 6)] {
        is_full.store(full, Ordering::Release);
        let done = if step == 4 { 3 } else { 1 };
        steps(done);
        reaches(step);
        if !full {
            let last = || recorded(&company, id).last().copied();
            eventually("the checkpoint", || last() == Some(step));
        }
    }
    company.ask(id, Verb::Cancel);
    steps(1);
    let ended = company.ended(id);
    assert_eq!(ended.row.status, Status::Cancelled, "{ended:#?}");
    assert_eq!(ended.row.error, None);
    assert_eq!(recorded(&company, id), [1, 5]);
    let warnings: Vec<_> = ended.warnings.iter().map(|one| &*one.code).collect();
    assert_eq!(
        warnings, ["CHECKPOINT_NOT_WRITTEN"; 2],
        "{:?}",
        ended.warnings
    );
    let said = &ended.warnings[0].message;
    assert!(
        said.starts_with("a checkpoint could not be written, and the work goes on: "),
        "{said}"
    );
    assert!(said.contains("No space left on device"), "{said}");
    assert_eq!(folders(&company, id), ["000001-000001", "000001-000005"]);
    is_full.store(false, Ordering::Release);
    company.ask(id, Verb::Resume);
    assert_eq!(company.begins(), 5);
    drop(gate);
    company.ask(id, Verb::Cancel);
    company.ended(id);
}

#[test]
fn a_pause_on_a_full_disk_rests_all_the_same_and_goes_back_to_the_one_before() {
    let (gate, waits) = unbounded();
    let company = company(each(), Some(waits), |done, _| match done {
        2 => Err(full()),
        _ => Ok(()),
    });
    let id = company.start();
    let pause = |from: u32| {
        assert_eq!(company.begins(), from);
        company.ask(id, Verb::Pause);
        gate.send(()).expect("it waits");
        let paused = company.ended(id);
        assert_eq!(paused.row.status, Status::Paused, "{paused:#?}");
        company.ask(id, Verb::Resume);
        paused
    };
    assert_eq!(pause(0).warnings, []);
    let paused = pause(1);
    assert_eq!(paused.warnings[0].code, "CHECKPOINT_NOT_WRITTEN");
    assert_eq!(company.begins(), 1);
    company.ask(id, Verb::Cancel);
    drop(gate);
    company.ended(id);
}

#[test]
fn a_place_that_is_no_folder_is_tried_again_too() {
    let (gate, waits) = unbounded();
    let company = company(each(), Some(waits), |_, _| Ok(()));
    let id = company.start();
    assert_eq!(company.begins(), 0);
    let place = company.root.path().join(id.to_string());
    fs::write(&place, "in its place").expect("writable");
    gate.send(()).expect("it waits");
    eventually("a warning", || {
        let view = now(company.orchestrator.view(id)).expect("it is kept");
        view.warnings
            .iter()
            .any(|one| one.code == "CHECKPOINT_NOT_WRITTEN")
    });
    fs::remove_file(&place).expect("removable");
    gate.send(()).expect("it waits");
    eventually("a checkpoint", || recorded(&company, id) == [2]);
    company.ask(id, Verb::Cancel);
    drop(gate);
    assert_eq!(company.ended(id).row.error, None);
}

/// Another kind, whose folders are not those of the steps.
struct Other;

impl Operation for Other {
    const KIND: &'static str = "other";
    type Params = NoParams;
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn run(&self, _: NoParams, ctx: &Context) -> Result<(), Failure> {
        ctx.checkpoint_dir(&1, |_| Ok::<_, Failure>(()))
    }
}

#[test]
fn a_folder_of_another_kind_fails_the_run_though_the_one_before_it_is_its_own() {
    let (gate, waits) = unbounded();
    let company = company(each(), Some(waits), |_, _| Ok(()));
    let id = company.start();
    for from in 0..2 {
        assert_eq!(company.begins(), from);
        company.ask(id, Verb::Pause);
        gate.send(()).expect("it waits");
        assert_eq!(company.ended(id).row.status, Status::Paused);
        if from == 0 {
            company.ask(id, Verb::Resume);
        }
    }
    let others = testing::run(&Other, NoParams {})
        .checkpoint_every_call()
        .end();
    let others = others.checkpoint().and_then(|one| one.dir.clone());
    let place = company.root.path().join(id.to_string());
    let newest = place.join("000002-000001").join("manifest.json");
    let manifest = others.expect("it has a folder").join("manifest.json");
    fs::copy(manifest, newest).expect("readable and writable");
    company.ask(id, Verb::Resume);
    let failed = company.ended(id);
    let error = failed.row.error.expect("it failed");
    assert_eq!(failed.row.status, Status::Failed);
    assert_eq!(
        (&*error.code, error.retryable),
        ("CHECKPOINT_FOREIGN", false)
    );
    assert_eq!(failed.row.attempt, 1);
    assert!(company.begun.is_empty(), "the function was not called");
    assert_eq!(folders(&company, id).len(), 2, "nothing is lost");
}
