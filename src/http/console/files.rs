//! The files within the binary, and how a browser is to take them.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use impresario_api::text;
use rust_embed::{EmbeddedFile, RustEmbed};

/// What `cargo xtask build` left there; nothing but a note in a checkout where nobody built it.
#[derive(RustEmbed)]
#[folder = "console/dist"]
#[allow_missing = true]
struct Files;

/// Nothing from elsewhere, no script or style within a page, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// The page in a server whose console was not built.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <title>Impresario</title><h1>The console was not built into this server</h1>\
    <p><code>cargo xtask build</code> builds it. The API is at <code>/api/v1</code>.</p></html>";

const FIRST: &str = "index.html";

/// The file of this name, the first one where it is empty; `None` when there is none.
pub(super) fn answer(name: &str, asked: &HeaderMap) -> Option<HttpResponse> {
    let name = if name.is_empty() { FIRST } else { name };
    match Files::get(name) {
        Some(file) if is_public(name) => Some(whole_or_known(name, file, asked)),
        None if name == FIRST => Some(page(FIRST, Cow::Borrowed(NOT_BUILT.as_bytes()))),
        _ => None,
    }
}

/// A note that keeps the folder in a checkout is nobody's business.
fn is_public(name: &str) -> bool {
    !name.starts_with('.')
}

/// The file, or that the browser has it already.
fn whole_or_known(name: &str, file: EmbeddedFile, asked: &HeaderMap) -> HttpResponse {
    let tag = tag(&file.metadata.sha256_hash());
    let known = asked.get(IF_NONE_MATCH).is_some_and(|known| {
        let known = known.to_str().unwrap_or_default();
        known.split(',').any(|one| one.trim() == tag)
    });
    let mut response = match known {
        true => HttpResponse::new(StatusCode::NOT_MODIFIED),
        false => page(name, file.data),
    };
    let headers = response.headers_mut();
    // Hexadecimal digits in quotes are a header's value.
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    // Names of assets hold a hash of what is in them: one name, one content, for ever.
    let caching = match name.starts_with("assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

fn tag(hash: &[u8; 32]) -> String {
    format!("\"{}\"", text::hex(&hash[..16]))
}

/// A body, with what tells the browser how to take it.
fn page(name: &str, body: Cow<'static, [u8]>) -> HttpResponse {
    let body = match body {
        Cow::Borrowed(bytes) => actix_web::web::Bytes::from_static(bytes),
        Cow::Owned(bytes) => actix_web::web::Bytes::from(bytes),
    };
    let mut response = HttpResponse::build(StatusCode::OK).body(body);
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    set(CONTENT_TYPE, content_type(name));
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "no-referrer");
    set(CACHE_CONTROL, "no-cache");
    response
}

/// By the name's end: the kinds of file that the build makes.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "json" | "map" => "application/json",
        _ => "application/octet-stream",
    }
}
