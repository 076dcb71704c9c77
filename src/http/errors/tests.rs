use actix_web::body::MessageBody;
use impresario::Error;
use impresario::Rejection;
use impresario::operation::Refusal;
use impresario::store::StoreError;
use impresario_api::{OperationId, Status, Verb};

use super::*;

fn answer(error: impl Into<ApiError>) -> (u16, Value, HttpResponse) {
    let response = error.into().error_response();
    let (head, body) = response.into_parts();
    let bytes = body.try_into_bytes().unwrap_or_default();
    let value = serde_json::from_slice(&bytes).expect("every error is an envelope");
    (
        head.status().as_u16(),
        value,
        head.map_body(|_, ()| actix_web::body::BoxBody::new(())),
    )
}

/// Those that no client brings about at will; the others have their tests over HTTP.
#[test]
fn faults_that_are_rare_have_their_status_and_code() {
    let text = || "no".to_owned();
    let not_pending = Error::Rejected {
        rejection: Rejection::NotPending,
        message: text(),
        status: Status::Paused,
        verbs: vec![Verb::Cancel],
    };
    let slow = Refusal::new("DISK_TOO_SLOW", text());
    for (error, status, code) in [
        (Error::Refused(slow), 422, "DISK_TOO_SLOW"),
        (Error::Duplicate(OperationId::from_u64(7)), 409, "DUPLICATE"),
        (Error::Busy, 503, "BUSY"),
        (Error::Gone, 503, "SHUTTING_DOWN"),
        (not_pending, 500, "INTERNAL"),
        (Error::Store(StoreError::Full(text())), 507, "STORE_FULL"),
        (
            Error::Store(StoreError::Unavailable(text())),
            503,
            "STORE_UNAVAILABLE",
        ),
        (
            Error::Store(StoreError::Unknown(text())),
            503,
            "STORE_UNAVAILABLE",
        ),
        (Error::Store(StoreError::Fatal(text())), 500, "INTERNAL"),
    ] {
        let (got, body, response) = answer(error);
        assert_eq!((got, body["error"]["code"].as_str()), (status, Some(code)));
        assert_eq!(body["success"], false);
        let cache = response.headers().get("cache-control");
        assert_eq!(cache.map(HeaderValue::as_bytes), Some(&b"no-store"[..]));
    }
}

#[test]
fn a_bug_is_told_by_an_id_and_not_by_its_cause() {
    let (status, body, _) = answer(ApiError::internal("the secret cause"));
    assert_eq!(status, 500);
    assert!(!body.to_string().contains("secret"));
    let id = body["error"]["details"]["error_id"]
        .as_str()
        .expect("it has an id");
    assert!(
        body["error"]["message"]
            .as_str()
            .is_some_and(|message| message.contains(id))
    );
}

#[test]
fn a_refusal_says_whether_it_may_pass() {
    for (refusal, retryable) in [
        (Refusal::new("STORAGE_FAILED", "x").retryable(), true),
        (Refusal::new("STORAGE_FAILED", "x"), false),
    ] {
        let answer = ApiError::from(Error::Refused(refusal));
        assert_eq!(answer.0.body.retryable, retryable);
    }
}
