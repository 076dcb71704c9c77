//! How many connections there may be, and for how long each may keep the server waiting.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Settings;

/// Idle connections are kept so long, for clients that poll.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// A client takes all of an answer within this time: one that takes a little again and again would hold
/// its memory for ever.
const ANSWER: Duration = Duration::from_secs(300);
/// A connection that ends has so long for its last bytes.
const CLOSING: Duration = Duration::from_secs(1);
/// So many connections are enough for one machine; what each sends is kept until it is whole.
const MOST_CONNECTIONS: usize = 16_384;
/// As many open files as are asked for.
const MOST_FILES: u64 = 2 * MOST_CONNECTIONS as u64;
/// Files that the store opens while it reads and writes.
const FOR_THE_STORE: usize = 24;
/// Files that one function opens: what it reads, what it writes, a checkpoint, their folders.
const FOR_A_SLOT: usize = 6;
/// Files that one check of an admission opens.
const FOR_A_CHECK: usize = 2;
/// A worker's own files, and connections that it was given and has not seen yet.
const FOR_A_WORKER: usize = 8 + ACCEPTED_AHEAD;
/// Connections that a worker may have been given beyond its part of the limit.
pub(super) const ACCEPTED_AHEAD: usize = 8;
/// However few files may be open, so many connections are served.
const FEWEST: usize = 8;
/// Subscriptions of all live sockets, beyond those that each may have anyway: some 10 KiB each.
pub(super) const SUBSCRIPTIONS: usize = 4_096;

/// Uploads at the same time: each has a file open, and some 300 KiB.
pub(super) const UPLOADS: usize = 16;
/// Uploads of one peer at the same time.
pub(super) const UPLOADS_OF_PEER: usize = 4;

/// How long a connection may stay in each phase, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct PhaseDeadlines {
    pub(super) head: u64,
    pub(super) keep_alive: u64,
    pub(super) body_idle: u64,
    pub(super) write_stall: u64,
    pub(super) answer: u64,
    pub(super) closing: u64,
}

/// A server with so few files could not do its work.
#[derive(Debug, thiserror::Error)]
#[error(
    "this process may have {most} files open, {open} are open already, and at least {needed} more are needed; raise the limit of open files (ulimit -n), 1024 or more are good"
)]
pub struct TooFewFiles {
    most: usize,
    open: usize,
    needed: usize,
}

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectionLimits {
    /// Connections at the same time.
    pub(super) total: usize,
    /// Of these live sockets: the rest stays for requests.
    pub(super) sockets: usize,
    /// Connections of one peer.
    pub(super) per_peer: usize,
}

impl PhaseDeadlines {
    pub(super) fn of(settings: &Settings) -> Self {
        let millis = |seconds: f64| Duration::from_secs_f64(seconds).as_millis() as u64;
        let http = &settings.http;
        Self {
            head: millis(http.head_seconds),
            keep_alive: KEEP_ALIVE.as_millis() as u64,
            body_idle: millis(http.body_idle_seconds),
            write_stall: millis(http.write_stall_seconds),
            answer: ANSWER.as_millis() as u64,
            closing: CLOSING.as_millis() as u64,
        }
    }
}

impl ConnectionLimits {
    /// For a process in which everything but connections is open already.
    pub(super) fn of(settings: &Settings) -> Result<Self, TooFewFiles> {
        let slots: usize = settings.lanes.values().map(|lane| lane.concurrency).sum();
        let needed = needed(settings);
        let kept = needed
            + UPLOADS
            + slots.saturating_mul(FOR_A_SLOT)
            + settings
                .supervision
                .blocking_threads
                .saturating_mul(FOR_A_CHECK);
        let free = free_files(needed + FEWEST)?;
        let limits = Self::within(free, needed, kept, settings.http.connections_per_peer);
        log::debug!("{limits:?}");
        Ok(limits)
    }

    fn within(free: usize, needed: usize, kept: usize, per_peer: usize) -> Self {
        // Where there is too little for all of it, a quarter is for connections, if that is there
        // beside what cannot be done without.
        let least = (free / 4).min(free.saturating_sub(needed));
        let total = free.saturating_sub(kept).max(least);
        let total = total.clamp(FEWEST, MOST_CONNECTIONS);
        Self {
            total,
            sockets: total - total / 4,
            per_peer: per_peer.min(total / 2),
        }
    }
}

/// Refuses to come up where so few files may be open that a thread could not start, or the server not
/// do its work: nothing of it is open yet.
pub fn check_files(settings: &Settings) -> Result<(), TooFewFiles> {
    free_files(needed(settings) + FEWEST).map(drop)
}

/// Files that the store and the workers need.
fn needed(settings: &Settings) -> usize {
    FOR_THE_STORE + settings.http.worker_threads().saturating_mul(FOR_A_WORKER)
}

/// How many files this process may still open; at least those that are needed.
fn free_files(needed: usize) -> Result<usize, TooFewFiles> {
    let (most, open) = (most_files(), open_files());
    let free = most.saturating_sub(open);
    if free < needed {
        return Err(TooFewFiles { most, open, needed });
    }
    Ok(free)
}

/// How many files this process may have open. A shell's limit is often far below what the system
/// grants to whoever asks.
fn most_files() -> usize {
    let now = getrlimit(Resource::Nofile);
    let wanted = now.maximum.unwrap_or(MOST_FILES).min(MOST_FILES);
    let current = now.current.unwrap_or(u64::MAX);
    let raised = Rlimit {
        current: Some(wanted),
        maximum: now.maximum,
    };
    let most = if current < wanted && setrlimit(Resource::Nofile, raised).is_ok() {
        wanted
    } else {
        current
    };
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// How many files are open. Where that cannot be known, as many as a server with defaults has.
fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(64, Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_get_what_the_store_and_work_leave() {
        for (free, needed, kept, total) in [
            (984, 56, 90, 894),
            (216, 56, 90, 126),
            (88, 56, 90, 22),
            (70, 56, 90, 14),
            (64, 56, 90, FEWEST),
            (usize::MAX, 56, 90, MOST_CONNECTIONS),
        ] {
            let limits = ConnectionLimits::within(free, needed, kept, 100);
            assert_eq!(limits.total, total, "{free}");
            // With those that workers were given beyond the limit, which are among what is needed.
            assert!(limits.total + needed <= free, "{limits:?}");
            assert!(
                limits.sockets < limits.total && limits.sockets > 0,
                "{limits:?}"
            );
            assert!((1..=100).contains(&limits.per_peer), "{limits:?}");
            assert!(limits.per_peer * 2 <= limits.total, "{limits:?}");
        }
    }
}
