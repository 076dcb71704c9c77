//! Every ask at every call, and everything that goes on from there.

use impresario::operation::{Failure, Operation};
use impresario::testing::{self, Ask, Ended, Trial};
use impresario_api::{Status, Verb};
use serde_json::json;

use crate::common::{Big, Nothing, Seldom, Shape, Small, Sum, does, never_fails, reference};

const ASKS: [Ask; 5] = [
    Ask::Verb(Verb::Cancel),
    Ask::Verb(Verb::Pause),
    Ask::Verb(Verb::Finish),
    Ask::Deadline,
    Ask::Shutdown,
];
const RESTS: [Ask; 2] = [Ask::Verb(Verb::Pause), Ask::Shutdown];

const SHAPE: Shape = Shape {
    epochs: 3,
    batches: 2,
};

/// A kind under test, and whether every checkpoint is due.
struct Case<'a, K> {
    kind: &'a K,
    shape: Shape,
    due: bool,
    /// Whether a pause waits for a folder: then one in the very last call comes too late.
    waits: bool,
}

impl<K: Operation<Params = Shape, Output = Sum>> Case<'_, K> {
    fn begin(&self) -> Trial<'_, K> {
        self.trial(testing::run(self.kind, self.shape))
    }

    fn trial<'b>(&self, trial: Trial<'b, K>) -> Trial<'b, K> {
        if self.due {
            trial.checkpoint_every_call()
        } else {
            trial
        }
    }

    fn again(&self, ended: Ended<K>) -> Trial<'_, K> {
        self.trial(ended.resume(self.kind))
    }

    fn whole(&self) -> Sum {
        reference(self.shape.epochs, self.shape.batches)
    }

    fn every_call(&self) {
        let calls = self.begin().end().calls();
        for call in 1..=calls {
            for ask in ASKS {
                let what = format!("{} {ask:?} at {call} of {calls}", K::KIND);
                let ended = self.begin().stop_at_call(call, ask).end();
                self.judge(&ended, ask, call == calls, &what);
                self.goes_on(ended, &what);
            }
        }
    }

    fn judge(&self, ended: &Ended<K>, ask: Ask, last: bool, what: &str) {
        let too_late = self.waits && last;
        let expected = match ask {
            Ask::Verb(Verb::Cancel) => Status::Cancelled,
            Ask::Verb(Verb::Pause) if !too_late => Status::Paused,
            Ask::Shutdown if !too_late => Status::Pending,
            Ask::Deadline => Status::Failed,
            _ => Status::Completed,
        };
        assert_eq!(ended.status(), expected, "{what}");
        let code = ended.error().map(|error| error.code.as_str());
        let failed = (expected == Status::Failed).then_some("DEADLINE_EXCEEDED");
        assert_eq!(code, failed, "{what}");
        let finish = ask == Ask::Verb(Verb::Finish);
        assert_eq!(ended.stopped_early(), finish, "{what}");
        assert_eq!(
            ended.output().is_some(),
            expected == Status::Completed,
            "{what}"
        );
        if let Some(sum) = ended.output() {
            assert_eq!(*sum, reference(sum.epochs, self.shape.batches), "{what}");
            assert!(finish || *sum == self.whole(), "{what}");
        }
        assert!(ended.warnings().is_empty(), "{what}");
    }

    /// Whatever can be resumed gives the whole output.
    fn goes_on(&self, ended: Ended<K>, what: &str) {
        let stopped = matches!(ended.status(), Status::Cancelled | Status::Failed);
        if ended.status() == Status::Completed || (stopped && ended.checkpoint().is_none()) {
            return;
        }
        let mut epochs = epochs(&ended);
        let end = self.again(ended).end();
        assert_eq!(end.output(), Some(&self.whole()), "{what}");
        epochs.extend(self::epochs(&end));
        if stopped && self.waits {
            // A cancel does not wait: what was done since the last folder is done again.
            epochs.dedup();
        }
        assert!(
            epochs.iter().copied().eq(0..u64::from(self.shape.epochs)),
            "{what}: {epochs:?}"
        );
    }

    fn twice(&self) {
        for first in RESTS {
            for call in 1..self.begin().end().calls() {
                let rest = || self.begin().stop_at_call(call, first).end();
                let calls = self.again(rest()).end().calls();
                for (next, second) in (1..=calls).flat_map(|n| RESTS.map(|ask| (n, ask))) {
                    let what = format!("{} {first:?} at {call}, {second:?} at {next}", K::KIND);
                    let one = rest();
                    let mut epochs = epochs(&one);
                    let two = self.again(one).stop_at_call(next, second).end();
                    self.judge(&two, second, next == calls, &what);
                    epochs.extend(self::epochs(&two));
                    if two.status() == Status::Completed {
                        continue;
                    }
                    let three = self.again(two).end();
                    epochs.extend(self::epochs(&three));
                    assert_eq!(three.output(), Some(&self.whole()), "{what}");
                    assert_eq!(epochs, [0, 1, 2], "{what}");
                }
            }
        }
    }
}

