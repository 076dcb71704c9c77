//! Counted items.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Context;

/// Counts items: see [`Context::items`].
#[derive(Debug)]
pub struct Items<'a> {
    /// All that are shown, of every count that is alive.
    shown: &'a AtomicU64,
    /// How many of these this one has counted.
    done: Cell<u64>,
    alive: &'a Cell<usize>,
}

impl<'a> Items<'a> {
    pub(super) fn begin(ctx: &'a Context, total: Option<u64>) -> Self {
        let (counters, alive) = (&ctx.run.counters, &ctx.here().live_items);
        let is_alone = alive.replace(alive.get() + 1) == 0;
        let shown = counters.items();
        let (done, total) = match is_alone {
            true => (shown.load(Ordering::Relaxed), total),
            false => {
                let others = counters.items_total();
                let sum = others
                    .zip(total)
                    .map(|(others, total)| others.saturating_add(total));
                (0, sum)
            }
        };
        counters.set_items_total(total);
        Self {
            shown,
            done: Cell::new(done),
            alive,
        }
    }

    /// Counts this many more items as done.
    #[inline]
    pub fn add(&self, more: u64) {
        self.done.set(self.done.get().saturating_add(more));
        // One writer: a load and a store are cheaper than an atomic addition.
        let shown = self.shown.load(Ordering::Relaxed);
        self.shown
            .store(shown.saturating_add(more), Ordering::Relaxed);
    }

    /// So many are done: for a run that goes on from a checkpoint.
    #[inline]
    pub fn set(&self, done: u64) {
        let shown = self.shown.load(Ordering::Relaxed);
        let others = shown.saturating_sub(self.done.replace(done));
        self.shown
            .store(others.saturating_add(done), Ordering::Relaxed);
    }
}

impl Drop for Items<'_> {
    fn drop(&mut self) {
        self.alive.set(self.alive.get() - 1);
    }
}
