//! A lane: a named set of slots, each a dedicated arbiter that runs one function at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::Addr;
use actix_rt::Arbiter;
use impresario_api::{LaneView, OperationId, SlotView, Timestamp};

use super::commands::{NotBegun, RunEnded};
use super::manager::Manager;
use crate::LaneConfig;
use crate::operation::yielding::stand_back;
use crate::operation::{ErasedOperation, Finished, Run, execute};
use crate::rules::admission::Waiting;
use crate::rules::dispatch::TOGETHER;

/// What anyone may see of a lane without asking the manager.
#[derive(Debug, Default)]
pub(crate) struct LaneGauge {
    pub(crate) concurrency: u64,
    pub(crate) busy: AtomicU64,
}

impl LaneGauge {
    /// Slots in which nothing runs.
    pub(crate) fn free(&self) -> u64 {
        self.concurrency - self.busy.load(Ordering::Relaxed)
    }
}

pub(crate) struct Lane {
    pub(crate) name: String,
    pub(crate) config: LaneConfig,
    pub(crate) gauge: Arc<LaneGauge>,
    slots: Vec<Slot>,
    /// Slots that a claim under way has been promised.
    promised: usize,
    /// The slot that the last one of a claim was put in, if a tiny one that follows may share it.
    shared: Option<usize>,
    /// Nobody of them is ready to go, as of the last commit.
    pub(crate) idle: bool,
    nice: i32,
}

struct Slot {
    arbiter: Arbiter,
    /// What runs in it, and behind it the tiny ones that were dispatched together with it: the
    /// arbiter takes them one after another.
    busy: VecDeque<Occupant>,
    /// A function panicked in it. It gets a fresh arbiter as soon as it is free.
    shaken: bool,
}

impl Slot {
    /// Free, or soon: nothing in it but runs that are not recorded yet.
    fn is_open(&self) -> bool {
        self.busy
            .iter()
            .all(|occupant| occupant.work.run.is_ahead())
    }

    /// The one whose turn it is, as far as anyone may know: what is not recorded is told to nobody.
    fn shown(&self) -> Option<&Occupant> {
        let mut busy = self.busy.iter();
        busy.find(|occupant| !occupant.work.run.is_ahead())
    }
}

struct Occupant {
    since: Timestamp,
    work: Arc<Work>,
}

impl Lane {
    pub(crate) fn new(name: &str, config: LaneConfig, nice: i32) -> Self {
        let slots = (0..config.concurrency)
            .map(|_| Slot {
                arbiter: fresh(nice),
                busy: VecDeque::new(),
                shaken: false,
            })
            .collect();
        let gauge = LaneGauge {
            concurrency: config.concurrency as u64,
            busy: AtomicU64::new(0),
        };
        Self {
            name: name.to_owned(),
            config,
            gauge: Arc::new(gauge),
            slots,
            promised: 0,
            shared: None,
            idle: false,
            nice,
        }
    }

