//! Where a run's counts stand: written by the function alone, read by its supervisor.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use impresario_api::StepProgress;

use crate::locks::lock;

/// Levels of nested steps that are shown; deeper ones run unseen.
pub(crate) const LEVELS: usize = 8;
/// Counts of items that are shown at the same time: the bits of a byte.
pub(crate) const COUNTS: usize = 8;
/// Nobody knows how many there are.
pub(crate) const UNKNOWN: u64 = u64::MAX;
/// The greatest count: what is over it is no count that anyone shows.
pub(crate) const MOST: u64 = UNKNOWN - 1;

/// A total, if it is known.
fn known(total: &AtomicU64) -> Option<u64> {
    Some(total.load(Ordering::Relaxed)).filter(|total| *total != UNKNOWN)
}

/// One level's counts. The one past the last level takes what is not shown.
#[derive(Debug, Default)]
pub(crate) struct Level {
    pub(crate) current: AtomicU64,
    pub(crate) total: AtomicU64,
}

/// The texts of the progress, which change seldom.
#[derive(Debug, Default)]
pub(crate) struct Words {
    names: Vec<&'static str>,
    pub(crate) message: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) context: BTreeMap<String, String>,
}

/// The counts of one run.
#[derive(Debug)]
pub(crate) struct ProgressCounters {
    pub(crate) levels: [Level; LEVELS + 1],
    /// What is shown is their sum, without the last, which takes what is not shown.
    pub(crate) items: [AtomicU64; COUNTS + 1],
    /// Those that the function's own threads have counted: each of the others has one writer.
    items_of_threads: AtomicU64,
    /// Those that an earlier run has counted.
    pub(crate) items_restored: AtomicU64,
    items_total: AtomicU64,
    /// Calls that change no count: a function that only sleeps is alive all the same.
    touches: AtomicU64,
    words: Mutex<Words>,
}

/// A run's counts at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) steps: Vec<StepProgress>,
    pub(crate) items: u64,
    /// How many of them an earlier run has counted.
    pub(crate) items_restored: u64,
    pub(crate) items_total: Option<u64>,
    pub(crate) message: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) context: BTreeMap<String, String>,
    pub(crate) touches: u64,
}

impl ProgressCounters {
    pub(crate) fn new() -> Self {
        Self {
            levels: std::array::from_fn(|_| Level::default()),
            items: std::array::from_fn(|_| AtomicU64::new(0)),
            items_of_threads: AtomicU64::new(0),
            items_restored: AtomicU64::new(0),
            items_total: AtomicU64::new(UNKNOWN),
            touches: AtomicU64::new(0),
            words: Mutex::default(),
        }
    }

    /// A loop begins at `level`; what was shown below it is gone.
    pub(crate) fn begin(&self, level: usize, name: &'static str, current: u64, total: u64) {
        if level >= LEVELS {
            return;
        }
        let counts = &self.levels[level];
        let mut words = lock(&self.words);
        counts.total.store(total, Ordering::Relaxed);
        counts.current.store(current, Ordering::Relaxed);
        words.names.truncate(level);
        words.names.push(name);
    }

    /// Changes the words.
    pub(crate) fn words(&self, change: impl FnOnce(&mut Words)) {
        change(&mut lock(&self.words));
        self.touch();
    }

