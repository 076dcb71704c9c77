//! Who goes next: the one order that every store keeps.

use std::cmp::Reverse;

use impresario_api::{OperationId, Timestamp};

/// Where a pending operation stands in its lane: the smallest goes first. Higher priority
/// first, then age.
pub type Place = (Reverse<i32>, OperationId);

/// The place of an operation.
pub const fn place(priority: i32, id: OperationId) -> Place {
    (Reverse(priority), id)
}

/// Whether it may go now, or waits for its time.
pub fn is_due(not_before: Option<Timestamp>, now: Timestamp) -> bool {
    not_before.is_none_or(|time| time <= now)
}

/// How many of those whose time has come go on in one command: many may wait for the same time, and
/// nobody waits long for a command.
pub const PROMOTED_AT_ONCE: usize = 1_000;
