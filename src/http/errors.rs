//! The one place that says which fault has which status, code and words: here those of HTTP, in
//! `supervisor` those of the orchestrator, in `market` those of market data.

mod market;
mod supervisor;
#[cfg(feature = "training")]
mod training;

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use impresario::operation::ErrorCode;
use impresario_api::{Code, Envelope, ErrorBody, Faults, Reference, Timestamp, text};
use serde_json::{Value, json};

use super::body;

/// The longest message, in characters: it may repeat what was sent.
const LONGEST_MESSAGE: usize = 8_000;

/// An error as it is answered; boxed, because every handler's result carries one.
pub(super) struct ApiError(Box<Parts>);

struct Parts {
    status: StatusCode,
    body: ErrorBody,
    header: Option<(HeaderName, HeaderValue)>,
    /// What only the log may know.
    cause: Option<String>,
}

impl ApiError {
    fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let (code, mut message) = (code.to_owned(), message.into());
        if let Cow::Owned(shown) = text::lines(&message, LONGEST_MESSAGE) {
            message = shown;
        }
        let body = ErrorBody {
            code,
            message,
            details: None,
            details_total: None,
            retryable: false,
        };
        Self(Box::new(Parts {
            status,
            body,
            header: None,
            cause: None,
        }))
    }

    fn of(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self::new(status, code.as_str(), message)
    }

    /// What a domain's own error says of itself.
    fn of_domain(status: StatusCode, error: &impl ErrorCode) -> Self {
        let mut answer = Self::new(status, error.code(), error.to_string());
        answer.0.body.details = error.details();
        answer.0.body.retryable = error.retryable();
        answer
    }

    fn details(mut self, details: Value) -> Self {
        self.0.body.details = Some(details);
        self
    }

    fn retryable(mut self) -> Self {
        self.0.body.retryable = true;
        self
    }

    fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    fn faults(status: StatusCode, code: Code, message: String, faults: &Faults) -> Self {
        let mut error = Self::of(status, code, message).details(json!(faults.first()));
        error.0.body.details_total = Some(faults.total());
        error
    }

    /// The body is not JSON.
    pub(super) fn bad_json(why: impl fmt::Display) -> Self {
        Self::of(
            StatusCode::BAD_REQUEST,
            Code::BadJson,
            format!("expected JSON: {why}"),
        )
    }

    /// Faults of the body: its outer fields or the options.
    pub(super) fn bad_request(faults: &Faults) -> Self {
        let message = faults.sentence("the body");
        Self::faults(StatusCode::BAD_REQUEST, Code::BadRequest, message, faults)
    }

    /// Faults of the query.
    pub(super) fn bad_query(faults: &Faults) -> Self {
        let message = faults.sentence("the query");
        Self::faults(StatusCode::BAD_REQUEST, Code::BadRequest, message, faults)
    }

    /// More is asked at once than is worked on.
    fn busy(message: String) -> Self {
        Self::of(StatusCode::SERVICE_UNAVAILABLE, Code::Busy, message)
            .header(RETRY_AFTER, HeaderValue::from_static("1"))
            .retryable()
    }

    /// Bodies that are under way take as much memory as they may.
    pub(super) fn bodies_wait() -> Self {
        Self::busy("the large bodies that are under way take all the memory that there is for them; try again in a moment".to_owned())
    }

    /// As many uploads are under way as there may be.
    pub(super) fn uploads_wait() -> Self {
        Self::busy("as many uploads are under way as there may be, of this client or of all together; try again in a moment".to_owned())
    }

    /// The client sends no more of its body.
    pub(super) fn broke_off(why: impl fmt::Display) -> Self {
        let message = format!("the body broke off: {why}");
        Self::of(StatusCode::BAD_REQUEST, Code::BadRequest, message)
    }

    /// Faults of the path.
    pub(super) fn bad_path(faults: &Faults) -> Self {
        let message = faults.sentence("the path");
        Self::faults(StatusCode::BAD_REQUEST, Code::BadRequest, message, faults)
    }

    /// Answers that their clients have not taken yet take as much memory as they may.
    pub(super) fn answers_wait() -> Self {
        Self::busy("large answers that their clients have not taken yet take all the memory that there is for them; try again in a moment, or ask for a shorter page".to_owned())
    }

    /// No token, or a wrong one.
    pub(super) fn unauthenticated() -> Self {
        let message =
            "expected the header \"Authorization: Bearer TOKEN\" with a token of this server";
        Self::of(StatusCode::UNAUTHORIZED, Code::Unauthenticated, message)
            .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// Tokens of this caller are not looked at for a while.
    pub(super) fn too_many_refusals(wait: Duration) -> Self {
        // A part of a second is a second: whoever comes back then is not too early.
        let seconds = wait.as_secs() + 1;
        let message = format!(
            "too many tokens from this address were refused; try again in {seconds} s with a token of this server"
        );
        Self::of(
            StatusCode::TOO_MANY_REQUESTS,
            Code::TooManyRefusals,
            message,
        )
        .retryable()
        .header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The Host header names another host.
    pub(super) fn forbidden_host(host: &str) -> Self {
        let message = format!(
            "this server does not answer to the host \"{host}\"; http.allowed_hosts can name it"
        );
        Self::of(StatusCode::FORBIDDEN, Code::ForbiddenHost, message)
    }

    /// A foreign page asked for a change or a socket.
    pub(super) fn forbidden_origin(origin: &str) -> Self {
        let message = format!(
            "pages of {origin} may neither change anything here nor open a socket; http.allowed_origins can name it"
        );
        Self::of(StatusCode::FORBIDDEN, Code::ForbiddenOrigin, message)
    }

    /// The path has no route.
    pub(super) fn route_not_found(path: &str) -> Self {
        Self::of(
            StatusCode::NOT_FOUND,
            Code::RouteNotFound,
            format!("there is no route {path}"),
        )
    }

    /// A malformed id is the id of nothing.
    pub(super) fn operation_not_found(id: &str) -> Self {
        let message = format!("there is no operation {id}");
        Self::of(StatusCode::NOT_FOUND, Code::OperationNotFound, message)
    }

    /// A malformed id is the id of nothing.
    #[cfg(feature = "training")]
    pub(super) fn model_not_found(id: &str) -> Self {
        let message = format!("there is no model {id}");
        Self::of(StatusCode::NOT_FOUND, Code::ModelNotFound, message)
    }

    /// Something refers to what should be deleted: the first ones, and how many.
    pub(super) fn referenced(name: &str, references: &[Reference], total: u64) -> Self {
        let what = match references {
            [one] if total == 1 && one.model_id.is_some() => "a model refers".to_owned(),
            [_] if total == 1 => "an operation refers".to_owned(),
            _ => format!("{total} models and operations refer"),
        };
        let message = format!("{what} to {name}; with force=true it is deleted all the same");
        let mut error = Self::of(StatusCode::CONFLICT, Code::Referenced, message);
        error.0.body.details_total = Some(total);
        error.details(json!(references))
    }

    /// The route has other methods.
    pub(super) fn method_not_allowed(method: &str, allow: &'static str) -> Self {
        let message = format!("this route takes {allow}, not {method}");
        Self::of(
            StatusCode::METHOD_NOT_ALLOWED,
            Code::MethodNotAllowed,
            message,
        )
        .header(ALLOW, HeaderValue::from_static(allow))
    }

    /// The request is no handshake of a WebSocket.
    pub(super) fn no_socket(why: &impl fmt::Display) -> Self {
        Self::of(
            StatusCode::BAD_REQUEST,
            Code::BadRequest,
            format!("expected a WebSocket handshake: {why}"),
        )
    }

    /// The error without its envelope.
    pub(super) fn into_body(self) -> ErrorBody {
        self.0.body
    }

    /// The body is over its limit.
    pub(super) fn body_too_large(limit: usize) -> Self {
        let message = format!("the body may have at most {limit} bytes");
        Self::of(StatusCode::PAYLOAD_TOO_LARGE, Code::BodyTooLarge, message)
    }

    /// The body is not declared as JSON.
    pub(super) fn unsupported_media_type(got: &str) -> Self {
        Self::unsupported(format!(
            "a body needs \"Content-Type: application/json\", got \"{got}\""
        ))
    }

    /// The body is compressed.
    pub(super) fn unsupported_encoding(got: &str) -> Self {
        Self::unsupported(format!(
            "a body is sent as it is, got \"Content-Encoding: {got}\""
        ))
    }

    fn unsupported(message: String) -> Self {
        Self::of(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::UnsupportedMediaType,
            message,
        )
    }

    /// This client, or all of them together, have as many under way as there may be.
    pub(super) fn too_many_connections() -> Self {
        let message = "this client has as many connections and requests under way as it may have, or the server as many live sockets; http.connections_per_peer and the limit of open files set how many";
        Self::of(
            StatusCode::TOO_MANY_REQUESTS,
            Code::TooManyConnections,
            message,
        )
        .header(RETRY_AFTER, HeaderValue::from_static("1"))
        .retryable()
    }

    /// The server goes down.
    pub(super) fn shutting_down() -> Self {
        let message = "the server is shutting down and admits no more starts and uploads";
        Self::of(StatusCode::SERVICE_UNAVAILABLE, Code::ShuttingDown, message).retryable()
    }

    /// A bug: the answer names an id under which the log has the cause.
    pub(super) fn internal(cause: impl Into<String>) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let id = format!("err_{:x}_{count}", Timestamp::now().as_millis());
        let message = format!("a bug of the server; its log says more under {id}");
        let mut error = Self::of(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, message);
        error.0.cause = Some(cause.into());
        error.details(json!({"error_id": id}))
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse {
        let Parts {
            status,
            body,
            header,
            cause,
        } = &*self.0;
        // Whoever found out has logged these, once.
        let known = [Code::ShuttingDown, Code::StoreFull].map(|code| code.as_str());
        if status.is_server_error() && !known.contains(&body.code.as_str()) {
            log::error!(
                "answered {status}: {}: {}",
                body.message,
                cause.as_deref().unwrap_or(&body.code)
            );
        }
        let mut response = body::json(*status, &Envelope::<()>::error(body.clone()));
        if let Some((name, value)) = header {
            response.headers_mut().insert(name.clone(), value.clone());
        }
        response
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.body.code, self.0.body.message)
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
