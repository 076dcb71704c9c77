//! The checks themselves, over a request's head alone.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use actix_web::dev::RequestHead;
use actix_web::http::Method;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, ORIGIN, TRANSFER_ENCODING,
};
use subtle::ConstantTimeEq;

use crate::config::{ConfigError, Http};
use crate::http::errors::ApiError;

/// A browser cannot send a header with it: there the token may come as the first frame.
const SOCKET: &str = "/api/v1/ws";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who may call, as configured.
pub struct Guards {
    /// Hosts beside the loopback ones.
    hosts: Vec<String>,
    /// The address that is listened on.
    listen: IpAddr,
    /// Origins beside the server's own.
    origins: Vec<String>,
    /// Name and secret; `None` when nobody needs one.
    tokens: Option<Vec<(Arc<str>, String)>>,
    /// The largest body.
    pub(in crate::http) body_limit: usize,
}

impl Guards {
    /// As the configuration says, for the address that is really listened on.
    pub fn new(http: &Http, listen: SocketAddr) -> Result<Self, ConfigError> {
        let named = |tokens: crate::config::Tokens| {
            tokens
                .0
                .into_iter()
                .map(|token| (Arc::from(token.name), token.secret))
                .collect()
        };
        Ok(Self {
            hosts: http.allowed_hosts.clone(),
            listen: listen.ip(),
            origins: http.allowed_origins.clone(),
            tokens: http.tokens()?.map(named),
            body_limit: http.body_limit_bytes,
        })
    }

    /// Lets a request through, with the name of its token, or says why not.
    pub(in crate::http) fn admit(&self, head: &RequestHead) -> Result<Option<Arc<str>>, ApiError> {
        let host = text(head, &HOST).unwrap_or("");
        if !self.answers_to(host) {
            return Err(ApiError::forbidden_host(host));
        }
        let changes = !matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
        // A page of another origin may open a socket unasked, and would be let through as a GET.
        if changes || head.uri.path() == SOCKET {
            self.origin(head, host)?;
        }
        let name = self.token(head)?;
        if changes && has_body(head) && !is_json(head) {
            return Err(ApiError::unsupported_media_type(
                text(head, &CONTENT_TYPE).unwrap_or(""),
            ));
        }
        Ok(name)
    }

    /// Whether a Host header names this server. A page whose name was rebound to 127.0.0.1 sends
    /// its own name.
    fn answers_to(&self, host: &str) -> bool {
        let name = without_port(host);
        if name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost") {
            return true;
        }
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>()
            && (address.is_loopback() || (address == self.listen && !address.is_unspecified()))
        {
            return true;
        }
        let same = |one: &String| one.eq_ignore_ascii_case(name) || one.eq_ignore_ascii_case(host);
        self.hosts.iter().any(same)
    }

    /// A browser says where a request comes from; what is no browser says nothing.
    fn origin(&self, head: &RequestHead, host: &str) -> Result<(), ApiError> {
        match head
            .headers
            .get(ORIGIN)
            .map(|value| value.to_str().unwrap_or("null"))
        {
            Some(origin)
                if self
                    .origins
                    .iter()
                    .any(|one| one.eq_ignore_ascii_case(origin)) =>
            {
                return Ok(());
            }
            Some(origin) if !is_own(origin, host) => {
                return Err(ApiError::forbidden_origin(origin));
            }
            _ => {}
        }
        match text(head, &SEC_FETCH_SITE) {
            None | Some("same-origin" | "none") => Ok(()),
            Some(site) => Err(ApiError::forbidden_origin(&format!(
                "another site ({site})"
            ))),
        }
    }

    fn token(&self, head: &RequestHead) -> Result<Option<Arc<str>>, ApiError> {
        let Some(tokens) = &self.tokens else {
            return Ok(None);
        };
        if needs_no_token(head.uri.path()) {
            return Ok(None);
        }
        if head.uri.path() == SOCKET && !head.headers.contains_key(AUTHORIZATION) {
            return Ok(None);
        }
        let given = text(head, &AUTHORIZATION).and_then(bearer);
        let known = named(tokens, given.unwrap_or(""));
        known.map(Some).ok_or_else(ApiError::unauthenticated)
    }

    /// Whether a caller needs a token.
    pub(in crate::http) const fn wants_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    /// Whether a token is one of those that may call.
    pub(in crate::http) fn knows(&self, token: &str) -> bool {
        let tokens = self.tokens.as_deref();
        tokens.is_none_or(|tokens| named(tokens, token).is_some())
    }
}

/// Whose token it is.
fn named(tokens: &[(Arc<str>, String)], given: &str) -> Option<Arc<str>> {
    let given = given.as_bytes();
    // Every token is compared, and each in constant time: how long it takes tells nothing.
    let known = tokens.iter().fold(None, |found, (name, secret)| {
        if secret.as_bytes().ct_eq(given).into() {
            Some(name)
        } else {
            found
        }
    });
    known.map(Arc::clone)
}

/// Whether a path is open to those without a token.
pub(in crate::http) fn needs_no_token(path: &str) -> bool {
    matches!(path, "/" | "/healthz" | "/readyz" | "/console") || path.starts_with("/console/")
}

fn text<'a>(head: &'a RequestHead, name: &HeaderName) -> Option<&'a str> {
    head.headers
        .get(name)
        .map(|value| value.to_str().unwrap_or("?"))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // In [::1] the last colon belongs to the address.
        Some((name, port)) if port.bytes().all(|one| one.is_ascii_digit()) && !name.is_empty() => {
            name
        }
        _ => host,
    }
}

fn is_own(origin: &str, host: &str) -> bool {
    let rest = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    rest.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

fn has_body(head: &RequestHead) -> bool {
    let length = text(head, &CONTENT_LENGTH);
    length.is_some_and(|length| length != "0") || head.headers.contains_key(TRANSFER_ENCODING)
}

fn is_json(head: &RequestHead) -> bool {
    let kind = text(head, &CONTENT_TYPE).and_then(|value| value.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
