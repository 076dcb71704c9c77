//! How a lane's threads stand behind everything else on the machine.

/// Makes the calling thread step back: niced, and with short time slices, so that reads and stops
/// never wait behind work.
///
/// Niceness alone shares a core out, but says little of who runs next: since Linux 6.6 a thread
/// that wakes up may have to wait until the one that runs has had its slice, and that is found out
/// at the next tick, up to 4 ms later. A slice of the least length (Linux 6.12; ignored before)
/// makes a niced thread give way at once. See `docs/adr/0008`.
#[cfg(target_os = "linux")]
pub(super) fn step_back(nice: i32) {
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: libc::SCHED_OTHER as u32,
        sched_flags: 0,
        sched_nice: nice,
        sched_priority: 0,
        sched_runtime: SLICE_NS,
        sched_deadline: 0,
        sched_period: 0,
    };
    let attributes = std::ptr::from_ref(&attributes);
    #[expect(unsafe_code, reason = "the C library has no function for this call")]
    // SAFETY: the call reads `size` bytes at the pointer, which are there, and keeps nothing. The
    // thread 0 is the calling one.
    let done = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, attributes, 0) };
    if done != 0 {
        let error = std::io::Error::last_os_error();
        log::warn!("a lane's thread keeps its priority: {error}");
    }
}

/// The shortest slice that Linux allows: 0.1 ms.
#[cfg(target_os = "linux")]
const SLICE_NS: u64 = 100_000;

/// Elsewhere a niceness would be that of the whole process.
#[cfg(not(target_os = "linux"))]
pub(super) fn step_back(_nice: i32) {}
