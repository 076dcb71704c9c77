//! The kinds: synchronous functions that know nothing of HTTP, services or actors.

pub mod dummy;
pub mod market;
pub mod training;
