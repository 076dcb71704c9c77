//! Operations that were written a moment ago: who has just started one, or waited for its end, asks
//! for it next, and need not wait for the file.
//!
//! What is in here is what the last commit left. Before a commit those that it changes are taken out,
//! and after it they are put in anew: a reader meanwhile finds them in the file, as they were before
//! the commit or as they are after it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::rules::lifecycle::Recorded;
use crate::store::StoredOperation;
use impresario_api::OperationId;

/// So many, the newest.
const MOST: usize = 2_048;
/// One whose row is longer is read from the file, so that all of them take some megabytes at most.
const MOST_BYTES: usize = 4_096;

/// The operations, by id.
#[derive(Default)]
pub(super) struct ReadCache(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// `None` while it waits, or a commit changes it.
    by_id: HashMap<OperationId, Option<Arc<StoredOperation>>>,
    /// Oldest first; some are no longer known.
    order: VecDeque<OperationId>,
}

/// What a commit has changed.
pub(super) struct Written(Vec<Change>);

enum Change {
    /// It is new, and gets a place.
    New(Arc<StoredOperation>),
    Is(Arc<StoredOperation>),
    /// Few ask for one that waits, and it is not held in memory for them.
    Waits(OperationId),
    /// It is gone, or too long.
    Unknown(OperationId),
}

impl Change {
    fn id(&self) -> OperationId {
        match self {
            Self::Waits(id) | Self::Unknown(id) => *id,
            Self::New(operation) | Self::Is(operation) => operation.id,
        }
    }
}

impl Written {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An operation was written, in so many bytes.
    pub(super) fn wrote(&mut self, operation: &Arc<StoredOperation>, bytes: usize, new: bool) {
        let id = operation.id;
        if bytes > MOST_BYTES || !operation.checkpoints.is_empty() {
            return self.0.push(Change::Unknown(id));
        }
        self.0.push(match operation.state.status {
            _ if new => Change::New(Arc::clone(operation)),
            Recorded::Pending => Change::Waits(id),
            _ => Change::Is(Arc::clone(operation)),
        });
    }

    /// An operation was removed.
    pub(super) fn removed(&mut self, id: OperationId) {
        self.0.push(Change::Unknown(id));
    }
}

impl ReadCache {
    /// The operation as the last commit left it, if it is known here.
    pub(super) fn get(&self, id: OperationId) -> Option<Arc<StoredOperation>> {
        self.known().by_id.get(&id).cloned().flatten()
    }

    /// Before the commit: what it changes is known no more.
    pub(super) fn forget(&self, changes: &Written) {
        let mut known = self.known();
        for change in &changes.0 {
            if let Some(operation) = known.by_id.get_mut(&change.id()) {
                *operation = None;
            }
        }
    }

    /// After it. One that was not known stays so, unless it is new: its params may be long.
    pub(super) fn learn(&self, changes: Written) {
        let mut known = self.known();
        for change in changes.0 {
            match change {
                Change::New(operation) => {
                    let waits = operation.state.status == Recorded::Pending;
                    known.order.push_back(operation.id);
                    known
                        .by_id
                        .insert(operation.id, (!waits).then_some(operation));
                }
                Change::Is(operation) => {
                    if let Some(place) = known.by_id.get_mut(&operation.id) {
                        *place = Some(operation);
                    }
                }
                // Its place is empty since before the commit.
                Change::Waits(_) => {}
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

#[cfg(test)]
mod tests {
    use crate::rules::admission::Limits;
    use crate::rules::lifecycle::{Input, Moment, Terms};
    use crate::rules::retry::Backoff;
    use crate::store::Submission;
    use impresario_api::Timestamp;

    use super::*;

    fn running(number: u64) -> Arc<StoredOperation> {
        let now = Timestamp::from_millis(1_000);
        let submission = Submission {
            id: OperationId::from_u64(number),
            kind: "dummy".to_owned(),
            lane: "default".to_owned(),
            priority: 0,
            labels: [].into(),
            requested_by: "me".to_owned(),
            retry_of: None,
            reason: None,
            fork: None,
            params: Arc::default(),
            timeout_ms: None,
            not_before: None,
            terms: Terms {
                pausable: false,
                finishable: false,
                max_attempts: 1,
                backoff: Backoff {
                    base: std::time::Duration::ZERO,
                    cap: std::time::Duration::ZERO,
                },
                retry_panics: false,
                fail_when_lost: false,
            },
            idempotency: None,
            unique: None,
            limits: Limits::NONE,
            now,
        };
        let (mut operation, _) = StoredOperation::submitted(submission);
        let begins = operation.apply(&Input::Dispatched, Moment { now, jitter: 0.0 });
        begins.expect("what is new can begin");
        Arc::new(operation)
    }

    fn commit(recent: &ReadCache, changes: Written) {
        recent.forget(&changes);
        recent.learn(changes);
    }

    /// It is recorded, and runs.
    fn begin(recent: &ReadCache, number: u64) {
        for new in [true, false] {
            let mut changes = Written::new();
            changes.wrote(&running(number), 100, new);
            commit(recent, changes);
        }
    }

    fn is_known(recent: &ReadCache, number: u64) -> bool {
        recent.get(OperationId::from_u64(number)).is_some()
    }

    #[test]
    fn only_the_newest_are_known() {
        let recent = ReadCache::default();
        for number in 0..MOST as u64 + 5 {
            begin(&recent, number);
        }
        let known: Vec<_> = [0, 4, 5].map(|number| is_known(&recent, number)).into();
        assert_eq!(known, [false, false, true]);
        assert_eq!(recent.known().by_id.len(), MOST);
    }

    #[test]
    fn a_long_one_is_not_known_whatever_is_written_of_it_later() {
        let recent = ReadCache::default();
        for (bytes, new) in [(MOST_BYTES + 1, true), (100, false)] {
            let mut changes = Written::new();
            changes.wrote(&running(1), bytes, new);
            commit(&recent, changes);
            assert!(!is_known(&recent, 1));
        }
    }

    #[test]
    fn one_is_unknown_while_a_commit_changes_it_and_when_it_is_gone() {
        let recent = ReadCache::default();
        begin(&recent, 1);
        let mut changes = Written::new();
        changes.wrote(&running(1), 100, false);
        recent.forget(&changes);
        assert!(
            !is_known(&recent, 1),
            "it may be the old one or the new one"
        );
        recent.learn(changes);
        assert!(is_known(&recent, 1));
        let mut changes = Written::new();
        changes.removed(OperationId::from_u64(1));
        commit(&recent, changes);
        assert!(!is_known(&recent, 1));
    }
}
