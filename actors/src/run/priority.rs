//! How a lane's threads stand behind everything else on the machine. See `docs/adr/0008`.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long the functions that compute hurry after a verb or a read: a commit on a slow disk, or the
/// next read of whoever polls.
const HURRY: Duration = Duration::from_millis(50);

static START: LazyLock<Instant> = LazyLock::new(Instant::now);
/// Nanoseconds after [`START`].
static HURRIED_UNTIL: AtomicU64 = AtomicU64::new(0);

/// Somebody waits for a verb to take effect, or to hear how far a run has come: for a moment, every function of this process that
/// computes yields its core whenever it looks at the clock.
pub(crate) fn hurry() {
    let until = START.elapsed() + HURRY;
    // Five hundred years of nanoseconds fit.
    HURRIED_UNTIL.store(until.as_nanos() as u64, Ordering::Relaxed);
}

/// Whether a function that computes yields its core `now`.
pub(crate) fn is_hurried(now: Instant) -> bool {
    let until = Duration::from_nanos(HURRIED_UNTIL.load(Ordering::Relaxed));
    now.saturating_duration_since(*START) < until
}

/// How long a thread is left running before one that wakes up may take its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slice {
    /// Of a thread at rest: it is soon done, and takes the place of one that computes at once.
    Short,
    /// Of a thread that computes: whoever has a shorter one takes its place at once.
    Long,
}

/// Makes the calling thread, a lane's, stand back: niced, so that it has a small share of a core
/// that others want, and with a slice that says how soon they get it.
///
/// Slices of threads that are no real-time ones are honoured since Linux 6.12.
#[cfg(target_os = "linux")]
pub(crate) fn stand_back(nice: i32, slice: Slice) {
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: libc::SCHED_OTHER as u32,
        sched_flags: 0,
        sched_nice: nice,
        sched_priority: 0,
        sched_runtime: nanoseconds(slice),
        sched_deadline: 0,
        sched_period: 0,
    };
    let attributes = std::ptr::from_ref(&attributes);
    #[expect(unsafe_code, reason = "the C library has no function for this call")]
    // SAFETY: the call reads `size` bytes at the pointer, which are there, and keeps nothing. The
    // thread 0 is the calling one.
    let done = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, attributes, 0) };
    if done != 0 {
        static ONCE: std::sync::Once = std::sync::Once::new();
        let error = std::io::Error::last_os_error();
        ONCE.call_once(|| log::warn!("the lanes' threads keep their priority: {error}"));
    }
}

/// The shortest and the longest that Linux allows: 0.1 and 100 ms.
#[cfg(target_os = "linux")]
const fn nanoseconds(slice: Slice) -> u64 {
    match slice {
        Slice::Short => 100_000,
        Slice::Long => 100_000_000,
    }
}

/// Elsewhere a niceness would be that of the whole process.
#[cfg(not(target_os = "linux"))]
pub(crate) fn stand_back(_nice: i32, _slice: Slice) {}

/// The niceness and the slice of the calling thread; no slice before Linux 6.12.
#[cfg(all(test, target_os = "linux"))]
pub(crate) fn standing() -> (i32, Option<Slice>) {
    let mut attributes = std::mem::MaybeUninit::<libc::sched_attr>::zeroed();
    let size = size_of::<libc::sched_attr>();
    #[expect(unsafe_code, reason = "the C library has no function for this call")]
    // SAFETY: the call writes `size` bytes at most, which are there; zeroes are valid too.
    let attributes = unsafe {
        let done = libc::syscall(libc::SYS_sched_getattr, 0, attributes.as_mut_ptr(), size, 0);
        assert_eq!(done, 0, "a thread may see its own attributes");
        attributes.assume_init()
    };
    let slice = [Slice::Short, Slice::Long]
        .into_iter()
        .find(|slice| nanoseconds(*slice) == attributes.sched_runtime);
    (attributes.sched_nice, slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hurry_passes() {
        hurry();
        let now = Instant::now();
        assert!(is_hurried(now));
        assert!(!is_hurried(now + HURRY * 100));
    }
}