fn epochs<K: Operation>(ended: &Ended<K>) -> Vec<u64> {
    let metrics = ended.metrics();
    let points = metrics.get("epoch").into_iter().flatten();
    points.map(|(step, _)| *step).collect()
}

const fn small(due: bool) -> Case<'static, Small> {
    Case {
        kind: &Small,
        shape: SHAPE,
        due,
        waits: false,
    }
}

const fn big(due: bool) -> Case<'static, Big> {
    Case {
        kind: &Big,
        shape: Shape {
            batches: 1,
            ..SHAPE
        },
        due,
        waits: true,
    }
}

#[test]
fn a_small_checkpoint_survives_every_ask_at_every_call_and_two_rests_in_a_row() {
    for due in [false, true] {
        small(due).every_call();
        small(due).twice();
    }
}

#[test]
fn a_state_that_is_encoded_when_it_is_worth_it_survives_every_ask_at_every_call() {
    for due in [false, true] {
        let seldom = Case {
            kind: &Seldom,
            shape: SHAPE,
            due,
            waits: true,
        };
        seldom.every_call();
    }
}

#[test]
fn a_folder_survives_every_ask_at_every_call_and_two_rests_in_a_row() {
    for due in [false, true] {
        big(due).every_call();
        big(due).twice();
    }
}

#[test]
fn a_folder_that_cannot_be_written_leaves_the_one_before_it() {
    let kind = does(|ctx| {
        let restored = ctx.restored_dir::<u32>()?.map(|(state, _)| state);
        if restored.is_none() {
            ctx.checkpoint_dir(&1, never_fails)?;
            for state in 2..5 {
                ctx.checkpoint_dir(&state, |_| {
                    Err::<(), _>(Failure::new("FULL", "no room").retryable())
                })?;
            }
            return Err(Failure::new("AGAIN", "try it again").retryable());
        }
        Ok(json!(restored))
    });
    let failed = testing::run(&kind, Nothing {})
        .checkpoint_every_call()
        .end();
    assert_eq!(failed.status(), Status::Pending, "it is tried again");
    let told = failed.warnings();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "CHECKPOINT_NOT_WRITTEN");
    assert!(told[0].1.contains("FULL: no room"), "{}", told[0].1);
    let checkpoint = failed.checkpoint().expect("the first is kept");
    assert!(checkpoint.dir.is_some());
    let again = failed.resume(&kind).end();
    assert_eq!(again.output(), Some(&json!(1)));
}

