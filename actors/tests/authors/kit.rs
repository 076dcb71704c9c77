//! The testing kit: what a test asks for has to happen, and what a start would refuse does not run.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use impresario::operation::{Admit, Context, Failure, Operation, Policy, Refusal};
use impresario::panic_message;
use impresario::testing::{self, Trial};
use impresario_api::Verb;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::runtime::Handle;

use crate::common::{Nothing, Shape, Small, does};

/// What the kit says to a test that is wrong.
fn told<K: Operation>(trial: Trial<'_, K>) -> String {
    said(|| drop(trial.end()))
}

fn said(test: impl FnOnce()) -> String {
    let panicked = catch_unwind(AssertUnwindSafe(test));
    panic_message(&*panicked.expect_err("the test is wrong"))
}

const SHAPE: Shape = Shape {
    epochs: 2,
    batches: 3,
};

#[test]
fn a_step_or_a_call_that_is_never_reached_fails_the_test_and_says_what_there_was() {
    let run = || testing::run(&Small, SHAPE);
    for (trial, expected) in [
        (
            run().stop_at("epock", 1, Verb::Cancel),
            "stop_at(\"epock\", 1, Verb(Cancel)) asked for nothing: the run had no such step, but \
             \"batch\", \"epoch\"",
        ),
        (
            run().stop_at("epoch", 9, Verb::Cancel),
            "stop_at(\"epoch\", 9, Verb(Cancel)) asked for nothing: at no call were so many \
             complete, and at most 2",
        ),
        (
            run()
                .stop_at("epoch", 1, Verb::Cancel)
                .stop_at("epoch", 2, Verb::Cancel),
            "stop_at(\"epoch\", 2, Verb(Cancel)) asked for nothing: at no call were so many \
             complete, and at most 1; it was stopped before",
        ),
    ] {
        assert_eq!(told(trial), expected);
    }
    let calls = run().end().calls();
    let late = told(run().stop_at_call(calls + 1, Verb::Cancel));
    assert!(
        late.ends_with(&format!("asked for nothing: the run made {calls} calls")),
        "{late}"
    );
    let fails = does(|_| Err(Failure::new("NO_ROWS", "there is no row")));
    let told = told(testing::run(&fails, Nothing {}).stop_at("row", 1, Verb::Cancel));
    let expected = "the run had no steps; it ended with NO_ROWS: there is no row";
    assert!(told.ends_with(expected), "{told}");
}

/// A kind with the policy of a test.
struct With(Policy);

impl Operation for With {
    const KIND: &'static str = "with";
    type Params = Nothing;
    type Output = ();

    fn policy(&self) -> Policy {
        self.0.clone()
    }

    fn run(&self, _: Nothing, ctx: &Context) -> Result<(), Failure> {
        // It ends when it is asked to, and not before.
        for step in ctx.steps("step", 0_u64..) {
            step?;
        }
        Ok(())
    }
}

