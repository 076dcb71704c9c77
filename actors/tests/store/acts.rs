//! What may happen to a store.

use std::sync::Arc;
use std::time::Duration;

use impresario::operation::{RunEnd, RunFailure};
use impresario::rules::admission::Limits;
use impresario::rules::lifecycle::Terms;
use impresario::rules::retry::Backoff;
use impresario::store::Submission;
use impresario_api::{OperationId, Timestamp, Verb};
use proptest::prelude::*;

/// What happens, with operations named by their place in the list.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Submit(u8, i32, Option<i64>, bool),
    Ask(usize, Verb),
    Claim(u8, usize),
    End(usize, RunEnd),
    Recover,
    Prune(i64, usize),
}

pub(crate) fn act() -> impl Strategy<Value = Act> {
    let failed = RunEnd::Failed(RunFailure {
        code: "BAD".to_owned(),
        message: "bad".to_owned(),
        details: None,
        retryable: true,
        step: None,
    });
    let end = prop::sample::select(vec![RunEnd::Returned, RunEnd::Stopped, failed]);
    let submit = (0..2_u8, -2..3, prop::option::of(0..200_i64), any::<bool>());
    prop_oneof![
        5 => submit.prop_map(|(lane, priority, delay, label)| Act::Submit(lane, priority, delay, label)),
        3 => (0..40_usize, prop::sample::select(Verb::ALL)).prop_map(|(at, verb)| Act::Ask(at, verb)),
        4 => (0..2_u8, 0..4_usize).prop_map(|(lane, limit)| Act::Claim(lane, limit)),
        4 => (0..40_usize, end).prop_map(|(at, end)| Act::End(at, end)),
        1 => Just(Act::Recover),
        1 => (0..300_i64, 0..4_usize).prop_map(|(ago, limit)| Act::Prune(ago, limit)),
    ]
}

pub(crate) fn submission(
    number: usize,
    act: (u8, i32, Option<i64>, bool),
    now: Timestamp,
) -> Submission {
    let (lane, priority, delay, label) = act;
    // Ids ascend with time, but of those of one moment in an order of their own, so that age is not
    // the order of submission.
    let id = (now.as_millis().unsigned_abs() << 20) | ((number as u64 * 7_919) % 100_003);
    let labels = label.then(|| ("team".to_owned(), "blue".to_owned()));
    Submission {
        id: OperationId::from_u64(id),
        kind: if number.is_multiple_of(3) { "x" } else { "y" }.to_owned(),
        lane: lane.to_string(),
        priority,
        labels: labels.into_iter().collect(),
        requested_by: "me".to_owned(),
        retry_of: None,
        reason: None,
        fork: None,
        params: Arc::new(serde_json::Value::Null),
        timeout_ms: None,
        not_before: delay.map(|delay| now.plus_millis(delay)),
        terms: Terms {
            pausable: true,
            finishable: true,
            max_attempts: 3,
            backoff: Backoff {
                base: Duration::from_millis(100),
                cap: Duration::from_secs(1),
            },
            retry_panics: false,
            fail_when_lost: false,
        },
        idempotency: None,
        unique: None,
        limits: Limits {
            waiting: 12,
            scheduled: 5,
        },
        now,
    }
}
