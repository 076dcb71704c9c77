//! Bodies of answers, with the headers that each of them has.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::Bytes;
use serde::Serialize;

/// Most answers are no longer: their bytes are written in one piece.
const USUAL_BYTES: usize = 512;

/// A body that is JSON already.
pub(super) fn raw(status: StatusCode, body: impl Into<Bytes>) -> HttpResponse {
    written(status, "application/json", body.into())
}

/// 200 with a text of another media type.
pub(super) fn plain(media: &'static str, text: String) -> HttpResponse {
    written(StatusCode::OK, media, text.into())
}

fn written(status: StatusCode, media: &'static str, body: Bytes) -> HttpResponse {
    let mut response = HttpResponse::build(status).body(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A body that is serialised here.
pub(super) fn json<T: Serialize>(status: StatusCode, body: &T) -> HttpResponse {
    match bytes(body) {
        Ok(body) => raw(status, body),
        Err(error) => {
            log::error!("an answer cannot be written as JSON: {error}");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// The bytes of a body.
pub(super) fn bytes<T: Serialize>(body: &T) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    serde_json::to_writer(&mut bytes, body).map(|()| bytes)
}
