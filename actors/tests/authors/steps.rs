//! Counted loops: whatever integers, however nested, wherever finished.

use std::fmt::Debug;
use std::ops::Range;

use impresario::operation::{Context, Failure, LogLevel, Operation, Received, StepNumber, Steps};
use impresario::testing::{self, Ended};
use impresario_api::{Status, Verb};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

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
    assert_eq!(Some(step.current), step.total, "{range:?}");
    assert_eq!(whole.progress().percentage, 100.0, "{range:?}");
    for call in 1..=whole.calls() {
        let cut = testing::run(&kind, Nothing {})
            .stop_at_call(call, Verb::Cancel)
            .end();
        let step = &cut.progress().steps[0];
        // Without one it begins too far away.
        let total = step.total.unwrap_or(u64::MAX);
        assert!(step.current <= total, "{range:?} at {call}: {step:?}");
        for (name, complete) in cut.checkpoint().iter().flat_map(|kept| &kept.step) {
            assert!(*complete <= total, "{range:?} at {call}: {name} {complete}");
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
    assert_eq!((step.current, step.total), (1, Some(4)));
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

/// What `ended` shows of its outermost loop.
fn shown<K: Operation>(ended: &Ended<K>) -> (u64, Option<u64>) {
    let step = &ended.progress().steps[0];
    (step.current, step.total)
}

/// What a loop shows in its first steps, and at its end, with the items that it gave.
fn shows<I>(
    steps: impl Fn(&Context) -> Steps<'_, I> + Send + Sync + 'static,
) -> ([(u64, Option<u64>); 3], Value)
where
    I: Iterator<Item: Serialize>,
{
    let kind = does(move |ctx| {
        let mut items = Vec::new();
        for step in steps(ctx) {
            items.push(json!(step?));
        }
        Ok(json!(items))
    });
    let at = |call| {
        shown(
            &testing::run(&kind, Nothing {})
                .stop_at_call(call, Verb::Cancel)
                .end(),
        )
    };
    let ended = testing::run(&kind, Nothing {}).end();
    let items = ended.output().cloned().unwrap_or_default();
    ([at(1), at(2), shown(&ended)], items)
}

#[test]
fn a_range_with_its_end_counts_from_one() {
    let (counts, items) = shows(|ctx| ctx.steps("step", 1..=3_u32));
    assert_eq!(counts, [(0, Some(3)), (1, Some(3)), (3, Some(3))]);
    assert_eq!(items, json!([1, 2, 3]));
    let goes_on = shows(|ctx| ctx.steps("step", 3..=5_i64)).0;
    assert_eq!(goes_on, [(2, Some(5)), (3, Some(5)), (5, Some(5))]);
    let from_zero = shows(|ctx| ctx.steps("step", 0..=2_u8)).0;
    assert_eq!(from_zero, [(0, Some(3)), (1, Some(3)), (3, Some(3))]);
    let below = shows(|ctx| ctx.steps("step", -2..=0_i8)).0;
    assert_eq!(below, [(0, Some(3)), (1, Some(3)), (3, Some(3))]);
    let last = shows(|ctx| ctx.steps("step", u64::MAX - 1..=u64::MAX)).1;
    assert_eq!(last, json!([u64::MAX - 1, u64::MAX]));
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "a range may be empty")]
fn an_empty_range_with_its_end_is_complete() {
    let kind = does(|ctx| Ok(json!(ctx.steps("step", 5..=3_u32).count())));
    let ended = testing::run(&kind, Nothing {}).end();
    assert_eq!(
        (ended.output(), shown(&ended)),
        (Some(&json!(0)), (4, Some(4)))
    );
}

#[test]
fn a_range_without_an_end_has_no_total() {
    let kind = does(|ctx| {
        for step in ctx.steps("poll", 7_u32..) {
            if step? == 9 {
                break;
            }
        }
        Ok(json!(null))
    });
    let ended = testing::run(&kind, Nothing {}).end();
    assert_eq!(shown(&ended), (9, None));
    assert_eq!(ended.progress().message, "poll 9");
    let paused = testing::run(&kind, Nothing {})
        .stop_at("poll", 8, Verb::Pause)
        .end();
    assert_eq!(shown(&paused), (8, None));
    assert_eq!(paused.progress().message, "poll 9");
}

#[test]
fn an_iterator_that_knows_its_length_has_a_total_and_one_that_does_not_has_it_at_its_end() {
    let (counts, items) = shows(|ctx| ctx.steps_over("word", ["a", "b", "c"]));
    assert_eq!(counts, [(0, Some(3)), (1, Some(3)), (3, Some(3))]);
    assert_eq!(items, json!(["a", "b", "c"]));
    let (counts, items) = shows(|ctx| ctx.steps_over("even", (0..7_u32).filter(|n| n % 2 == 0)));
    assert_eq!(counts, [(0, None), (1, None), (4, Some(4))]);
    assert_eq!(items, json!([0, 2, 4, 6]));
    // What is borrowed is iterated, too.
    let kind = does(|ctx| {
        let words = vec!["a".to_owned(), "b".to_owned()];
        let mut text = String::new();
        for word in ctx.steps_over("word", &words) {
            text.push_str(word?);
        }
        Ok(json!(text))
    });
    let ended = testing::run(&kind, Nothing {}).end();
    assert_eq!(ended.output(), Some(&json!("ab")));
    assert_eq!(ended.progress().percentage, 100.0);
}

#[test]
fn a_loop_over_what_is_left_says_how_many_were_complete_before() {
    let (counts, items) = shows(|ctx| ctx.steps_over("row", (0..9).skip(6)).after(6));
    assert_eq!(counts, [(6, Some(9)), (7, Some(9)), (9, Some(9))]);
    assert_eq!(items, json!([6, 7, 8]));
    let (counts, _) = shows(|ctx| ctx.steps_over("row", (6..9).filter(|_| true)).after(6));
    assert_eq!(counts, [(6, None), (7, None), (9, Some(9))]);
}

#[test]
fn an_iterator_that_says_the_wrong_length_is_counted_by_what_it_gives() {
    struct Says(usize);
    impl Iterator for Says {
        type Item = u8;

        fn next(&mut self) -> Option<u8> {
            self.0 = self.0.checked_sub(1)?;
            Some(1)
        }

        fn size_hint(&self) -> (usize, Option<usize>) {
            (9, Some(9))
        }
    }
    let (counts, _) = shows(|ctx| ctx.steps_over("row", Says(2)));
    assert_eq!(counts, [(0, Some(9)), (1, Some(9)), (2, Some(2))]);
}

#[test]
fn after_its_end_a_loop_asks_its_iterator_for_nothing() {
    let kind = does(|ctx| {
        let mut asked = 0;
        let items = std::iter::from_fn(|| {
            asked += 1;
            (asked != 2).then_some(asked)
        });
        let mut steps = ctx.steps_over("row", items);
        let given = [steps.next(), steps.next(), steps.next()];
        Ok(json!(given.map(|step| step.map(|step| step.is_ok()))))
    });
    let ended = testing::run(&kind, Nothing {}).end();
    assert_eq!(ended.output(), Some(&json!([true, null, null])));
}

#[test]
fn counts_of_items_that_are_alive_at_once_add_up() {
    fn counts<K: Operation<Params = Nothing>>(kind: &K) -> (u64, Option<u64>) {
        let ended = testing::run(kind, Nothing {}).end();
        let progress = ended.progress();
        (progress.items_processed, progress.items_total)
    }
    let two = does(|ctx| {
        let rows = ctx.items(100);
        rows.add(10);
        let bars = ctx.items(20);
        bars.set(5);
        rows.add(1);
        bars.add(1);
        rows.set(12);
        Ok(json!(null))
    });
    assert_eq!(counts(&two), (18, Some(120)));
    let one_ends_before_the_other = does(|ctx| {
        let rows = ctx.items(100);
        for part in 1..=3 {
            let bars = ctx.items(10);
            bars.add(part);
            bars.set(5);
            bars.add(part);
        }
        rows.set(20);
        drop(rows);
        ctx.items(130).add(1);
        Ok(json!(null))
    });
    assert_eq!(counts(&one_ends_before_the_other), (42, Some(130)));
    let very_many = does(|ctx| {
        let all: Vec<_> = (0..20).map(|_| ctx.items(1)).collect();
        all.iter().for_each(|one| one.add(1));
        Ok(json!(null))
    });
    assert_eq!(counts(&very_many).0, 8);
    let unknown = does(|ctx| {
        let (rows, bars) = (ctx.items(100), ctx.items(None));
        rows.add(1);
        bars.add(1);
        Ok(json!(null))
    });
    assert_eq!(counts(&unknown), (2, None));
    let one_after_the_other = does(|ctx| {
        for (total, done) in [(90, 10), (100, 30)] {
            ctx.items(total).set(done);
        }
        ctx.items(100).add(1);
        Ok(json!(null))
    });
    assert_eq!(counts(&one_after_the_other), (31, Some(100)));
}

#[test]
fn texts_are_whatever_can_be_displayed() {
    let kind = does(|ctx| {
        ctx.title(7);
        ctx.context("device", 'g');
        ctx.message("a text");
        ctx.message(String::from("another"));
        ctx.message(format_args!("{} of {}", 3, 5));
        ctx.log(LogLevel::Info, 0.5);
        ctx.warn("CODE", true);
        Ok(json!(null))
    });
    let ended = testing::run(&kind, Nothing {}).end();
    assert_eq!(ended.progress().message, "3 of 5");
    assert_eq!(ended.progress().context["device"], "g");
    assert_eq!(ended.logs(), [(LogLevel::Info, "0.5")]);
    assert_eq!(ended.warnings(), [("CODE", "true")]);
}

#[test]
fn a_message_that_asks_its_context_as_it_is_written_is_written() {
    struct Asks<'a>(&'a Context);
    impl std::fmt::Display for Asks<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.message("inner");
            write!(f, "run {}", self.0.run())
        }
    }
    let kind = does(|ctx| {
        ctx.message(Asks(ctx));
        Ok(json!(null))
    });
    assert_eq!(
        testing::run(&kind, Nothing {}).end().progress().message,
        "run 1"
    );
}

#[test]
fn a_channel_gives_its_items_and_then_says_that_it_is_closed_or_that_the_run_is_to_finish() {
    let kind = does(|ctx| {
        let (sender, receiver) = crossbeam_channel::unbounded();
        sender.send(7).expect("the channel is open");
        let first = ctx.recv(&receiver)?;
        drop(sender);
        let second = ctx.recv(&receiver)?;
        Ok(json!([
            told(first),
            told(second),
            second.item(),
            first.item()
        ]))
    });
    let closed = testing::run(&kind, Nothing {}).end();
    assert_eq!(
        closed.output(),
        Some(&json!(["an item", "closed", null, 7]))
    );
    let asked = testing::run(&kind, Nothing {})
        .stop_at_call(2, Verb::Finish)
        .end();
    assert_eq!(asked.output(), Some(&json!(["an item", "finish", null, 7])));
    assert!(asked.stopped_early() && !closed.stopped_early());
}

const fn told(received: Received<u32>) -> &'static str {
    match received {
        Received::Item(_) => "an item",
        Received::Closed => "closed",
        Received::Finish => "finish",
    }
}
