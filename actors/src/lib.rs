//! The supervisor.
#![deny(missing_docs)]
mod config;
mod error;
pub mod operation;
#[expect(missing_docs, reason = "merged later")]
mod orchestrator;
pub mod rules;
pub mod store;
pub use config::{Config, LaneConfig};
pub use error::Error;
pub use orchestrator::{Asked, Options, Orchestrator, Started, Until};

/// Why an orchestrator could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// A kind names a lane that is not configured.
    #[error("kind \"{kind}\" wants lane \"{lane}\", which is not configured; add lanes.{lane}.concurrency")]
    LaneUnknown { /// The kind.
        kind: String, /// The lane.
        lane: String },
}
