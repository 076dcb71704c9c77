//! What the author of a kind is promised, from the author's side.

mod common;
mod exhaustive;
mod forgotten;
mod handles;
mod metrics;
mod params;
#[cfg(feature = "rayon")]
mod pools;
mod runtimes;
mod steps;
mod sync;
