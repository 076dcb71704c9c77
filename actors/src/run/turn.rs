//! When a function computes, and what its thread does about it, at a step or a check.
//!
//! A thread that wakes up beside one that computes may have to wait for the kernel's next tick, 4 ms
//! at 250 Hz, though the other one is niced. See `docs/adr/0008`.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::priority::{Slice, is_hurried, stand_back};

/// How often a function looks at the clock: reading it takes as long as twenty steps.
const LOOK: Duration = Duration::from_micros(250);
/// How much rarer than the last time a look may be: a loop's steps may become longer.
const RARER: f64 = 16.0;
/// How long a function goes on without a rest before it is one that computes.
const LONG: Duration = Duration::from_millis(1);

/// A function's turn on its core, from its beginning or its last rest.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Of its lane's thread. `None`: the thread is the caller's own, and stays as it is.
    nice: Option<i32>,
    began: Cell<Instant>,
    /// It has been long.
    computes: Cell<bool>,
}

impl Turn {
    pub(crate) fn begin(nice: Option<i32>) -> Self {
        Self {
            nice,
            began: Cell::new(Instant::now()),
            computes: Cell::new(false),
        }
    }

    /// To begin with: the next call looks.
    pub(crate) const fn first_look(&self) -> Look {
        Look {
            calls: 1,
            at: self.began.get(),
        }
    }

    /// Looks at the clock, yields if there is a hurry, and says how many calls need not look.
    pub(crate) fn look(&self, last: Look) -> Look {
        let Some(nice) = self.nice else {
            return Look {
                calls: u32::MAX,
                ..last
            };
        };
        let at = Instant::now();
        let calls = until_next(last.calls, at - last.at);
        if !self.computes.get() && at - self.began.get() >= LONG {
            self.computes.set(true);
            stand_back(nice, Slice::Long);
        }
        if !is_hurried(at) {
            return Look { calls, at };
        }
        std::thread::yield_now();
        let at = Instant::now();
        Look { calls, at }
    }

    /// Waits by `wait`; then a new turn begins.
    pub(crate) fn rest<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.computes_no_longer();
        let waited = wait();
        self.began.set(Instant::now());
        waited
    }

    fn computes_no_longer(&self) {
        if self.computes.replace(false)
            && let Some(nice) = self.nice
        {
            stand_back(nice, Slice::Short);
        }
    }
}

impl Drop for Turn {
    /// The next function finds its thread as this one did.
    fn drop(&mut self) {
        self.computes_no_longer();
    }
}

/// A look at the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    calls: u32,
    at: Instant,
}

impl Look {
    /// How many calls, this one included, until the next look.
    pub(crate) const fn calls(self) -> u32 {
        self.calls
    }
}

/// After how many calls to look again, now that the last `calls` took `took`.
fn until_next(calls: u32, took: Duration) -> u32 {
    let rarer = LOOK.div_duration_f64(took).min(RARER);
    ((f64::from(calls) * rarer) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_clock_is_looked_at_about_every_quarter_of_a_millisecond() {
        let micros = Duration::from_micros;
        for (calls, took, next, why) in [
            (1, micros(250), 1, "just right"),
            (1, micros(10_000), 1, "never rarer than each call"),
            (100, micros(500), 50, "half as many"),
            (100, micros(125), 200, "twice as many"),
            (100, micros(1), 1_600, "sixteen times as many at most"),
            (100, Duration::ZERO, 1_600, "a clock that stands still"),
            (u32::MAX, Duration::ZERO, u32::MAX, "the most there are"),
        ] {
            assert_eq!(until_next(calls, took), next, "{why}");
        }
    }

    proptest! {
        #[test]
        fn steps_of_any_length_are_looked_at_in_time_and_not_too_often(nanos in 1_u64..5_000_000) {
            const TIMES: u32 = 400;
            let step = Duration::from_nanos(nanos);
            let (mut calls, mut looks, mut gone) = (1, 0, Duration::ZERO);
            while gone < LOOK * TIMES {
                let took = step * calls;
                prop_assert!(took <= step.max(LOOK), "{calls} steps of {step:?}");
                (gone, looks, calls) = (gone + took, looks + 1, until_next(calls, took));
            }
            // Five looks lead from one call to a million. A step more would be too late, so there
            // may be nearly twice as many as steps of no length would need.
            prop_assert!(looks <= 2 * TIMES + 5, "{looks}");
        }
    }

    /// Looks, as the calls of a function do, until it is one that computes.
    fn compute(turn: &Turn, longest: Duration) -> bool {
        let (mut look, start) = (turn.first_look(), Instant::now());
        while !turn.computes.get() && start.elapsed() < longest {
            look = turn.look(look);
        }
        turn.computes.get()
    }

    #[test]
    fn a_function_computes_from_a_long_turn_to_its_rest_or_its_end() {
        let minute = Duration::from_secs(60);
        let turn = Turn::begin(Some(0));
        assert!(!turn.computes.get());
        assert!(compute(&turn, minute));
        turn.rest(|| assert!(!turn.computes.get()));
        assert!(!turn.computes.get());
        assert!(compute(&turn, minute));
    }

    #[test]
    fn the_callers_own_thread_stays_as_it_is() {
        let turn = Turn::begin(None);
        assert!(!compute(&turn, LONG * 3));
        assert_eq!(turn.look(turn.first_look()).calls(), u32::MAX);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_that_computes_may_be_replaced_at_once_and_is_as_before_after_it() {
        use crate::run::priority::standing;
        // A thread of its own: whoever may not take a niceness back keeps it.
        let seen = std::thread::spawn(|| {
            stand_back(5, Slice::Short);
            let turn = Turn::begin(Some(5));
            let mut seen = vec![standing()];
            assert!(compute(&turn, Duration::from_secs(60)));
            seen.push(standing());
            turn.rest(|| seen.push(standing()));
            assert!(compute(&turn, Duration::from_secs(60)));
            drop(turn);
            seen.push(standing());
            seen
        });
        let seen = seen.join().expect("it asserts only what holds");
        let mut expected = [Slice::Short, Slice::Long, Slice::Short, Slice::Short].map(Some);
        if seen[0].1.is_none() {
            // A kernel that gives such threads no slices of their own.
            expected = [None; 4];
        }
        assert_eq!(seen, expected.map(|slice| (5, slice)));
    }
}
