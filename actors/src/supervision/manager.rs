//! The manager: every start, verb and end passes here, in order. It decides nothing itself; the
//! rules do, and the store records. It signals, dispatches and keeps count.

mod leaving;
mod live;
mod metrics;
mod outage;
mod reading;
mod recovery;
mod retention;
#[cfg(test)]
mod tests;
mod times;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix::{Actor, AsyncContext, Context, Handler, SpawnHandle};
use impresario_api::{OperationId, Status, Timestamp, Verb};
use tokio::sync::oneshot;

use super::lane::{Lane, LaneGauge};
use super::messages::{ActorEnded, Ask, Committed, NotBegun, RunEnded, Start, TimedOut};
use super::metrics::CheckpointCosts;
use super::pubsub::Hub;
use super::sweeper::Sweeper;
use super::writer::{Entry, StoreLink};
use crate::Config;
use crate::folder_lock::FolderLock;
use crate::live_count::LiveCount;
use crate::operation::Kinds;
use crate::rules::dispatch::is_due;
use crate::rules::lifecycle::{self, Input, Moment, Ruling, State};
use crate::store::{
    Claim, Command, Done, LastNumbers, LostOwner, Outcome, Owner, Reader, StoredOperation,
};
use live::Live;
use metrics::Metrics;

/// What a manager works with.
pub(crate) struct Setup {
    pub(crate) config: Config,
    /// Who claims.
    pub(crate) owner: Owner,
    pub(crate) kinds: Arc<Kinds>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) link: StoreLink,
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) last_numbers: LastNumbers,
    pub(crate) admitting: Arc<AtomicBool>,
    pub(crate) sweeper: Sweeper,
    /// Held until the manager has ended: so long checkpoints may be written and removed.
    pub(crate) _folders_lock: Option<FolderLock>,
    pub(crate) tasks: LiveCount,
    /// Whom functions yield to.
    pub(crate) waiting: LiveCount,
    /// What the checkpoints of runs have cost.
    pub(crate) checkpoint_costs: CheckpointCosts,
}

pub(crate) struct Manager {
    of: Setup,
    lanes: BTreeMap<String, Lane>,
    /// When the next one that waits for its time is due, by lane, and the timer that looks.
    next_due: BTreeMap<String, (Timestamp, SpawnHandle)>,
    /// The runs that are going on, and those whose end is not committed yet.
    live: HashMap<OperationId, Live>,
    metrics: Metrics,
    /// Set by a shutdown: nothing is dispatched, and these wait for the last run's end.
    draining: Option<Vec<oneshot::Sender<()>>>,
    /// What the process before this one left is taken up. Nothing is dispatched before: a run of
    /// this process would be taken for a lost one.
    recovered: bool,
    /// The store failed for good: no end is recorded any more.
    store_failed: bool,
    /// The last batch could not be written.
    store_degraded: bool,
    /// Commands that could not be written, and are to be sent again.
    again: Vec<Command>,
    /// A shutdown waits for nothing any more.
    given_up: bool,
    /// Since the start.
    retention: Option<retention::RetentionState>,
}

impl Manager {
    pub(crate) fn new(of: Setup) -> io::Result<Self> {
        let lane = |(name, config): (&String, &_)| {
            Ok((name.clone(), Lane::new(name, *config, of.config.nice)?))
        };
        let lanes = of
            .config
            .lanes
            .iter()
            .map(lane)
            .collect::<io::Result<_>>()?;
        Ok(Self {
            of,
            lanes,
            next_due: BTreeMap::new(),
            live: HashMap::new(),
            metrics: Metrics::default(),
            draining: None,
            recovered: false,
            store_failed: false,
            store_degraded: false,
            again: Vec::new(),
            given_up: false,
            retention: None,
        })
    }

    pub(crate) fn gauges(&self) -> BTreeMap<String, Arc<LaneGauge>> {
        self.lanes
            .iter()
            .map(|(name, lane)| (name.clone(), Arc::clone(&lane.gauge)))
            .collect()
    }

    /// A claim for all free slots of a lane, if it has any.
    fn claim(&mut self, lane: &str) -> Option<Entry> {
        self.claim_at_least(1, lane)
    }

    /// A claim for all free slots of a lane, if it has so many. One for none lets those go on to wait
    /// for a slot whose time has come.
    fn claim_at_least(&mut self, least: usize, lane: &str) -> Option<Entry> {
        if self.draining.is_some() || !self.recovered {
            return None;
        }
        let limit = self.lanes.get_mut(lane)?.reserve();
        let claim = self.claim_of(lane, limit);
        (limit >= least).then(|| Entry::silent(claim))
    }

