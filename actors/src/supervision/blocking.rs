//! Bounded pools: for short domain work (admission, what an endpoint needs read), and for what
//! strangers can make long (large bodies, large answers), whose threads stand back.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Semaphore, watch};

use crate::Error;
use crate::run::yielding::lower_priority;

/// Work that may wait for a thread; more is refused.
const MOST_WAITING: usize = 64;

/// A pool, and the control arbiter's timers; works from any executor.
pub(crate) struct Blocking {
    timers: Handle,
    /// Whether the actor system, and its timers with it, comes to its end.
    over: watch::Receiver<bool>,
    /// A runtime of its own, of which only the threads for blocking work are used: work that hangs
    /// holds up nothing, not even the end of the actor system. `None` only while it is dropped.
    pool: Option<Runtime>,
    permits: Arc<Semaphore>,
    /// Places of those that work or wait.
    places: Arc<Semaphore>,
}

impl Blocking {
    pub(crate) fn new(
        timers: Handle,
        over: watch::Receiver<bool>,
        threads: usize,
        nice: Option<i32>,
    ) -> io::Result<Self> {
        let threads = threads.max(1);
        let pool = Builder::new_current_thread()
            .max_blocking_threads(threads)
            .thread_name("impresario-blocking")
            .on_thread_start(move || {
                if let Some(nice) = nice {
                    lower_priority(nice);
                }
            })
            .build()?;
        Ok(Self {
            timers,
            over,
            pool: Some(pool),
            permits: Arc::new(Semaphore::new(threads)),
            places: Arc::new(Semaphore::new(threads + MOST_WAITING)),
        })
    }

    /// Runs `work` on the pool; waits for a free thread first, unless too many wait already.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let places = Arc::clone(&self.places);
        let place = places.try_acquire_owned().map_err(|_| Error::Busy)?;
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| Error::Gone)?;
        let pool = self.pool.as_ref().ok_or(Error::Gone)?;
        let task = pool.spawn_blocking(move || {
            // Held until the work is done, even when nobody waits for it any more.
            let _held = (permit, place);
            work()
        });
        task.await.map_err(|error| match error.try_into_panic() {
            Ok(payload) => Error::Panicked(crate::locks::panic_message(&*payload)),
            Err(_) => Error::Gone,
        })
    }

    /// The same for work that waits for other threads on its way.
    pub(crate) async fn run_future<T, F>(
        &self,
        work: impl FnOnce() -> F + Send + 'static,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = T>,
    {
        let pool = self.pool.as_ref().ok_or(Error::Gone)?.handle().clone();
        self.run(move || pool.block_on(work())).await
    }

    /// The future's output, or `None` after `limit`, or when the actor system ends before it.
    pub(crate) async fn within<F: Future>(&self, limit: Duration, future: F) -> Option<F::Output> {
        let timer = {
            // A timer belongs to the runtime in which it is made; whoever polls it does not matter.
            let _entered = self.timers.enter();
            tokio::time::sleep(limit)
        };
        let mut over = self.over.clone();
        tokio::select! {
            // In this order: a timer of a runtime that has ended must not be polled.
            biased;
            output = future => Some(output),
            _ = over.wait_for(|over| *over) => None,
            () = timer => None,
        }
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.shutdown_background();
        }
    }
}
