//! Checks whether a network fits into memory before it is made, because libtorch would panic.
//!
//! What grows with the network is counted: its weights, and the outputs of a batch at each layer. The bars
//! and their features are small in comparison, and left out.

use std::fs;
use std::path::Path;
use std::thread;

use super::error::TrainingError;
use super::network::weights_of;
use super::params::TrainingParams;

/// How many copies of the weights there are at once: the weights, their gradient, Adam's two moments, the
/// best so far, and what a checkpoint writes of all of them.
const COPIES: u64 = 9;
/// How many more outputs of the widest layer there are at once, beside those of each hidden layer, while a
/// batch is processed: masks, and errors of two layers.
const PASSING: u64 = 4;
/// The size of a weight or an output, in bytes.
const FLOAT: u64 = 4;
/// From so many bytes on a batch takes longer than giving memory back.
const LARGE: u64 = 16 << 20;
/// The folder of control groups.
const GROUPS: &str = "/sys/fs/cgroup";

/// The memory of a network with these widths and at most `rows` rows at once, in bytes.
pub(super) fn needed(widths: &[u32], rows: u64) -> u64 {
    let weights = weights_of(widths) as u64;
    let hidden = &widths[1.min(widths.len())..];
    let outputs: u64 = hidden.iter().map(|width| u64::from(*width)).sum();
    let widest = u64::from(hidden.iter().copied().max().unwrap_or(0));
    let of_a_row = outputs.saturating_add(PASSING * widest);
    let floats = (weights * COPIES).saturating_add(of_a_row.saturating_mul(rows));
    floats.saturating_mul(FLOAT)
}

/// Refuses a network that needs more than `most` bytes, and none if that is not known.
pub(super) fn check(widths: &[u32], rows: u64, most: Option<u64>) -> Result<(), TrainingError> {
    let needed = needed(widths, rows);
    match most {
        Some(most) if needed > most => Err(TrainingError::TooLarge {
            weights: weights_of(widths) as u64,
            rows,
            needed,
            most,
        }),
        _ => Ok(()),
    }
}

/// All the memory of this machine, or of its control group if that is less.
pub(super) fn in_all() -> Option<u64> {
    least(
        field(&read("/proc/meminfo"), "MemTotal"),
        group("memory.max"),
    )
}

/// The free memory, as far as the operating system can tell.
pub(super) fn free() -> Option<u64> {
    let of_machine = field(&read("/proc/meminfo"), "MemAvailable");
    let of_group = group("memory.max").zip(group("memory.current"));
    // Pages of files that nobody uses are freed when memory is needed.
    let of_files = counted(&read_group("memory.stat"), "inactive_file").unwrap_or(0);
    let of_group = of_group.map(|(most, used)| most.saturating_sub(used.saturating_sub(of_files)));
    least(of_machine, of_group)
}

/// Gives freed memory back to the operating system when it is dropped, after the tensors of a training.
/// libtorch takes its memory from the C library, which keeps much of what is freed for itself.
pub(super) struct GiveBack {
    /// How much memory the network needed, in bytes.
    needed: u64,
}

impl GiveBack {
    /// The memory of a training with these params.
    pub(super) fn after(params: &TrainingParams) -> Self {
        let rows = params.rows_at_once(u64::MAX);
        let needed = needed(&params.widths(), rows);
        Self { needed }
    }
}

impl Drop for GiveBack {
    /// It takes longer than a batch of a small network, and whoever has asked such a training to stop must not wait
    /// for it: another thread does it. Where none can be had, it is done after the next training.
    fn drop(&mut self) {
        if self.needed >= LARGE {
            return give_back();
        }
        let thread = thread::Builder::new().name("give-back".to_owned());
        drop(thread.spawn(give_back));
    }
}

fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "the C library alone can give its memory back")]
    // SAFETY: it takes a number, may be called at any time from any thread, and touches freed memory alone.
    unsafe {
        libc::malloc_trim(0);
    }
}

fn least(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

/// Reads a file; empty if there is none, and then nothing is known.
fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Reads a file of this process's control group. In a container that is the topmost one.
fn read_group(name: &str) -> String {
    let own = read("/proc/self/cgroup");
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
    let inner = Path::new(GROUPS).join(own.unwrap_or_default()).join(name);
    fs::read_to_string(inner).unwrap_or_else(|_| read(Path::new(GROUPS).join(name)))
}

/// A number of this process's control group; `None` for "max".
fn group(name: &str) -> Option<u64> {
    read_group(name).trim().parse().ok()
}

/// `MemTotal:  16384 kB`, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// `inactive_file 4096`
fn counted(text: &str, name: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn what_a_network_takes_grows_with_its_weights_and_its_batch() {
        // 13·64+64 + 64·32+32 + 32·2+2 weights; 98 outputs of a row, and the widest four times.
        let weights = 896 + 2_080 + 66;
        let of_a_row = 98 + 4 * 64;
        assert_eq!(
            needed(&[13, 64, 32, 2], 32),
            4 * (COPIES * weights + 32 * of_a_row)
        );
        let mut large = vec![13];
        large.extend([4_096; 16]);
        large.push(2);
        assert!(
            needed(&large, 1) > 8 * GIB,
            "252 million weights, nine times"
        );
        assert!(needed(&large, 65_536) > 25 * GIB);
        assert_eq!(
            needed(&[u32::MAX, 1], u64::MAX),
            u64::MAX,
            "and never wraps"
        );
    }

    #[test]
    fn a_network_that_does_not_fit_is_refused_with_both_sizes() {
        let widths = [13, 4_096, 2];
        let needed = needed(&widths, 65_536);
        assert!(check(&widths, 65_536, Some(needed)).is_ok());
        assert!(check(&widths, 65_536, None).is_ok());
        let error = check(&widths, 65_536, Some(GIB)).expect_err("it does not fit");
        let text = error.to_string();
        assert!(text.contains("5.4 GB") && text.contains("1.1 GB"), "{text}");
        assert!(
            text.contains("65536 rows") && text.contains("65538 weights"),
            "{text}"
        );
    }

    #[test]
    fn what_the_system_says_is_read() {
        let text = "MemTotal:       16384 kB\nMemFree:  1 kB\nMemAvailable:    8192 kB\n";
        assert_eq!(field(text, "MemTotal"), Some(16_384 * 1024));
        assert_eq!(field(text, "MemAvailable"), Some(8_192 * 1024));
        assert_eq!(field(text, "Mem"), None);
        assert_eq!(field("", "MemTotal"), None);
        let stat = "inactive_file_x 1\ninactive_file 4096\n";
        assert_eq!(counted(stat, "inactive_file"), Some(4_096));
        assert_eq!(least(Some(2), Some(1)), Some(1));
        assert_eq!((least(None, Some(1)), least(None, None)), (Some(1), None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_some() {
        let (all, free) = (in_all().expect("it tells"), free().expect("it tells"));
        assert!(0 < free && free <= all, "{free} of {all}");
    }
}
