//! Checkpoints that are due by what they cost, of a kind that gives one at each small step.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use impresario::operation::{Context, Failure, Operation, OrFail, Policy};
use impresario::testing::{self, Ask, Ended};
use impresario_api::{Status, Verb};

use crate::common::{Shape, Sum, fold, reference};

/// Gives a folder at each batch, and counts those that it writes.
#[derive(Default)]
struct Batches {
    written: Arc<AtomicU32>,
}

const SHAPE: Shape = Shape {
    epochs: 3,
    batches: 4,
};

impl Operation for Batches {
    const KIND: &'static str = "batches";
    type Params = Shape;
    type Output = Sum;

    fn policy(&self) -> Policy {
        let policy = Policy::lane("default").checkpoint_share(0.02);
        policy.pausable().finishable()
    }

    fn run(&self, shape: Shape, ctx: &Context) -> Result<Sum, Failure> {
        let (mut next, mut sum) = match ctx.restored_dir::<(u32, u32)>()? {
            Some((next, dir)) => {
                let text = fs::read_to_string(dir.join("sum")).or_fail("UNREADABLE")?;
                (next, text.parse().or_fail("UNREADABLE")?)
            }
            None => ((0, 0), 1),
        };
        for epoch in ctx.steps("epoch", next.0..shape.epochs) {
            let epoch = epoch?;
            for batch in ctx.steps("batch", next.1..shape.batches) {
                let batch = batch?;
                sum = fold(sum, epoch, batch);
                next = (epoch, batch + 1);
                ctx.checkpoint_dir(&next, |dir| {
                    self.written.fetch_add(1, Ordering::Relaxed);
                    fs::write(dir.join("sum"), sum.to_string()).or_retry("CHECKPOINT_NOT_WRITTEN")
                })?;
            }
            next = (epoch + 1, 0);
        }
        Ok(Sum {
            epochs: next.0,
            sum,
        })
    }
}

impl Batches {
    /// How many folders it wrote since the last question.
    fn written(&self) -> u32 {
        self.written.swap(0, Ordering::Relaxed)
    }
}

#[test]
fn nothing_is_written_that_is_not_due_neither_in_the_last_step_nor_after_a_finish() {
    let kind = Batches::default();
    let ended = testing::run(&kind, SHAPE).end();
    assert_eq!(ended.output(), Some(&reference(3, 4)));
    assert_eq!(kind.written(), 0, "the last epoch has four batches");
    let finish = testing::run(&kind, SHAPE).stop_at("batch", 1, Verb::Finish);
    assert_eq!(finish.end().output(), Some(&reference(1, 4)));
    assert_eq!(kind.written(), 0, "the epoch goes on to its end");
    testing::run(&kind, SHAPE).checkpoint_every_call().end();
    assert_eq!(kind.written(), 12, "each was due");
}

/// The run that was asked for this at its `call`-th call, which is one of `checkpoint_dir`.
fn asked(kind: &Batches, call: u64, ask: Ask) -> Ended<Batches> {
    testing::run(kind, SHAPE).stop_at_call(call, ask).end()
}

#[test]
fn a_pause_a_shutdown_a_cancel_and_a_deadline_write_one_at_once_and_lose_no_batch() {
    let kind = Batches::default();
    // Of each epoch: its step, and of each batch its step and its checkpoint.
    let checkpoints = (0..3).flat_map(|epoch| (0..4).map(move |batch| 10 * epoch + 2 * batch + 3));
    for (done, call) in (1..).zip(checkpoints) {
        for (ask, status) in [
            (Ask::Verb(Verb::Pause), Status::Paused),
            (Ask::Shutdown, Status::Pending),
            (Ask::Verb(Verb::Cancel), Status::Cancelled),
            (Ask::Deadline, Status::Failed),
        ] {
            let stopped = asked(&kind, call, ask);
            let place = format!("{ask:?} at call {call}");
            assert_eq!(stopped.status(), status, "{place}");
            assert_eq!(kind.written(), 1, "{place}");
            let step = &stopped.checkpoint().expect("it was written").step;
            let batches = step["epoch"] * 4 + step["batch"];
            assert_eq!(batches, done, "{place}");
            let resumed = stopped.resume(&kind).end();
            assert_eq!(resumed.output(), Some(&reference(3, 4)), "{place}");
            assert_eq!(kind.written(), 0, "{place}");
        }
    }
}

#[test]
fn a_share_that_is_none_is_a_fault_of_the_kind() {
    struct Shares(f64);
    impl Operation for Shares {
        const KIND: &'static str = "shares";
        type Params = ();
        type Output = ();

        fn policy(&self) -> Policy {
            Policy::lane("default").checkpoint_share(self.0)
        }

        fn run(&self, (): (), _: &Context) -> Result<(), Failure> {
            Ok(())
        }
    }
    for share in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
        let run = || testing::run(&Shares(share), ()).end();
        let panicked = std::panic::catch_unwind(run).err().expect("refused");
        let expected = format!(
            "the policy of kind \"shares\" says checkpoint_share {share}; expected a number over 0 and at most 1"
        );
        assert_eq!(impresario::panic_message(&*panicked), expected);
    }
    testing::run(&Shares(1.0), ()).end();
}
