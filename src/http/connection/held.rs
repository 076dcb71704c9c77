//! How much memory large bodies and answers may take, all connections together. What each may have is
//! bounded anyway; without a bound for all of them, many slow clients at once would fill the memory.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is no longer than this is not counted: with as many connections as there may be, 128 MiB.
pub(in crate::http) const UNCOUNTED: usize = 8 * 1024;
/// All bodies that are read or worked on hold at most so many bytes, and all answers that are not
/// written yet as many again.
const MOST: usize = 64 << 20;

/// A share of the memory, given back when this is dropped.
pub(in crate::http) type Share = OwnedSemaphorePermit;

/// The memory that is left.
pub(super) struct Memory(Arc<Semaphore>);

impl Memory {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }

    /// A share that is so many bytes larger than the one that is held, at once or not at all. It is never
    /// more than half of what the others leave, so that no number of slow clients with much leaves nothing
    /// for one with little. What is more than half of all the memory counts as that half.
    pub(super) fn take(&self, held: Option<Share>, more: usize) -> Option<Share> {
        let has = held.as_ref().map_or(0, Share::num_permits);
        let more = more.min((MOST / 2).saturating_sub(has));
        if has + more > (self.0.available_permits() + has) / 2 {
            return None;
        }
        let more = Arc::clone(&self.0).try_acquire_many_owned(u32::try_from(more).ok()?);
        match (held, more.ok()?) {
            (None, more) => Some(more),
            (Some(mut held), more) => {
                held.merge(more);
                Some(held)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_missing_until_it_is_given_back() {
        let memory = Memory::new();
        let half = memory.take(None, 2 * MOST).expect("it counts as half");
        assert!(memory.take(None, MOST / 4 + 1).is_none());
        let quarter = memory.take(None, MOST / 4);
        let quarter = quarter.expect("half of what is left");
        drop((half, quarter));
        assert!(memory.take(None, MOST / 2).is_some());
    }

    #[test]
    fn long_ones_leave_room_for_short_ones() {
        let (memory, long, piece) = (Memory::new(), 1 << 20, 1 << 12);
        let whole = || {
            let mut pieces = 0..long / piece;
            pieces.try_fold(None, |held, _| Some(Some(memory.take(held, piece)?)))
        };
        let taken: Vec<_> = std::iter::from_fn(whole).collect();
        assert!(taken.len() >= MOST / long - 2, "{}", taken.len());
        assert!(memory.take(None, long / 2).is_some());
    }
}
