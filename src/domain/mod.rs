//! What is done, and nothing of how it is asked for: synchronous functions.

pub mod dummy;
pub mod market;
pub mod training;
