//! The rules of supervision, cell by cell and for whatever may happen.

mod common;
mod ends;
mod metrics;
mod properties;
mod verbs;
mod waiting;
