#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg(panic = "abort")]
compile_error!(
    "impresario makes a failed operation of a panic in a kind's function, which needs panics that unwind: \
     set panic = \"unwind\" in this profile of the program's Cargo.toml"
);

mod clock;
mod config;
mod error;
mod folder_lock;
mod live_count;
mod locks;
pub mod operation;
mod orchestrator;
mod params;
pub mod prelude;
#[doc(hidden)]
pub mod rules;
mod run;
mod setters;
pub mod store;
mod supervision;

/// Channels that [`operation::Context::recv`] waits for.
pub use crossbeam_channel;
/// The views, events and ids that the [`Orchestrator`] gives.
pub use impresario_api as api;
/// The pool of threads of `operation::Context::pool`.
#[cfg(feature = "rayon")]
pub use rayon_core;
/// Params by name, outputs and details of errors are its values.
pub use serde_json;
/// The runtime whose handle [`operation::Context::block_on`] takes.
pub use tokio;
/// The token by which a caller says that it is gone: [`Options::gone`].
pub use tokio_util;

#[cfg_attr(not(feature = "testing"), doc(hidden))]
pub use clock::Clock;
pub use config::{Config, LaneConfig, Retention};
pub use error::{Error, SetupFault, StartupError};
#[doc(hidden)]
pub use live_count::{Counted, LiveCount};
#[doc(hidden)]
pub use locks::panic_message;
#[cfg(feature = "testing")]
pub use operation::testing;
pub use orchestrator::{
    ActiveOperation, Asked, MetricRange, Options, Orchestrator, Started, Subscription, Until,
    Update,
};
pub use rules::lifecycle::Rejection;
#[cfg_attr(not(feature = "testing"), doc(hidden))]
pub use supervision::breakpoints::{Breakpoints, Halt, Point, Then};
pub use supervision::pubsub::Interest;

/// What is counted and measured of an orchestrator, for a monitoring system.
pub mod metrics {
    pub use crate::orchestrator::SystemMetrics;
    pub use crate::supervision::metrics::Histogram;
}
