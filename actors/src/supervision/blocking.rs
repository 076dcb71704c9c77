//! The bounded pool for short domain work: admission, and what an endpoint needs read.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::Error;

/// The pool, and the timers, of the control arbiter's runtime; works from any executor.
#[derive(Clone)]
pub(crate) struct Blocking {
    runtime: Handle,
    permits: Arc<Semaphore>,
}

impl Blocking {
    pub(crate) fn new(runtime: Handle, threads: usize) -> Self {
        Self {
            runtime,
            permits: Arc::new(Semaphore::new(threads.max(1))),
        }
    }

    /// Runs `work` on the pool; waits for a free thread first.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| Error::Gone)?;
        let task = self.runtime.spawn_blocking(move || {
            // Held until the work is done, even when nobody waits for it any more.
            let _permit = permit;
            work()
        });
        task.await.map_err(|error| match error.try_into_panic() {
            Ok(payload) => Error::Panicked(crate::locks::panic_message(&*payload)),
            Err(_) => Error::Gone,
        })
    }

    /// The future's output, or `None` after `limit`.
    pub(crate) async fn within<F: Future>(&self, limit: Duration, future: F) -> Option<F::Output> {
        let timeout = {
            // A timer belongs to the runtime in which it is made; whoever polls it does not matter.
            let _entered = self.runtime.enter();
            tokio::time::timeout(limit, future)
        };
        timeout.await.ok()
    }
}