/// Whatever is asked at a folder that cannot be written, the run stops, with the folder before it.
#[test]
fn a_stop_at_a_folder_that_cannot_be_written_leaves_the_one_before_it() {
    let kind = does(|ctx| {
        let start = ctx.restored_dir::<u32>()?.map_or(0, |(done, _)| done);
        for step in ctx.steps("step", start..4) {
            let done = step? + 1;
            ctx.checkpoint_dir(&done, |_| match done {
                2 => Err(Failure::new("FULL", "no room").retryable()),
                _ => Ok(()),
            })?;
        }
        Ok(json!(start))
    });
    for (ask, status) in [
        (Ask::Verb(Verb::Pause), Status::Paused),
        (Ask::Shutdown, Status::Pending),
        (Ask::Verb(Verb::Cancel), Status::Cancelled),
        (Ask::Deadline, Status::Failed),
    ] {
        // The second step's call is the third, its checkpoint's the fourth.
        let stopped = testing::run(&kind, Nothing {})
            .checkpoint_every_call()
            .stop_at_call(4, ask)
            .end();
        assert_eq!(stopped.status(), status, "{ask:?}");
        assert_eq!(stopped.warnings()[0].0, "CHECKPOINT_NOT_WRITTEN");
        assert_eq!(stopped.progress().steps[0].current, 1, "{ask:?}");
        assert_eq!(stopped.resume(&kind).end().output(), Some(&json!(1)));
    }
}

#[test]
fn a_failure_that_will_not_pass_and_a_stop_within_a_folder_are_passed_on() {
    let write = |fails: bool| {
        does(move |ctx| {
            ctx.checkpoint_dir(&1, |_| -> Result<(), Failure> {
                if fails {
                    return Err(Failure::new("NO_WEIGHTS", "there is nothing to keep"));
                }
                Ok(ctx.check()?)
            })?;
            Ok(json!("it went on"))
        })
    };
    let fails = write(true);
    let failed = testing::run(&fails, Nothing {})
        .checkpoint_every_call()
        .end();
    assert_eq!(failed.error().expect("it failed").code, "NO_WEIGHTS");
    let checks = write(false);
    // The first call is the checkpoint's, the second the check within it.
    let stopped = testing::run(&checks, Nothing {})
        .checkpoint_every_call()
        .stop_at_call(2, Verb::Cancel)
        .end();
    assert_eq!(stopped.status(), Status::Cancelled);
    assert_eq!(stopped.warnings(), []);
    assert!(stopped.checkpoint().is_none());
}

#[test]
fn a_pause_after_a_finish_waits_for_the_next_folder_too() {
    let kind = does(|ctx| {
        let start = ctx.restored_dir::<u32>()?.map_or(0, |(epoch, _)| epoch);
        for epoch in ctx.steps("epoch", start..4).whole() {
            let epoch = epoch?;
            for batch in ctx.steps("batch", 0..2) {
                batch?;
            }
            ctx.metric("epoch", u64::from(epoch), 1.0);
            ctx.checkpoint_dir(&(epoch + 1), never_fails)?;
        }
        Ok(json!(4))
    });
    let asked = testing::run(&kind, Nothing {}).stop_at("epoch", 0, Verb::Finish);
    let paused = asked.stop_at("epoch", 2, Verb::Pause).end();
    assert_eq!(paused.status(), Status::Paused);
    assert_eq!(epochs(&paused), [0, 1, 2]);
    assert_eq!(epochs(&paused.resume(&kind).end()), [3]);
}

/// Wherever a stop is heard: what people see is at most as much as the checkpoint has, and exactly
/// that where the checkpoint itself heard it.
fn counts_agree<K: Operation<Params = Shape, Output = Sum>>(kind: &K) {
    let calls = testing::run(kind, SHAPE).end().calls();
    let mut in_checkpoints = 0;
    for call in 1..=calls {
        for ask in [Ask::Verb(Verb::Cancel), Ask::Verb(Verb::Pause)] {
            let ended = testing::run(kind, SHAPE).stop_at_call(call, ask).end();
            let (Some(kept), false) = (ended.checkpoint(), ended.output().is_some()) else {
                continue;
            };
            let shown = &ended.progress().steps;
            assert_eq!(
                shown[0].current, kept.step["epoch"],
                "{ask:?} at call {call}"
            );
            in_checkpoints += u32::from(shown.len() == 1 || shown[1].current == 0);
        }
    }
    assert!(in_checkpoints > 0, "no stop was heard at a checkpoint");
}

#[test]
fn what_people_see_after_a_stop_is_what_the_checkpoint_has() {
    counts_agree(&Small);
    counts_agree(&Big);
    counts_agree(&Seldom);
}
