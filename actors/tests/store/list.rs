//! A model that is too simple to be wrong: a list that is searched.

use impresario::rules::admission::Waiting;
use impresario::rules::dispatch::is_due;
use impresario::rules::lifecycle::{Input, Moment, Recorded};
use impresario::store::StoredOperation;
use impresario_api::{OperationId, Timestamp};

/// The list, and how many were ever submitted.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) operations: Vec<StoredOperation>,
    pub(crate) submitted: usize,
}

impl Model {
    pub(crate) fn pending(&self, lane: &str) -> impl Iterator<Item = &StoredOperation> {
        let pending =
            move |one: &&StoredOperation| one.lane == lane && one.state.status == Recorded::Pending;
        self.operations.iter().filter(pending)
    }

    /// Those that may go, the first one first.
    pub(crate) fn due(&self, lane: &str, now: Timestamp) -> Vec<OperationId> {
        let due = self.pending(lane);
        let due = due.filter(|one| is_due(one.state.waits_until(), now));
        let mut due: Vec<_> = due.map(|one| (-one.priority, one.id)).collect();
        due.sort_unstable();
        due.into_iter().map(|(_, id)| id).collect()
    }

    /// How many could run, and how many wait for their time.
    pub(crate) fn waiting(&self, lane: &str, now: Timestamp) -> Waiting {
        let due = self.due(lane, now).len() as u64;
        let scheduled = self.pending(lane).count() as u64 - due;
        Waiting { due, scheduled }
    }

    pub(crate) fn get(&mut self, id: OperationId) -> &mut StoredOperation {
        let mut operations = self.operations.iter_mut();
        operations
            .find(|one| one.id == id)
            .expect("the model has it")
    }

    pub(crate) fn apply(&mut self, id: OperationId, input: &Input, now: Timestamp) -> bool {
        let moment = Moment { now, jitter: 0.0 };
        self.get(id).apply(input, moment).is_ok()
    }

    pub(crate) fn id_at(&self, at: usize) -> OperationId {
        let one = self.operations.get(at % self.operations.len().max(1));
        one.map_or(OperationId::from_u64(1 << 60), |one| one.id)
    }
}
