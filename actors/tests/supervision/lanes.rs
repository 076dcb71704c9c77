//! Lanes: how many run, who goes next, how many may wait.

use impresario::operation::{Context, Failure, Kinds, Operation, Policy};
#[cfg(target_os = "linux")]
use impresario::operation::{OrFail, SyncOptions, run_sync_operation};
use impresario::store::MemoryStore;
use impresario::{Config, LaneConfig, Options, Orchestrator};
use impresario_api::Status;
use serde_json::json;

use crate::kit::{LONG, Move, NoParams, Puppet, Stage, now, policy, stage, stage_of};

#[test]
fn one_slot_runs_one_at_a_time_by_priority_and_then_by_age() {
    let stage = stage();
    let first = stage.running();
    let old = stage.start_with(json!({"priority": 0})).expect("room");
    let young = stage.start_with(json!({"priority": 0})).expect("room");
    let urgent = stage.start_with(json!({"priority": 5})).expect("room");
    let positions = [urgent, old, young].map(|id| stage.view(id).row.queue_position);
    assert_eq!(positions, [Some(1), Some(2), Some(3)]);
    assert_eq!(
        stage.view(old).row.waiting_for.as_deref(),
        Some("lane puppets 1/1 busy")
    );
    for id in [first, urgent, old, young] {
        assert_eq!(stage.view(id).row.status, Status::Running);
        stage.returns(id);
        if id != young {
            stage.ready();
        }
    }
}

#[test]
fn each_slot_shows_what_it_runs() {
    let stage = stage_of(policy(), 2);
    let id = stage.running();
    let lane = stage.lane();
    assert_eq!(lane.slots[0].operation_id, Some(id));
    assert_eq!(lane.slots[0].step.as_deref(), Some("step 1/1000"));
    assert_eq!(lane.slots[1].operation_id, None);
    stage.returns(id);
}

/// A puppet of another kind, for another lane.
struct Neighbour(Puppet);

impl Operation for Neighbour {
    const KIND: &'static str = "neighbour";
    type Params = NoParams;
    type Output = u32;

    fn policy(&self) -> Policy {
        self.0.policy()
    }

    fn run(&self, params: NoParams, ctx: &Context) -> Result<u32, Failure> {
        self.0.run(params, ctx)
    }
}

#[test]
fn a_lane_goes_on_beside_one_whose_functions_panic() {
    let (puppet, moves, ready) = Puppet::new(policy());
    let (neighbour, steer, beside) = Puppet::new(Policy::lane("beside"));
    let one = LaneConfig::default().concurrency(1);
    let config = Config::default().lane("puppets", one).lane("beside", one);
    let kinds = Kinds::new().register(puppet).register(Neighbour(neighbour));
    let orchestrator = Orchestrator::start(config, kinds, MemoryStore::new()).expect("two lanes");
    let stage = Stage {
        orchestrator,
        moves,
        ready,
    };
    let options = Options::default();
    let start = stage
        .orchestrator
        .start_managed_operation::<Neighbour>(NoParams {}, options);
    let steady = now(start).expect("room").id;
    let run = || beside.recv_timeout(LONG).expect("it goes on");
    assert_eq!(run(), 1);
    for round in 1..=5 {
        let id = stage.running();
        stage.command(Move::Panic);
        // It steps on while the other lane's slot gets a fresh thread.
        steer.send(Move::Step).expect("it listens");
        assert_eq!(run(), 1);
        let error = stage.ended(id).row.error.expect("it panicked");
        assert_eq!(error.code, "PANICKED");
        assert!(error.message.contains("the strings broke"), "{error:?}");
        let system = stage.system();
        assert_eq!(system.panics, round);
        let lane = system.lanes.iter().find(|lane| lane.name == "beside");
        let slot = &lane.expect("configured").slots[0];
        let at = format!("step {}/1000", round + 1);
        assert_eq!(
            (slot.operation_id, slot.step.as_deref()),
            (Some(steady), Some(at.as_str()))
        );
    }
    steer.send(Move::Return).expect("it listens");
    let view = stage.ended(steady);
    assert_eq!((view.row.status, view.row.run), (Status::Completed, 1));
    assert_eq!(
        (view.result_summary, view.warnings.len()),
        (Some(5.into()), 0)
    );
    assert_eq!(stage.told(steady), ["running", "completed"]);
}

/// Gives the niceness of the thread that runs it.
#[cfg(target_os = "linux")]
struct Niced;

#[cfg(target_os = "linux")]
impl Operation for Niced {
    const KIND: &'static str = "niced";
    type Params = NoParams;
    type Output = i32;

    fn policy(&self) -> Policy {
        Policy::lane("puppets")
    }

    fn run(&self, _: NoParams, ctx: &Context) -> Result<i32, Failure> {
        let here = niceness()?;
        #[cfg(feature = "rayon")]
        for there in ctx.pool()?.broadcast(|_| niceness()) {
            assert_eq!(there?, here, "the pool's threads are as niced");
        }
        ctx.check()?;
        Ok(here)
    }
}

/// The niceness of this thread.
#[cfg(target_os = "linux")]
fn niceness() -> Result<i32, Failure> {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").or_fail("NO_STAT")?;
    // The 2nd field, a name in parentheses, may hold spaces; the niceness is the 19th.
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let nice = after_name.split_whitespace().nth(16).unwrap_or_default();
    nice.parse().or_fail("NO_NUMBER")
}

#[cfg(target_os = "linux")]
#[test]
fn functions_run_as_niced_as_configured_and_the_caller_does_not() {
    let lane = LaneConfig::default().threads(2);
    let mut config = Config::default().lane("puppets", lane);
    config.nice = 13;
    let kinds = Kinds::new().register(Niced);
    let orchestrator = Orchestrator::start(config, kinds, MemoryStore::new()).expect("a lane");
    let options = Options::default().wait(LONG);
    let start = orchestrator.start_managed_operation::<Niced>(NoParams {}, options);
    let id = now(start).expect("room").id;
    let view = now(orchestrator.view(id)).expect("it is kept");
    assert_eq!(view.result_summary, Some(13.into()), "{view:?}");
    let here = run_sync_operation(&Niced, NoParams {}, SyncOptions::default());
    let own = niceness().expect("it reads its file");
    assert_eq!(here.expect("it reads its file"), own);
}