    /// Operations of every kind: one that nobody knows fails by name.
    fn claim_of(&self, lane: &str, limit: usize) -> Command {
        Command::Claim(Claim {
            lane: lane.to_owned(),
            limit,
            kinds: None,
            owner: self.of.owner,
            now: self.now(),
        })
    }

    /// Puts what was claimed to work.
    fn claimed(
        &mut self,
        lane: &str,
        limit: usize,
        operations: &[Done],
        next_due: Option<Timestamp>,
        ctx: &mut Context<Self>,
    ) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.settle(limit);
        } else {
            self.empty_lost_lane(lane, operations.len() == limit);
        }
        for done in operations {
            self.note(done);
            self.launch(&done.operation, ctx);
        }
        self.request_shutdown();
        self.arm(lane, next_due, ctx);
    }

    /// Someone is ready to go: sends a claim on its own.
    fn dispatch(&mut self, lane: &str) {
        self.send_claim(1, lane);
    }

    /// Somebody's time has come: sends a claim also where no slot is free.
    fn promote(&mut self, lane: &str) {
        self.send_claim(0, lane);
    }

    fn send_claim(&mut self, least: usize, lane: &str) {
        if self.recovered && !self.lanes.contains_key(lane) {
            return self.claim_lost_lane(lane);
        }
        if let Some(claim) = self.claim_at_least(least, lane) {
            self.of.link.send(vec![claim]);
        }
    }

    /// Signals a stop at once, if the rules allow the verb now; recording it comes after. Whether
    /// it did.
    fn signal(&mut self, id: OperationId, input: &Input) -> bool {
        let now = self.now();
        let Some(live) = self.live.get_mut(&id).filter(|live| !live.ended) else {
            return false;
        };
        let moment = Moment { now, jitter: 0.0 };
        let allowed = match input {
            Input::Asked { verb, .. } => lifecycle::rule(&live.state, *verb, now) == Ok(Ruling::Do),
            _ => true,
        };
        let Ok(change) = lifecycle::next(&live.state, input, moment) else {
            return false;
        };
        if !allowed || change.state.stop == live.state.stop {
            return false;
        }
        live.state = change.state;
        live.signal();
        true
    }

    /// Whether an operation's function waits, so that a stop ends it at once.
    fn rests(&self, id: OperationId) -> bool {
        let rests = |live: &Live| !live.ended && live.of.run.is_resting();
        self.live.get(&id).is_some_and(rests)
    }

    /// A stop that was recorded before its run was known here: asked between the claim's commit
    /// and its news.
    fn signal_late(&mut self, operation: &StoredOperation) {
        let this = |live: &&mut Live| live.state.run == operation.state.run && !live.ended;
        let Some(live) = self.live.get_mut(&operation.id).filter(this) else {
            return;
        };
        let verb = |state: &State| state.stop.as_ref().map(|stop| stop.verb);
        if verb(&operation.state) > verb(&live.state) {
            live.state.stop.clone_from(&operation.state.stop);
            live.signal();
        }
    }

    /// Keeps count of a change that was committed, and tells who listens.
    fn note(&mut self, done: &Done) {
        let operation = &done.operation;
        let now = operation.state.shown();
        if now.is_ended() && !done.was.is_some_and(Status::is_ended) {
            self.metrics.ended(now, self.now());
            let error = operation.state.error.as_ref();
            let error = error.map(|error| format!(": {}", error.code));
            log::info!("{} {now}{}", operation.id, error.unwrap_or_default());
        }
        // The last progress comes before the event that tells of the run's end.
        let ran = done.was.is_some_and(Status::is_dispatched);
        let last = operation.progress.as_ref();
        let last = last.filter(|_| ran && !now.is_dispatched());
        self.of.hub.publish(done, last);
    }

    /// Notes a change, and dispatches what it made ready.
    fn committed(&mut self, done: &Done, ctx: &mut Context<Self>) {
        self.note(done);
        let operation = &done.operation;
        self.signal_late(operation);
        if let Some(live) = self.live.get_mut(&operation.id) {
            live.recorded(&operation.state);
        }
        if let (Some(live), Some(kept)) = (self.live.get_mut(&operation.id), operation.checkpoint())
        {
            live.unwritten.written(kept.at);
        }
        self.of.sweeper.look(operation);
        let pending = operation.state.shown() == Status::Pending;
        self.settle(operation);
        if !pending || done.events.is_empty() {
            return;
        }
        match operation.state.waits_until() {
            Some(due) if due > self.now() => self.arm(&operation.lane, Some(due), ctx),
            Some(_) => self.promote(&operation.lane),
            None => self.dispatch(&operation.lane),
        }
    }
}

