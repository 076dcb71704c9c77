//! Single keys from the terminal, and signals: the terminal is given back however we end.
//!
//! The mode is one in which keys come at once and are not echoed, but Ctrl-C, Ctrl-Z and Ctrl-\\ are
//! the signals that they always are: raw mode would swallow them.

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

/// How long keys that were typed for another process are left alone before looking again.
const NOT_OURS: Duration = Duration::from_millis(200);

/// Between two looks at whether the terminal has become ours again.
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

/// Hears keys and Ctrl-C until it is dropped; then the terminal is as it was.
pub(crate) struct Terminal {
    mode: Option<Arc<Mode>>,
}

impl Terminal {
    /// Tells of Ctrl-C, and with `wants_keys` of keys where standard input is a terminal of ours.
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

    /// Whether keys are heard.
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

/// The terminal's mode as it was, and how it stands now.
struct Mode {
    before: Termios,
    now: Mutex<Now>,
}

/// Which mode the terminal has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Now {
    /// As it was: not entered yet, stopped, or behind another process.
    Before,
    KeysAtOnce,
    /// As it was, whatever comes.
    Over,
}

impl Mode {
    /// Of standard input, if it is a terminal and listens to us.
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

    /// Keys at once, no echo, where the terminal is ours and has another mode.
    fn enter(&self) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == Now::Before && set(&keys_at_once(self.before.clone())) {
            *now = Now::KeysAtOnce;
        }
    }

    /// As it was; for good if it is `over`.
    fn leave(&self, over: bool) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != Now::Over {
            set(&self.before);
            *now = if over { Now::Over } else { Now::Before };
        }
    }
}

/// The mode in which keys come at once, one by one.
fn keys_at_once(mut mode: Termios) -> Termios {
    mode.local_modes
        .remove(LocalModes::ICANON | LocalModes::ECHO);
    mode.special_codes[SpecialCodeIndex::VMIN] = 1;
    mode.special_codes[SpecialCodeIndex::VTIME] = 0;
    mode
}

/// Only in the foreground: who sets a terminal's mode from behind is stopped.
/// Whether it was set: a terminal that is gone needs no mode.
fn set(mode: &Termios) -> bool {
    is_ours() && tcsetattr(io::stdin(), OptionalActions::Now, mode).is_ok()
}

/// Whether what is typed is meant for us.
fn is_ours() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}

/// Tells of each key; ends with the terminal, or when nobody listens.
fn read_keys(mode: &Mode, tell: impl Fn(Input) -> bool) {
    let stdin = io::stdin();
    let mut key = [0];
    loop {
        // No signal tells of a `fg` after a `bg`: it is looked for.
        mode.enter();
        let mut asked = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut asked, Some(&LOOK_EVERY)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        // Reading from behind would stop the whole process.
        if !is_ours() {
            thread::sleep(NOT_OURS);
            continue;
        }
        // Past the standard library's buffer, of which `poll` knows nothing.
        match rustix::io::read(&stdin, &mut key) {
            Ok(1) if tell(Input::Key(key[0])) => {}
            _ => return,
        }
    }
}

/// Ctrl-C is told of; what ends or stops us does so with the terminal as it was.
fn hear_signals(mode: Option<Arc<Mode>>, tell: impl Fn(Input) -> bool + Send + 'static) {
    let others: &[i32] = match mode {
        Some(_) => &[SIGHUP, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT],
        // Nothing to give back: they do what they always do.
        None => &[],
    };
    // Refused only for signals that cannot be heard of.
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