#[test]
fn a_verb_that_the_rules_refuse_fails_the_test_and_not_the_function() {
    let plain = With(Policy::lane("default"));
    for verb in [
        Verb::Pause,
        Verb::Finish,
        Verb::Resume,
        Verb::Retry,
        Verb::StartNow,
    ] {
        let told = told(testing::run(&plain, Nothing {}).stop_at("step", 5, verb));
        let expected = format!("Verb({verb:?}) is refused: ");
        assert!(told.starts_with(&expected), "{told}");
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
struct Span {
    #[schemars(range(min = 0, max = 9))]
    from: u32,
    to: Option<u32>,
}

/// Completes its params, and gives them back.
struct Spans;

impl Operation for Spans {
    const KIND: &'static str = "spans";
    type Params = Span;
    type Output = BTreeMap<(u32, u32), f64>;

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn check(&self, params: &Span) -> Result<(), Refusal> {
        match params.to {
            Some(to) if to == params.from => Err(Refusal::new("EMPTY", "the span is empty")),
            _ => Ok(()),
        }
    }

    fn complete(&self, params: Span) -> Span {
        Span {
            to: params.to.or(Some(9)),
            ..params
        }
    }

    fn run(&self, params: Span, ctx: &Context) -> Result<Self::Output, Failure> {
        let to = params.to.expect("it is completed");
        ctx.message(to);
        Ok((params.from..to).map(|from| ((from, to), 0.5)).collect())
    }
}

#[test]
fn params_that_a_start_would_refuse_do_not_run() {
    let run = |from, to| said(|| drop(testing::run(&Spans, Span { from, to }).end()));
    assert_eq!(
        run(12, None),
        "a start of \"spans\" with these params is refused: from: expected an integer from 0 to 9, got 12",
    );
    assert_eq!(
        run(3, Some(3)),
        "a start of \"spans\" with these params is refused: the span is empty",
    );
}

#[test]
fn params_are_completed_and_an_output_that_is_no_json_fails_as_it_would() {
    let ended = testing::run(&Spans, Span { from: 9, to: None }).end();
    assert_eq!(ended.progress().message, "9");
    assert_eq!(ended.output(), Some(&BTreeMap::new()));
    let ended = testing::run(&Spans, Span { from: 8, to: None }).end();
    assert_eq!(ended.output(), None, "JSON has no name of two numbers");
    let code = ended.error().map(|error| error.code.as_str());
    assert_eq!(code, Some("OUTPUT_NOT_ENCODED"));
}

/// Has a place as long as its door is open, and says what it was asked with.
struct Doored {
    is_open: AtomicBool,
    asked: Mutex<Vec<Span>>,
}

impl Doored {
    fn admit(&self, span: &Span) -> Result<(), Refusal> {
        assert!(
            Handle::try_current().is_err(),
            "it is asked on a thread of its own"
        );
        self.asked.lock().expect("not poisoned").push(*span);
        match self.is_open.load(Relaxed) {
            true => Ok(()),
            false => Err(Refusal::new("CLOSED", "the door is closed")),
        }
    }
}

impl Operation for Doored {
    const KIND: &'static str = "doored";
    type Params = Span;
    type Output = u32;
    const ADMIT: Option<Admit<Self>> = Some(Self::admit);

    fn policy(&self) -> Policy {
        Policy::lane("default").pausable()
    }

    fn complete(&self, params: Span) -> Span {
        Spans.complete(params)
    }

    fn run(&self, params: Span, ctx: &Context) -> Result<u32, Failure> {
        ctx.check()?;
        Ok(params.from)
    }
}

#[tokio::test]
async fn admission_is_asked_once_as_at_a_start_and_its_refusal_is_seen() {
    let doored = Doored {
        is_open: AtomicBool::new(false),
        asked: Mutex::default(),
    };
    let span = Span { from: 3, to: None };
    let refusal = testing::try_run(&doored, span).err().expect("it is closed");
    assert_eq!(refusal.code, "CLOSED");
    assert_eq!(
        said(|| drop(testing::run(&doored, span))),
        "a start of \"doored\" with these params is refused: the door is closed",
    );
    doored.is_open.store(true, Relaxed);
    let trial = testing::try_run(&doored, span).unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let paused = trial.stop_at_call(1, Verb::Pause).end();
    doored.is_open.store(false, Relaxed);
    // A resumed operation was admitted before.
    let resumed = paused.resume(&doored).end();
    assert_eq!(resumed.output(), Some(&3));
    let asked = doored.asked.lock().expect("not poisoned");
    let with: Vec<_> = asked.iter().map(|span| (span.from, span.to)).collect();
    assert_eq!(
        with,
        [(3, Some(9)); 3],
        "each start asks once, with what is recorded"
    );
}

#[test]
fn a_panic_of_the_function_is_its_failure_and_not_the_kits() {
    let kind = does(|ctx| {
        for step in ctx.steps("step", 0..3) {
            assert!(step? < 1, "no further");
        }
        Ok(json!(null))
    });
    let ended = testing::run(&kind, Nothing {}).end();
    let error = ended.error().expect("it panicked");
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("PANICKED", "no further")
    );
}

/// A kind that no orchestrator takes.
struct Misnamed;

impl Operation for Misnamed {
    const KIND: &'static str = "Bad Name";
    type Params = Nothing;
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn run(&self, _: Nothing, _: &Context) -> Result<(), Failure> {
        Ok(())
    }
}

/// A kind that is unique by what it does not have.
struct Unique;

impl Operation for Unique {
    const KIND: &'static str = "unique";
    type Params = Nothing;
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("default").unique_by(&["nope"])
    }

    fn run(&self, _: Nothing, _: &Context) -> Result<(), Failure> {
        Ok(())
    }
}

#[test]
fn a_kind_that_no_orchestrator_takes_does_not_run() {
    let misnamed = said(|| drop(testing::run(&Misnamed, Nothing {})));
    assert!(misnamed.contains("has the KIND \"Bad Name\""), "{misnamed}");
    let unique = said(|| drop(testing::run(&Unique, Nothing {})));
    assert!(unique.contains("unique_by \"nope\""), "{unique}");
}
