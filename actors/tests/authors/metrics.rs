//! Metrics that are no numbers, and more reports than there is room for.

use impresario::operation::{Context, Failure, Operation, Policy};
use impresario::testing;
use impresario_api::LogLevel;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::common::{Nothing, does, managed};

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

#[derive(Serialize, JsonSchema)]
struct Scores {
    loss: f64,
    best: Option<f64>,
    history: Vec<f64>,
}

/// Gives numbers that JSON does not have.
struct Diverges;

impl Operation for Diverges {
    const KIND: &'static str = "diverges";
    type Params = Nothing;
    type Output = Scores;

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn run(&self, _: Nothing, _: &Context) -> Result<Scores, Failure> {
        Ok(Scores {
            loss: f64::NAN,
            best: None,
            history: vec![0.5, f64::INFINITY],
        })
    }
}

const NOT_FINITE: &str = "the output has numbers that JSON does not have, which are kept as null: \
                          loss is NaN, history.1 is inf";

#[test]
fn an_output_that_is_not_finite_is_warned_of_in_a_test_and_by_a_supervisor() {
    let ended = testing::run(&Diverges, Nothing {}).end();
    assert!(ended.output().is_some_and(|scores| scores.loss.is_nan()));
    assert_eq!(ended.warnings(), [("OUTPUT_NOT_FINITE", NOT_FINITE)]);

    let view = managed(Diverges, Nothing {});
    let output = json!({"loss": null, "best": null, "history": [0.5, null]});
    assert_eq!(view.result_summary, Some(output));
    let warnings: Vec<_> = view
        .warnings
        .iter()
        .map(|one| (&*one.code, &*one.message))
        .collect();
    assert_eq!(warnings, [("OUTPUT_NOT_FINITE", NOT_FINITE)]);
}

#[test]
fn many_numbers_that_are_not_finite_are_counted_and_nulls_are_no_numbers() {
    let nulls = does(|_| Ok(json!([null, {"a": null}])));
    assert!(testing::run(&nulls, Nothing {}).end().warnings().is_empty());
    let ended = testing::run(&Many, Nothing {}).end();
    let message = ended.warnings()[0].1.to_owned();
    assert!(
        message.ends_with(": 0 is NaN, 1 is NaN, 2 is NaN, 3 is NaN, 4 is NaN, and 995 more"),
        "{message}"
    );
}

/// Gives many.
struct Many;

impl Operation for Many {
    const KIND: &'static str = "many";
    type Params = Nothing;
    type Output = Vec<f64>;

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn run(&self, _: Nothing, _: &Context) -> Result<Vec<f64>, Failure> {
        Ok(vec![f64::NAN; 1_000])
    }
}