    pub(crate) fn touch(&self) {
        // A load and a store are cheaper than an atomic addition. Of two threads that touch it at the
        // same time, either has.
        self.touches
            .store(self.touches.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(crate) fn set_items_total(&self, total: Option<u64>) {
        self.items_total
            .store(total.unwrap_or(UNKNOWN), Ordering::Relaxed);
    }

    pub(crate) fn items_total(&self) -> Option<u64> {
        known(&self.items_total)
    }

    /// How many items the function itself has counted.
    fn items(&self) -> u64 {
        let shown = self.items.iter().take(COUNTS);
        let counts = shown.map(|count| count.load(Ordering::Relaxed));
        counts.fold(0, u64::saturating_add)
    }

    /// The same, when no count is alive: afterwards it is all in the first counter.
    pub(crate) fn gather_items(&self) -> u64 {
        let all = self.items();
        for (place, count) in self.items.iter().enumerate() {
            count.store(if place == 0 { all } else { 0 }, Ordering::Relaxed);
        }
        all
    }

    /// Counts items on any thread.
    pub(crate) fn add_items(&self, more: u64) {
        self.items_of_threads.fetch_add(more, Ordering::Relaxed);
    }

    /// The counts now; `None` while the function holds the words.
    pub(crate) fn read(&self) -> Option<Snapshot> {
        let words = self.words.try_lock().ok()?;
        Some(Snapshot {
            steps: self.steps(&words.names),
            items: self
                .items()
                .saturating_add(self.items_of_threads.load(Ordering::Relaxed)),
            items_restored: self.items_restored.load(Ordering::Relaxed),
            items_total: self.items_total(),
            message: words.message.clone(),
            title: words.title.clone(),
            context: words.context.clone(),
            touches: self.touches.load(Ordering::Relaxed),
        })
    }

    /// The levels. The outermost is read twice: when it moved on meanwhile, an inner count may
    /// belong to the step before, and all are read again.
    fn steps(&self, names: &[&'static str]) -> Vec<StepProgress> {
        let outer = || self.levels[0].current.load(Ordering::Acquire);
        let mut before = outer();
        for _ in 0..4 {
            let level = |(name, level): (&&'static str, &Level)| {
                let total = known(&level.total);
                let current = level.current.load(Ordering::Acquire);
                StepProgress {
                    name: (*name).to_owned(),
                    // An iterator may give more than it said.
                    current: current.min(total.unwrap_or(MOST)),
                    total,
                }
            };
            let steps: Vec<_> = names.iter().zip(&self.levels).map(level).collect();
            let after = outer();
            if before == after {
                return steps;
            }
            before = after;
        }
        // It moves faster than it can be read: the outermost alone is sure.
        let name = names.first().map(|name| (*name).to_owned());
        name.map(|name| StepProgress {
            name,
            current: before,
            total: known(&self.levels[0].total),
        })
        .into_iter()
        .collect()
    }

    /// "epoch 5/10, batch 32/60".
    pub(crate) fn current_step(&self) -> Option<String> {
        let words = self.words.try_lock().ok()?;
        current_step(&self.steps(&words.names))
    }
}

/// The current step of each level: one more than are complete. Within a loop that is over there is
/// none.
pub(crate) fn current_step(steps: &[StepProgress]) -> Option<String> {
    let most = |step: &StepProgress| step.total.unwrap_or(MOST);
    named(steps, |step| step.current.saturating_add(1).min(most(step)))
}

/// What is complete at each level, of a function that has returned: it has no current step. Levels in
/// which nothing is complete are left out, but for the outermost.
pub(crate) fn complete_steps(steps: &[StepProgress]) -> Option<String> {
    let inner = steps.iter().skip(1);
    let begun = inner.take_while(|step| step.current > 0).count();
    named(&steps[..steps.len().min(1 + begun)], |step| step.current)
}

/// Each level with a count of its own: "epoch 5/10, batch 32/60", "row 7" where there is no total.
fn named(steps: &[StepProgress], count: impl Fn(&StepProgress) -> u64) -> Option<String> {
    let mut text = String::new();
    for step in steps {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{} {}", step.name, count(step));
        let Some(total) = step.total else {
            continue;
        };
        let _ = write!(text, "/{total}");
        if step.current >= total {
            break;
        }
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step((name, current, total): (&str, u64, u64)) -> StepProgress {
        StepProgress {
            name: name.to_owned(),
            current,
            total: Some(total),
        }
    }

    #[test]
    fn a_level_without_a_total_is_shown_by_its_count_alone() {
        let without = StepProgress {
            total: None,
            ..step(("row", 6, 0))
        };
        let steps = [without, step(("part", 1, 4))];
        assert_eq!(current_step(&steps).as_deref(), Some("row 7, part 2/4"));
        assert_eq!(complete_steps(&steps).as_deref(), Some("row 6, part 1/4"));
    }

    #[test]
    fn the_current_step_is_one_more_than_is_complete_and_nothing_within_what_is_over() {
        let told = |steps: &[(&str, u64, u64)]| {
            let steps: Vec<_> = steps.iter().copied().map(step).collect();
            current_step(&steps).unwrap_or_default()
        };
        assert_eq!(
            told(&[("epoch", 4, 10), ("batch", 31, 60)]),
            "epoch 5/10, batch 32/60"
        );
        assert_eq!(
            told(&[("epoch", 9, 10), ("batch", 59, 60)]),
            "epoch 10/10, batch 60/60"
        );
        assert_eq!(told(&[("epoch", 10, 10), ("batch", 0, 60)]), "epoch 10/10");
        assert_eq!(told(&[]), "");
    }

    #[test]
    fn of_what_has_returned_each_level_names_what_is_complete() {
        for (levels, text) in [
            (&[("epoch", 11, 20), ("batch", 0, 45)][..], "epoch 11/20"),
            (
                &[("epoch", 4, 10), ("batch", 20, 45)],
                "epoch 4/10, batch 20/45",
            ),
            (&[("epoch", 10, 10), ("batch", 0, 45)], "epoch 10/10"),
            (&[("epoch", 0, 10), ("batch", 0, 45)], "epoch 0/10"),
            (&[], ""),
        ] {
            let steps: Vec<_> = levels.iter().copied().map(step).collect();
            assert_eq!(
                complete_steps(&steps).unwrap_or_default(),
                text,
                "{levels:?}"
            );
        }
    }
}
