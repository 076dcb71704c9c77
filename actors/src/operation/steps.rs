//! Counted loops that can be stopped.

use std::ops::Range;
use std::sync::atomic::Ordering;

use super::context::{Context, Wanted};
use super::failure::Stopped;
use super::slot::{LEVELS, Level};

mod sealed {
    pub trait Sealed {}
}

/// A primitive integer: what steps can be counted in.
pub trait StepNumber: Copy + sealed::Sealed {
    #[doc(hidden)]
    fn widen(self) -> i128;
}

macro_rules! numbers {
    ($($number:ty),*) => { $(
        impl sealed::Sealed for $number {}
        impl StepNumber for $number {
            fn widen(self) -> i128 {
                // A u128 over i128::MAX is no count that anyone shows.
                i128::try_from(self).unwrap_or(i128::MAX)
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
    /// It ends when its step in hand is whole.
    Now,
    /// It runs to its end.
    Never,
}

/// A counted loop: each item is `Ok(step)`, or `Err(Stopped)` once when the function is asked to
/// stop, and then the end.
#[must_use = "a loop that nobody iterates does nothing"]
pub struct Steps<'a, T> {
    ctx: &'a Context,
    range: Range<T>,
    count: &'a Level,
    /// The next level's: set to nothing done before this one moves on.
    inner: &'a Level,
    depth: usize,
    done: u64,
    cut: Cut,
    over: bool,
}

impl<'a, T: StepNumber> Steps<'a, T>
where
    Range<T>: Iterator<Item = T>,
{
    pub(super) fn begin(ctx: &'a Context, name: &'static str, range: Range<T>) -> Self {
        let (start, end) = (
            range.start.widen(),
            range.end.widen().max(range.start.widen()),
        );
        // Counts begin at 0: a range that begins below is shown from its start.
        let base = start.min(0);
        let count = |number: i128| u64::try_from(number.saturating_sub(base)).unwrap_or(u64::MAX);
        let depth = ctx.depth.replace(ctx.depth.get() + 1);
        if let Some(names) = ctx.names.get(depth) {
            names.set(name);
        }
        let slot = &ctx.run.slot;
        slot.begin(depth, name, count(start), count(end));
        Self {
            ctx,
            range,
            count: &slot.levels[depth.min(LEVELS)],
            inner: &slot.levels[(depth + 1).min(LEVELS)],
            depth,
            done: count(start),
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

    #[cold]
    fn asked(&mut self) -> Option<Result<T, Stopped>> {
        if self.over {
            return None;
        }
        match self.ctx.wanted() {
            Wanted::Stop => {
                self.over = true;
                Some(Err(self.ctx.tell()))
            }
            Wanted::Finish if self.cut == Cut::Now => {
                self.over = true;
                None
            }
            Wanted::Finish | Wanted::Nothing => self.step(),
        }
    }

    #[inline]
    fn step(&mut self) -> Option<Result<T, Stopped>> {
        let step = self.range.next()?;
        self.done = self.done.saturating_add(1);
        Some(Ok(step))
    }
}

impl<T: StepNumber> Iterator for Steps<'_, T>
where
    Range<T>: Iterator<Item = T>,
{
    type Item = Result<T, Stopped>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if !self.over {
            if self.ctx.inner_ended.get() {
                // The inner count first: a reader that sees this step sees none of the last one's.
                self.ctx.inner_ended.set(false);
                self.inner.current.store(0, Ordering::Relaxed);
            }
            self.count.current.store(self.done, Ordering::Release);
        }
        if self.ctx.run.word().is_quiet() {
            self.step()
        } else {
            self.asked()
        }
    }
}

impl<T> Drop for Steps<'_, T> {
    fn drop(&mut self) {
        self.ctx.depth.set(self.depth);
        self.ctx.inner_ended.set(self.depth > 0);
    }
}
