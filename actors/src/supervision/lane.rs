//! A lane: a named set of slots, each a dedicated arbiter whose thread runs one function at a time.

mod worker;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::{Actor, Addr, Context, Handler, Recipient};
use impresario_api::{LaneView, OperationId, SlotView, Timestamp};

use super::messages::{NotBegun, RunEnded};
use crate::LaneConfig;
use crate::operation::ErasedOperation;
use crate::run::{Finished, Run, execute};
use worker::Worker;

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
    /// Slots that are reserved for claims under way.
    reserved: usize,
    nice: i32,
}

struct Slot {
    worker: Worker,
    busy: Option<Occupant>,
}

struct Occupant {
    since: Timestamp,
    work: Arc<Work>,
}

impl Lane {
    pub(crate) fn new(name: &str, config: LaneConfig, nice: i32) -> io::Result<Self> {
        let slot = |_| {
            Ok(Slot {
                worker: Worker::start(nice)?,
                busy: None,
            })
        };
        let slots = (0..config.concurrency)
            .map(slot)
            .collect::<io::Result<_>>()?;
        let gauge = LaneGauge {
            concurrency: config.concurrency as u64,
            busy: AtomicU64::new(0),
        };
        Ok(Self {
            name: name.to_owned(),
            config,
            gauge: Arc::new(gauge),
            slots,
            reserved: 0,
            nice,
        })
    }

    fn free(&self) -> usize {
        self.slots.iter().filter(|slot| slot.busy.is_none()).count()
    }

    /// Slots that are free and not reserved for a claim.
    pub(crate) fn unreserved(&self) -> usize {
        self.free().saturating_sub(self.reserved)
    }

    /// Reserves all free slots for a claim: how many.
    pub(crate) fn reserve(&mut self) -> usize {
        let reserved = self.unreserved();
        self.reserved += reserved;
        reserved
    }

    /// A claim for `limit` slots is answered; what it brought is run next.
    pub(crate) const fn settle(&mut self, limit: usize) {
        self.reserved = self.reserved.saturating_sub(limit);
    }

    /// Whether a claim is on its way.
    pub(crate) const fn is_reserved(&self) -> bool {
        self.reserved > 0
    }

    /// The thread of a slot was gone before the function began: a fresh one takes the work. Where none can
    /// be had the run is lost.
    pub(crate) fn begin_again(&mut self, index: usize, listener: &RunListener) {
        let renewed = self.renew(index);
        let slot = &self.slots[index];
        if let Some(occupant) = &slot.busy {
            let mut guard = CompletionGuard::of(&occupant.work, listener);
            match renewed {
                true => begin(&slot.worker, &occupant.work, guard),
                false => guard.tell(None),
            }
        }
    }

    /// Gives a slot a fresh thread: whether one could be had. If not it keeps the one that it has.
    fn renew(&mut self, index: usize) -> bool {
        match Worker::start(self.nice) {
            Ok(worker) => self.slots[index].worker = worker,
            Err(error) => {
                log::error!(
                    "slot {index} of lane \"{}\" gets no thread: {error}",
                    self.name
                );
                return false;
            }
        }
        true
    }

    /// Runs a function in a free slot: which.
    pub(crate) fn run(&mut self, work: Work, listener: &RunListener) -> usize {
        let free = self.slots.iter().position(|slot| slot.busy.is_none());
        // A claim is for no more than the slots that are free.
        let index = free.unwrap_or(0);
        let slot = &mut self.slots[index];
        self.gauge.busy.fetch_add(1, Ordering::Relaxed);
        let work = Arc::new(work);
        begin(&slot.worker, &work, CompletionGuard::of(&work, listener));
        let since = Timestamp::now();
        slot.busy = Some(Occupant { since, work });
        index
    }

    /// The function of a slot has ended, so the slot is free again. After a panic or a lost thread it
    /// gets a fresh one.
    pub(crate) fn vacate(&mut self, index: usize, replace_thread: bool) {
        self.slots[index].busy = None;
        self.gauge.busy.fetch_sub(1, Ordering::Relaxed);
        if replace_thread {
            self.renew(index);
        }
    }

    /// Ends a slot's thread, as a test does.
    #[cfg(test)]
    pub(crate) fn kill_thread(&self, index: usize) {
        let worker = &self.slots[index].worker;
        worker.run(|| std::panic::resume_unwind(Box::new("a bug in the slot")));
    }

    /// What is known without the store, which counts those that wait.
    pub(crate) fn view(&self) -> LaneView {
        let slot = |(slot, one): (usize, &Slot)| {
            let busy = one.busy.as_ref();
            SlotView {
                slot,
                operation_id: busy.map(|busy| busy.work.id),
                kind: busy.map(|busy| busy.work.kind.view().kind.clone()),
                since: busy.map(|busy| busy.since),
                step: busy.and_then(|busy| busy.work.run.current_step()),
                // The manager knows more of the run.
                advanced_at: None,
                overdue: false,
            }
        };
        LaneView {
            name: self.name.clone(),
            concurrency: self.config.concurrency,
            queue_limit: self.config.queue_limit,
            delayed_limit: self.config.delayed_limit,
            threads: self.config.threads,
            slots: self.slots.iter().enumerate().map(slot).collect(),
            queued: 0,
            scheduled: 0,
            oldest_wait_seconds: None,
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

/// Whoever hears how runs end: the manager.
#[derive(Clone)]
pub(crate) struct RunListener {
    ended: Recipient<RunEnded>,
    not_begun: Recipient<NotBegun>,
}

impl<A> From<Addr<A>> for RunListener
where
    A: Actor<Context = Context<A>> + Handler<RunEnded> + Handler<NotBegun>,
{
    fn from(actor: Addr<A>) -> Self {
        Self {
            ended: actor.clone().recipient(),
            not_begun: actor.recipient(),
        }
    }
}

/// Hands the work to a slot.
fn begin(worker: &Worker, work: &Arc<Work>, mut guard: CompletionGuard) {
    let work = Arc::clone(work);
    worker.run(move || {
        guard.begun = true;
        let finished = execute(&*work.kind, &work.params, &work.run);
        guard.tell(Some(Box::new(finished)));
    });
}

/// Tells the listener of a run's end, exactly once: what the function returned, or, when its thread
/// drops it without a return, that the slot was lost. A thread that was gone before the function began has
/// ended nothing: a fresh one takes the work.
struct CompletionGuard {
    id: OperationId,
    run: u32,
    listener: RunListener,
    begun: bool,
    told: bool,
}

impl CompletionGuard {
    fn of(work: &Work, listener: &RunListener) -> Self {
        Self {
            id: work.id,
            run: work.number,
            listener: listener.clone(),
            begun: false,
            told: false,
        }
    }

    fn tell(&mut self, finished: Option<Box<Finished>>) {
        self.told = true;
        let (id, run) = (self.id, self.run);
        self.listener.ended.do_send(RunEnded { id, run, finished });
    }
}

impl Drop for CompletionGuard {
    fn drop(&mut self) {
        if self.told {
            return;
        }
        if self.begun {
            self.tell(None);
        } else {
            let (id, run) = (self.id, self.run);
            self.listener.not_begun.do_send(NotBegun { id, run });
        }
    }
}
