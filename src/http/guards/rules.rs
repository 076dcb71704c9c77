//! The checks themselves, over a request's head alone.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use actix_web::HttpRequest;
use actix_web::dev::RequestHead;
use actix_web::http::Method;
use actix_web::http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName,
    ORIGIN, TRANSFER_ENCODING, UPGRADE,
};
use subtle::ConstantTimeEq;

use super::refusals::Refusals;
use crate::config::{ConfigError, HostName, Http, Origin};
use crate::http::caller::TokenName;
use crate::http::errors::ApiError;
use crate::http::peer::{Peer, TrustedProxies};

/// A browser cannot send a header with it: there the token may come as the first frame.
const SOCKET: &str = "/api/v1/ws";
/// A file may be sent there, of any media type. A page can send none without asking first: a PUT is no
/// simple request.
const UPLOADS: &str = "/api/v1/data/imports/";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who may call, as configured.
pub struct Guards {
    /// Hosts beside the loopback ones: those configured, and the name that is listened on.
    hosts: Vec<HostName>,
    /// The addresses that are listened on.
    listen: Vec<IpAddr>,
    /// Origins beside the server's own.
    origins: Vec<Origin>,
    /// Name and secret; `None` when nobody needs one.
    tokens: Option<Vec<(Arc<str>, String)>>,
    /// What was refused lately, and behind which proxies a request's sender stands.
    refusals: Refusals,
    proxies: TrustedProxies,
    /// The largest body.
    pub(in crate::http) body_limit: usize,
}

impl Guards {
    /// As the configuration says.
    pub fn new(http: &Http) -> Result<Self, ConfigError> {
        let named = |tokens: crate::config::Tokens| {
            tokens
                .0
                .into_iter()
                .map(|token| (Arc::from(token.name), token.secret))
                .collect()
        };
        let listen = http.listen.addresses().iter();
        let mut hosts = http.allowed_hosts.clone();
        if http.listen.is_name() {
            hosts.extend(HostName::parse(http.listen.host()));
        }
        Ok(Self {
            hosts,
            listen: listen.map(|address| address.ip()).collect(),
            origins: http.allowed_origins.clone(),
            tokens: http.tokens()?.map(named),
            refusals: Refusals::default(),
            proxies: TrustedProxies::new(&http.trusted_proxies),
            body_limit: http.body_limit_bytes,
        })
    }

    /// Lets a request through, with the name of its token, or says why not.
    pub(in crate::http) fn admit(&self, head: &RequestHead) -> Result<Option<Arc<str>>, ApiError> {
        let host = self.host(head)?;
        let changes = !matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
        // A page of another origin may ask for a socket, and would be let through as a GET.
        if changes || asks_to_upgrade(head) {
            self.origin(head, host)?;
        }
        let name = self.token(head)?;
        if changes && has_body(head) {
            if !is_upload(head) && !is_json(head) {
                return Err(ApiError::unsupported_media_type(
                    text(head, &CONTENT_TYPE).unwrap_or(""),
                ));
            }
            let mut codings = texts(head, &CONTENT_ENCODING, "?");
            if let Some(coding) = codings.find(|one| !one.eq_ignore_ascii_case("identity")) {
                return Err(ApiError::unsupported_encoding(coding));
            }
        }
        Ok(name)
    }

    /// Lets a socket be made, or says why not. What makes sockets needs this pass, so no route can
    /// lead there without the check, whatever its path.
    pub(in crate::http) fn socket(
        self: Arc<Self>,
        request: &HttpRequest,
    ) -> Result<SocketPass, ApiError> {
        let host = self.host(request.head())?;
        self.origin(request.head(), host)?;
        Ok(SocketPass {
            trusted: self.tokens.is_none() || TokenName::is_in(request),
            peer: self.proxies.of_request(request.head()),
            guards: self,
        })
    }

