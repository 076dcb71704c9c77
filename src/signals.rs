//! The signals that end the process.

use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Exit;

/// Signals that come within this time of one that was heard mean the same one: a terminal sends to a
/// whole group, and a service manager sends one kind after another.
const SAME: Duration = Duration::from_secs(1);

/// SIGTERM, Ctrl-C and SIGHUP, which mean the same.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// `None` where the process was started with SIGHUP ignored, as `nohup` does.
    hangup: Option<Signal>,
    heard: Option<Instant>,
}

/// SIGXFSZ ends a process that writes past its limit of a file's size. Once it is heard, the write fails
/// like any other that finds no room.
fn outlive_the_limit_of_a_files_size() -> std::io::Result<()> {
    let kind = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    // What hears it stays for as long as the process does.
    signal(kind).map(drop)
}

impl Signals {
    pub(crate) fn new() -> Result<Self, Exit> {
        let on =
            |kind| signal(kind).map_err(|error| Exit::bug(format!("cannot hear signals: {error}")));
        outlive_the_limit_of_a_files_size()
            .map_err(|error| Exit::bug(format!("cannot hear signals: {error}")))?;
        // Before the first of them is heard: that changes what is ignored.
        let hangup = (!is_hangup_ignored()).then(|| on(SignalKind::hangup()));
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            hangup: hangup.transpose()?,
            heard: None,
        })
    }

    /// The next one that is not the same as the last.
    pub(crate) async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
                () = hung_up(self.hangup.as_mut()) => {}
            }
            if self.heard.is_none_or(|heard| heard.elapsed() >= SAME) {
                self.heard = Some(Instant::now());
                return;
            }
        }
    }
}

async fn hung_up(hangup: Option<&mut Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => std::future::pending().await,
    }
}

/// Linux says which signals a process ignores, as a mask in hexadecimal digits whose lowest bit is
/// SIGHUP's. Where nothing says so, it is heard.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}
