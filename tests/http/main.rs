//! The server from outside: the real binary, real sockets, and nothing but what a client sees.
//! Nothing sleeps here; what takes time is waited for with `?wait`.

mod callers;
mod data;
mod process;
mod reads;
mod starts;
mod support;
#[cfg(feature = "training")]
mod training;
mod verbs;
