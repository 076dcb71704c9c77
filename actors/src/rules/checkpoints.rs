//! When a checkpoint is due.

use std::time::Duration;

use impresario_api::StepCounts;

use crate::run::SavedCheckpoint;

/// Checkpoints that are due by their cost are at least this far apart, however little they cost.
pub const LEAST: Duration = Duration::from_millis(250);

/// When the checkpoints of a kind are due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckpointTiming {
    /// How far they are apart, where they are not due by their cost. In any case a pause waits for the
    /// next one at most so long.
    pub every: Duration,
    /// The share of a run's time that they may cost, in 0..1.
    pub share: Option<f64>,
}

impl CheckpointTiming {
    /// How long after the beginning of a run the first one is due: nobody knows what it costs.
    pub fn first(self) -> Duration {
        self.after(Duration::ZERO)
    }

    /// How long after the end of one that cost so much the next one is due.
    pub fn after(self, cost: Duration) -> Duration {
        let Some(share) = self.share else {
            return self.every;
        };
        let seconds = cost.as_secs_f64() / share;
        // What no duration can hold never comes.
        Duration::try_from_secs_f64(seconds).map_or(Duration::MAX, |due| due.max(LEAST))
    }

    /// Whether one is due in the last step of the outermost loop, and in the step that a finish lets
    /// come to its end. There is one in such a step where they are due by time. Due by cost they may
    /// be given thousands of times in a step, which would be too many.
    pub fn is_due_in_last_step(self) -> bool {
        self.share.is_none()
    }
}

/// Whether this run has left a checkpoint that is further than the one before it, as its steps are counted. Of
/// these, the last that are kept, that one is the last of an earlier run, or an earlier one of this run.
pub(crate) fn went_further(kept: &[SavedCheckpoint], run: u32) -> bool {
    match kept {
        [.., before, newest] => newest.run == run && is_further(&newest.step, &before.step),
        [only] => only.run == run && only.step.values().any(|count| *count > 0),
        [] => false,
    }
}

/// The outermost step in which they differ decides; another step, or one within it, is further.
fn is_further(step: &StepCounts, before: &StepCounts) -> bool {
    let different = step.iter().zip(before).find(|(one, other)| one != other);
    match different {
        Some(((name, count), (other, before))) => name != other || count > before,
        None => step.len() > before.len(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use impresario_api::Timestamp;

    use super::*;

    #[test]
    fn a_run_went_further_if_its_steps_say_so() {
        let kept = |(run, step): &(u32, &[(&str, u64)])| SavedCheckpoint {
            at: Timestamp::default(),
            run: *run,
            step: step
                .iter()
                .map(|(name, at)| ((*name).to_owned(), *at))
                .collect(),
            outermost: None,
            value: Arc::from([]),
            dir: None,
            bytes: 0,
            metrics: BTreeMap::new(),
        };
        const AT_2_30: &[(&str, u64)] = &[("epoch", 2), ("batch", 30)];
        const AT_3_4: &[(&str, u64)] = &[("epoch", 3), ("batch", 4)];
        for (checkpoints, expected) in [
            (&[][..], false),
            (&[(2, AT_3_4)], true),
            (&[(1, AT_3_4)], false),
            (&[(2, &[])], false),
            (&[(2, &[("epoch", 0)])], false),
            (&[(1, AT_2_30), (2, AT_3_4)], true),
            (&[(2, AT_2_30), (2, AT_3_4)], true),
            (&[(0, AT_2_30), (1, AT_3_4)], false),
            (&[(1, AT_3_4), (2, AT_3_4)], false),
            (&[(1, AT_3_4), (2, AT_2_30)], false),
            (&[(1, AT_3_4), (2, &[("epoch", 3)])], false),
            (&[(1, &[("epoch", 3)]), (2, AT_3_4)], true),
            (&[(1, &[("file", 9)]), (2, &[("epoch", 1)])], true),
        ] {
            let kept: Vec<_> = checkpoints.iter().map(kept).collect();
            assert_eq!(went_further(&kept, 2), expected, "{checkpoints:?}");
        }
    }

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn share(share: f64) -> CheckpointTiming {
        CheckpointTiming {
            every: MS(5_000),
            share: Some(share),
        }
    }

    #[test]
    fn by_share_the_next_is_due_when_the_last_ones_cost_is_that_share_of_the_time_since() {
        for (timing, cost, due) in [
            (share(0.02), MS(10), MS(500)),
            (share(0.02), MS(2_000), MS(100_000)),
            (share(0.02), MS(4), LEAST),
            (share(0.02), Duration::ZERO, LEAST),
            (share(0.5), MS(200), MS(400)),
            (share(1.0), MS(300), MS(300)),
            (share(f64::MIN_POSITIVE), MS(1), Duration::MAX),
        ] {
            assert_eq!(timing.after(cost), due, "{timing:?} after {cost:?}");
        }
        assert_eq!(share(0.02).first(), LEAST);
    }

    #[test]
    fn by_time_it_is_due_at_that_time_whatever_it_costs() {
        for every in [Duration::ZERO, MS(5_000)] {
            let timing = CheckpointTiming { every, share: None };
            assert_eq!(timing.first(), every);
            assert_eq!(timing.after(MS(60_000)), every);
        }
    }
}
