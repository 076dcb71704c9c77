//! What only the inside can do to itself: actors that end, threads that die.

use std::time::Duration;

use actix::{ActorContext, Context, Handler, Message};
use crossbeam_channel::{Receiver, Sender, unbounded};
use impresario_api::{EventBody, OperationId, OperationView, Status};

use super::Manager;
use crate::operation::{Context as Ctx, Failure, Kinds, Operation, Policy};
use crate::store::MemoryStore;
use crate::supervision::messages::RunEnded;
use crate::supervision::operation_actor::OperationActor;
use crate::{Config, Options, Orchestrator, Until};

const LONG: Duration = Duration::from_secs(30);

/// What a test does to the inside.
#[derive(Message, Clone, Copy)]
#[rtype(result = "()")]
enum Harm {
    StopActor(OperationId),
    PanicActor(OperationId),
    KillThread,
    LoseSlot(OperationId),
    Panic,
}

/// What an operation's actor is harmed by.
#[derive(Message)]
#[rtype(result = "()")]
struct Hurt {
    panic: bool,
}

impl Handler<Harm> for Manager {
    type Result = ();

    fn handle(&mut self, harm: Harm, _: &mut Context<Self>) {
        match harm {
            Harm::StopActor(id) => self.live[&id].actor.do_send(Hurt { panic: false }),
            Harm::PanicActor(id) => self.live[&id].actor.do_send(Hurt { panic: true }),
            Harm::KillThread => self.lanes["default"].kill_thread(0),
            Harm::LoseSlot(id) => self.run_ended(RunEnded {
                id,
                run: 1,
                finished: None,
            }),
            Harm::Panic => panic!("a bug in the manager"),
        }
    }
}

impl Handler<Hurt> for OperationActor {
    type Result = ();

    fn handle(&mut self, hurt: Hurt, ctx: &mut Context<Self>) {
        assert!(!hurt.panic, "a bug in the actor");
        ctx.stop();
    }
}

/// Waits at a gate in each of its two steps.
struct Gated {
    entered: Sender<()>,
    gate: Receiver<()>,
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct NoParams {}

impl Operation for Gated {
    const KIND: &'static str = "gated";
    type Params = NoParams;
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("default").grace(Duration::from_millis(1))
    }

    fn run(&self, _: NoParams, ctx: &Ctx) -> Result<(), Failure> {
        for step in ctx.steps("step", 0..2) {
            step?;
            let _ = self.entered.send(());
            let _ = self.gate.recv();
        }
        Ok(())
    }
}

struct Stage {
    orchestrator: Orchestrator,
    entered: Receiver<()>,
    gate: Sender<()>,
}

fn stage() -> Stage {
    let ((enter, entered), (gate, gates)) = (unbounded(), unbounded());
    let kinds = Kinds::new().register(Gated {
        entered: enter,
        gate: gates,
    });
    let lane = crate::LaneConfig {
        concurrency: 1,
        ..crate::LaneConfig::default()
    };
    let config = Config {
        progress_every: Duration::from_millis(5),
        ..Config::default()
    };
    let orchestrator = Orchestrator::start(config.lane("default", lane), kinds, MemoryStore::new());
    Stage {
        orchestrator: orchestrator.expect("the lane is configured"),
        entered,
        gate,
    }
}

fn now<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(future)
}

impl Stage {
    fn start(&self) -> OperationId {
        let start = self
            .orchestrator
            .start_managed_operation::<Gated>(NoParams {}, Options::default());
        now(start).expect("a start").id
    }

    fn entered(&self) {
        self.entered
            .recv_timeout(LONG)
            .expect("the function reaches its gate");
    }

    fn harm(&self, harm: Harm) {
        self.orchestrator.manager().do_send(harm);
    }

    fn open(&self) {
        self.gate.send(()).expect("the function listens");
    }

    fn ended(&self, id: OperationId) -> OperationView {
        let view = now(self.orchestrator.wait_until(id, Until::Ended, LONG)).expect("kept");
        assert!(view.row.status.is_ended(), "it hangs: {view:#?}");
        view
    }

    /// Waits for a warning of this code.
    fn warned(&self, id: OperationId, code: &str) {
        let mut since = 0;
        loop {
            let page = now(self
                .orchestrator
                .events(id, since, 100, &["warning"], Some(LONG)));
            let page = page.expect("kept");
            assert!(!page.events.is_empty(), "no warning {code} came");
            since = page.next_since;
            let is = |body: &EventBody| matches!(body, EventBody::Warning(it) if it.code == code);
            if page.events.iter().any(|event| is(&event.body)) {
                return;
            }
        }
    }
}

