//! Who goes next: the one order that every store keeps.

use std::cmp::Reverse;

use impresario_api::{OperationId, Timestamp};

/// Where a pending operation stands among those of its lane that may go: the smallest goes first.
/// Higher priority first, then age.
pub type Rank = (Reverse<i32>, OperationId);

/// The rank of an operation.
pub const fn rank(priority: i32, id: OperationId) -> Rank {
    (Reverse(priority), id)
}

/// Whether it may go now, or waits for its time.
pub fn is_due(not_before: Option<Timestamp>, now: Timestamp) -> bool {
    not_before.is_none_or(|time| time <= now)
}

/// How many of those whose time has come may go after one batch: many may wait for the same time, and
/// nobody waits long for a commit.
pub const PROMOTED_AT_ONCE: usize = 1_000;
