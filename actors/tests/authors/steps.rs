//! Counted loops: whatever integers, however nested, wherever finished.

use std::fmt::Debug;
use std::ops::Range;

use impresario::operation::{Context, Failure, StepNumber};
use impresario::testing;
use impresario_api::{Status, Verb};
use proptest::prelude::*;
use serde_json::json;

use crate::common::{Nothing, does};

/// A loop yields exactly its range, and `current` is never above `total`, wherever it is stopped.
fn counts<T>(range: Range<T>)
where
    T: StepNumber + Debug + PartialEq + Send + Sync + 'static,
    Range<T>: Iterator<Item = T>,
{
    let given = range.clone();
    let kind = does(move |ctx| {
        let mut expected = given.clone();
        for step in ctx.steps("step", given.clone()) {
            assert_eq!(Some(step?), expected.next());
            ctx.checkpoint(&0)?;
        }
        assert_eq!(expected.next(), None);
        Ok(json!(null))
    });
    let whole = testing::run(&kind, Nothing {}).end();
    assert_eq!(
        whole.status(),
        Status::Completed,
        "{range:?}: {:?}",
        whole.error()
    );
    let step = &whole.progress().steps[0];
    assert_eq!(step.current, step.total, "{range:?}");
    assert_eq!(whole.progress().percentage, 100.0, "{range:?}");
    for call in 1..=whole.calls() {
        let cut = testing::run(&kind, Nothing {})
            .stop_at_call(call, Verb::Cancel)
            .end();
        let step = &cut.progress().steps[0];
        assert!(step.current <= step.total, "{range:?} at {call}: {step:?}");
        for (name, complete) in cut.checkpoint().iter().flat_map(|kept| &kept.step) {
            assert!(
                *complete <= step.total,
                "{range:?} at {call}: {name} {complete}"
            );
        }
    }
}

macro_rules! counted_in {
    ($($number:ident),*) => { $(
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(64))]
            #[test]
            fn $number(
                start in prop_oneof![
                    any::<$number>(),
                    $number::MAX - 6..=$number::MAX,
                    $number::MIN..=$number::MIN + 6,
                ],
                length in 0_u8..6,
                reversed: bool,
            ) {
                let length = $number::try_from(length).unwrap_or_default();
                if reversed {
                    counts(start..start.saturating_sub(length));
                } else {
                    counts(start..start.saturating_add(length));
                }
            }
        }
    )* };
}

mod any_range {
    use super::*;
    counted_in!(
        u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, i128, u128
    );
}

#[test]
fn the_far_ends_of_ranges_are_counted() {
    counts(u64::MAX - 3..u64::MAX);
    counts(u128::from(u64::MAX) - 1..u128::from(u64::MAX) + 3);
    counts(i128::MAX - 2..i128::MAX);
    counts(i128::MIN..i128::MIN + 2);
    counts(-2_i64..2);
}

#[test]
fn a_range_that_begins_below_zero_is_shown_from_its_start() {
    let kind = does(|ctx| {
        for step in ctx.steps("step", -2_i32..2) {
            step?;
        }
        Ok(json!(null))
    });
    let ended = testing::run(&kind, Nothing {})
        .stop_at_call(2, Verb::Cancel)
        .end();
    let step = &ended.progress().steps[0];
    assert_eq!((step.current, step.total), (1, 4));
}

#[test]
fn the_widest_ranges_begin() {
    let kind = does(|ctx| {
        let first = ctx.steps("a", i128::MIN..i128::MAX).next();
        assert_eq!(first.transpose()?, Some(i128::MIN));
        let first = ctx.steps("b", i64::MIN..i64::MAX).next();
        assert_eq!(first.transpose()?, Some(i64::MIN));
        let first = ctx.steps("c", 0..u128::MAX).next();
        Ok(json!(first.transpose()?.is_some()))
    });
    assert_eq!(
        testing::run(&kind, Nothing {}).end().output(),
        Some(&json!(true))
    );
}

#[derive(Clone, Copy)]
enum Loops {
    Plain,
    OuterWhole,
    InnerCuttable,
}

