//! Runs a function and says how it ended.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use impresario_api::text;
use serde_json::Value;

use super::progress_counters::Snapshot;
use super::reports::Report;
use super::restore::NoWayOn;
use super::{Run, SavedCheckpoint, texts};
use crate::locks::lock;
use crate::locks::panic_message;
use crate::operation::failure::Cause;
use crate::operation::{Context, ErasedOperation, Failure, RunEnd, RunFailure};
use crate::params::depth::is_too_deep;

/// What a run leaves.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) end: RunEnd,
    pub(crate) output: Option<Value>,
    pub(crate) snapshot: Snapshot,
    /// What was not drained yet.
    pub(crate) reports: Vec<Report>,
    /// The newest checkpoint, when the supervisor has not taken it yet.
    pub(crate) checkpoint: Option<SavedCheckpoint>,
}

/// Runs a kind's function on this thread.
pub(crate) fn execute(kind: &dyn ErasedOperation, params: &Value, run: &Arc<Run>) -> Finished {
    let ctx = Context::new(Arc::clone(run));
    execute_in(&ctx, |ctx| kind.run(params, ctx))
}

/// Runs a function in a context that is ready.
pub(crate) fn execute_in(
    ctx: &Context,
    work: impl FnOnce(&Context) -> Result<Value, Failure>,
) -> Finished {
    // What the function shares with the supervisor is valid at every step.
    let result = match ctx.run.no_way_on() {
        Some(NoWayOn::Failed(code, why)) => Ok(Err(Failure::new(*code, why))),
        Some(NoWayOn::Stopped) => Ok(Err(ctx.tell().into())),
        None => catch_unwind(AssertUnwindSafe(|| work(ctx))),
    };
    let told = ctx.here().told.get() || ctx.run.is_thread_told();
    // Threads that it has left behind hear of it.
    ctx.run.set_over();
    let (end, output) = match result {
        Ok(Ok(output)) if told => {
            ctx.warn(
                "STOP_IGNORED",
                "the function was told to stop and returned an output all the same; use `?` on every step, and `ctx.check()?` after threads that have asked a handle",
            );
            (RunEnd::Ignored, Some(output))
        }
        Ok(Ok(output)) if ctx.here().cut_short.get() => (RunEnd::Finished, Some(output)),
        Ok(Ok(output)) => (RunEnd::Returned, Some(output)),
        Ok(Err(failure)) => (failed(ctx, told, failure), None),
        Err(payload) => (
            RunEnd::Panicked(problem(ctx, "PANICKED", panic_message(&*payload))),
            None,
        ),
    };
    let run = &ctx.run;
    let checkpoint = ctx.saved(None).or_else(|| lock(&run.saved).take());
    Finished {
        end,
        output,
        snapshot: run.read().unwrap_or_default(),
        reports: lock(&run.reports).take(),
        checkpoint,
    }
}

/// What a failure means. Whatever it says, a function that was told to stop has stopped: its error may be
/// one that wraps the `Stopped`.
fn failed(ctx: &Context, told: bool, failure: Failure) -> RunEnd {
    match judged(ctx, failure) {
        RunEnd::Failed(failure) if told => {
            ctx.warn(
                "FAILED_AFTER_STOP",
                format_args!(
                    "the function was told to stop and returned an error instead, {}: {}; let helpers return `Failure`, which keeps the stop",
                    failure.code, failure.message,
                ),
            );
            RunEnd::Stopped
        }
        end => end,
    }
}

fn judged(ctx: &Context, failure: Failure) -> RunEnd {
    match failure.0 {
        Cause::Stopped(token) if token == ctx.run.token => RunEnd::Stopped,
        Cause::Stopped(_) => RunEnd::Failed(problem(
            ctx,
            "STOP_NOT_ASKED",
            "the function returned the Stopped of another run".to_owned(),
        )),
        Cause::Error {
            code,
            message,
            retryable,
            details,
        } => {
            let problem = problem(ctx, &code, message);
            RunEnd::Failed(RunFailure {
                retryable,
                // What could not be read back is not kept.
                details: details
                    .filter(|details| !is_too_deep(details))
                    .map(texts::details),
                ..problem
            })
        }
    }
}

fn problem(ctx: &Context, code: &str, message: String) -> RunFailure {
    RunFailure {
        code: texts::code(code),
        message: text::lines(&message, texts::PROBLEM).into_owned(),
        details: None,
        retryable: false,
        step: ctx.run.current_step(),
    }
}
