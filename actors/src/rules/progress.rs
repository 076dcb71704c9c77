//! From counts to what people see: percentage, rate, time left. Pure.

use std::time::Duration;

use impresario_api::{Progress, StepProgress, Timestamp};

use super::stall::AdvanceTimes;
use crate::run::progress_counters::{Snapshot, complete_steps, current_step};

/// Seconds over which a rate is smoothed.
const SMOOTHING: f64 = 15.0;
/// Less time than this says nothing about a rate.
const LEAST: f64 = 0.05;

/// Turns successive snapshots of one run into progress.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    last: Option<Reading>,
    rate: Rate,
    share: Rate,
    /// The last time that a count grew, by the wall clock and in the run's own time.
    advanced: Option<(Timestamp, Duration)>,
    pace: AdvanceTimes,
    updated_at: Option<Timestamp>,
    percentage: f64,
}

#[derive(Debug)]
struct Reading {
    snapshot: Snapshot,
}

/// A rate over the run's own time, in which what was counted longer ago weighs exponentially less.
/// The weights are those of the time that was covered, so when readings are taken changes nothing.
#[derive(Debug, Default)]
struct Rate {
    last: Option<(Duration, f64)>,
    /// What was counted, and in how many seconds, both weighted.
    counted: f64,
    seconds: f64,
}

impl Rate {
    fn update(&mut self, ran: Duration, value: f64) {
        // Of what counts from zero, the run's start is the first reading.
        let start = if value > 0.0 { ran } else { Duration::ZERO };
        let (then, before) = *self.last.get_or_insert((start, value));
        if value < before {
            // A new phase counts anew.
            *self = Self {
                last: Some((ran, value)),
                ..Self::default()
            };
            return;
        }
        let seconds = ran.saturating_sub(then).as_secs_f64();
        // The first rate is that since the first reading, however long nothing was counted.
        if seconds == 0.0 || (value == before && self.seconds == 0.0) {
            return;
        }
        let rest = (-seconds / SMOOTHING).exp();
        let weight = SMOOTHING * (1.0 - rest);
        self.counted = self.counted * rest + (value - before) / seconds * weight;
        self.seconds = self.seconds * rest + weight;
        self.last = Some((ran, value));
    }

    fn per_second(&self) -> Option<f64> {
        (self.seconds >= LEAST).then(|| self.counted / self.seconds)
    }
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The progress at `now`, when the run has gone on for so long: rates and times go by that, for
    /// the wall clock may be set.
    pub(crate) fn update(
        &mut self,
        now: Timestamp,
        ran: Duration,
        snapshot: &Snapshot,
    ) -> Progress {
        self.note(now, ran, snapshot);
        let share = share(snapshot);
        self.rate.update(ran, counted(snapshot));
        self.share.update(ran, share);
        self.percentage = percentage(share);
        let eta = match self.share.per_second() {
            Some(rate) if rate > 1e-12 && share < 1.0 => Some(round((1.0 - share) / rate, 1)),
            _ => None,
        };
        Progress {
            rate_per_second: self.rate.per_second().map(|rate| round(rate, 1)),
            eta_seconds: eta,
            advanced_at: self.advanced.map(|(at, _)| at),
            updated_at: self.updated_at,
            ..plain(snapshot)
        }
    }

    /// The last progress of a run that took `elapsed`. One that was too short for a smoothed rate
    /// has its average; the message of one that is `done` names what is complete, and that of any other
    /// the step in which it ended.
    pub(crate) fn last(
        &mut self,
        now: Timestamp,
        elapsed: Duration,
        snapshot: &Snapshot,
        done: bool,
    ) -> Progress {
        let progress = self.update(now, elapsed, snapshot);
        let average = counted(snapshot) / elapsed.as_secs_f64().max(0.001);
        let average = (average > 0.0).then(|| round(average, 1));
        Progress {
            rate_per_second: progress.rate_per_second.or(average),
            eta_seconds: None,
            message: match done {
                true => message(snapshot, complete_steps(&snapshot.steps)),
                false => progress.message,
            },
            ..progress
        }
    }

    /// When a count last grew, and how often it does.
    pub(crate) const fn advances(&self) -> (Option<(Timestamp, Duration)>, AdvanceTimes) {
        (self.advanced, self.pace)
    }

