//! The runs that are going on: from a claim to the commit of the end.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Addr, AsyncContext, Context};
use impresario_api::{EventBody, StopVerb, Warning};

use super::Manager;
use super::outage::UnwrittenBacklog;
use crate::operation::{OperationInfo, Policy, RunEnd, RunFailure};
use crate::rules::lifecycle::State;
use crate::run::{Finished, Folders, Origin, Run, RunSetup};
use crate::store::{Command, End, StoredOperation};
use crate::supervision::breakpoints::Point;
use crate::supervision::lane::Work;
use crate::supervision::messages::{ActorEnded, Leave, RunEnded, StopSignalled};
use crate::supervision::operation_actor::{Assignment, OperationActor};
use crate::supervision::watched;
use crate::supervision::writer::Entry;

/// A run that is going on, or whose end is not committed yet.
pub(super) struct Live {
    /// As committed, and with the stops that were signalled since.
    pub(super) state: State,
    pub(super) of: Assignment,
    pub(super) actor: Addr<OperationActor>,
    pub(super) slot: usize,
    pub(super) cancelled_at: Option<Instant>,
    /// The function has returned; the end is on its way to the store.
    pub(super) ended: bool,
    /// What the store could not write.
    pub(super) unwritten: UnwrittenBacklog,
}

impl Live {
    /// Asks the function for the stop that its state has, and wakes it.
    pub(super) fn signal(&mut self) {
        let Some(stop) = self.state.stop.as_ref().map(|stop| stop.verb) else {
            return;
        };
        self.of.run.ask(stop);
        self.of.monitor.borrow_mut().stop_signalled(stop);
        self.actor.do_send(StopSignalled);
        if stop == StopVerb::Cancel {
            self.cancelled_at = Some(Instant::now());
        }
    }
}

impl Manager {
    /// Puts a claimed operation to work: a run, a slot, an actor.
    pub(super) fn launch(&mut self, operation: &Arc<StoredOperation>, ctx: &mut Context<Self>) {
        self.reach(Point::Dispatched);
        let Some(kind) = self.of.kinds.get(&operation.kind).cloned() else {
            let message = format!("no kind \"{}\" is registered any more", operation.kind);
            return self.fail_unrun(operation, "KIND_UNKNOWN", message);
        };
        let run = Run::new(self.setup_of(operation, kind.policy()));
        let work = Work {
            id: operation.id,
            number: operation.state.run,
            params: Arc::clone(&operation.params),
            run: Arc::clone(&run),
            kind: Arc::clone(&kind),
        };
        let Some(lane) = self.lanes.get_mut(&operation.lane) else {
            let message = format!(
                "lane \"{0}\" is not configured any more; set lanes.{0}.concurrency, or retry: the new operation runs where its kind runs now",
                operation.lane
            );
            return self.fail_unrun(operation, "LANE_UNKNOWN", message);
        };
        let slot = lane.run(work, &ctx.address().into());
        log::info!(
            "{} started: run {}, lane {}, slot {slot}",
            operation.id,
            operation.state.run,
            operation.lane
        );
        let of = self.assignment(operation, run, kind.policy());
        let actor = self.spawn_actor(of.clone(), ctx);
        let state = operation.state.clone();
        let live = Live {
            state,
            of,
            actor,
            slot,
            cancelled_at: None,
            ended: false,
            unwritten: UnwrittenBacklog::default(),
        };
        self.live.insert(operation.id, live);
    }

    /// A test may want to stop here.
    fn reach(&self, point: Point) {
        if let Some(breakpoints) = &self.of.config.breakpoints {
            // Nothing is written here, so there is nothing to fail but by a panic.
            let _ = breakpoints.reach(point);
        }
    }

    fn setup_of(&self, operation: &StoredOperation, policy: &Policy) -> RunSetup {
        let lane = self.lanes.get(&operation.lane);
        RunSetup {
            operation: Arc::new(OperationInfo::from(operation)),
            run: operation.state.run,
            waiting: self.of.waiting.clone(),
            threads: lane.map_or(1, |lane| lane.config.threads),
            checkpoint_timing: policy.checkpoints,
            checkpoint_costs: self.of.checkpoint_costs.clone(),
            checkpoints: operation.checkpoints.clone(),
            origin: Origin {
                kind: operation.kind.clone(),
                params: Arc::clone(&operation.params),
            },
            finish_kept: operation.state.stop.is_some(),
            folders: match &self.of.config.checkpoint_dir {
                Some(root) => Folders::At(root.join(operation.id.to_string())),
                None => Folders::NotConfigured,
            },
        }
    }

    fn assignment(
        &self,
        operation: &Arc<StoredOperation>,
        run: Arc<Run>,
        policy: &Policy,
    ) -> Assignment {
        Assignment {
            operation: Arc::clone(operation),
            run,
            clock: self.of.config.clock.clone(),
            began: Instant::now(),
            timeout: operation.timeout_ms.map(Duration::from_millis),
            grace: policy.grace,
            progress_every: self.of.config.progress_every,
            store: self.of.link.clone(),
            hub: Arc::clone(&self.of.hub),
            monitor: Rc::default(),
        }
    }

    /// Starts an actor for a run, and hears of its end.
    fn spawn_actor(&self, of: Assignment, ctx: &Context<Self>) -> Addr<OperationActor> {
        let (id, run) = (of.operation.id, of.operation.state.run);
        let manager = ctx.address();
        let actor = OperationActor::new(of, manager.clone().recipient());
        watched::start(actor, &self.of.tasks, move |panic| {
            manager.do_send(ActorEnded { id, run, panic });
        })
    }

