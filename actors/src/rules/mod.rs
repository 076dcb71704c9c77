//! The rules of supervision: pure functions of what is known. No actix, no clock, no I/O.
//!
//! [`lifecycle`] says what follows from an input, [`retry`] when a failure is tried again,
//! [`admission`] whether a start may wait, [`dispatch`] who goes next, [`checkpoints`] when one is due,
//! `forking` from where a fork goes on, [`stall`] whether a function
//! takes longer than usual, [`thinning`] which points of a long curve are sent.

pub mod admission;
pub mod checkpoints;
pub mod dispatch;
pub(crate) mod forking;
pub mod lifecycle;
pub(crate) mod progress;
pub mod retry;
pub mod run_end;
pub mod stall;
pub mod thinning;
