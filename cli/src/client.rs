//! The API over HTTP: a call returns the `data` of the answer, or an error.

use std::io::Read;
use std::str::FromStr;
use std::time::Duration;

use impresario_api::{Code, Envelope, ErrorBody, ImportAnswer};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use ureq::SendBody;

use crate::error::Error;

/// How long an answer may take if the server was not asked to wait.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the answer to an upload may take after its last byte: the server waits for its disk.
const UPLOAD_PATIENCE: Duration = Duration::from_secs(300);
/// An idle connection is not used again after this: the server closes its end after 5 s.
const IDLE: Duration = Duration::from_secs(4);
/// The largest answer. Lists and logs are paged, so no answer comes near this.
pub(crate) const LARGEST_ANSWER: u64 = 256 * 1024 * 1024;

/// A JSON object. To assign to a field of a `Value` that is none ends the program, and what a server sends may
/// be anything.
pub(crate) type Object = Map<String, Value>;
/// Names and values of a query.
pub(crate) type Query<'a> = &'a [(&'a str, String)];

/// The server's address and the caller's name.
pub(crate) struct Client {
    agent: ureq::Agent,
    url: String,
    token: Option<String>,
    name: String,
}

impl Client {
    /// A client of the server at `url`. It sends nothing yet.
    pub(crate) fn new(url: &str, token: Option<String>) -> Result<Self, Error> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A web proxy of the environment could not reach a server on this machine.
            .proxy(None)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(5)))
            .max_idle_age(IDLE)
            .build();
        Ok(Self {
            agent: config.new_agent(),
            url: base_url(url)?,
            token,
            name: caller(),
        })
    }

    /// `GET`, parsed as a wire type.
    pub(crate) fn get_as<T: DeserializeOwned>(&self, path: &str, query: Query) -> Result<T, Error> {
        parse(self.get(path, query)?)
    }

    /// `GET`, as JSON.
    pub(crate) fn get(&self, path: &str, query: Query) -> Result<Value, Error> {
        self.get_within(PATIENCE, path, query)
    }

    /// `GET` of an object whose fields are read and changed one by one.
    pub(crate) fn get_object(&self, path: &str, query: Query) -> Result<Object, Error> {
        parse(self.get(path, query)?)
    }

    /// `GET` with a time limit, for a caller that must learn soon that the server does not answer.
    pub(crate) fn get_within(
        &self,
        patience: Duration,
        path: &str,
        query: Query,
    ) -> Result<Value, Error> {
        let request = self.agent.get(format!("{}{path}", self.url));
        self.finish(self.sign(request, query, patience).call())
    }

    /// `POST`; `wait` is how long the server was asked to wait before it answers.
    pub(crate) fn post(&self, path: &str, body: &Value, post: Post) -> Result<Value, Error> {
        let query: Vec<_> = post
            .wait
            .iter()
            .map(|wait| ("wait", wait.to_string()))
            .collect();
        let patience = PATIENCE + Duration::from_secs_f64(post.wait.unwrap_or(0.0));
        let mut request = self.agent.post(format!("{}{path}", self.url));
        if let Some(key) = post.idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let request = self.sign(request, &query, patience);
        self.finish(
            request
                .content_type("application/json")
                .send(body.to_string()),
        )
    }

    /// Sends a file to the import folder, however long that takes.
    pub(crate) fn put_import(
        &self,
        name: &str,
        reader: impl Read + 'static,
        length: Option<u64>,
    ) -> Result<ImportAnswer, Error> {
        let path = format!("{}/api/v1/data/imports/{}", self.url, escaped(name));
        let request = self.sign(self.agent.put(path), &[], PATIENCE);
        let mut request = request
            .config()
            .timeout_global(None)
            .timeout_await_100(Some(PATIENCE))
            .timeout_recv_response(Some(UPLOAD_PATIENCE))
            .build()
            .content_type("application/octet-stream")
            // A file that is too large is refused before it is sent.
            .header("Expect", "100-continue");
        if let Some(length) = length {
            request = request.header("Content-Length", length.to_string());
        }
        parse(self.finish(request.send(SendBody::from_owned_reader(reader)))?)
    }

    /// `DELETE`; `how` is a field of the query that is true, or nothing.
    pub(crate) fn delete(&self, path: &str, how: &'static str) -> Result<Value, Error> {
        let query = [(how, "true".to_owned())];
        let query = if how.is_empty() { &[][..] } else { &query };
        let request = self.agent.delete(format!("{}{path}", self.url));
        self.finish(self.sign(request, query, PATIENCE).call())
    }

    /// Host and port of the address, and its path.
    pub(crate) fn authority(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// The headers that identify the caller, for the handshake of a socket.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let token = self.token.iter();
        let token = token.map(|token| ("authorization", format!("Bearer {token}")));
        let name = ("x-client", self.name.clone());
        std::iter::once(name).chain(token).collect()
    }

    /// The error for a server that does not answer.
    pub(crate) fn unreachable(&self, why: String) -> Error {
        Error::Unreachable {
            url: self.url.clone(),
            why,
        }
    }

    fn sign<B>(
        &self,
        request: ureq::RequestBuilder<B>,
        query: Query,
        patience: Duration,
    ) -> ureq::RequestBuilder<B> {
        let pairs = query.iter().map(|(name, value)| (*name, value.as_str()));
        let mut request = request.query_pairs(pairs).header("X-Client", &self.name);
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        request.config().timeout_global(Some(patience)).build()
    }

    /// The data of an answer, or the error in it.
    fn finish(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, Error> {
        let mut answer = answer.map_err(|error| self.transport(&error))?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(LARGEST_ANSWER);
        let text = body
            .read_to_string()
            .map_err(|error| self.transport(&error))?;
        let envelope: Envelope<Value> = serde_json::from_str(&text).map_err(|_| {
            let why = format!("HTTP {}, and the body is no envelope", status.as_u16());
            Error::Stranger {
                url: self.url.clone(),
                why,
            }
        })?;
        // `data: null` is parsed as `None`, but the answer is a success.
        if envelope.success {
            return Ok(envelope.data.unwrap_or(Value::Null));
        }
        let body = envelope.error.unwrap_or_else(|| ErrorBody {
            code: "INTERNAL".to_owned(),
            message: format!("HTTP {} without an error in it", status.as_u16()),
            details: None,
            details_total: None,
            retryable: false,
        });
        if body.code == Code::RouteNotFound.as_str() && self.authority().contains('/') {
            return Err(Error::NoRoute {
                url: self.url.clone(),
                body: Box::new(body),
            });
        }
        Err(Error::Api { body })
    }

    fn transport(&self, error: &ureq::Error) -> Error {
        let why = match error {
            ureq::Error::Io(error) => match error.kind() {
                std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
                std::io::ErrorKind::ConnectionReset
                | std::io::ErrorKind::BrokenPipe
                | std::io::ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
                _ => error.to_string(),
            },
            ureq::Error::ConnectionFailed => "connection failed".to_owned(),
            ureq::Error::HostNotFound => "no such host".to_owned(),
            ureq::Error::Timeout(_) => "no answer in time".to_owned(),
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                return Error::usage(format!("cannot send that: {error}"));
            }
            other => other.to_string(),
        };
        self.unreachable(why)
    }
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Post<'a> {
    /// How many seconds the server may wait before it answers.
    pub(crate) wait: Option<f64>,
    /// The key by which the server recognises a repeated start.
    pub(crate) idempotency_key: Option<&'a str>,
}

