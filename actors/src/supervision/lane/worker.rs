//! What a slot runs its functions on: a thread that an arbiter owns (`docs/adr/0018`).

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use actix_rt::Arbiter;

use crate::run::yielding::lower_priority;

type Function = Box<dyn FnOnce() + Send>;

/// The way to a slot's thread. An arbiter of its own waits for the end of the thread; what ran on the
/// arbiter's thread itself would be within its runtime, and could not wait for one of its own.
pub(super) struct Worker(Sender<Function>);

impl Worker {
    /// Starts a thread, whose low priority lets everything else go first, and its arbiter. Both end when
    /// this is dropped and the function that runs has returned.
    pub(super) fn start(nice: i32) -> io::Result<Self> {
        let (functions, given) = channel::<Function>();
        let thread = thread::Builder::new().name("impresario-slot".to_owned());
        let thread = thread.spawn(move || {
            lower_priority(nice);
            given.into_iter().for_each(|function| function());
        })?;
        Arbiter::try_new()?.spawn_fn(move || {
            if thread.join().is_err() {
                log::error!("the thread of a slot panicked outside its function");
            }
            Arbiter::current().stop();
        });
        Ok(Self(functions))
    }

    /// Runs a function on the thread. It is dropped where the thread is gone.
    pub(super) fn run(&self, function: impl FnOnce() + Send + 'static) {
        // Not by way of the arbiter, which would be one more thread to wake up.
        drop(self.0.send(Box::new(function)));
    }
}
