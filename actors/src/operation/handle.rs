//! What threads that a function starts may hold of its run.

use std::fmt;
use std::sync::Arc;

use impresario_api::text;

use super::{Context, Stopped};
use crate::run::{Run, texts};

/// What threads that a function starts may hold of its run: unlike the [`Context`] it can be sent,
/// shared and cloned. [`Context::handle`] gives it.
///
/// ```
/// # use impresario::operation::{Context, Failure, Operation, Policy};
/// # #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
/// # struct Lines { lines: Vec<String> }
/// # struct Count;
/// # impl Operation for Count {
/// #     const KIND: &'static str = "count";
/// #     type Params = Lines;
/// #     type Output = usize;
/// #     fn policy(&self) -> Policy { Policy::lane("default") }
/// fn run(&self, params: Lines, ctx: &Context) -> Result<usize, Failure> {
///     let handle = ctx.handle();
///     ctx.items(params.lines.len() as u64);
///     let words = std::thread::scope(|scope| {
///         let halves = params.lines.chunks(params.lines.len().div_ceil(2).max(1));
///         let threads: Vec<_> = halves
///             .map(|lines| {
///                 let handle = handle.clone();
///                 scope.spawn(move || {
///                     let mut words = 0;
///                     for line in lines {
///                         if handle.is_stopped() {
///                             break;
///                         }
///                         words += line.split_whitespace().count();
///                         handle.message(format_args!("{words} words"));
///                         handle.add(1);
///                     }
///                     words
///                 })
///             })
///             .collect();
///         threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum()
///     });
///     ctx.check()?; // Err if a thread has seen that the run is stopped
///     Ok(words)
/// }
/// # }
/// # let lines = ["one two", "three", "four five six"].map(str::to_owned).to_vec();
/// # let ended = impresario::testing::run(&Count, Lines { lines }).end();
/// # assert_eq!(ended.output(), Some(&6));
/// # assert_eq!(ended.progress().items_processed, 3);
/// ```
#[derive(Clone)]
pub struct RunHandle {
    run: Arc<Run>,
}

/// What nothing implements, so that a call is an error with this message.
#[diagnostic::on_unimplemented(
    message = "a `RunHandle` has no `check`: only the function's own thread can return that it was stopped",
    label = "use `is_stopped()` here",
    note = "a thread leaves when `handle.is_stopped()`, and after it the function calls `ctx.check()?`"
)]
pub trait HasCheck {}

impl Context {
    /// A companion of this context for other threads.
    ///
    /// ```
    /// # use impresario::operation::{Context, Failure, Operation, Policy};
    /// # struct Waits;
    /// # impl Operation for Waits {
    /// #     const KIND: &'static str = "waits";
    /// #     type Params = ();
    /// #     type Output = bool;
    /// #     fn policy(&self) -> Policy { Policy::lane("default") }
    /// fn run(&self, (): (), ctx: &Context) -> Result<bool, Failure> {
    ///     let handle = ctx.handle();
    ///     let thread = std::thread::spawn(move || {
    ///         handle.message("another thread works");
    ///         handle.is_stopped()
    ///     });
    ///     let was_stopped = thread.join().unwrap_or(true);
    ///     ctx.check()?;
    ///     Ok(was_stopped)
    /// }
    /// # }
    /// # let ended = impresario::testing::run(&Waits, ()).end();
    /// # assert_eq!(ended.output(), Some(&false));
    /// # assert_eq!(ended.progress().message, "another thread works");
    /// ```
    pub fn handle(&self) -> RunHandle {
        RunHandle {
            run: Arc::clone(&self.run),
        }
    }
}

impl RunHandle {
    /// Whether the function is to stop; it stays so. The function's next call of [`Context::check`], or of
    /// any other that waits or steps, then returns `Err(Stopped)`, so that what its threads left undone is
    /// not taken for whole; without such a call the run counts as stopped all the same, with a warning
    /// `STOP_IGNORED`. After the function has returned this is true, too. A finish is no stop.
    pub fn is_stopped(&self) -> bool {
        self.run.is_stopped()
    }

    /// Only a context gives a `Stopped`. Whoever looks for this method reads so in the compiler's message.
    // The bound is over all lifetimes because the compiler refuses one that it sees to be false at once.
    #[doc(hidden)]
    pub fn check(&self) -> Result<(), Stopped>
    where
        for<'a> &'a Self: HasCheck,
    {
        Ok(())
    }

    /// Counts this many more items as done, beside those that the function counts itself. How many there
    /// are is given to [`Context::items`].
    pub fn add(&self, more: u64) {
        self.run.counters.add_items(more);
    }

    /// The line that people see: [`Context::message`].
    pub fn message(&self, message: impl fmt::Display) {
        let line = text::one_line(&message.to_string(), texts::LINE).into_owned();
        self.run.counters.words(|words| words.message = Some(line));
    }
}

impl fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHandle")
            .field("is_stopped", &self.is_stopped())
            .finish()
    }
}
