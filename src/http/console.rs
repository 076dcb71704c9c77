//! The admin console: files that were built beforehand and lie within the binary. They say nothing
//! of any operation, so they need no token; what they show, they ask the API for.

mod files;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};

use super::errors::ApiError;

/// Leads to the console, from where it stands: behind a proxy that serves this server below a path of
/// its own, nobody here knows the whole path.
pub(super) async fn entrance() -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::TEMPORARY_REDIRECT);
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::from_static("console/"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A file of the console.
pub(super) async fn file(
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let file = files::answer(&path, request.headers());
    file.ok_or_else(|| ApiError::route_not_found(request.path()))
}
