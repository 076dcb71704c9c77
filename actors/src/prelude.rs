//! What nearly every program that writes a kind or embeds the supervisor needs:
//! `use impresario::prelude::*;`.

pub use crate::operation::{
    Context, Failure, Kinds, Operation, OrFail, Policy, Refusal, SyncOptions, run_sync_operation,
};
pub use crate::store::MemoryStore;
#[cfg(feature = "sqlite")]
pub use crate::store::sqlite::SqliteStore;
pub use crate::{Config, LaneConfig, Options, Orchestrator, Subscription, Update};
