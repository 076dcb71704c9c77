//! Counted items.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Context;
use crate::run::progress_counters::COUNTS;

/// Counts items: see [`Context::items`].
///
/// ```
/// # use impresario::operation::{Context, Failure, Operation, Policy};
/// # struct Load;
/// # impl Operation for Load {
/// #     const KIND: &'static str = "load";
/// #     type Params = ();
/// #     type Output = ();
/// #     fn policy(&self) -> Policy { Policy::lane("default") }
/// fn run(&self, (): (), ctx: &Context) -> Result<(), Failure> {
///     let done = ctx.restored()?.unwrap_or(2_u64);
///     let rows = ctx.items(10);
///     rows.set(done); // an earlier run has done these
///     for row in ctx.steps("row", done..5) {
///         row?;
///         rows.add(1);
///     }
///     Ok(())
/// }
/// # }
/// # let ended = impresario::testing::run(&Load, ()).end();
/// # let progress = ended.progress();
/// # assert_eq!((progress.items_processed, progress.items_total), (5, Some(10)));
/// ```
///
/// Each count that is alive has a counter of its own, which nobody else writes: so that adding is a
/// store, and none overwrites another.
#[derive(Debug)]
pub struct Items<'a> {
    counter: &'a AtomicU64,
    /// What is in the counter.
    counted: Cell<u64>,
    /// What an earlier count has left there, which this one adds to.
    before: u64,
    restored: &'a AtomicU64,
    alive: &'a Cell<u8>,
    /// This one's bit; none for one that is not shown.
    bit: u8,
}

impl<'a> Items<'a> {
    // Inlined, as is the drop, so that no call gets the address of what `add` keeps in a register.
    #[inline]
    pub(super) fn begin(ctx: &'a Context, total: Option<u64>) -> Self {
        let (place, counted, before) = begin(ctx, total);
        Self {
            counter: &ctx.run.counters.items[place],
            counted: Cell::new(counted),
            before,
            restored: &ctx.run.counters.items_restored,
            alive: &ctx.here().live_items,
            bit: bit(place),
        }
    }

    /// Counts this many more items as done.
    #[inline]
    pub fn add(&self, more: u64) {
        self.count(self.counted.get().saturating_add(more));
    }

    /// So many are done: for a run that goes on from a checkpoint.
    #[inline]
    pub fn set(&self, done: u64) {
        if self.counted.get() == self.before {
            // They are no work of this run, so its rate does not count them.
            self.restored.fetch_add(done, Ordering::Relaxed);
        }
        self.count(self.before.saturating_add(done));
    }

    #[inline]
    fn count(&self, counted: u64) {
        self.counted.set(counted);
        self.counter.store(counted, Ordering::Relaxed);
    }
}

/// Takes a counter: which one, what is in it, and what of that an earlier count has left.
fn begin(ctx: &Context, total: Option<u64>) -> (usize, u64, u64) {
    let (counters, alive) = (&ctx.run.counters, &ctx.here().live_items);
    // The first that is free; the one that is not shown, if none is.
    let place = (alive.get().trailing_ones() as usize).min(COUNTS);
    let is_alone = alive.replace(alive.get() | bit(place)) == 0;
    if is_alone {
        // It stands for all that was counted so far.
        counters.set_items_total(total);
        return (place, counters.gather_items(), 0);
    }
    let sum = counters.items_total().zip(total);
    counters.set_items_total(sum.map(|(sum, total)| sum.saturating_add(total)));
    let left = counters.items[place].load(Ordering::Relaxed);
    (place, left, left)
}

#[inline]
fn bit(place: usize) -> u8 {
    1_u8.checked_shl(place as u32).unwrap_or(0)
}

impl Drop for Items<'_> {
    #[inline]
    fn drop(&mut self) {
        self.alive.set(self.alive.get() & !self.bit);
    }
}
