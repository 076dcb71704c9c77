//! What the author of a kind is promised, from the author's side.

mod checkpoints;
mod common;
mod exhaustive;
mod failures;
mod forgotten;
mod handles;
mod kit;
mod metrics;
mod operations;
mod params;
#[cfg(feature = "rayon")]
mod pools;
mod runtimes;
mod shares;
mod steps;
mod sync;
mod ways;
