//! What a store has loaded of its content for one part of a batch.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use impresario_api::{OperationId, Timestamp};

use crate::rules::admission::Waiting;
use crate::rules::dispatch::{Rank, rank};
use crate::rules::lifecycle::Recorded;
use crate::store::StoredOperation;

/// An operation as it is kept, with what the store keeps beside it.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The operation.
    pub operation: Arc<StoredOperation>,
    /// The time for which it waits has come: it may go.
    pub promoted: bool,
}

/// Where a pending operation stands in its lane's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queued {
    /// It may go, and could since it was created.
    SinceCreation,
    /// It may go, and could not at first.
    Later,
    /// It waits for this time.
    Scheduled(Timestamp),
}

impl Stored {
    /// One that no promotion has touched.
    pub const fn new(operation: Arc<StoredOperation>) -> Self {
        Self {
            operation,
            promoted: false,
        }
    }

    /// Where it stands in its lane's queue, while it is pending.
    pub fn queued(&self) -> Option<Queued> {
        let queued = self.operation.queued()?;
        Some(if self.promoted { Queued::Later } else { queued })
    }

    /// Since when it may go or will be able to, where that is not since its creation.
    pub fn queued_since(&self) -> Option<Timestamp> {
        match self.queued()? {
            Queued::SinceCreation => None,
            Queued::Later | Queued::Scheduled(_) => Some(self.operation.could_run_since()),
        }
    }
}

impl StoredOperation {
    /// Where a pending one stands in its lane's queue until a promotion moves it.
    pub fn queued(&self) -> Option<Queued> {
        if self.state.status != Recorded::Pending {
            return None;
        }
        Some(match self.state.waits_until() {
            Some(time) => Queued::Scheduled(time),
            None if self.pending_since.is_some() => Queued::Later,
            None => Queued::SinceCreation,
        })
    }
}

/// What an idempotency key stands for.
#[derive(Clone, Copy, Debug)]
pub struct KnownKey {
    /// The operation.
    pub id: OperationId,
    /// The fingerprint of the request that made it.
    pub fingerprint: u64,
    /// When it was recorded.
    pub at: Timestamp,
}

/// A scheduled operation whose time has come.
#[derive(Clone, Debug)]
pub struct Promoted {
    /// Its id.
    pub id: OperationId,
    /// Its kind.
    pub kind: String,
    /// Its lane.
    pub lane: String,
    /// Its priority.
    pub priority: i32,
}

/// What is loaded of a lane.
#[derive(Debug, Default)]
pub struct LaneSet {
    /// How many wait in it.
    pub waiting: Waiting,
    /// Those that may go: as many as [`super::LaneNeeds::candidates`] says, by rank.
    pub ready: BTreeSet<Rank>,
    /// Those that wait for a time: the first ones that are not due.
    pub scheduled: BTreeSet<(Timestamp, Rank)>,
}

/// All that [`super::Needs`] names, as far as it is kept.
#[derive(Debug, Default)]
pub struct WorkingSet {
    /// The last event's cursor.
    pub cursor: u64,
    /// Why no start is taken.
    pub no_room: Option<String>,
    /// Operations.
    pub operations: HashMap<OperationId, Stored>,
    /// Idempotency keys.
    pub keys: HashMap<String, KnownKey>,
    /// Who holds a unique text.
    pub holders: HashMap<String, OperationId>,
    /// Lanes.
    pub lanes: BTreeMap<String, LaneSet>,
    /// Scheduled operations that are due, of all lanes; they are counted as scheduled still.
    pub due: Vec<Promoted>,
    /// For [`super::Needs::recover`], those that run; for [`super::Needs::prune`], those that have ended,
    /// and for [`super::Needs::cancelled`], those that were cancelled, the oldest first.
    pub selected: Vec<OperationId>,
    /// For a dry run of [`super::Needs::prune`], how many ended before its time.
    pub ended: u64,
}

impl WorkingSet {
    /// The unique text of an operation that has ended, and whose live holder nobody has looked up.
    pub fn text_to_look_up(&self, id: OperationId) -> Option<&str> {
        let operation = &self.operations.get(&id)?.operation;
        let text = operation.unique.as_deref()?;
        (!operation.is_live() && !self.holders.contains_key(text)).then_some(text)
    }

    /// Those whose time has come stand in their lanes' queues with the others that may go.
    pub(super) fn promote(&mut self, due: &[Promoted]) {
        for one in due {
            if let Some(stored) = self.operations.get_mut(&one.id) {
                stored.promoted = true;
            }
            if let Some(lane) = self.lanes.get_mut(&one.lane) {
                lane.waiting.scheduled = lane.waiting.scheduled.saturating_sub(1);
                lane.waiting.due += 1;
                lane.ready.insert(rank(one.priority, one.id));
            }
        }
    }

    /// Takes an operation from its lane's queue.
    pub(super) fn leave_queue(&mut self, one: &Stored) {
        let (Some(queued), Some(lane)) = (one.queued(), self.lanes.get_mut(&one.operation.lane))
        else {
            return;
        };
        let rank = rank(one.operation.priority, one.operation.id);
        if let Queued::Scheduled(time) = queued {
            lane.waiting.scheduled = lane.waiting.scheduled.saturating_sub(1);
            lane.scheduled.remove(&(time, rank));
        } else {
            lane.waiting.due = lane.waiting.due.saturating_sub(1);
            lane.ready.remove(&rank);
        }
    }

    /// Puts an operation into its lane's queue.
    pub(super) fn enter_queue(&mut self, one: &Stored) {
        let (Some(queued), Some(lane)) = (one.queued(), self.lanes.get_mut(&one.operation.lane))
        else {
            return;
        };
        let rank = rank(one.operation.priority, one.operation.id);
        if let Queued::Scheduled(time) = queued {
            lane.waiting.scheduled += 1;
            lane.scheduled.insert((time, rank));
        } else {
            lane.waiting.due += 1;
            lane.ready.insert(rank);
        }
    }
}
