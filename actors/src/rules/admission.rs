//! Whether a start may wait in a lane. Stops and reads are always admitted.

/// A lane as a start finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Operations that wait.
    pub waiting: u64,
    /// Slots that none of them has been promised yet.
    pub free_slots: u64,
    /// How many may wait.
    pub queue_limit: u64,
}

/// How many may wait in a lane, the start that asks among them. One that finds a free slot does not
/// wait, so it counts against no limit.
pub const fn most_waiting(queue_limit: u64, free_slots: u64) -> u64 {
    queue_limit.saturating_add(free_slots)
}

/// Whether one more start fits.
pub const fn admits(room: Room) -> bool {
    room.waiting < most_waiting(room.queue_limit, room.free_slots)
}

/// Seconds after which a refused start may try again: one second for each hundred that wait,
/// at most a minute. It is a hint; nothing is reserved.
pub const fn retry_after_seconds(room: Room) -> u64 {
    let seconds = room.waiting / 100;
    if seconds < 1 {
        1
    } else if seconds > 60 {
        60
    } else {
        seconds
    }
}