fn nested(ctx: &Context, loops: Loops) -> Result<serde_json::Value, Failure> {
    let mut done = 0;
    let outer = ctx.steps("outer", 0..3);
    let outer = match loops {
        Loops::OuterWhole => outer.whole(),
        Loops::Plain | Loops::InnerCuttable => outer,
    };
    for step in outer {
        step?;
        let inner = ctx.steps("inner", 0..4);
        let inner = match loops {
            Loops::InnerCuttable => inner.cuttable(),
            Loops::Plain | Loops::OuterWhole => inner,
        };
        for step in inner {
            step?;
            done += 1;
        }
    }
    Ok(json!(done))
}

fn finished_in_the_second_inner_step(loops: Loops) -> u64 {
    let kind = does(move |ctx| nested(ctx, loops));
    let ended = testing::run(&kind, Nothing {})
        .stop_at("inner", 1, Verb::Finish)
        .end();
    assert!(ended.stopped_early());
    ended
        .output()
        .and_then(serde_json::Value::as_u64)
        .expect("a count")
}

#[test]
fn finish_ends_the_outermost_loop_when_its_current_step_is_whole() {
    assert_eq!(finished_in_the_second_inner_step(Loops::Plain), 4);
}

#[test]
fn finish_does_not_end_a_loop_that_must_run_whole() {
    assert_eq!(finished_in_the_second_inner_step(Loops::OuterWhole), 12);
}

#[test]
fn finish_ends_an_inner_loop_that_may_be_cut() {
    assert_eq!(finished_in_the_second_inner_step(Loops::InnerCuttable), 1);
}

#[test]
fn after_the_one_err_a_loop_is_over() {
    let kind = does(|ctx| {
        let mut steps = ctx.steps("step", 0..10);
        assert!(matches!(steps.next(), Some(Ok(0))));
        let stopped = steps.next().and_then(Result::err).expect("a stop");
        assert!(steps.next().is_none() && steps.next().is_none());
        assert!(ctx.check().is_err(), "every other call says so again");
        Err(stopped.into())
    });
    let ended = testing::run(&kind, Nothing {})
        .stop_at_call(2, Verb::Cancel)
        .end();
    assert_eq!(ended.status(), Status::Cancelled, "{:?}", ended.error());
    assert_eq!(ended.progress().steps[0].current, 1);
}

fn levels(ctx: &Context, left: usize) -> Result<u64, Failure> {
    const NAMES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let Some(left) = left.checked_sub(1) else {
        return Ok(1);
    };
    let mut sum = 0;
    for step in ctx.steps(NAMES[NAMES.len() - 1 - left], 0..2) {
        step?;
        sum += levels(ctx, left)?;
    }
    Ok(sum)
}

#[test]
fn nine_nested_levels_run_and_eight_are_shown() {
    let kind = does(|ctx| Ok(json!(levels(ctx, 9)?)));
    let ended = testing::run(&kind, Nothing {}).end();
    assert_eq!(ended.output(), Some(&json!(512)));
    assert_eq!(ended.progress().steps.len(), 8);
    assert_eq!(ended.progress().steps[0].current, 2);
    let cut = testing::run(&kind, Nothing {})
        .stop_at_call(300, Verb::Pause)
        .end();
    assert_eq!(cut.status(), Status::Paused);
}

#[test]
fn a_checkpoint_names_the_loops_that_were_open_when_it_was_given() {
    let kind = does(|ctx| {
        for epoch in ctx.steps("epoch", 0..3) {
            ctx.checkpoint(&epoch?)?;
        }
        for row in ctx.steps("row", 0..9) {
            row?;
        }
        Ok(json!(null))
    });
    let ended = testing::run(&kind, Nothing {}).end();
    let checkpoint = ended.checkpoint().expect("three were given");
    let step: Vec<_> = checkpoint
        .step
        .iter()
        .map(|(name, step)| (name.as_str(), *step))
        .collect();
    assert_eq!(step, [("epoch", 3)]);
}

#[test]
fn a_channel_gives_its_items_then_none_and_none_at_a_finish() {
    let kind = does(|ctx| {
        let (sender, receiver) = crossbeam_channel::unbounded();
        sender.send(7).expect("the channel is open");
        let first = ctx.recv(&receiver)?;
        let at_finish = ctx.recv(&receiver)?;
        drop(sender);
        Ok(json!([first, at_finish, ctx.recv(&receiver)?]))
    });
    let ended = testing::run(&kind, Nothing {})
        .stop_at_call(2, Verb::Finish)
        .end();
    assert_eq!(ended.output(), Some(&json!([7, null, null])));
}
