//! What a slot runs its functions on: an arbiter, and a thread of its own (`docs/adr/0018`).

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use actix_rt::Arbiter;

use crate::run::yielding::lower_priority;

type Function = Box<dyn FnOnce() + Send>;

/// An arbiter, and the thread that it hands functions to. Whoever runs on an arbiter's own thread is
/// within its runtime, and there a function could not wait for a runtime of its own.
pub(super) struct Worker {
    arbiter: Arbiter,
    functions: Sender<Function>,
}

impl Worker {
    /// Starts both. The low priority of the thread lets everything else go first; that of the arbiter
    /// stays, since it only hands over.
    pub(super) fn start(nice: i32) -> io::Result<Self> {
        let (functions, given) = channel::<Function>();
        let thread = thread::Builder::new().name("impresario-slot".to_owned());
        thread.spawn(move || {
            lower_priority(nice);
            given.into_iter().for_each(|function| function());
        })?;
        let arbiter = Arbiter::try_new()?;
        Ok(Self { arbiter, functions })
    }

    /// Runs a function on the thread. It is dropped where the arbiter or the thread is gone.
    pub(super) fn run(&self, function: impl FnOnce() + Send + 'static) {
        let (functions, function) = (self.functions.clone(), Box::new(function));
        self.arbiter
            .spawn_fn(move || drop(functions.send(function)));
    }

    /// Ends the arbiter from outside, as a test does.
    #[cfg(test)]
    pub(super) fn kill_arbiter(&self) {
        self.arbiter.stop();
    }
}

impl Drop for Worker {
    /// The thread ends when nobody can hand it a function any more, and after the one that it runs.
    fn drop(&mut self) {
        self.arbiter.stop();
    }
}
