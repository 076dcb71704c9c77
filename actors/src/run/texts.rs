//! How long what a function says may be, in characters: it is shown, sent and kept many times.

use impresario_api::text;
use serde_json::{Value, json};

/// A line of progress, a value that stands beside it.
pub(crate) const LINE: usize = 500;
/// A name: of a metric, of what stands beside the progress, of what is worked on.
pub(crate) const NAME: usize = 200;
/// A code.
pub(crate) const CODE: usize = 64;
/// A line of the log.
pub(crate) const LOG: usize = 4_000;
/// A warning.
pub(crate) const WARNING: usize = 1_000;
/// The message of an error.
pub(crate) const PROBLEM: usize = 4_000;
/// The most names that stand beside the progress.
pub(crate) const BESIDE: usize = 32;
/// The most bytes of an error's details.
const DETAILS: usize = 16 * 1024;

/// An error's details, or how large they were.
pub(crate) fn details(given: Value) -> Value {
    match serde_json::to_vec(&given) {
        Ok(bytes) if bytes.len() > DETAILS => json!({"left_out_bytes": bytes.len()}),
        _ => given,
    }
}

/// A name on one line.
pub(crate) fn name(given: &str) -> String {
    text::one_line(given, NAME).into_owned()
}

/// A code on one line.
pub(crate) fn code(given: &str) -> String {
    text::one_line(given, CODE).into_owned()
}
