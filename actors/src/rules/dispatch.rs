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

/// How many operations of tiny kinds share a slot, one after another: see
/// [`crate::operation::Policy::tiny`]. Together they stay within some milliseconds.
pub const TOGETHER: usize = 64;

/// The free slots of a claim, as they are given away in the order of the queue: one to each
/// operation, or one to up to [`TOGETHER`] tiny ones that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreeSlots {
    free: usize,
    /// For tiny ones, in the slot that was given away last.
    room: usize,
}

impl FreeSlots {
    /// So many.
    pub const fn new(free: usize) -> Self {
        Self { free, room: 0 }
    }

    /// Gives the next operation its place; false when there is none, and the claim is over.
    pub const fn take(&mut self, tiny: bool) -> bool {
        if tiny && self.room > 0 {
            self.room -= 1;
            return true;
        }
        if self.free == 0 {
            return false;
        }
        self.free -= 1;
        self.room = if tiny { TOGETHER - 1 } else { 0 };
        true
    }

    /// How many of the queue to look at next; 0 when the claim is over.
    pub const fn look_at(&self) -> usize {
        if self.free > 0 { self.free } else { self.room }
    }
}
