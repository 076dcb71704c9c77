//! Counted loops that can be stopped.

use std::cell::Cell;
use std::ops::{Range, RangeFrom, RangeInclusive};
use std::sync::atomic::Ordering;

use super::context::{Context, Wanted};
use super::failure::Stopped;
use crate::run::Run;
use crate::run::progress_counters::{LEVELS, Level, MOST, UNKNOWN};
use crate::run::yielding::Yielding;

/// The most steps that may be complete before the first one.
const FURTHEST: u64 = MOST / 2;

mod sealed {
    pub trait Sealed {}
}

/// A primitive integer: what the steps of a range are counted in.
pub trait StepNumber: Copy + Ord + sealed::Sealed {
    /// 0, or the number itself if it is below: where the counts of `a..b` begin.
    #[doc(hidden)]
    fn at_most_zero(self) -> Self;

    /// 1, or the number itself if it is below: where the counts of `a..=b` begin.
    #[doc(hidden)]
    fn at_most_one(self) -> Self;

    /// How far it is past `base`, up to the greatest count that is shown.
    #[doc(hidden)]
    fn past(self, base: Self) -> u64;
}

macro_rules! numbers {
    ($($number:ty),*) => { $(
        impl sealed::Sealed for $number {}
        impl StepNumber for $number {
            fn at_most_zero(self) -> Self {
                self.min(0)
            }

            fn at_most_one(self) -> Self {
                self.min(1)
            }

            fn past(self, base: Self) -> u64 {
                u64::try_from(self.abs_diff(base)).unwrap_or(MOST).min(MOST)
            }
        }
    )* };
}

numbers!(
    u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, i128, u128
);

/// A range of integers that has a start: `a..b`, `a..=b` or `a..`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a range of integers with a start",
    label = "not a range of integers with a start",
    note = "anything else that can be iterated is counted by `ctx.steps_over(name, iterator)`"
)]
pub trait StepRange: Iterator + sealed::Sealed {
    /// How many steps are complete before the first one, and how many there are.
    #[doc(hidden)]
    fn counts(&self) -> (u64, Option<u64>);
}

impl<T: StepNumber> sealed::Sealed for Range<T> {}

impl<T: StepNumber> StepRange for Range<T>
where
    Self: Iterator,
{
    fn counts(&self) -> (u64, Option<u64>) {
        let (base, end) = (self.start.at_most_zero(), self.end.max(self.start));
        (self.start.past(base), Some(end.past(base)))
    }
}

impl<T: StepNumber> sealed::Sealed for RangeInclusive<T> {}

impl<T: StepNumber> StepRange for RangeInclusive<T>
where
    Self: Iterator,
{
    fn counts(&self) -> (u64, Option<u64>) {
        let base = self.start().at_most_one();
        let complete = self.start().past(base);
        let total = match self.is_empty() {
            true => complete,
            false => (self.end().past(base) + 1).min(MOST),
        };
        (complete, Some(total))
    }
}

impl<T: StepNumber> sealed::Sealed for RangeFrom<T> {}

impl<T: StepNumber> StepRange for RangeFrom<T>
where
    Self: Iterator,
{
    fn counts(&self) -> (u64, Option<u64>) {
        (self.start.past(self.start.at_most_zero()), None)
    }
}

/// How many items an iterator has, if it knows.
pub(super) fn known_total(items: &impl Iterator) -> Option<u64> {
    let (least, most) = items.size_hint();
    (most == Some(least)).then_some((least as u64).min(MOST))
}

/// What `finish` does to a loop.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// It ends when its current step is whole.
    Now,
    /// It runs to its end.
    Never,
}

/// What comes of a look at what is asked.
enum Asked {
    GoOn,
    End,
    Stop(Stopped),
}

/// A counted loop: each item is `Ok(step)`, or `Err(Stopped)` once when the function is asked to
/// stop, and then the end.
///
/// ```
/// # use impresario::operation::{Context, Failure, Operation, Policy};
/// # struct Fit;
/// # impl Operation for Fit {
/// #     const KIND: &'static str = "fit";
/// #     type Params = ();
/// #     type Output = (u32, u32);
/// #     fn policy(&self) -> Policy { Policy::lane("default").finishable() }
/// fn run(&self, (): (), ctx: &Context) -> Result<(u32, u32), Failure> {
///     let (mut batches, mut tests) = (0, 0);
///     // A finish ends this loop when its current step is whole…
///     for epoch in ctx.steps_over("epoch", ["third", "fourth"]).after(2) {
///         ctx.message(epoch?);
///         // …and this inner one at its next step, which it would not without `cuttable`…
///         for batch in ctx.steps("batch", 0..100).cuttable() {
///             batch?;
///             batches += 1;
///         }
///     }
///     // …but not this one, which must run whole.
///     for test in ctx.steps("test", 0..10).whole() {
///         test?;
///         tests += 1;
///     }
///     Ok((batches, tests))
/// }
/// # }
/// # use impresario_api::Verb;
/// # let asked = impresario::testing::run(&Fit, ()).stop_at("batch", 40, Verb::Finish);
/// # let ended = asked.end();
/// # assert_eq!(ended.output(), Some(&(40, 10)));
/// ```
#[must_use = "a loop that nobody iterates does nothing"]
pub struct Steps<'a, I> {
    ctx: &'a Context,
    run: &'a Run,
    yielding: &'a Yielding,
    inner_ended: &'a Cell<bool>,
    /// What is left.
    items: I,
    /// How many steps are complete when the next one is asked for.
    done: u64,
    /// How many there are; [`UNKNOWN`] without a total.
    total: u64,
    count: &'a Level,
    /// The next level's: set to nothing done before this one moves on.
    inner: &'a Level,
    depth: usize,
    cut: Cut,
    over: bool,
}

