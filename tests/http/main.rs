//! The server from outside: the real binary (or the same with kinds of the tests' own), real sockets,
//! and nothing but what a client sees.
//! Every answer is held against the server's own description of its API (`contract`).
//! Nothing sleeps here; what takes time is waited for with `?wait`.

mod bounds;
mod callers;
mod connections;
mod console;
mod contract;
mod data;
mod data_folder;
mod deleting;
mod forks;
mod full;
mod imports;
mod kinds;
mod live;
mod metrics;
mod openapi;
mod own;
mod poisoned;
mod process;
mod proxy;
mod reads;
mod restart;
mod shutdown;
mod spellings;
mod starts;
mod stopping;
mod support;
mod times;
mod tokens;
#[cfg(feature = "training")]
mod training;
mod verbs;
