//! Operations that were written a moment ago: who has just started one, or waited for its end, asks
//! for it next, and need not wait for the file.
//!
//! What is in here is what the last commit left. Before a commit those that it changes are taken out,
//! and after it they are put in anew: a reader meanwhile finds them in the file, as they were before
//! the commit or as they are after it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use impresario::rules::lifecycle::Recorded;
use impresario::store::Operation;
use impresario_api::OperationId;

/// So many, the newest.
const MOST: usize = 2_048;
/// One whose row is longer is read from the file, so that all of them take some megabytes at most.
const MOST_BYTES: usize = 4_096;

/// The operations, by id.
#[derive(Default)]
pub(super) struct Recent(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// `None` while it waits, or a commit changes it.
    by_id: HashMap<OperationId, Option<Arc<Operation>>>,
    /// Oldest first; some are no longer known.
    order: VecDeque<OperationId>,
}

/// What a commit has changed.
pub(super) struct Changes(Vec<Change>);

enum Change {
    /// Its place is kept: few ask for one that waits, so it is not held in memory for them.
    New(OperationId),
    Is(Arc<Operation>),
    /// It is gone, or too long.
    Unknown(OperationId),
}

impl Change {
    fn id(&self) -> OperationId {
        match self {
            Self::New(id) | Self::Unknown(id) => *id,
            Self::Is(operation) => operation.id,
        }
    }
}

impl Changes {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// An operation was written, in so many bytes.
    pub(super) fn wrote(&mut self, operation: &Arc<Operation>, bytes: usize, new: bool) {
        let id = operation.id;
        if bytes > MOST_BYTES || !operation.checkpoints.is_empty() {
            return self.0.push(Change::Unknown(id));
        }
        if new {
            self.0.push(Change::New(id));
        }
        if operation.state.status != Recorded::Pending {
            self.0.push(Change::Is(Arc::clone(operation)));
        }
    }

    /// An operation was removed.
    pub(super) fn removed(&mut self, id: OperationId) {
        self.0.push(Change::Unknown(id));
    }
}

impl Recent {
    /// The operation as the last commit left it, if it is known here.
    pub(super) fn get(&self, id: OperationId) -> Option<Arc<Operation>> {
        self.known().by_id.get(&id).cloned().flatten()
    }

    /// Before the commit: what it changes is known no more.
    pub(super) fn forget(&self, changes: &Changes) {
        let mut known = self.known();
        for change in &changes.0 {
            if let Some(operation) = known.by_id.get_mut(&change.id()) {
                *operation = None;
            }
        }
    }

    /// After it. One that was not known stays so, unless it is new: its params may be long.
    pub(super) fn learn(&self, changes: Changes) {
        let mut known = self.known();
        for change in changes.0 {
            match change {
                Change::New(id) => {
                    known.order.push_back(id);
                    known.by_id.insert(id, None);
                }
                Change::Is(operation) => {
                    if let Some(place) = known.by_id.get_mut(&operation.id) {
                        *place = Some(operation);
                    }
                }
                Change::Unknown(id) => drop(known.by_id.remove(&id)),
            }
        }
        while known.order.len() > MOST
            && let Some(oldest) = known.order.pop_front()
        {
            known.by_id.remove(&oldest);
        }
    }

    /// What is known is whole whatever panicked beside it.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
