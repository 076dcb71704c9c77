//! What the author of a kind touches: one plain synchronous function and its [`Context`].
//!
//! ```
//! use impresario::operation::{Context, Failure, Operation, Policy};
//!
//! /// Adds up the numbers below `below`.
//! struct Sum;
//!
//! #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
//! struct SumParams {
//!     /// The first number that is not added.
//!     #[schemars(range(max = 1_000_000))]
//!     below: u64,
//! }
//!
//! impl Operation for Sum {
//!     const KIND: &'static str = "sum";
//!     type Params = SumParams;
//!     type Output = u64;
//!
//!     fn policy(&self) -> Policy {
//!         Policy::lane("default").pausable()
//!     }
//!
//!     fn run(&self, params: SumParams, ctx: &Context) -> Result<u64, Failure> {
//!         let (mut next, mut sum) = ctx.restored::<(u64, u64)>()?.unwrap_or((0, 0));
//!         for number in ctx.steps("number", next..params.below) {
//!             let number = number?; // Err when it was asked to stop
//!             sum += number;
//!             next = number + 1;
//!             ctx.checkpoint(&(next, sum))?;
//!         }
//!         Ok(sum)
//!     }
//! }
//!
//! let ended = impresario::testing::run(&Sum, SumParams { below: 10 }).end();
//! assert_eq!(ended.output(), Some(&45));
//! ```

mod block_on;
pub(crate) mod context;
mod erased;
pub(crate) mod failure;
mod handle;
mod info;
mod items;
mod kinds;
#[cfg(not(feature = "rayon"))]
mod no_pool;
mod policy;
#[cfg(feature = "rayon")]
mod pool;
mod steps;
mod sync;
#[cfg(feature = "testing")]
pub mod testing;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::rules::run_end::{RunEnd, RunFailure};
pub use crate::run::SavedCheckpoint;
pub use crate::run::files::{open_patiently, open_regular, read_at_most, too_many_open_files};
pub use context::{Context, Received};
pub(crate) use erased::{ErasedOperation, encoded};
pub use failure::{ErrorCode, Failure, OrFail, Refusal, Stopped};
pub use handle::RunHandle;
pub use impresario_api::{Fault, Faults, LogLevel};
pub use info::OperationInfo;
pub use items::Items;
pub use kinds::Kinds;
pub use policy::Policy;
pub use steps::{StepNumber, StepRange, Steps};
pub use sync::{
    OnCheckpoint, OnProgress, StopHandle, SyncCheckpoint, SyncError, SyncOptions,
    run_sync_operation,
};

/// A kind of operation: its name, what it takes and gives, and its work.
///
/// ```
/// use impresario::operation::{Context, Failure, Faults, Operation, Policy, Refusal};
///
/// /// Adds up numbers.
/// struct Sum;
///
/// #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
/// struct Between {
///     from: u64,
///     /// A hundred above `from`, unless it is given.
///     to: Option<u64>,
/// }
///
/// impl Operation for Sum {
///     const KIND: &'static str = "sum";
///     type Params = Between;
///     type Output = u64;
///
///     fn description(&self) -> &'static str {
///         "adds up the numbers from one to another"
///     }
///
///     fn policy(&self) -> Policy {
///         Policy::lane("default")
///     }
///
///     fn check(&self, params: &Between) -> Result<(), Refusal> {
///         match params.to {
///             Some(to) if to < params.from => {
///                 Err(Faults::one("to", "a number from `from` on", &to.to_string()).into())
///             }
///             _ => Ok(()),
///         }
///     }
///
///     fn complete(&self, params: Between) -> Between {
///         let to = params.to.unwrap_or(params.from.saturating_add(100));
///         Between { to: Some(to), ..params }
///     }
///
///     fn run(&self, params: Between, ctx: &Context) -> Result<u64, Failure> {
///         let to = params.to.unwrap_or(params.from); // It was completed.
///         let mut sum = 0_u64;
///         for number in ctx.steps("number", params.from..to) {
///             sum = sum.saturating_add(number?);
///         }
///         Ok(sum)
///     }
/// }
///
/// let ended = impresario::testing::run(&Sum, Between { from: 1, to: None }).end();
/// assert_eq!(ended.output(), Some(&5_050));
/// let refused = impresario::testing::try_run(&Sum, Between { from: 1, to: Some(0) });
/// assert_eq!(refused.err().unwrap().code, "INVALID_PARAMS");
/// ```
pub trait Operation: Sized + Send + Sync + 'static {
    /// Its name: lower case, words joined by `_`.
    const KIND: &'static str;

    /// What it takes. Its JSON Schema says what each field may be, for every start, and names every
    /// fault of one. Unknown fields are refused.
    type Params: Serialize + DeserializeOwned + JsonSchema + Send;

    /// What it gives when it completes.
    type Output: Serialize + JsonSchema + Send;

    /// Whether the world is as the params need it: does the symbol exist, is the device there. Asked
    /// before queueing, on a bounded pool with a time limit. A kind without one pays nothing for it.
    const ADMIT: Option<Admit<Self>> = None;

    /// What it does, in a line, for people who choose a kind.
    fn description(&self) -> &'static str {
        ""
    }

    /// How it is supervised.
    fn policy(&self) -> Policy;

    /// Whether params that fit the schema go together: a rule over several fields. It looks at
    /// `params` alone, and takes no time: it is asked where the caller is. A refusal that names fields is
    /// made of [`Faults`], and answered as one of the schema's.
    fn check(&self, params: &Self::Params) -> Result<(), Refusal> {
        let _ = params;
        Ok(())
    }

    /// The params with those defaults filled in that follow from other params; the schema has the rest. They
    /// are recorded so, and a start that writes such a default out is the same as one that leaves it out
    /// (`Idempotency-Key`). It is asked after [`Operation::check`], where the caller is too.
    fn complete(&self, params: Self::Params) -> Self::Params {
        params
    }

    /// The work. It runs on a thread of its own, outside any runtime, may block and compute, and is asked
    /// to stop through `ctx` alone.
    fn run(&self, params: Self::Params, ctx: &Context) -> Result<Self::Output, Failure>;
}

/// What a kind asks of the world before a start: [`Operation::ADMIT`].
pub type Admit<K> = fn(&K, &<K as Operation>::Params) -> Result<(), Refusal>;