/// Takes a list out of a page.
pub(crate) fn take_list(page: &mut Object, field: &str) -> Result<Vec<Value>, Error> {
    match page.remove(field) {
        Some(Value::Array(list)) => Ok(list),
        _ => Err(Error::Garbled(format!("it has no list of {field}"))),
    }
}

/// An answer as a wire type, which is an object. A list is refused: serde would take its items for the fields
/// of the object, in their order.
pub(crate) fn parse<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    if value.is_array() {
        return Err(Error::Garbled("it is a list, not an object".to_owned()));
    }
    serde_json::from_value(value).map_err(|error| Error::Garbled(error.to_string()))
}

/// A part of a path, percent-encoded except for letters, digits, `.`, `_`, `~` and `-` (RFC 3986).
pub(crate) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~".contains(&byte);
    let each = text.bytes().map(|byte| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    each.collect()
}

fn base_url(url: &str) -> Result<String, Error> {
    let url = url.trim().trim_end_matches('/');
    if url.starts_with("https://") {
        return Err(Error::usage(format!(
            "--url {url}: this client speaks http only; reach a remote server through a tunnel"
        )));
    }
    let whole = format!("http://{}", url.strip_prefix("http://").unwrap_or(url));
    let expected = match whole.parse() {
        _ if whole.contains(['?', '#']) => "http://HOST:PORT without a query",
        Ok(uri) if names_host(&uri) => return Ok(whole),
        _ => "http://HOST:PORT, with a port of 1 to 65535",
    };
    Err(Error::usage(format!(
        "--url: expected {expected}, got \"{url}\""
    )))
}

