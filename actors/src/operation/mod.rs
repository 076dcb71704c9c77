//! What the author of a kind touches.
mod run_end;
pub use run_end::{RunEnd, RunFailure};
