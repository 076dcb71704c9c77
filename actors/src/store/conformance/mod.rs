//! What every store must do, as a suite that each must pass.
//!
//! A store in another crate runs it in a test of its own:
//!
//! ```
//! use impresario::store::{MemoryStore, conformance};
//!
//! conformance::run(|| Box::new(MemoryStore::new()));
//! ```
//!
//! A case that fails panics and says what was expected. Times are made up and nothing sleeps.

mod helpers;
mod pruning;
mod queue;
mod reading;
mod recovery;
mod runs;
mod stage;
mod starting;
mod times;

use std::panic::{self, AssertUnwindSafe};

pub use self::stage::Stage;
use super::Store;

/// One case: its name, and what it does with an empty store.
pub type Case = (&'static str, fn(&mut Stage));

/// Every case.
pub const CASES: &[Case] = &[
    ("claims by priority, then by age", queue::order),
    ("claims nothing before its time", queue::not_before),
    ("positions in the queue", queue::positions),
    ("claims of known kinds alone", queue::kinds),
    ("since when the oldest could run", times::oldest),
    ("those that wait for their time", times::scheduled),
    ("start now", times::start_now),
    ("many whose time comes at once", times::promoted),
    ("events are numbered without a gap", runs::numbers),
    ("writes are fenced by the run", runs::fencing),
    ("an end tells its status last", runs::end_order),
    ("what an operation keeps over its runs", runs::keeps),
    (
        "a checkpoint that was skipped pushes out none",
        runs::skipped,
    ),
    ("times keep their order", times::clock_set_back),
    ("counters after every kind of change", runs::counters),
    ("refused commands change nothing", runs::refusals),
    ("a refused command spoils no batch", runs::batches),
    ("idempotency keys", starting::idempotency),
    ("idempotency keys grow old", starting::idempotency_age),
    ("a fork begins with its checkpoint", starting::forks),
    ("unique texts", starting::uniqueness),
    ("queue limits", starting::queue_limit),
    ("the order of judgement", starting::judgement),
    ("events by type and by cursor", reading::events),
    ("pages neither skip nor repeat", reading::pages),
    ("filters", reading::filters),
    ("ends by the minute", times::ended),
    ("texts", reading::texts),
    ("totals", reading::totals),
    ("recovery of lost runs", recovery::table),
    ("recovery charges a lost attempt", recovery::attempts),
    (
        "recovery charges no run that came further",
        recovery::further,
    ),
    ("recovery leaves the rest alone", recovery::others),
    ("recovery of one owner's runs", recovery::owners),
    ("pruning", pruning::oldest_first),
    ("pruning only as a trial", pruning::dry_run),
    (
        "the checkpoints of cancelled operations",
        pruning::checkpoints,
    ),
];

/// Runs every case, each on a store of its own; says which one failed.
///
/// # Panics
///
/// When the store does not do what it must.
pub fn run(make: impl Fn() -> Box<dyn Store>) {
    for (name, case) in CASES {
        let mut stage = Stage::new(make());
        let played = panic::catch_unwind(AssertUnwindSafe(|| case(&mut stage)));
        assert!(
            played.is_ok(),
            "the store fails in the case {name:?}: see above"
        );
    }
}
