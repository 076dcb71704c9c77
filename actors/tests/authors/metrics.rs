//! Metrics that are no numbers, and more reports than there is room for.

use impresario::testing;
use impresario_api::LogLevel;
use serde_json::json;

use crate::common::{Nothing, does};

#[test]
fn a_metric_that_is_not_finite_is_null_and_warned_of_once_a_name() {
    let kind = does(|ctx| {
        for step in 1..=3 {
            ctx.metric("loss", step, f64::NAN);
            ctx.metric("gain", step, f64::INFINITY);
        }
        ctx.metric("loss", 4, 0.5);
        Ok(json!(null))
    });
    let ended = testing::run(&kind, Nothing {}).end();
    let metrics = ended.metrics();
    assert_eq!(
        metrics["loss"],
        [(1, None), (2, None), (3, None), (4, Some(0.5))]
    );
    assert_eq!(metrics["gain"], [(1, None), (2, None), (3, None)]);
    let loss = "metric \"loss\" is NaN at step 1";
    let gain = "metric \"gain\" is inf at step 1";
    let code = "METRIC_NOT_FINITE";
    assert_eq!(ended.warnings(), [(code, loss), (code, gain)]);
}

#[test]
fn what_there_was_no_room_for_is_counted() {
    let kind = does(|ctx| {
        ctx.warn("KEPT", "a warning is never dropped");
        for step in 0..20_000 {
            ctx.metric("loss", step, 1.0);
            ctx.log(LogLevel::Info, format_args!("step {step}"));
        }
        Ok(json!(null))
    });
    let ended = testing::run(&kind, Nothing {}).end();
    let (logs, points) = ended.dropped();
    assert!(logs > 0 && points > 0);
    assert_eq!(logs + ended.logs().len() as u64, 20_000);
    let kept = ended.metrics()["loss"].clone();
    assert_eq!(points + kept.len() as u64, 20_000);
    assert_eq!(kept.last(), Some(&(19_999, Some(1.0))));
    assert!(kept.is_sorted(), "what is left is in order");
    assert_eq!(ended.warnings().len(), 1);
}

#[test]
fn a_checkpoint_knows_the_last_step_of_each_metric_before_it() {
    let kind = does(|ctx| {
        ctx.metric("loss", 1, 1.0);
        ctx.metric("loss", 2, 1.0);
        ctx.metric("gain", 7, 1.0);
        ctx.checkpoint(&1)?;
        ctx.metric("loss", 3, 1.0);
        Ok(json!(null))
    });
    let ended = testing::run(&kind, Nothing {}).end();
    let checkpoint = ended.checkpoint().expect("one was given");
    let metrics: Vec<_> = checkpoint
        .metrics
        .iter()
        .map(|(name, step)| (name.as_str(), *step))
        .collect();
    assert_eq!(metrics, [("gain", 7), ("loss", 2)]);
}
