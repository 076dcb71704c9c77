//! The reference kind: it only counts and rests, and uses everything that a kind can use.
//! `docs/WRITING_A_KIND.md` explains it.

use std::time::Duration;

use impresario::operation::{Context, Failure, Operation, Policy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counts to `iterations` and rests between steps: the smallest complete operation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dummy;

/// The params of a dummy.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DummyParams {
    /// How many steps to count.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub iterations: u32,
    /// How long each step rests, in milliseconds.
    #[schemars(range(min = 0, max = 3_600_000))]
    pub step_ms: u64,
}

impl Default for DummyParams {
    fn default() -> Self {
        Self {
            iterations: 100,
            step_ms: 2_000,
        }
    }
}

/// The output of a dummy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DummyOutput {
    /// How many steps were completed, in all runs together.
    pub iterations_completed: u32,
}

impl Operation for Dummy {
    const KIND: &'static str = "dummy";
    type Params = DummyParams;
    type Output = DummyOutput;

    fn description(&self) -> &'static str {
        "counts, and rests between steps"
    }

    fn policy(&self) -> Policy {
        Policy::lane("default")
            .pausable()
            .finishable()
            .fork_may_change(&["iterations", "step_ms"])
    }

    fn run(&self, params: DummyParams, ctx: &Context) -> Result<DummyOutput, Failure> {
        let start = ctx.restored::<u32>()?.unwrap_or(0);
        let rest = Duration::from_millis(params.step_ms);
        let mut done = start;
        for step in ctx.steps("iteration", start..params.iterations) {
            let i = step?;
            ctx.message(format_args!("Working hard on iteration {}!", i + 1));
            ctx.sleep(rest)?;
            done = i + 1;
            ctx.checkpoint(&done)?;
        }
        Ok(DummyOutput {
            iterations_completed: done,
        })
    }
}

#[cfg(test)]
mod tests {
    use impresario::operation::{SyncOptions, run_sync_operation};
    use impresario::testing::{self, Ask, Ended};
    use impresario_api::{Status, Verb};

    use super::*;

    fn params(iterations: u32) -> DummyParams {
        DummyParams {
            iterations,
            step_ms: 2_000,
        }
    }

    fn completed(ended: &Ended<Dummy>) -> Option<u32> {
        ended.output().map(|output| output.iterations_completed)
    }

    #[test]
    fn counts_to_its_end() {
        let ended = testing::run(&Dummy, params(3)).end();
        assert_eq!(completed(&ended), Some(3));
        let progress = ended.progress();
        assert_eq!(
            (progress.percentage, progress.message.as_str()),
            (100.0, "Working hard on iteration 3!")
        );
    }

    #[test]
    fn of_nothing_completes_with_nothing() {
        assert_eq!(completed(&testing::run(&Dummy, params(0)).end()), Some(0));
    }

    #[test]
    fn its_ranges_hold_without_a_server_too() {
        let params = DummyParams {
            iterations: 1_000_000_001,
            step_ms: 3_600_001,
        };
        let end = run_sync_operation(&Dummy, params, SyncOptions::default());
        assert_eq!(
            end.expect_err("out of range").to_string(),
            "iterations: expected an integer from 0 to 1000000000, got 1000000001; \
             step_ms: expected an integer from 0 to 3600000, got 3600001",
        );
    }

    #[test]
    fn a_cancel_leaves_what_was_completed_in_view() {
        let ended = testing::run(&Dummy, params(100))
            .stop_at("iteration", 31, Verb::Cancel)
            .end();
        assert_eq!(ended.status(), Status::Cancelled);
        assert_eq!(ended.progress().steps[0].current, 31);
    }

    #[test]
    fn a_finish_completes_the_current_step_and_ends() {
        let calls_before_the_sleep_of_the_second_step = 5;
        let ended = testing::run(&Dummy, params(100))
            .stop_at_call(calls_before_the_sleep_of_the_second_step, Verb::Finish)
            .end();
        assert!(ended.stopped_early());
        assert_eq!(completed(&ended), Some(2));
    }

    #[test]
    fn a_pause_or_a_shutdown_at_any_call_loses_no_finished_step() {
        let calls = testing::run(&Dummy, params(4)).end().calls();
        for call in 1..=calls {
            for ask in [Ask::from(Verb::Pause), Ask::Shutdown] {
                let ended = testing::run(&Dummy, params(4))
                    .stop_at_call(call, ask)
                    .end();
                if ended.status() == Status::Completed {
                    assert_eq!(completed(&ended), Some(4), "{ask:?} at call {call}");
                    continue;
                }
                let done = ended.progress().steps[0].current;
                let resumed = ended.resume(&Dummy).end();
                assert_eq!(completed(&resumed), Some(4), "{ask:?} at call {call}");
                let made = resumed.calls();
                assert!(
                    made <= calls - 3 * done,
                    "{ask:?} at call {call}: a finished step was done twice"
                );
            }
        }
    }
}
