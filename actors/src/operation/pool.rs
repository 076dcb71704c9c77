//! The pool of threads that a function may use.

use rayon_core::{ThreadPool, ThreadPoolBuilder};

use super::{Context, Failure, OrFail};
use crate::panic_message;

impl Context {
    /// A pool of rayon with as many threads as the function may use ([`Context::threads`]), for this run.
    /// They are as niced as the function's own thread. Rayon's global pool would be as niced as the first
    /// thread of the process that touches it, for good.
    ///
    /// Only with the feature `rayon`. A thread of the pool hears of a stop by [`Context::handle`].
    ///
    /// ```
    /// # use impresario::operation::{Context, Failure, Operation, Policy};
    /// use rayon::prelude::*;
    /// # #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    /// # struct Upto { n: u64 }
    /// # struct Squares;
    /// # impl Operation for Squares {
    /// #     const KIND: &'static str = "squares";
    /// #     type Params = Upto;
    /// #     type Output = u64;
    /// #     fn policy(&self) -> Policy { Policy::lane("default") }
    /// fn run(&self, params: Upto, ctx: &Context) -> Result<u64, Failure> {
    ///     let handle = ctx.handle();
    ///     ctx.items(params.n);
    ///     let square = |number: u64| {
    ///         handle.add(1);
    ///         (!handle.is_stopped()).then_some(number * number)
    ///     };
    ///     let numbers = (0..params.n).into_par_iter();
    ///     let sum = ctx.pool()?.install(|| numbers.map(square).sum::<Option<u64>>());
    ///     ctx.check()?; // Err if a thread has seen that the run is stopped
    ///     Ok(sum.unwrap_or_default())
    /// }
    /// # }
    /// # let ended = impresario::testing::run(&Squares, Upto { n: 4 }).end();
    /// # assert_eq!(ended.output(), Some(&14));
    /// # assert_eq!(ended.progress().items_processed, 4);
    /// ```
    pub fn pool(&self) -> Result<&ThreadPool, Failure> {
        if let Some(pool) = self.here().pool.get() {
            return Ok(pool);
        }
        // New threads have the niceness of the one that starts them: this one.
        let pool = ThreadPoolBuilder::new()
            .num_threads(self.threads().max(1))
            .thread_name(|_| "impresario-pool".to_owned())
            // A panic of a task that nobody waits for would otherwise end the process.
            .panic_handler(|payload| {
                log::error!("a task of a pool panicked: {}", panic_message(&*payload));
            })
            .build()
            .or_retry("POOL_NOT_STARTED")?;
        Ok(self.here().pool.get_or_init(|| pool))
    }
}
