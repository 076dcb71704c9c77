//! The supervisor.
#![deny(missing_docs)]
pub mod operation;
pub mod rules;
pub mod store;
