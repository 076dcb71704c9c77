//! Counted loops that can be stopped.

use std::ops::Range;
use std::sync::atomic::Ordering;

use super::context::{Context, Wanted};
use super::failure::Stopped;
use crate::run::control::Run;
use crate::run::progress_counters::{LEVELS, Level};

mod sealed {
    pub trait Sealed {}
}

/// A primitive integer: what steps can be counted in.
pub trait StepNumber: Copy + Ord + sealed::Sealed {
    /// Counts begin at 0: a range that begins below is shown from its start.
    #[doc(hidden)]
    fn base(self) -> Self;

    /// How far it is past `base`; what is over u64::MAX is no count that anyone shows.
    #[doc(hidden)]
    fn past(self, base: Self) -> u64;
}

macro_rules! numbers {
    ($($number:ty),*) => { $(
        impl sealed::Sealed for $number {}
        impl StepNumber for $number {
            #[inline]
            fn base(self) -> Self {
                self.min(0)
            }

            #[inline]
            fn past(self, base: Self) -> u64 {
                u64::try_from(self.abs_diff(base)).unwrap_or(u64::MAX)
            }
        }
    )* };
}

numbers!(
    u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, i128, u128
);

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
#[must_use = "a loop that nobody iterates does nothing"]
pub struct Steps<'a, T> {
    ctx: &'a Context,
    run: &'a Run,
    /// What is left: its start tells how many steps are complete.
    range: Range<T>,
    base: T,
    count: &'a Level,
    /// The next level's: set to nothing done before this one moves on.
    inner: &'a Level,
    depth: usize,
    cut: Cut,
    over: bool,
}

impl<'a, T: StepNumber> Steps<'a, T>
where
    Range<T>: Iterator<Item = T>,
{
    pub(super) fn begin(ctx: &'a Context, name: &'static str, range: Range<T>) -> Self {
        let base = range.start.base();
        let (start, end) = (range.start, range.end.max(range.start));
        let depth = ctx.depth.replace(ctx.depth.get() + 1);
        if let Some(names) = ctx.names.get(depth) {
            names.set(name);
        }
        let counters = &ctx.run.counters;
        counters.begin(depth, name, start.past(base), end.past(base));
        Self {
            ctx,
            run: &ctx.run,
            range,
            base,
            count: &counters.levels[depth.min(LEVELS)],
            inner: &counters.levels[(depth + 1).min(LEVELS)],
            depth,
            cut: if depth == 0 { Cut::Now } else { Cut::Never },
            over: false,
        }
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
                ctx.cut_short.set(true);
                Asked::End
            }
            Wanted::Finish | Wanted::Nothing => Asked::GoOn,
        }
    }
}

impl<T: StepNumber> Iterator for Steps<'_, T>
where
    Range<T>: Iterator<Item = T>,
{
    type Item = Result<T, Stopped>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        self.ctx.yielding.step();
        if self.ctx.inner_ended.get() {
            // The inner count first: a reader that sees this step sees none of the last one's.
            self.ctx.inner_ended.set(false);
            self.inner.current.store(0, Ordering::Relaxed);
        }
        let done = self.range.start.past(self.base);
        self.count.current.store(done, Ordering::Release);
        if !self.run.word().is_quiet() {
            let asked = Self::asked(self.ctx, self.cut);
            self.over = !matches!(asked, Asked::GoOn);
            match asked {
                Asked::GoOn => {}
                Asked::End => return None,
                Asked::Stop(stopped) => return Some(Err(stopped)),
            }
        }
        self.range.next().map(Ok)
    }
}

impl<T> Drop for Steps<'_, T> {
    fn drop(&mut self) {
        self.ctx.depth.set(self.depth);
        self.ctx.inner_ended.set(self.depth > 0);
    }
}
