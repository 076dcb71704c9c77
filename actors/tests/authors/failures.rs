//! What a failure says.

use impresario::operation::{ErrorCode, Failure, OrFail};
use impresario::testing;
use impresario_api::{Status, Verb};
use serde_json::json;

use crate::common::{Nothing, does};

#[derive(Debug, thiserror::Error)]
#[error("row {0} is broken")]
struct Broken(u32);

impl ErrorCode for Broken {
    fn code(&self) -> &'static str {
        "BROKEN_ROW"
    }
}

#[test]
fn a_failure_says_its_code_and_message_however_it_was_made() {
    let adopted = Err::<(), _>("no such file")
        .or_fail("NO_FILE")
        .expect_err("an error");
    for (failure, code, message) in [
        (
            Failure::new("CODE", "a message").retryable(),
            "CODE",
            "a message",
        ),
        (Broken(7).into(), "BROKEN_ROW", "row 7 is broken"),
        (adopted, "NO_FILE", "no such file"),
    ] {
        assert_eq!(
            (failure.code(), failure.message()),
            (Some(code), Some(message))
        );
        assert_eq!(failure.to_string(), format!("{code}: {message}"));
        assert!(!failure.is_stopped());
    }
}

#[test]
fn a_stop_has_no_code_and_says_that_it_is_one() {
    let kind = does(|ctx| {
        let stopped = ctx.check().map_err(Failure::from).err();
        if let Some(failure) = &stopped {
            assert_eq!((failure.code(), failure.message()), (None, None));
            assert_eq!(failure.to_string(), "the function was asked to stop");
        }
        stopped.map_or_else(|| Ok(json!(null)), Err)
    });
    let ended = testing::run(&kind, Nothing {})
        .stop_at_call(1, Verb::Cancel)
        .end();
    assert_eq!(ended.status(), Status::Cancelled, "{:?}", ended.error());
}
