//! Fuzz targets for everything that reads untrusted bytes.
//!
//! A target is a function of bytes that panics when a rule is broken. `cargo test` runs each target on its
//! corpus (`corpus/NAME/`) and on a fixed number of mutations of it; `cargo xtask fuzz NAME` runs one under
//! libFuzzer, which looks for inputs that reach new code. An input that was found once is kept in the corpus.
//! See `docs/adr/0015-fuzzing.md`.
#![deny(missing_docs)]

mod kind;
pub mod mutation;
mod service;
mod targets;

use std::path::PathBuf;

/// A target, which is called with one input after another and panics when a rule is broken.
pub type Target = Box<dyn FnMut(&[u8])>;

/// Makes a target, which is used on the thread that made it.
pub type Make = fn() -> Target;

/// Every target by its name.
pub const TARGETS: &[(&str, Make)] = &[
    ("config", targets::config::target),
    ("csv", targets::csv::target),
    ("frames", targets::frames::target),
    ("manifests", targets::manifests::target),
    ("params", targets::params::target),
    ("paths", targets::paths::target),
    ("queries", targets::queries::target),
    ("rows", targets::rows::target),
    ("times", targets::times::target),
    ("tokens", targets::tokens::target),
];

/// Makes a target.
pub fn target(name: &str) -> Option<Target> {
    let found = TARGETS.iter().find(|(one, _)| *one == name);
    found.map(|(_, make)| make())
}

/// The folder of a target's inputs.
pub fn corpus(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "corpus", name]
        .iter()
        .collect()
}

/// Bytes as text, with escapes.
pub fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