/// Whether the address has a host, and no port or a valid one.
fn names_host(uri: &ureq::http::Uri) -> bool {
    uri.authority().is_some_and(|authority| {
        let (whole, host) = (authority.as_str(), authority.host());
        let is_bare = whole.ends_with(host);
        !host.is_empty() && (is_bare || authority.port_u16().is_some_and(|port| port > 0))
    })
}

/// `cli user@host`: the caller's name in the server's records if there are no tokens.
fn caller() -> String {
    let first = |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok());
    let user = first(&["USER", "LOGNAME", "USERNAME"]).unwrap_or_else(|| "someone".to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| first(&["HOSTNAME", "COMPUTERNAME"]))
        .unwrap_or_else(|| "somewhere".to_owned());
    // Headers may only have printable ASCII characters.
    let plain = |c: &char| c.is_ascii_graphic() || *c == ' ';
    let name = format!("cli {}@{}", user.trim(), host.trim());
    name.chars().filter(plain).take(100).collect()
}

/// Where the next page begins, if there is one. It is an error if that is not beyond the page before,
/// because the client would then ask for pages for ever.
pub(crate) fn onward<T: FromStr>(
    page: &Object,
    field: &str,
    is_beyond: impl FnOnce(&T) -> bool,
) -> Result<Option<T>, Error> {
    let Some(text) = page.get(field).and_then(Value::as_str) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(next) if is_beyond(&next) => Ok(Some(next)),
        _ => {
            let text = crate::display::text::cut(text, 40);
            Err(Error::Garbled(format!(
                "its {field}, \"{text}\", leads to no further page"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_lack_its_scheme_but_not_its_host() {
        for (text, url) in [
            ("http://127.0.0.1:7979", Some("http://127.0.0.1:7979")),
            ("http://h:1/", Some("http://h:1")),
            ("localhost:7979", Some("http://localhost:7979")),
            ("https://h", None),
            ("ftp://h", None),
            ("", None),
            ("a b", None),
            ("[::1]:7979/below", Some("http://[::1]:7979/below")),
            ("me:word@h", Some("http://me:word@h")),
            ("http://127.0.0.1:99999", None),
            ("http://h:0", None),
            ("http://h:", None),
            ("http://:7979", None),
            ("h:x", None),
            ("http://h:7979?x=1", None),
            ("http://h:7979/#x", None),
        ] {
            assert_eq!(base_url(text).ok().as_deref(), url, "{text}");
        }
    }

    #[test]
    fn a_name_stays_one_part_of_a_path() {
        assert_eq!(escaped("BRK.B-1_2"), "BRK.B-1_2");
        assert_eq!(escaped("^GSPC/../é ?"), "%5EGSPC%2F..%2F%C3%A9%20%3F");
    }

    #[test]
    fn the_callers_name_fits_its_header() {
        let name = caller();
        assert!(name.starts_with("cli ") && name.contains('@') && name.len() <= 100);
    }
}
