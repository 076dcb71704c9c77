//! What the author of a kind touches: one plain synchronous function and its [`Context`].
//!
//! ```
//! use impresario::operation::{Context, Failure, Operation, Policy};
//!
//! /// Adds up the numbers below `below`.
//! struct Sum;
//!
//! #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema, garde::Validate)]
//! struct SumParams {
//!     /// The first number that is not added.
//!     #[garde(range(max = 1_000_000))]
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

mod buffer;
mod checkpoint;
mod context;
mod depth;
mod erased;
mod execute;
mod failure;
mod files;
mod folder;
mod kinds;
mod manifest;
mod meter;
mod policy;
mod restore;
mod run;
mod schema;
mod slot;
mod steps;
mod sync;
pub mod testing;
mod texts;
pub(crate) mod yielding;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::rules::run_end::{RunEnd, RunFailure};
pub use checkpoint::SavedCheckpoint;
pub use context::{Context, Items};
pub(crate) use erased::{ErasedOperation, recorded, typed, valid};
pub(crate) use execute::{Finished, execute};
pub use failure::{ErrorCode, Failure, OrFail, Refusal, Stopped};
pub use files::{open_patiently, too_many_open_files};
pub(crate) use folder::Name as FolderName;
pub use impresario_api::{Fault, Faults, LogLevel};
pub use kinds::Kinds;
pub(crate) use manifest::Origin;
pub(crate) use meter::Meter;
pub use policy::Policy;
pub(crate) use run::{Folders, Run, RunSetup, report_event};
pub use steps::{StepNumber, Steps};
pub use sync::{OnProgress, StopHandle, SyncError, SyncOptions, run_sync_operation};

pub(crate) use buffer::Report;

/// A kind of operation: its name, what it takes and gives, and its work.
pub trait Operation: Send + Sync + 'static {
    /// Its name: lower case, words joined by `_`.
    const KIND: &'static str;

    /// What it takes. Its JSON Schema is checked first, which names every fault; then garde's
    /// rules. Unknown fields are refused.
    type Params: Serialize + DeserializeOwned + JsonSchema + garde::Validate<Context = ()> + Send;

    /// What it gives.
    type Output: Serialize + JsonSchema;

    /// What it does, in a line, for people who choose a kind.
    fn description(&self) -> &'static str {
        ""
    }

    /// How it is supervised.
    fn policy(&self) -> Policy;

    /// Whether the world is as `params` need it: does the symbol exist, is the device there. Asked
    /// before queueing, on a bounded pool with a time limit. A kind without one pays nothing for it.
    fn admit(&self, params: &Self::Params) -> Result<(), Refusal> {
        let _ = params;
        Err(Refusal::none_needed())
    }

    /// The work. It runs on a thread of its own, may block and compute, and is asked to stop
    /// through `ctx` alone.
    fn run(&self, params: Self::Params, ctx: &Context) -> Result<Self::Output, Failure>;
}

/// How long a kind has to return after it was asked to stop, before its view says unresponsive.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);
