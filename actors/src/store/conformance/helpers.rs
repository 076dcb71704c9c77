//! Short ways to say what the cases say often.

use std::sync::Arc;
use std::time::Duration;

use impresario_api::{Event, EventBody, LogData, LogLevel, OperationId};

use crate::rules::lifecycle::Terms;
use crate::rules::retry::Backoff;
use crate::rules::run_end::{RunEnd, RunFailure};
use crate::store::Page;

/// Fails the case unless both are the same.
#[track_caller]
pub(super) fn same<T: PartialEq + std::fmt::Debug>(got: T, expected: T, what: &str) {
    assert_eq!(got, expected, "{what} (left: got, right: expected)");
}

pub(super) const fn id(number: u64) -> OperationId {
    OperationId::from_u64(number)
}

pub(super) fn numbers(page: &Page) -> Vec<u64> {
    let ids = page.operations.iter();
    ids.map(|operation| operation.id.as_u64()).collect()
}

pub(super) fn types(events: &[Arc<Event>]) -> Vec<&'static str> {
    events.iter().map(|event| event.body.type_name()).collect()
}

/// A kind that can do everything and has two attempts.
pub(super) const fn terms() -> Terms {
    Terms {
        pausable: true,
        finishable: true,
        max_attempts: 2,
        backoff: Backoff {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(60),
        },
        retry_panics: false,
        fail_when_lost: false,
    }
}

pub(super) fn failure(retryable: bool) -> RunEnd {
    RunEnd::Failed(RunFailure {
        code: "NO_LUCK".to_owned(),
        message: "it did not work".to_owned(),
        details: None,
        retryable,
        step: None,
    })
}

pub(super) fn log(message: &str) -> EventBody {
    EventBody::Log(LogData {
        level: LogLevel::Info,
        message: message.to_owned(),
        run: 1,
    })
}
