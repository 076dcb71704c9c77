//! Whether a start may wait in a lane. Stops and reads are always admitted.

/// How many operations of a lane wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Operations that could run.
    pub due: u64,
    /// Those whose time has not come: they are no load.
    pub scheduled: u64,
}

/// How many may wait, the start that asks among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of those that could run: see [`most_waiting`].
    pub waiting: u64,
    /// Of those whose time has not come.
    pub scheduled: u64,
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self {
        waiting: u64::MAX,
        scheduled: u64::MAX,
    };
}

/// Why a start does not fit: the limit that counts for it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// How many wait that count for the same limit.
    pub waiting: u64,
    /// Whether it is the limit of those whose time has not come.
    pub scheduled: bool,
}

/// How many may wait in a lane, the start that asks among them. One that finds a free slot does not
/// wait, so it counts against no limit.
pub const fn most_waiting(queue_limit: u64, free_slots: u64) -> u64 {
    queue_limit.saturating_add(free_slots)
}

/// Whether one more start fits: one that waits for its time beside its like, any other beside those
/// that could run.
pub const fn admit(waiting: Waiting, limits: Limits, scheduled: bool) -> Result<(), Full> {
    let (waiting, most) = if scheduled {
        (waiting.scheduled, limits.scheduled)
    } else {
        (waiting.due, limits.waiting)
    };
    if waiting < most {
        Ok(())
    } else {
        Err(Full { waiting, scheduled })
    }
}

/// Seconds after which a refused start may try again: one second for each hundred that could run,
/// at most a minute; a minute where it is the time of others that must come. It is a hint; nothing is
/// reserved.
pub const fn retry_after_seconds(full: Full) -> u64 {
    let seconds = full.waiting / 100;
    if seconds > 60 || full.scheduled {
        60
    } else if seconds < 1 {
        1
    } else {
        seconds
    }
}
