//! New ids: ordered by time, unique in the process, hard to guess from one another's counter.
//!
//! An id is milliseconds, a node's number, and a counter: several nodes never make the same one.

use std::sync::Mutex;

use impresario_api::{OperationId, Timestamp};

use crate::locks::lock;

/// The number of this node: the embedded stores know one alone.
pub(super) const NODE: u8 = 0;

/// Bits of a counter; those of the node stand above them.
const COUNTER_BITS: u32 = OperationId::BELOW_TIME_BITS - u8::BITS;

/// Makes ids. Each millisecond's counter starts at random in the lower half of its range; a full
/// counter, or a clock that was set back, borrows from the next millisecond.
#[derive(Default)]
pub(crate) struct Ids {
    /// The last one without its node: milliseconds and counter.
    last: Mutex<u64>,
}

impl Ids {
    /// Ids newer than this one, whatever the clock says.
    pub(super) fn after(newest: Option<OperationId>) -> Self {
        let next = newest.map_or(0, |id| (id.as_u64() >> OperationId::BELOW_TIME_BITS) + 1);
        Self {
            last: Mutex::new(next << COUNTER_BITS),
        }
    }

    pub(crate) fn next(&self, now: Timestamp) -> OperationId {
        let since = now
            .as_millis()
            .saturating_sub(OperationId::EPOCH_MILLIS)
            .max(0) as u64;
        let random = fastrand::u64(0..1 << (COUNTER_BITS - 1));
        let fresh = (since << COUNTER_BITS) | random;
        let mut last = lock(&self.last);
        *last = if *last >> COUNTER_BITS >= since {
            *last + 1
        } else {
            fresh
        };
        let (millis, counter) = (*last >> COUNTER_BITS, *last & ((1 << COUNTER_BITS) - 1));
        let node = u64::from(NODE) << COUNTER_BITS;
        OperationId::from_u64(millis << OperationId::BELOW_TIME_BITS | node | counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_on_from_what_is_kept() {
        let newest = Ids::default().next(Timestamp::from_millis(1_900_000_000_000));
        let ids = Ids::after(Some(newest));
        assert!(ids.next(Timestamp::from_millis(1_800_000_000_000)) > newest);
    }

    #[test]
    fn ids_only_ever_grow_even_when_the_clock_goes_back() {
        let ids = Ids::default();
        let mut last = ids.next(Timestamp::from_millis(1_800_000_000_000));
        for step in 0..10_000_i64 {
            let id = ids.next(Timestamp::from_millis(1_800_000_000_000 - step % 7 * 1_000));
            assert!(id > last);
            last = id;
        }
    }
}