impl Actor for Manager {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // What the process before this one left: lost runs go on, pending ones wait again.
        let lost = LostOwner {
            node: self.of.owner.node,
            incarnation: None,
        };
        let now = self.now();
        let recover = Entry::silent(Command::Recover { lost, now });
        self.of.link.send(vec![recover]);
        self.read_last_hour(ctx);
        self.begin_retention(ctx);
    }
}

impl Handler<Start> for Manager {
    type Result = ();

    fn handle(&mut self, start: Start, _: &mut Self::Context) {
        let Some(lane) = self
            .lanes
            .get(&start.submission.lane)
            .filter(|_| self.draining.is_none())
        else {
            return; // The reply is dropped: the handle answers that nothing is admitted any more.
        };
        let limits = lane.config.limits(lane.unreserved() as u64);
        if let Err(error) = self.of.link.takes_starts() {
            return start.reply.send(Err(error));
        }
        let mut submission = start.submission;
        submission.limits = limits;
        let lane = submission.lane.clone();
        let delayed = !is_due(submission.not_before, submission.now);
        let mut entries = vec![Entry::answered(Command::Submit(submission), start.reply)];
        if !delayed {
            entries.extend(self.claim(&lane));
        }
        self.of.link.send(entries);
    }
}

impl Handler<Ask> for Manager {
    type Result = ();

    fn handle(&mut self, ask: Ask, _: &mut Self::Context) {
        let input = Input::Asked {
            verb: ask.verb,
            by: ask.by,
            reason: ask.reason,
        };
        let stops = matches!(ask.verb, Verb::Cancel | Verb::Pause | Verb::Finish);
        let rests = self.rests(ask.id);
        let refuses = |live: &Live| live.refuses(ask.verb, self.now());
        if stops && let Some(refused) = self.live.get(&ask.id).and_then(refuses) {
            return ask.reply.send(Ok(Outcome::Refused(refused)));
        }
        let signalled = stops && self.signal(ask.id, &input);
        ask.signalled.store(signalled, Ordering::Release);
        let apply = Command::Apply {
            id: ask.id,
            input,
            now: self.now(),
        };
        // One that computes looks up when its step is over, and a finish may take its time.
        let end_follows = signalled && rests && ask.verb != Verb::Finish;
        let entry = Entry::answered(apply, ask.reply).end_follows(end_follows);
        self.of.link.send(vec![entry]);
    }
}

impl Handler<TimedOut> for Manager {
    type Result = ();

    fn handle(&mut self, TimedOut { id, run, reason }: TimedOut, _: &mut Self::Context) {
        let input = Input::TimedOut { run, reason };
        self.signal(id, &input);
        let apply = Command::Apply {
            id,
            input,
            now: self.now(),
        };
        self.of.link.send(vec![Entry::silent(apply)]);
    }
}

impl Handler<Committed> for Manager {
    type Result = ();

    fn handle(&mut self, Committed(outcomes): Committed, ctx: &mut Self::Context) {
        if std::mem::take(&mut self.store_degraded) {
            log::info!("the store writes again");
        }
        for outcome in outcomes {
            match outcome {
                Outcome::Done(done) => {
                    if done.was.is_none() {
                        self.metrics.admitted += 1;
                        log::info!("{} submitted: {}", done.operation.id, done.operation.kind);
                    }
                    self.committed(&done, ctx);
                }
                Outcome::Recovered { lost, waiting } => self.recovered(&lost, &waiting, ctx),
                Outcome::Claimed {
                    lane,
                    limit,
                    operations,
                    next_due,
                } => self.claimed(&lane, limit, &operations, next_due, ctx),
                Outcome::Pruned { removed, .. } => self.pruned(&removed, ctx),
                Outcome::CheckpointsRemoved(ids) => self.checkpoints_removed(&ids, ctx),
                Outcome::Refused(_) | Outcome::Replayed(_) => {}
            }
        }
        self.drained();
    }
}

impl Handler<RunEnded> for Manager {
    type Result = ();

    fn handle(&mut self, ended: RunEnded, _: &mut Self::Context) {
        self.run_ended(ended);
        // Only without a store is there nothing more to wait for.
        self.drained();
    }
}

impl Handler<NotBegun> for Manager {
    type Result = ();

    fn handle(&mut self, lost: NotBegun, ctx: &mut Self::Context) {
        let going_on = |live: &&Live| live.state.run == lost.run && !live.ended;
        let Some(live) = self.live.get(&lost.id).filter(going_on) else {
            return;
        };
        self.metrics.restarts += 1;
        if let Some(lane) = self.lanes.get_mut(&live.of.operation.lane) {
            lane.begin_again(live.slot, &ctx.address().into());
        }
    }
}

impl Handler<ActorEnded> for Manager {
    type Result = ();

    fn handle(&mut self, ended: ActorEnded, ctx: &mut Self::Context) {
        self.actor_ended(ended, ctx);
    }
}
