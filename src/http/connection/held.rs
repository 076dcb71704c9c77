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

    /// So many bytes of it, at once or not at all. What is longer than all of it gets all of it.
    pub(super) fn take(&self, bytes: usize) -> Option<Share> {
        let bytes = u32::try_from(bytes.min(MOST)).ok()?;
        Arc::clone(&self.0).try_acquire_many_owned(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_missing_until_it_is_given_back() {
        let memory = Memory::new();
        let half = memory.take(MOST / 2).expect("there is all of it");
        assert!(memory.take(MOST / 2 + 1).is_none());
        let rest = memory.take(MOST / 2).expect("it is there");
        assert!(memory.take(1).is_none());
        drop((half, rest));
        assert!(memory.take(2 * MOST).is_some(), "all that there is");
    }
}
