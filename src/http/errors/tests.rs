use actix_web::body::MessageBody;
use actix_web::http::header::RETRY_AFTER;
use impresario::Error;
use impresario::operation::Refusal;
use impresario::rules::lifecycle::Rejection;
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

fn check(errors: impl IntoIterator<Item = (Error, u16, &'static str)>) {
    for (error, status, code) in errors {
        let (got, body, response) = answer(error);
        assert_eq!((got, body["error"]["code"].as_str()), (status, Some(code)));
        assert_eq!(body["success"], false);
        let cache = response
            .headers()
            .get("cache-control")
            .map(HeaderValue::as_bytes);
        assert_eq!(cache, Some(&b"no-store"[..]));
    }
}

#[test]
fn the_faults_of_a_start_have_their_status_and_code() {
    let id = OperationId::from_u64(7);
    let text = || "no".to_owned();
    let refusal = |code| Refusal::new(code, text());
    check([
        (
            Error::KindNotFound {
                kind: text(),
                known: vec![],
            },
            404,
            "KIND_NOT_FOUND",
        ),
        (
            Error::InvalidParams(Faults::default()),
            422,
            "INVALID_PARAMS",
        ),
        (Error::InvalidOptions(Faults::default()), 400, "BAD_REQUEST"),
        (
            Error::Refused(refusal("DISK_TOO_SLOW")),
            422,
            "DISK_TOO_SLOW",
        ),
        (
            Error::Refused(refusal("DATA_NOT_FOUND")),
            404,
            "DATA_NOT_FOUND",
        ),
        (Error::IdempotencyMismatch(id), 422, "IDEMPOTENCY_MISMATCH"),
        (Error::Duplicate(id), 409, "DUPLICATE"),
        (Error::Busy, 503, "BUSY"),
        (Error::ShuttingDown, 503, "SHUTTING_DOWN"),
        (Error::Gone, 503, "SHUTTING_DOWN"),
    ]);
}

#[test]
fn the_faults_of_verbs_reads_and_the_store_have_their_status_and_code() {
    let text = || "no".to_owned();
    let rejected = |rejection| Error::Rejected {
        rejection,
        message: text(),
        status: Status::Paused,
        verbs: vec![Verb::Cancel],
    };
    check([
        (
            Error::NotFound(OperationId::from_u64(7)),
            404,
            "OPERATION_NOT_FOUND",
        ),
        (rejected(Rejection::AlreadyEnded), 409, "ALREADY_ENDED"),
        (
            rejected(Rejection::WrongState(Verb::Finish)),
            409,
            "WRONG_STATE",
        ),
        (
            rejected(Rejection::NotSupported(Verb::Pause)),
            409,
            "VERB_NOT_SUPPORTED",
        ),
        (rejected(Rejection::NoCheckpoint), 409, "NO_CHECKPOINT"),
        (rejected(Rejection::NotPending), 500, "INTERNAL"),
        (Error::NoResult(Status::Running), 409, "NO_RESULT"),
        (Error::Store(StoreError::Full(text())), 507, "STORE_FULL"),
        (
            Error::Store(StoreError::Unavailable(text())),
            503,
            "STORE_UNAVAILABLE",
        ),
        (Error::Store(StoreError::Fatal(text())), 500, "INTERNAL"),
    ]);
}

#[test]
fn a_full_queue_says_when_and_a_rejection_what_would_do() {
    let full = Error::QueueFull {
        lane: "default".to_owned(),
        waiting: 300,
        scheduled: false,
        limit: 300,
        retry_after_seconds: 3,
    };
    let (status, body, response) = answer(full);
    assert_eq!((status, &body["error"]["retryable"]), (429, &json!(true)));
    assert_eq!(
        response
            .headers()
            .get(RETRY_AFTER)
            .map(HeaderValue::as_bytes),
        Some(&b"3"[..])
    );
    let (_, body, _) = answer(Error::Rejected {
        rejection: Rejection::WrongState(Verb::Finish),
        message: "no".to_owned(),
        status: Status::Paused,
        verbs: vec![Verb::Cancel, Verb::Resume],
    });
    assert_eq!(
        body["error"]["details"],
        json!({"status": "paused", "verbs": ["cancel", "resume"]})
    );
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