    /// When something was last heard of the function, and when a count last grew.
    fn note(&mut self, now: Timestamp, ran: Duration, snapshot: &Snapshot) {
        let nothing = Snapshot::default();
        let before = self
            .last
            .as_ref()
            .map_or(&nothing, |reading| &reading.snapshot);
        if before == snapshot {
            return;
        }
        self.updated_at = Some(now);
        if (before.items != snapshot.items || before.steps != snapshot.steps)
            && let Some((_, before)) = self.advanced.replace((now, ran))
        {
            self.pace.advanced(ran.saturating_sub(before).as_secs_f64());
        }
        self.last = Some(Reading {
            snapshot: snapshot.clone(),
        });
    }
}

/// What needs no history.
fn plain(snapshot: &Snapshot) -> Progress {
    Progress {
        percentage: percentage(share(snapshot)),
        message: message(snapshot, current_step(&snapshot.steps)),
        steps: snapshot.steps.clone(),
        items_processed: snapshot.items,
        items_total: snapshot.items_total,
        context: snapshot.context.clone(),
        ..Progress::default()
    }
}

/// The line that people see: what the function said, or what it works on and at which step it is.
fn message(snapshot: &Snapshot, step: Option<String>) -> String {
    match (&snapshot.message, &snapshot.title, step) {
        (Some(message), _, _) => message.clone(),
        (None, Some(title), Some(step)) => format!("{title}: {step}"),
        (None, Some(title), None) => title.clone(),
        (None, None, step) => step.unwrap_or_default(),
    }
}

/// What a rate counts: items of this run, or the outermost steps where there are none.
fn counted(snapshot: &Snapshot) -> f64 {
    let steps = snapshot.steps.first().map_or(0, |step| step.current);
    (if snapshot.items > 0 || snapshot.items_total.is_some() {
        snapshot.items.saturating_sub(snapshot.items_restored)
    } else {
        steps
    }) as f64
}

/// 0–1: nested steps, each level a share of the one current step above it; items where
/// there are no steps, or nobody knows how many.
fn share(snapshot: &Snapshot) -> f64 {
    let outermost = snapshot.steps.first();
    if outermost.is_none_or(|step| step.total.is_none()) {
        return match snapshot.items_total {
            Some(total) if total > 0 => (snapshot.items as f64 / total as f64).min(1.0),
            _ => 0.0,
        };
    }
    let inner = |inner: f64, step: &StepProgress| match step.total {
        None => 0.0,
        Some(total) if step.current >= total => 1.0,
        Some(total) => ((step.current as f64 + inner) / total as f64).min(1.0),
    };
    let mut levels = snapshot.steps.iter().rev();
    let innermost = levels.next().map_or(0.0, |step| inner(0.0, step));
    levels.fold(innermost, inner)
}