    fn append(&self, operation: &StoredOperation, body: EventBody) {
        let append = Command::Append {
            id: operation.id,
            run: operation.state.run,
            events: vec![(self.now(), body)],
            checkpoint: None,
        };
        self.of.link.send(vec![Entry::silent(append)]);
    }

    /// Ends a run that never reached its function.
    fn fail_unrun(&mut self, operation: &StoredOperation, code: &str, message: String) {
        let failure = RunFailure {
            code: code.to_owned(),
            message,
            details: None,
            retryable: false,
            step: None,
        };
        let end = End {
            id: operation.id,
            run: operation.state.run,
            end: RunEnd::Failed(failure),
            signalled: None,
            output: None,
            progress: None,
            events: Vec::new(),
            checkpoint: None,
            now: self.now(),
            ran_ms: None,
            jitter: 0.0,
        };
        let mut entries = vec![Entry::silent(Command::End(Box::new(end)))];
        entries.extend(self.claim(&operation.lane));
        self.of.link.send(entries);
    }

    /// A function returned, panicked, or lost its slot: frees the slot, records the end, and
    /// claims the next in the same commit.
    pub(super) fn run_ended(&mut self, ended: RunEnded) {
        self.reach(Point::Returned);
        let going_on = |live: &&mut Live| live.state.run == ended.run && !live.ended;
        let Some(live) = self.live.get_mut(&ended.id).filter(going_on) else {
            return;
        };
        let took = live.of.began.elapsed();
        let (_, pace) = live.of.monitor.borrow().meter.advances();
        self.metrics.ran(&live.of.operation.kind, took, pace);
        live.ended = true;
        live.of.monitor.borrow_mut().over = true;
        let lost = ended.finished.is_none();
        let finished = ended
            .finished
            .unwrap_or_else(|| Box::new(slot_lost(&live.of.run)));
        let panicked = matches!(finished.end, RunEnd::Panicked(_));
        let lane = live.of.operation.lane.clone();
        let mut end = end_of(live, *finished, took);
        live.unwritten.add_to(&mut end);
        self.metrics.panics += u64::from(panicked && !lost);
        self.metrics.restarts += u64::from(panicked);
        if let Some(lane) = self.lanes.get_mut(&lane) {
            lane.vacate(live.slot, panicked);
        }
        let mut entries = vec![Entry::silent(Command::End(Box::new(end)))];
        entries.extend(self.claim(&lane));
        self.of.link.send(entries);
    }

    /// The end of a run is committed: its actor leaves.
    pub(super) fn settle(&mut self, operation: &StoredOperation) {
        if operation.state.status == crate::rules::lifecycle::Recorded::Running {
            return;
        }
        let over = |live: &Live| live.ended && live.state.run == operation.state.run;
        if !self.live.get(&operation.id).is_some_and(over) {
            return;
        }
        let Some(live) = self.live.remove(&operation.id) else {
            return;
        };
        live.actor.do_send(Leave);
        if let Some(asked) = live.cancelled_at {
            self.metrics.cancels.record(asked.elapsed());
        }
    }

    /// An actor is gone. If its run goes on, a new one takes its place.
    pub(super) fn actor_ended(&mut self, ended: ActorEnded, ctx: &mut Context<Self>) {
        let going_on = |live: &&Live| live.state.run == ended.run && !live.ended;
        let Some(live) = self.live.get(&ended.id).filter(going_on) else {
            return;
        };
        let why = ended.panic.unwrap_or_else(|| "it was stopped".to_owned());
        let (operation, of) = (Arc::clone(&live.of.operation), live.of.clone());
        let warning = EventBody::Warning(Warning {
            code: "ACTOR_RESTARTED".to_owned(),
            message: format!(
                "the operation's actor ended ({why}); the run goes on under a new one"
            ),
            run: ended.run,
            at: self.now(),
        });
        self.append(&operation, warning);
        let actor = self.spawn_actor(of, ctx);
        self.metrics.restarts += 1;
        if let Some(live) = self.live.get_mut(&ended.id) {
            live.actor = actor;
        }
    }
}

/// What is known of a run whose thread ended without a word.
fn slot_lost(run: &Run) -> Finished {
    let message = "the slot's thread ended under the run, without a return".to_owned();
    let failure = RunFailure {
        code: "SLOT_LOST".to_owned(),
        message,
        details: None,
        retryable: true,
        step: run.current_step(),
    };
    Finished {
        end: RunEnd::Panicked(failure),
        output: None,
        snapshot: run.read().unwrap_or_default(),
        reports: run.drain(),
        checkpoint: run.take_checkpoint(),
    }
}

fn end_of(live: &Live, finished: Finished, took: Duration) -> End {
    let now = live.of.clock.now();
    let run = live.state.run;
    let done = finished.end.is_done();
    End {
        id: live.of.operation.id,
        run,
        end: finished.end,
        signalled: live.state.stop.clone(),
        output: finished.output,
        progress: Some(live.of.monitor.borrow_mut().meter.last(
            now,
            took,
            &finished.snapshot,
            done,
        )),
        events: finished.reports,
        checkpoint: finished.checkpoint,
        now,
        ran_ms: u64::try_from(took.as_millis()).ok(),
        jitter: fastrand::f64(),
    }
}