    /// The host that a request is for. Every name that it gives must be one of this server.
    fn host<'a>(&self, head: &'a RequestHead) -> Result<&'a str, ApiError> {
        let mut headers = head.headers.get_all(HOST);
        let host = headers
            .next()
            .map_or("", |value| value.to_str().unwrap_or("?"));
        if headers.next().is_some() {
            return Err(ApiError::forbidden_host("several Host headers"));
        }
        // Before a path there may be a host, which counts more than the header (RFC 9112, 3.2.2).
        let target = head.uri.authority().map(|authority| authority.as_str());
        for name in [Some(host), target].into_iter().flatten() {
            if !self.answers_to(name) {
                return Err(ApiError::forbidden_host(name));
            }
        }
        Ok(target.unwrap_or(host))
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
            && (address.is_loopback()
                || (self.listen.contains(&address) && !address.is_unspecified()))
        {
            return true;
        }
        self.hosts.iter().any(|one| one.is_named_by(host))
    }

    /// A browser says where a request comes from; what is no browser says nothing. All that is said
    /// must be right, also where a header comes several times.
    fn origin(&self, head: &RequestHead, host: &str) -> Result<(), ApiError> {
        let named = |origin: &str| {
            Origin::parse(origin).is_some_and(|origin| self.origins.contains(&origin))
        };
        let mut is_named = false;
        for origin in texts(head, &ORIGIN, "null") {
            is_named = named(origin);
            if !is_named && !is_own(origin, host) {
                return Err(ApiError::forbidden_origin(origin));
            }
        }
        if is_named {
            return Ok(());
        }
        let mut sites = texts(head, &SEC_FETCH_SITE, "?");
        match sites.find(|site| !matches!(*site, "same-origin" | "none")) {
            None => Ok(()),
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
        // Of several a proxy may have looked at another one.
        let mut given = texts(head, &AUTHORIZATION, "?");
        let (Some(given), None) = (given.next(), given.next()) else {
            return Err(ApiError::unauthenticated());
        };
        let peer = self.proxies.of_request(head);
        let given = bearer(given).unwrap_or("");
        self.whose(tokens, given, &peer, head.uri.path()).map(Some)
    }

    /// Whose token it is. One that is refused counts against whoever sent it.
    fn whose(
        &self,
        tokens: &[(Arc<str>, String)],
        given: &str,
        peer: &Peer,
        path: &str,
    ) -> Result<Arc<str>, ApiError> {
        if let Some(wait) = self.refusals.wait(peer, Instant::now()) {
            return Err(ApiError::too_many_refusals(wait));
        }
        named(tokens, given).ok_or_else(|| {
            self.refusals.note(peer, path, Instant::now());
            ApiError::unauthenticated()
        })
    }
}

/// That a socket may be made: its handshake came from no foreign page. Only [`Guards::socket`] gives
/// one.
pub(in crate::http) struct SocketPass {
    guards: Arc<Guards>,
    peer: Peer,
    trusted: bool,
}

impl SocketPass {
    /// Whether the socket may ask for anything without an `auth` frame.
    pub(in crate::http) const fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// Whether a token is one of those that may call; from then on the socket is trusted.
    pub(in crate::http) fn authenticate(&mut self, token: &str) -> bool {
        if let (false, Some(tokens)) = (self.trusted, &self.guards.tokens) {
            let name = self.guards.whose(tokens, token, &self.peer, SOCKET);
            self.trusted = name.is_ok();
        }
        self.trusted
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

/// Whether a request's body is a file.
pub(in crate::http) fn is_upload(head: &RequestHead) -> bool {
    head.method == Method::PUT && head.uri.path().starts_with(UPLOADS)
}

/// Whether a path is open to those without a token.
pub(in crate::http) fn needs_no_token(path: &str) -> bool {
    matches!(path, "/" | "/healthz" | "/readyz" | "/console") || path.starts_with("/console/")
}

/// Whether a request asks for another protocol on its connection, as a socket's handshake does.
fn asks_to_upgrade(head: &RequestHead) -> bool {
    let asks = |value: &str| value.to_ascii_lowercase().contains("upgrade");
    head.headers.contains_key(UPGRADE) || texts(head, &CONNECTION, "").any(asks)
}

/// Every value of a header; `unreadable` stands for one that is no text.
fn texts<'a>(
    head: &'a RequestHead,
    name: &HeaderName,
    unreadable: &'a str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let values = head.headers.get_all(name);
    values.map(move |value| value.to_str().unwrap_or(unreadable))
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
