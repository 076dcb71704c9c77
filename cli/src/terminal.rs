//! Reads single keys from the terminal, and handles signals. The terminal is restored however the client
//! ends.
//!
//! In the terminal's mode here, keys arrive at once and are not echoed, but Ctrl-C, Ctrl-Z and Ctrl-\\
//! still send signals, which they do not in raw mode.

use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// How long to wait before checking again while keys are typed for another process.
const NOT_OURS: Duration = Duration::from_millis(200);

/// The time between two checks whether this process is in the foreground again.
const LOOK_EVERY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 300_000_000,
};

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Key(u8),
    CtrlC,
}

/// Receives keys and Ctrl-C until it is dropped. Then the terminal is as before.
pub(crate) struct Terminal {
    mode: Option<Arc<Mode>>,
}

impl Terminal {
    /// Reports Ctrl-C to `tell`, and with `wants_keys` also keys if standard input is a terminal.
    pub(crate) fn listen(
        wants_keys: bool,
        tell: impl Fn(Input) -> bool + Clone + Send + 'static,
    ) -> Self {
        let mode = wants_keys.then(Mode::new).flatten().map(Arc::new);
        hear_signals(mode.clone(), tell.clone());
        if let Some(mode) = mode.clone() {
            mode.enter();
            thread::spawn(move || read_keys(&mode, tell));
        }
        Self { mode }
    }

    pub(crate) const fn hears_keys(&self) -> bool {
        self.mode.is_some()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(mode) = &self.mode {
            mode.leave(true);
        }
    }
}

/// The terminal's mode before, and which mode it has now.
struct Mode {
    before: Termios,
    now: Mutex<Now>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Now {
    /// The mode before: not entered yet, stopped, or in the background.
    Before,
    KeysAtOnce,
    /// The mode before, for good.
    Over,
}

impl Mode {
    /// The mode of standard input, if it is a terminal that this process can use.
    fn new() -> Option<Self> {
        let stdin = io::stdin();
        if !stdin.is_terminal() || !is_ours() {
            return None;
        }
        let before = tcgetattr(&stdin).ok()?;
        Some(Self {
            before,
            now: Mutex::new(Now::Before),
        })
    }

    /// Enters the mode for single keys, if this process is in the foreground and it is not entered yet.
    fn enter(&self) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == Now::Before && set(&keys_at_once(self.before.clone())) {
            *now = Now::KeysAtOnce;
        }
    }

    /// Restores the mode; for good if `over`.
    fn leave(&self, over: bool) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != Now::Over {
            set(&self.before);
            *now = if over { Now::Over } else { Now::Before };
        }
    }
}

/// The mode in which keys arrive at once, one by one.
fn keys_at_once(mut mode: Termios) -> Termios {
    mode.local_modes
        .remove(LocalModes::ICANON | LocalModes::ECHO);
    mode.special_codes[SpecialCodeIndex::VMIN] = 1;
    mode.special_codes[SpecialCodeIndex::VTIME] = 0;
    mode
}

/// Sets the mode, only in the foreground: a process that does so in the background is stopped. Returns
/// whether it was set, which fails for a terminal that is gone.
fn set(mode: &Termios) -> bool {
    is_ours() && tcsetattr(io::stdin(), OptionalActions::Now, mode).is_ok()
}

/// Whether this process is in the foreground.
fn is_ours() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}

/// Reports each key. Ends with the terminal, or when nobody listens.
fn read_keys(mode: &Mode, tell: impl Fn(Input) -> bool) {
    let stdin = io::stdin();
    let mut key = [0];
    loop {
        // There is no signal for a `fg` after a `bg`, so this has to check.
        mode.enter();
        let mut asked = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut asked, Some(&LOOK_EVERY)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        // Reading in the background would stop the whole process.
        if !is_ours() {
            thread::sleep(NOT_OURS);
            continue;
        }
        // This reads past the buffer of the standard library, because `poll` does not see that buffer.
        match rustix::io::read(&stdin, &mut key) {
            Ok(1) if tell(Input::Key(key[0])) => {}
            _ => return,
        }
    }
}

/// Reports Ctrl-C. Signals that end or stop the process first restore the terminal.
fn hear_signals(mode: Option<Arc<Mode>>, tell: impl Fn(Input) -> bool + Send + 'static) {
    let others: &[i32] = match mode {
        Some(_) => &[SIGHUP, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT],
        // There is no terminal to restore, so these signals keep their default effect.
        None => &[],
    };
    // This fails only for signals that cannot be caught.
    let Ok(mut signals) = Signals::new(others.iter().chain(&[SIGINT])) else {
        return;
    };
    thread::spawn(move || {
        for signal in signals.forever() {
            match (signal, &mode) {
                (SIGINT, _) => drop(tell(Input::CtrlC)),
                (SIGCONT, Some(mode)) => mode.enter(),
                (other, mode) => {
                    if let Some(mode) = mode {
                        mode.leave(false);
                    }
                    let _ = emulate_default_handler(other);
                }
            }
        }
    });
}
