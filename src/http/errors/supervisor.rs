//! The orchestrator's errors as they are answered.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use impresario::Error;
use impresario::Rejection;
use impresario::operation::Refusal;
use impresario::store::StoreError;
use impresario_api::{Code, Status, Verb};
use serde_json::json;

use super::ApiError;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::KindNotFound { known, .. } => {
                Self::of(StatusCode::NOT_FOUND, Code::KindNotFound, text)
                    .details(json!({"known": known}))
            }
            Error::InvalidParams(faults) => Self::faults(
                StatusCode::UNPROCESSABLE_ENTITY,
                Code::InvalidParams,
                text,
                &faults,
            ),
            Error::InvalidOptions(faults) => {
                Self::faults(StatusCode::BAD_REQUEST, Code::BadRequest, text, &faults)
            }
            Error::Refused(refusal) => refused(refusal),
            // The world did not answer in time; the same start may go through later.
            Error::AdmissionTimedOut { .. } => ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "ADMISSION_TIMED_OUT",
                text,
            )
            .retryable(),
            Error::IdempotencyMismatch(id) => Self::of(
                StatusCode::UNPROCESSABLE_ENTITY,
                Code::IdempotencyMismatch,
                text,
            )
            .details(json!({"operation_id": id})),
            Error::Duplicate(id) => Self::of(StatusCode::CONFLICT, Code::Duplicate, text)
                .details(json!({"operation_id": id}))
                .retryable(),
            Error::QueueFull {
                lane,
                waiting,
                limit,
                retry_after_seconds,
                ..
            } => {
                let details = json!({"lane": lane, "waiting": waiting, "limit": limit});
                queue_full(text, retry_after_seconds).details(details)
            }
            Error::NotFound(_) => Self::of(StatusCode::NOT_FOUND, Code::OperationNotFound, text),
            Error::Rejected {
                rejection,
                status,
                verbs,
                ..
            } => rejected(rejection, text, status, &verbs),
            Error::NoCheckpoint { kept, .. } => {
                Self::of(StatusCode::CONFLICT, Code::NoCheckpoint, text)
                    .details(json!({"kept": kept}))
            }
            Error::CheckpointForeign(_) => {
                Self::of(StatusCode::CONFLICT, Code::CheckpointForeign, text)
            }
            Error::CheckpointDamaged(_) => {
                Self::of(StatusCode::CONFLICT, Code::CheckpointDamaged, text)
            }
            Error::CheckpointNotWritten(_) => Self::of(
                StatusCode::SERVICE_UNAVAILABLE,
                Code::CheckpointNotWritten,
                text,
            )
            .retryable(),
            Error::NoResult(status) => no_result(text, status),
            Error::Busy => Self::busy(text),
            Error::ShuttingDown | Error::Gone => Self::shutting_down(),
            Error::Store(error) => store(&error),
            // A panic of a kind's check, or an error that this version does not know.
            _ => Self::internal(text),
        }
    }
}

/// 422, but for what the request names and nobody has: that has one status, whoever misses it.
fn refused(refusal: Refusal) -> ApiError {
    let missing = [Code::DataNotFound, Code::ModelNotFound].map(Code::as_str);
    let status = if missing.contains(&&*refusal.code) {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let error = ApiError::new(status, &refusal.code, refusal.message);
    let error = match refusal.retryable {
        true => error.retryable(),
        false => error,
    };
    match refusal.details {
        Some(details) => error.details(details),
        None => error,
    }
}

fn queue_full(text: String, seconds: u64) -> ApiError {
    ApiError::of(StatusCode::TOO_MANY_REQUESTS, Code::QueueFull, text)
        .header(RETRY_AFTER, HeaderValue::from(seconds))
        .retryable()
}

fn no_result(text: String, status: Status) -> ApiError {
    let error =
        ApiError::of(StatusCode::CONFLICT, Code::NoResult, text).details(json!({"status": status}));
    if status.is_ended() {
        error
    } else {
        error.retryable()
    }
}

fn rejected(rejection: Rejection, text: String, status: Status, verbs: &[Verb]) -> ApiError {
    let code = match rejection {
        Rejection::AlreadyEnded => Code::AlreadyEnded,
        Rejection::WrongState(_) => Code::WrongState,
        Rejection::NotSupported(_) => Code::VerbNotSupported,
        Rejection::Stopping(..) => Code::Stopping,
        Rejection::NoCheckpoint => Code::NoCheckpoint,
        // Those are for runs and slots; no verb can lead there.
        Rejection::Fenced(_) | Rejection::NotPending => return ApiError::internal(text),
    };
    ApiError::of(StatusCode::CONFLICT, code, text)
        .details(json!({"status": status, "verbs": verbs}))
}

fn store(error: &StoreError) -> ApiError {
    let (status, code) = match error {
        StoreError::Full(_) => (StatusCode::INSUFFICIENT_STORAGE, Code::StoreFull),
        StoreError::Unavailable(_) | StoreError::Unknown(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, Code::StoreUnavailable)
        }
        // It failed for good, or in a way that this version does not know.
        _ => return ApiError::internal(error.to_string()),
    };
    ApiError::of(status, code, error.to_string()).retryable()
}
