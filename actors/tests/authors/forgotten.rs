//! A `?` that was forgotten, and a `Stopped` that does not belong.

use std::sync::Mutex;

use impresario::operation::{
    Context, ErrorCode, Failure, OrFail, StopHandle, Stopped, SyncError, SyncOptions,
    run_sync_operation,
};
use impresario::testing::{self, Ask, Ended};
use impresario_api::{Status, StopVerb, Verb};
use serde_json::{Value, json};

use crate::common::{Does, Nothing, does};

const STOPS: [(Ask, Status); 4] = [
    (Ask::Verb(Verb::Cancel), Status::Cancelled),
    (Ask::Verb(Verb::Pause), Status::Paused),
    (Ask::Deadline, Status::Failed),
    (Ask::Shutdown, Status::Pending),
];

fn is_judged_stopped<F>(kind: &Does<F>)
where
    F: Fn(&Context) -> Result<Value, Failure> + Send + Sync + 'static,
{
    let calls = testing::run(kind, Nothing {}).end().calls();
    for call in 1..=calls {
        for (ask, status) in STOPS {
            let ended = testing::run(kind, Nothing {}).stop_at_call(call, ask).end();
            assert_eq!(ended.status(), status, "{ask:?} at {call}");
            assert_eq!(ended.output(), None);
            assert_eq!(codes(&ended), ["STOP_IGNORED"]);
        }
        let finish = testing::run(kind, Nothing {}).stop_at_call(call, Verb::Finish);
        let finished = finish.end();
        assert_eq!(finished.status(), Status::Completed);
        assert!(
            codes(&finished).is_empty(),
            "a finish is kept without an Err"
        );
    }
}

fn codes<F>(ended: &Ended<Does<F>>) -> Vec<&str>
where
    F: Fn(&Context) -> Result<Value, Failure> + Send + Sync + 'static,
{
    ended.warnings().into_iter().map(|(code, _)| code).collect()
}

#[test]
fn a_loop_that_looks_at_no_step_is_judged_stopped() {
    is_judged_stopped(&does(|ctx| {
        let mut rounds = 0;
        for _ in ctx.steps("round", 0..4) {
            rounds += 1;
        }
        Ok(json!(rounds))
    }));
}

#[test]
fn a_flattened_loop_is_judged_stopped() {
    is_judged_stopped(&does(|ctx| {
        Ok(json!(ctx.steps("round", 0..4).flatten().sum::<u32>()))
    }));
}

/// An error of the kind's own, as the compiler suggests it for a helper that uses `?` on a step.
#[derive(Debug, thiserror::Error)]
enum CleanupError {
    #[error("it was interrupted: {0}")]
    Interrupted(String),
}

impl ErrorCode for CleanupError {
    fn code(&self) -> &'static str {
        "INTERRUPTED"
    }
}

impl From<Stopped> for CleanupError {
    fn from(stopped: Stopped) -> Self {
        Self::Interrupted(format!("{stopped:?}"))
    }
}

#[test]
fn any_error_after_the_stop_is_judged_as_the_stop_with_a_warning_that_names_it() {
    fn helper(ctx: &Context) -> Result<(), CleanupError> {
        ctx.check()?;
        Ok(())
    }
    let wraps = does(|ctx| {
        helper(ctx)?;
        Ok(json!(null))
    });
    for (ask, status) in STOPS {
        let ended = testing::run(&wraps, Nothing {}).stop_at_call(1, ask).end();
        assert_eq!(ended.status(), status, "{ask:?}");
        let warnings = ended.warnings();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        let (code, message) = warnings[0];
        assert_eq!(code, "FAILED_AFTER_STOP");
        let names = "INTERRUPTED: it was interrupted: Stopped";
        assert!(message.contains(names), "{message}");
        assert!(
            message.contains("let helpers return `Failure`"),
            "{message}"
        );
    }
}

#[test]
fn an_error_of_a_function_that_was_asked_and_not_told_stays_its_own() {
    let stop = StopHandle::new();
    let options = SyncOptions::default().stop(Some(stop.clone()));
    let fails = does(move |_| {
        stop.stop(StopVerb::Cancel);
        Err(Failure::new("NO_DATA", "there is no row"))
    });
    let end = run_sync_operation(&fails, Nothing {}, options);
    assert!(
        matches!(&end, Err(SyncError::Failed(it)) if it.code == "NO_DATA"),
        "{end:?}"
    );
}

static STASH: Mutex<Option<Stopped>> = Mutex::new(None);

#[test]
fn the_stopped_of_another_run_is_a_failure() {
    let stashes = does(|ctx| {
        if let Err(stopped) = ctx.check() {
            *STASH.lock().expect("no panic") = Some(stopped);
        }
        Ok(json!(null))
    });
    let first = testing::run(&stashes, Nothing {}).stop_at_call(1, Verb::Cancel);
    assert_eq!(first.end().status(), Status::Cancelled);
    let returns = does(|_| match STASH.lock().expect("no panic").take() {
        Some(stopped) => Err(stopped.into()),
        None => Ok(json!("nothing was stashed")),
    });
    let second = testing::run(&returns, Nothing {}).end();
    assert_eq!(second.status(), Status::Failed);
    let code = second.error().map(|error| error.code.as_str());
    assert_eq!(code, Some("STOP_NOT_ASKED"));
}

#[test]
fn an_inner_runs_stop_is_the_outer_ones_ordinary_error() {
    let outer = does(|_| {
        let inner = does(|ctx| {
            ctx.check()?;
            Ok(json!(null))
        });
        let stop = StopHandle::new();
        stop.stop(StopVerb::Cancel);
        let options = SyncOptions::default().stop(Some(stop));
        let stopped = run_sync_operation(&inner, Nothing {}, options);
        assert!(matches!(stopped, Err(SyncError::Stopped(StopVerb::Cancel))));
        stopped.or_fail("INNER")
    });
    let ended = testing::run(&outer, Nothing {}).end();
    assert_eq!(ended.status(), Status::Failed);
    assert_eq!(
        ended.error().map(|error| error.code.as_str()),
        Some("INNER")
    );
}