fn percentage(share: f64) -> f64 {
    // Rounded down: 100 means all.
    (share * 1000.0 + 1e-9).floor() / 10.0
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_millis((seconds * 1000.0) as i64)
    }

    fn update(meter: &mut Meter, seconds: f64, snapshot: &Snapshot) -> Progress {
        meter.update(at(seconds), Duration::from_secs_f64(seconds), snapshot)
    }

    fn steps(levels: &[(&str, u64, u64)]) -> Snapshot {
        let step = |(name, current, total): &(&str, u64, u64)| StepProgress {
            name: (*name).to_owned(),
            current: *current,
            total: Some(*total),
        };
        Snapshot {
            steps: levels.iter().map(step).collect(),
            ..Snapshot::default()
        }
    }

    #[test]
    fn the_message_names_the_current_step_and_current_counts_what_is_complete() {
        let snapshot = Snapshot {
            title: Some("Training MLP on GOOG 1d".to_owned()),
            ..steps(&[("epoch", 4, 10), ("batch", 31, 60)])
        };
        let progress = update(&mut Meter::new(), 0.0, &snapshot);
        assert_eq!(
            progress.message,
            "Training MLP on GOOG 1d: epoch 5/10, batch 32/60"
        );
        assert_eq!(progress.percentage, 45.1);
    }

    #[test]
    fn the_last_message_of_what_is_done_names_what_was_done() {
        let snapshot = Snapshot {
            title: Some("Training MLP on GOOG 1d".to_owned()),
            ..steps(&[("epoch", 11, 20), ("batch", 0, 45)])
        };
        for (done, step) in [(true, "epoch 11/20"), (false, "epoch 12/20, batch 1/45")] {
            let now = Timestamp::from_millis(1_000);
            let last = Meter::new().last(now, Duration::from_secs(1), &snapshot, done);
            assert_eq!(last.message, format!("Training MLP on GOOG 1d: {step}"));
            assert_eq!(last.percentage, 55.0);
        }
    }

    #[test]
    fn rate_and_time_left_follow_the_counts() {
        let mut meter = Meter::new();
        for second in 0..=20 {
            let snapshot = Snapshot {
                items: second * 10,
                items_total: Some(1_000),
                ..Snapshot::default()
            };
            update(&mut meter, second as f64, &snapshot);
        }
        let snapshot = Snapshot {
            items: 200,
            items_total: Some(1_000),
            ..Snapshot::default()
        };
        let progress = update(&mut meter, 20.0, &snapshot);
        assert_eq!(progress.rate_per_second, Some(10.0));
        assert_eq!(progress.eta_seconds, Some(80.0));
        assert_eq!(progress.percentage, 20.0);
    }

    proptest! {
        /// Forty steps that take 100 ms each are read when somebody looks, and four times a second.
        #[test]
        fn a_look_changes_no_rate(looks in proptest::collection::vec(0.0..4.0_f64, 0..20)) {
            let mut times: Vec<f64> = (1..=16).map(|quarter| f64::from(quarter) / 4.0).collect();
            times.extend(looks);
            times.sort_by(f64::total_cmp);
            let (mut meter, first) = (Meter::new(), times[0]);
            for time in times {
                let done = (time * 10.0 + 1e-9) as u64;
                let rate = update(&mut meter, time, &steps(&[("iteration", done, 40)])).rate_per_second;
                // The first reading and the last can each miss one step that is nearly done.
                let off = 1.0 / (time - first).max(0.001) + 0.1;
                let wanted = 10.0 - off..=10.0 + off;
                prop_assert!(time < first + 0.1 || rate.is_some_and(|rate| wanted.contains(&rate)), "{rate:?} at {time}");
            }
        }
    }

    #[test]
    fn without_a_total_of_steps_the_share_is_that_of_the_items() {
        let without = |name: &str, current| StepProgress {
            name: name.to_owned(),
            current,
            total: None,
        };
        let share = |steps, items_total| {
            let snapshot = Snapshot {
                steps,
                items: 25,
                items_total,
                ..Snapshot::default()
            };
            update(&mut Meter::new(), 0.0, &snapshot).percentage
        };
        assert_eq!(share(vec![without("row", 7)], Some(100)), 25.0);
        assert_eq!(share(vec![without("row", 7)], None), 0.0);
        let mut nested = steps(&[("epoch", 4, 10)]).steps;
        nested.push(without("row", 7));
        assert_eq!(share(nested, Some(100)), 40.0);
    }

    #[test]
    fn a_clock_that_is_set_changes_no_rate() {
        let mut meter = Meter::new();
        let counted = |items| Snapshot {
            items,
            items_total: Some(1_000),
            ..Snapshot::default()
        };
        for second in 0..=20 {
            let wall = if second < 10 { at(1e6) } else { at(0.0) };
            meter.update(wall, Duration::from_secs(second), &counted(second * 10));
        }
        let progress = meter.update(at(0.0), Duration::from_secs(20), &counted(200));
        assert_eq!(progress.rate_per_second, Some(10.0));
        assert_eq!(progress.eta_seconds, Some(80.0));
    }

    #[test]
    fn a_function_that_counts_nothing_is_alive_but_not_advancing() {
        let mut meter = Meter::new();
        update(&mut meter, 1.0, &steps(&[("iteration", 1, 10)]));
        let progress = update(
            &mut meter,
            2.0,
            &Snapshot {
                touches: 1,
                ..steps(&[("iteration", 1, 10)])
            },
        );
        assert_eq!(
            (progress.advanced_at, progress.updated_at),
            (Some(at(1.0)), Some(at(2.0)))
        );
    }

    #[test]
    fn nothing_reported_yet_has_no_times() {
        let progress = update(&mut Meter::new(), 1.0, &Snapshot::default());
        assert_eq!((progress.advanced_at, progress.updated_at), (None, None));
    }

    proptest! {
        #[test]
        fn the_percentage_never_goes_back_while_nested_steps_go_on(outer in 1_u64..20, inner in 1_u64..20) {
            let (mut meter, mut last, mut second) = (Meter::new(), 0.0, 0.0);
            for epoch in 0..outer {
                for batch in 0..=inner {
                    let progress = update(&mut meter, second, &steps(&[("epoch", epoch, outer), ("batch", batch, inner)]));
                    prop_assert!(progress.percentage >= last && progress.percentage <= 100.0);
                    last = progress.percentage;
                    second += 1.0;
                }
            }
            let progress = update(&mut meter, second, &steps(&[("epoch", outer, outer), ("batch", inner, inner)]));
            prop_assert_eq!(progress.percentage, 100.0);
        }
    }
}
