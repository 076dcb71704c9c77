//! Runs one target under libFuzzer; `cargo xtask fuzz NAME` builds and starts this. A panic on any thread ends
//! the process, and the input is written to a file.
#![no_main]

use std::cell::RefCell;

use impresario_fuzz::{TARGETS, Target, target};

/// The variable with the name of the target.
const NAME: &str = "IMPRESARIO_FUZZ_TARGET";

thread_local! {
    static TARGET: RefCell<Option<Target>> = const { RefCell::new(None) };
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    TARGET.with_borrow_mut(|made| made.get_or_insert_with(chosen)(bytes));
});

fn chosen() -> Target {
    let name = std::env::var(NAME).unwrap_or_default();
    target(&name).unwrap_or_else(|| {
        let names: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
        panic!("{NAME} must be one of {}, got \"{name}\"", names.join(", "))
    })
}
