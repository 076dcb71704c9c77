//! Who asks.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use impresario::Options;
use impresario_api::{Faults, StartOptions, text};
use sha2::{Digest, Sha256};

use super::errors::ApiError;
use super::query::Wait;

/// The name of the token that a request came with; the guards put it there.
pub(super) struct TokenName(pub(super) Arc<str>);

impl TokenName {
    /// Whether a request came with a token that may call.
    pub(super) fn is_in(request: &HttpRequest) -> bool {
        request.extensions().get::<Self>().is_some()
    }
}

/// Who asks, and under which idempotency key.
pub(super) struct Caller {
    requested_by: String,
    idempotency_key: Option<String>,
}

impl Caller {
    /// Who it is, for the log.
    pub(super) fn name(&self) -> &str {
        &self.requested_by
    }

    /// How what they ask is to be recorded.
    pub(super) fn options(self, start: StartOptions, wait: &Wait) -> Options {
        let options = Options::default()
            .start(start)
            .requested_by(self.requested_by)
            .wait(wait.left().unwrap_or_default())
            .gone(wait.gone());
        match self.idempotency_key {
            Some(key) => options.idempotency_key(key),
            None => options,
        }
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Caller {
    fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let headers = request.headers();
        let client = client(headers)?;
        let (requested_by, other) = match request.extensions().get::<TokenName>() {
            Some(token) => (token.0.to_string(), None),
            None => client,
        };
        Ok(Self {
            requested_by,
            // No key has a line break, so no two callers make the same of theirs.
            idempotency_key: idempotency_key(headers)?.map(|key| match other {
                Some(digest) => format!("{key}\n{digest}"),
                None => key,
            }),
        })
    }
}

/// What one is called who has no name.
const UNNAMED: &str = "anonymous";

/// What the client calls itself, as events and screens may show it; where that is not all of it, a
/// digest of all of it too: clients that are shown alike are not the same. So is one who calls itself as the
/// unnamed are called.
fn client(headers: &HeaderMap) -> Result<(String, Option<String>), ApiError> {
    let bytes = once(headers, "X-Client")?
        .map_or(&b""[..], HeaderValue::as_bytes)
        .trim_ascii();
    let given = String::from_utf8_lossy(bytes);
    let shown = text::one_line(given.trim(), 100);
    let digest = || text::hex(&Sha256::digest(bytes));
    let digest = (shown.as_bytes() != bytes || shown == UNNAMED).then(digest);
    let shown = match &*shown {
        "" => UNNAMED,
        shown => shown,
    };
    Ok((shown.to_owned(), digest))
}

/// The value of a header that may be given only once: of several, nobody knows which one is meant.
fn once<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a HeaderValue>, ApiError> {
    let mut given = headers.get_all(name);
    let value = given.next();
    match given.next() {
        None => Ok(value),
        Some(_) => Err(ApiError::bad_request(&Faults::one(
            name, "it once", "several",
        ))),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = once(headers, "Idempotency-Key")? else {
        return Ok(None);
    };
    let bytes = value.as_bytes();
    let is_key = (1..=255).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    match std::str::from_utf8(bytes) {
        Ok(key) if is_key => Ok(Some(key.to_owned())),
        _ => Err(ApiError::bad_request(&Faults::one(
            "Idempotency-Key",
            "1 to 255 visible ASCII characters",
            &format!("{} bytes", bytes.len()),
        ))),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderName;

    use super::*;

    fn headers(name: &'static str, value: &[u8]) -> HeaderMap {
        let value = HeaderValue::from_bytes(value).expect("a header's value");
        HeaderMap::from_iter([(HeaderName::from_static(name), value)])
    }

    #[test]
    fn a_client_is_called_what_it_calls_itself_within_bounds() {
        for (given, shown) in [
            (&b"cli me@desk"[..], "cli me@desk"),
            (b"  spaced ", "spaced"),
            ("Zo\u{eb}".as_bytes(), "Zo\u{eb}"),
            ("a\u{85}b".as_bytes(), "ab"),
            ("\u{202e}a\u{2066}".as_bytes(), "a"),
            (b"", "anonymous"),
        ] {
            let client = client(&headers("x-client", given));
            assert_eq!(client.expect("it stands once").0, shown);
        }
        let long = client(&headers("x-client", &[b'x'; 300]));
        let long = long.expect("it stands once").0;
        assert_eq!(long.chars().count(), 100);
        let unnamed = client(&HeaderMap::new()).ok();
        assert_eq!(unnamed, Some(("anonymous".to_owned(), None)));
        let mut two = headers("x-client", b"anna");
        let name = HeaderName::from_static("x-client");
        two.append(name, HeaderValue::from_static("anna"));
        assert!(client(&two).is_err(), "which one is meant?");
    }

    #[test]
    fn clients_that_are_shown_alike_share_no_keys() {
        let client = |given: &[u8]| {
            let client = client(&headers("x-client", given));
            client.expect("it stands once")
        };
        let long = |end: &str| format!("{}{end}", "a".repeat(100)).into_bytes();
        for (one, other) in [
            (long("1"), long("2")),
            (vec![0xe9], vec![0xea]),
            (vec![0xe9], "\u{fffd}".into()),
            ("a\u{202e}".into(), b"a".to_vec()),
            ("\u{200b}".into(), b"anonymous".to_vec()),
            ("\u{200b}".into(), b"".to_vec()),
            (b"anonymous".to_vec(), b"".to_vec()),
        ] {
            let (one, other) = (client(&one), client(&other));
            assert_eq!(one.0, other.0);
            assert_ne!(one.1, other.1, "{}", one.0);
        }
        for plain in [&b"me@desk"[..], b" me@desk ", "Zo\u{eb}".as_bytes()] {
            assert_eq!(client(plain).1, None, "earlier keys are still found");
        }
    }

    #[test]
    fn an_idempotency_key_is_short_and_visible() {
        let key = |value: &[u8]| idempotency_key(&headers("idempotency-key", value));
        assert_eq!(key(b"a-1").ok().flatten().as_deref(), Some("a-1"));
        assert!(key(&[b'k'; 255]).is_ok_and(|key| key.is_some()));
        for bad in [&b""[..], b"a b", "\u{e9}".as_bytes(), &[b'k'; 256]] {
            assert!(key(bad).is_err());
        }
        assert!(idempotency_key(&HeaderMap::new()).is_ok_and(|key| key.is_none()));
        let mut two = headers("idempotency-key", b"a-1");
        let name = HeaderName::from_static("idempotency-key");
        two.append(name, HeaderValue::from_static("a-1"));
        assert!(idempotency_key(&two).is_err(), "which one is meant?");
    }
}
