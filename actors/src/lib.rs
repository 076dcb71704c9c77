//! Impresario supervises *operations*: long-running, CPU-bound work.
//!
//! The author of a kind writes one plain synchronous function (see [`operation`]); the
//! [`Orchestrator`] queues it, runs it on a thread of its own, shows how far it has come, stops it
//! so that it really stops, and tells whoever listens.
#![deny(missing_docs)]

mod clock;
mod config;
mod error;
mod folder_lock;
mod live_count;
mod locks;
pub mod operation;
mod orchestrator;
mod params;
pub mod rules;
mod run;
pub mod store;
mod supervision;

pub use clock::Clock;
pub use config::{Config, LaneConfig, Retention};
pub use error::{Error, SetupFault, StartupError};
pub use live_count::{Counted, LiveCount};
pub use locks::panic_message;
pub use operation::testing;
pub use orchestrator::{
    Asked, MetricRange, Options, Orchestrator, Started, Subscription, SystemMetrics, Until, Update,
};
pub use supervision::breakpoints::{Breakpoints, Halt, Point, Then};
pub use supervision::metrics::Histogram;
pub use supervision::pubsub::Interest;