    fn free(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is_open()).count()
    }

    /// Slots that are free and promised to no claim.
    pub(crate) fn unpromised(&self) -> usize {
        self.free().saturating_sub(self.promised)
    }

    /// Promises all free slots to a claim: how many.
    pub(crate) fn promise(&mut self) -> usize {
        let promised = self.unpromised();
        self.promised += promised;
        promised
    }

    /// A claim for `limit` slots is answered with so many; they are run next.
    pub(crate) fn redeem(&mut self, limit: usize, claimed: usize) {
        self.shared = None;
        self.promised = self.promised.saturating_sub(limit);
        self.idle = claimed < limit;
    }

    /// The slot for a run that begins before it is recorded, if there is room. None while someone
    /// who is recorded waits: nobody is passed by.
    pub(crate) fn slot_ahead(&self) -> Option<usize> {
        let place = self.open_slot().filter(|_| self.idle);
        place.filter(|index| self.slots[*index].busy.len() < TOGETHER)
    }

    /// The open slot with the least in it.
    fn open_slot(&self) -> Option<usize> {
        let open = |index: &usize| self.slots[*index].is_open();
        let open = (0..self.slots.len()).filter(open);
        open.min_by_key(|index| self.slots[*index].busy.len())
    }

    /// Whether a claim is on its way.
    pub(crate) const fn is_promised(&self) -> bool {
        self.promised > 0
    }

    /// The arbiter of a slot was gone before the function began: a fresh one takes the work.
    pub(crate) fn begin_again(&mut self, index: usize, id: OperationId, manager: &Addr<Manager>) {
        let slot = &mut self.slots[index];
        let occupant = slot.busy.iter().find(|occupant| occupant.work.id == id);
        if let Some(occupant) = occupant {
            // Those that shared the slot come back one by one, and the first has made it.
            if !slot.arbiter.spawn_fn(|| ()) {
                slot.arbiter = fresh(self.nice);
            }
            begin(&slot.arbiter, &occupant.work, manager);
        }
    }

    /// Runs a function in a free slot, or in the one that it may share: which. A claim has slots
    /// promised; if one was taken meanwhile by a tiny run that takes long, it waits behind the fewest.
    pub(crate) fn run(&mut self, work: Work, tiny: bool, manager: &Addr<Manager>) -> usize {
        let room = |index: &usize| self.slots[*index].busy.len() < TOGETHER;
        let shared = self.shared.filter(|_| tiny).filter(room);
        let least = || (0..self.slots.len()).min_by_key(|index| self.slots[*index].busy.len());
        let index = shared.or_else(|| self.open_slot()).or_else(least);
        // A lane has at least one slot: the start sees to it.
        let index = index.unwrap_or(0);
        self.shared = tiny.then_some(index);
        self.run_in(index, work, manager);
        index
    }

    /// Runs a function in this slot, behind what runs there.
    pub(crate) fn run_in(&mut self, index: usize, work: Work, manager: &Addr<Manager>) {
        let slot = &mut self.slots[index];
        let first = slot.busy.is_empty();
        self.gauge
            .busy
            .fetch_add(u64::from(first), Ordering::Relaxed);
        let work = Arc::new(work);
        begin(&slot.arbiter, &work, manager);
        let since = Timestamp::now();
        slot.busy.push_back(Occupant { since, work });
    }

    /// A slot's function has ended; the slot is free again when it was the last. One that was shaken
    /// gets a fresh arbiter then.
    pub(crate) fn vacate(&mut self, index: usize, id: OperationId, shaken: bool) {
        let slot = &mut self.slots[index];
        slot.busy.retain(|occupant| occupant.work.id != id);
        slot.shaken |= shaken;
        if !slot.busy.is_empty() {
            return;
        }
        self.gauge.busy.fetch_sub(1, Ordering::Relaxed);
        if std::mem::take(&mut slot.shaken) {
            slot.arbiter.stop();
            slot.arbiter = fresh(self.nice);
        }
    }

    /// Stops the arbiters. A function that does not return keeps its thread until the process ends.
    pub(crate) fn stop(&self) {
        for slot in &self.slots {
            slot.arbiter.stop();
        }
    }

    /// Ends a slot's arbiter from outside, as a test does.
    #[cfg(test)]
    pub(crate) fn kill_arbiter(&self, index: usize) {
        self.slots[index].arbiter.stop();
    }

    pub(crate) fn view(
        &self,
        waiting: Waiting,
        oldest: Option<Timestamp>,
        now: Timestamp,
    ) -> LaneView {
        let slot = |(slot, one): (usize, &Slot)| SlotView {
            slot,
            operation_id: one.shown().map(|busy| busy.work.id),
            kind: one.shown().map(|busy| busy.work.kind.view().kind.clone()),
            since: one.shown().map(|busy| busy.since),
            step: one.shown().and_then(|busy| busy.work.run.step_in_hand()),
            // The manager knows more of the run.
            advanced_at: None,
            overdue: false,
        };
        LaneView {
            name: self.name.clone(),
            concurrency: self.config.concurrency,
            queue_limit: self.config.queue_limit,
            delayed_limit: self.config.delayed_limit,
            threads: self.config.threads,
            slots: self.slots.iter().enumerate().map(slot).collect(),
            queued: waiting.due,
            scheduled: waiting.scheduled,
            oldest_wait_seconds: oldest.map(|since| now.seconds_since(since)),
        }
    }
}

/// One run of one function.
pub(crate) struct Work {
    pub(crate) id: OperationId,
    pub(crate) number: u32,
    pub(crate) kind: Arc<dyn ErasedOperation>,
    pub(crate) params: Arc<serde_json::Value>,
    pub(crate) run: Arc<Run>,
}

/// Hands the work to an arbiter.
fn begin(arbiter: &Arbiter, work: &Arc<Work>, manager: &Addr<Manager>) {
    let mut witness = Witness {
        id: work.id,
        run: work.number,
        manager: manager.clone(),
        begun: false,
        told: false,
    };
    let work = Arc::clone(work);
    arbiter.spawn_fn(move || {
        witness.begun = true;
        let finished = execute(&*work.kind, &work.params, &work.run);
        witness.tell(Some(Box::new(finished)));
    });
}

/// Tells the manager of a run's end, exactly once: what the function returned, or, when its
/// arbiter drops it without a return, that the slot was lost. An arbiter that was gone before the
/// function began has ended nothing: another one takes the work.
struct Witness {
    id: OperationId,
    run: u32,
    manager: Addr<Manager>,
    begun: bool,
    told: bool,
}

impl Witness {
    fn tell(&mut self, finished: Option<Box<Finished>>) {
        self.told = true;
        let (id, run) = (self.id, self.run);
        self.manager.do_send(RunEnded { id, run, finished });
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if self.told {
            return;
        }
        if self.begun {
            self.tell(None);
        } else {
            let (id, run) = (self.id, self.run);
            self.manager.do_send(NotBegun { id, run });
        }
    }
}

/// A new arbiter on a thread of its own, niced so that the core never waits behind it.
fn fresh(nice: i32) -> Arbiter {
    let arbiter = Arbiter::new();
    arbiter.spawn_fn(move || stand_back(nice));
    arbiter
}
