//! Checkpoints of a run that is supervised: when one is due by its cost.

use std::path::Path;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use impresario::operation::{Context, Failure, Kinds, Operation, Policy};
use impresario::store::MemoryStore;
use impresario::{Config, Options, Orchestrator, Until};
use impresario_api::{OperationId, OperationView, Status, Verb};

use crate::kit::{LONG, NoParams, now};

/// What writes a folder of a test's kind.
type Write = dyn Fn(u32, &Path) -> Result<(), Failure> + Send + Sync;

/// Gives a folder at each step, of which there is no last one, and may wait for a test in each.
struct Steps {
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
        let mut done = ctx.restored_dir::<u32>()?.map_or(0, |(done, _)| done);
        // A test that has gone wants nothing any more.
        let _ = self.begun.send(done);
        for step in ctx.steps("step", done..) {
            done = step? + 1;
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
struct Company {
    orchestrator: Orchestrator,
    begun: Receiver<u32>,
    root: tempfile::TempDir,
}

fn policy() -> Policy {
    let soon = Duration::from_millis(1);
    let policy = Policy::lane("default").backoff(soon, soon);
    policy.pausable().checkpoint_share(0.02)
}

fn company(
    gate: Option<Receiver<()>>,
    write: impl Fn(u32, &Path) -> Result<(), Failure> + Send + Sync + 'static,
) -> Company {
    let root = tempfile::tempdir().expect("a temporary folder");
    let (begun, begins) = unbounded();
    let kind = Steps {
        policy: policy(),
        gate,
        begun,
        write: Box::new(write),
    };
    let config = Config::default()
        .checkpoint_dir(Some(root.path().to_owned()))
        .progress_every(Duration::from_millis(5));
    let kinds = Kinds::new().register(kind);
    let orchestrator = Orchestrator::start(config, kinds, MemoryStore::new());
    Company {
        orchestrator: orchestrator.expect("it starts"),
        begun: begins,
        root,
    }
}

impl Company {
    fn start(&self) -> OperationId {
        let options = Options::default();
        let started = self
            .orchestrator
            .start_managed_operation::<Steps>(NoParams {}, options);
        now(started).expect("room").id
    }

    fn ask(&self, id: OperationId, verb: Verb) {
        let asked = self.orchestrator.ask(id, verb, None, Options::default());
        now(asked).expect("it may be asked");
    }

    fn ended(&self, id: OperationId) -> OperationView {
        let wait = self.orchestrator.wait_until(id, Until::EndedOrPaused, LONG);
        let view = now(wait).expect("it is kept");
        assert!(Until::EndedOrPaused.is_met(view.row.status), "{view:#?}");
        view
    }

    /// From which step the next run begins.
    fn begins(&self) -> u32 {
        self.begun.recv_timeout(LONG).expect("it begins")
    }
}

/// Computes for so long: on a loaded machine it takes longer.
fn compute(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[test]
fn the_next_is_due_when_the_last_ones_cost_is_its_share_of_the_time_since() {
    let (tells, told) = unbounded();
    let company = company(None, move |_, _| {
        let began = Instant::now();
        compute(Duration::from_millis(10));
        let _ = tells.send((began, Instant::now()));
        Ok(())
    });
    let id = company.start();
    let next = || told.recv_timeout(LONG).expect("it is due");
    let ((began, ended), second) = (next(), next());
    let (cost, since) = (ended - began, second.0 - ended);
    // What is measured is the whole of it, so it is more than the closure takes.
    assert!(
        since >= cost * 50,
        "{cost:?} cost, and the next after {since:?}"
    );
    company.ask(id, Verb::Cancel);
    assert_eq!(company.ended(id).row.status, Status::Cancelled);
}

#[test]
fn a_cancel_keeps_the_step_that_it_came_in_and_a_resume_goes_on_from_it() {
    let (gate, waits) = unbounded();
    let company = company(Some(waits), |_, _| Ok(()));
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
