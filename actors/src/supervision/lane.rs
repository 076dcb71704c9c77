//! A lane: a named set of slots, each a dedicated arbiter that runs one function at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use actix::Addr;
use actix_rt::{Arbiter, ArbiterHandle};
use impresario_api::{LaneView, OperationId, SlotView, Timestamp};

use super::commands::RunEnded;
use super::manager::Manager;
use crate::LaneConfig;
use crate::operation::{ErasedOperation, Finished, Run, execute};
use crate::rules::admission::Room;

/// What anyone may see of a lane without asking the manager.
#[derive(Debug, Default)]
pub(crate) struct LaneGauge {
    pub(crate) concurrency: u64,
    pub(crate) busy: AtomicU64,
}

pub(crate) struct Lane {
    pub(crate) name: String,
    pub(crate) config: LaneConfig,
    pub(crate) gauge: Arc<LaneGauge>,
    slots: Vec<Slot>,
    /// Slots that a claim under way has been promised.
    promised: usize,
    /// Operations that wait, as the commits told.
    pub(crate) waiting: u64,
    /// For when the next claim is armed.
    pub(crate) next_due: Option<Timestamp>,
    nice: i32,
}

struct Slot {
    arbiter: Arbiter,
    busy: Option<Occupant>,
}

struct Occupant {
    id: OperationId,
    kind: String,
    since: Timestamp,
    run: Arc<Run>,
}

impl Lane {
    pub(crate) fn new(name: &str, config: LaneConfig, nice: i32) -> Self {
        let slots = (0..config.concurrency)
            .map(|_| Slot {
                arbiter: fresh(nice),
                busy: None,
            })
            .collect();
        let gauge = LaneGauge {
            concurrency: config.concurrency as u64,
            ..LaneGauge::default()
        };
        Self {
            name: name.to_owned(),
            config,
            gauge: Arc::new(gauge),
            slots,
            promised: 0,
            waiting: 0,
            next_due: None,
            nice,
        }
    }

    /// The lane as a start finds it.
    pub(crate) fn room(&self) -> Room {
        Room {
            waiting: self.waiting,
            free_slots: self.unpromised() as u64,
            queue_limit: self.config.queue_limit,
        }
    }

    fn free(&self) -> usize {
        self.slots.iter().filter(|slot| slot.busy.is_none()).count()
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

    /// A claim for `limit` slots is answered.
    pub(crate) fn redeem(&mut self, limit: usize) {
        self.promised = self.promised.saturating_sub(limit);
    }

    /// Runs a function in a free slot: which. `None` when there is none, which a claim prevents.
    pub(crate) fn run(&mut self, work: Work, manager: Addr<Manager>) -> Option<usize> {
        let index = self.slots.iter().position(|slot| slot.busy.is_none())?;
        let slot = &mut self.slots[index];
        slot.busy = Some(Occupant {
            id: work.id,
            kind: work.kind.view().kind.clone(),
            since: Timestamp::now(),
            run: Arc::clone(&work.run),
        });
        self.gauge.busy.fetch_add(1, Ordering::Relaxed);
        let work = Arc::new(work);
        if !begin(&slot.arbiter.handle(), &work, &manager) {
            // Its arbiter died while it was idle: a fresh one takes the work.
            slot.arbiter = fresh(self.nice);
            begin(&slot.arbiter.handle(), &work, &manager);
        }
        Some(index)
    }

    /// The slot that ran `id` is free again; one that was shaken gets a fresh arbiter.
    pub(crate) fn vacate(&mut self, index: usize, shaken: bool) {
        let slot = &mut self.slots[index];
        slot.busy = None;
        self.gauge.busy.fetch_sub(1, Ordering::Relaxed);
        if shaken {
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

    pub(crate) fn view(&self, oldest: Option<Timestamp>, now: Timestamp) -> LaneView {
        let slot = |(slot, one): (usize, &Slot)| SlotView {
            slot,
            operation_id: one.busy.as_ref().map(|busy| busy.id),
            kind: one.busy.as_ref().map(|busy| busy.kind.clone()),
            since: one.busy.as_ref().map(|busy| busy.since),
            step: one.busy.as_ref().and_then(|busy| busy.run.step_in_hand()),
        };
        LaneView {
            name: self.name.clone(),
            concurrency: self.config.concurrency,
            queue_limit: self.config.queue_limit,
            threads: self.config.threads,
            slots: self.slots.iter().enumerate().map(slot).collect(),
            queued: self.waiting,
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

/// Hands the work to an arbiter; false when that is gone.
fn begin(arbiter: &ArbiterHandle, work: &Arc<Work>, manager: &Addr<Manager>) -> bool {
    let handover = Arc::new(AtomicU8::new(OFFERED));
    let mut witness = Witness {
        id: work.id,
        run: work.number,
        manager: manager.clone(),
        handover: Arc::clone(&handover),
        told: false,
    };
    let work = Arc::clone(work);
    arbiter.spawn_fn(move || {
        let finished = execute(&*work.kind, &work.params, &work.run);
        witness.tell(Some(Box::new(finished)));
    });
    handover
        .compare_exchange(OFFERED, TAKEN, Ordering::AcqRel, Ordering::Acquire)
        .is_ok()
}

/// The arbiter has not answered for the work yet.
const OFFERED: u8 = 0;
/// The arbiter has it: from now on its loss is the run's end.
const TAKEN: u8 = 1;
/// The arbiter was gone before it took it: another one will.
const DROPPED: u8 = 2;

/// Tells the manager of a run's end, exactly once: what the function returned, or, when its
/// arbiter drops it without a return, that the slot was lost.
struct Witness {
    id: OperationId,
    run: u32,
    manager: Addr<Manager>,
    handover: Arc<AtomicU8>,
    told: bool,
}

impl Witness {
    fn tell(&mut self, finished: Option<Box<Finished>>) {
        self.told = true;
        self.manager.do_send(RunEnded {
            id: self.id,
            run: self.run,
            finished,
        });
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if self.told {
            return;
        }
        let offered =
            self.handover
                .compare_exchange(OFFERED, DROPPED, Ordering::AcqRel, Ordering::Acquire);
        if offered.is_err() {
            self.tell(None);
        }
    }
}

/// A new arbiter on a thread of its own, niced so that the core never waits behind it.
fn fresh(nice: i32) -> Arbiter {
    let arbiter = Arbiter::new();
    arbiter.spawn_fn(move || be_nice(nice));
    arbiter
}

/// On Linux the process id 0 means the calling thread alone; elsewhere it would slow everything.
#[cfg(target_os = "linux")]
fn be_nice(nice: i32) {
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        log::warn!("a lane's thread keeps its priority: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
fn be_nice(_nice: i32) {}
