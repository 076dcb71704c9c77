//! What the author of a kind is promised, from the author's side.

mod common;
mod exhaustive;
mod forgotten;
mod metrics;
mod params;
mod steps;
mod sync;