#[test]
fn a_run_whose_actor_ends_goes_on_under_a_new_one_and_its_end_is_told_once() {
    for harm in [Harm::StopActor, Harm::PanicActor] {
        let stage = stage();
        let id = stage.start();
        stage.entered();
        stage.harm(harm(id));
        stage.warned(id, "ACTOR_RESTARTED");
        stage.open();
        stage.entered();
        // The new actor reads the run: its progress is there.
        let view = now(stage.orchestrator.view(id)).expect("kept");
        assert_eq!(view.row.progress.expect("it reported").steps[0].current, 1);
        stage.open();
        assert_eq!(stage.ended(id).row.status, Status::Completed);
        let events = now(stage.orchestrator.events(id, 0, 100, &["status"], None))
            .expect("kept")
            .events;
        let ends = events.iter().filter(
            |event| matches!(&event.body, EventBody::Status(status) if status.status.is_ended()),
        );
        assert_eq!(ends.count(), 1);
    }
}

#[test]
fn a_thread_that_dies_idle_is_replaced_by_the_next_run() {
    let stage = stage();
    stage.harm(Harm::KillThread);
    for _ in 0..2 {
        let id = stage.start();
        stage.open();
        stage.open();
        assert_eq!(stage.ended(id).row.status, Status::Completed);
    }
}

#[test]
fn a_thread_that_dies_after_a_run_costs_the_next_one_nothing() {
    let stage = stage();
    let id = stage.start();
    stage.entered();
    stage.harm(Harm::KillThread);
    stage.open();
    stage.open();
    assert_eq!(stage.ended(id).row.status, Status::Completed);
    let next = stage.start();
    stage.open();
    stage.open();
    assert_eq!(
        stage.ended(next).row.status,
        Status::Completed,
        "on a fresh thread"
    );
}

#[test]
fn a_slot_that_is_lost_under_a_run_fails_it_with_a_cause_and_comes_back() {
    let stage = stage();
    let id = stage.start();
    stage.entered();
    stage.harm(Harm::LoseSlot(id));
    let error = stage.ended(id).row.error.expect("it was lost");
    assert_eq!(error.code, "SLOT_LOST");
    assert!(error.message.contains("thread"), "{}", error.message);
    let next = stage.start();
    stage.entered();
    // Two for the function that is lost, two for the next one, whichever takes them.
    (0..4).for_each(|_| stage.open());
    assert_eq!(stage.ended(next).row.status, Status::Completed);
}

#[test]
fn a_panic_of_the_manager_ends_the_orchestrator_and_says_why() {
    let stage = stage();
    let id = stage.start();
    stage.entered();
    let mut listener = now(stage.orchestrator.subscribe(id, None)).expect("it is kept");
    stage.harm(Harm::Panic);
    let why = now(stage.orchestrator.failed());
    assert!(why.contains("a bug in the manager"), "{why}");
    while now(listener.next()).expect("the store answers").is_some() {}
    assert!(!stage.orchestrator.is_admitting());
    now(stage.orchestrator.shutdown());
    stage.open();
}

#[test]
fn a_thread_that_dies_as_it_is_handed_a_run_costs_the_run_nothing() {
    let stage = stage();
    for _ in 0..20 {
        stage.harm(Harm::KillThread);
        let id = stage.start();
        stage.open();
        stage.open();
        let view = stage.ended(id);
        assert_eq!((view.row.status, view.row.run), (Status::Completed, 1));
    }
}

#[test]
fn a_stop_that_the_actor_before_was_told_of_is_watched_by_the_next_one() {
    let stage = stage();
    let id = stage.start();
    stage.entered();
    let cancel = stage
        .orchestrator
        .ask(id, impresario_api::Verb::Cancel, None, Options::default());
    now(cancel).expect("it runs");
    stage.harm(Harm::StopActor(id));
    stage.warned(id, "ACTOR_RESTARTED");
    stage.warned(id, "UNRESPONSIVE");
    stage.open();
    assert_eq!(stage.ended(id).row.status, Status::Cancelled);
}

#[test]
fn an_unresponsive_function_stays_so_under_a_new_actor_and_is_warned_of_once() {
    let stage = stage();
    let id = stage.start();
    stage.entered();
    let cancel = stage
        .orchestrator
        .ask(id, impresario_api::Verb::Cancel, None, Options::default());
    now(cancel).expect("it runs");
    stage.warned(id, "UNRESPONSIVE");
    let view = || now(stage.orchestrator.view(id)).expect("kept");
    let since = view()
        .row
        .unresponsive_since
        .expect("it ignores the cancel");
    stage.harm(Harm::StopActor(id));
    stage.warned(id, "ACTOR_RESTARTED");
    assert_eq!(view().row.unresponsive_since, Some(since));
    stage.open();
    let warnings = stage.ended(id).warnings;
    let of = |code: &str| warnings.iter().filter(|one| one.code == code).count();
    assert_eq!((of("UNRESPONSIVE"), of("ACTOR_RESTARTED")), (1, 1));
}