impl<'a, I> Steps<'a, I> {
    pub(super) fn begin(
        ctx: &'a Context,
        name: &'static str,
        items: I,
        done: u64,
        total: Option<u64>,
    ) -> Self {
        let here = ctx.here();
        let depth = here.depth.replace(here.depth.get() + 1);
        if let Some(names) = here.names.get(depth) {
            names.set(name);
        }
        let counters = &ctx.run.counters;
        // Nobody shows such a count. From 0 there is no time to reach the greatest number, so a step
        // need not look for it.
        let (done, total) = match done {
            0..=FURTHEST => (done, total.unwrap_or(UNKNOWN)),
            _ => (0, UNKNOWN),
        };
        counters.begin(depth, name, done, total);
        Self {
            ctx,
            run: &ctx.run,
            yielding: &here.yielding,
            inner_ended: &here.inner_ended,
            items,
            done,
            total,
            count: &counters.levels[depth.min(LEVELS)],
            inner: &counters.levels[(depth + 1).min(LEVELS)],
            depth,
            cut: if depth == 0 { Cut::Now } else { Cut::Never },
            over: false,
        }
    }

    /// So many steps were complete before the first one: for a loop over what is left, in a run
    /// that goes on from a checkpoint. A range says so by its start.
    pub fn after(mut self, complete: u64) -> Self {
        let complete = complete.min(FURTHEST);
        if self.total != UNKNOWN {
            let left = self.total - self.done;
            self.total = complete.saturating_add(left).min(MOST);
            self.count.total.store(self.total, Ordering::Relaxed);
        }
        self.done = complete;
        self.count.current.store(complete, Ordering::Relaxed);
        self
    }

    /// `finish` does not end this loop: a later phase that must run whole.
    pub fn whole(mut self) -> Self {
        self.cut = Cut::Never;
        self
    }

    /// `finish` ends this loop at its next step, though it is an inner one.
    pub fn cuttable(mut self) -> Self {
        self.cut = Cut::Now;
        self
    }

    /// What becomes of the loop now that something is asked. It takes no `&mut self`: a loop whose
    /// address nobody has stays in registers.
    #[cold]
    #[inline(never)]
    fn asked(ctx: &Context, cut: Cut) -> Asked {
        match ctx.wanted() {
            Wanted::Stop => Asked::Stop(ctx.tell()),
            Wanted::Finish if cut == Cut::Now => {
                ctx.here().cut_short.set(true);
                Asked::End
            }
            Wanted::Finish | Wanted::Nothing => Asked::GoOn,
        }
    }
}

impl<I: Iterator> Iterator for Steps<'_, I> {
    type Item = Result<I::Item, Stopped>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        self.yielding.step();
        if self.inner_ended.get() {
            // The inner count first: a reader that sees this step sees none of the last one's.
            self.inner_ended.set(false);
            self.inner.current.store(0, Ordering::Relaxed);
        }
        self.count.current.store(self.done, Ordering::Release);
        if !self.run.word().is_quiet() {
            let asked = Self::asked(self.ctx, self.cut);
            self.over = !matches!(asked, Asked::GoOn);
            match asked {
                Asked::GoOn => {}
                Asked::End => return None,
                Asked::Stop(stopped) => return Some(Err(stopped)),
            }
        }
        let Some(item) = self.items.next() else {
            self.over = true;
            // Now there are as many as are complete, whatever was known before.
            self.count
                .total
                .store(self.done.min(MOST), Ordering::Relaxed);
            return None;
        };
        self.done += 1;
        Some(Ok(item))
    }
}

impl<I> Drop for Steps<'_, I> {
    fn drop(&mut self) {
        let here = self.ctx.here();
        here.depth.set(self.depth);
        here.inner_ended.set(self.depth > 0);
    }
}
