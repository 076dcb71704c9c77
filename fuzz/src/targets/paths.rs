//! Request heads against guards and router together, which must find the same route however it is spelled.

use std::net::IpAddr;
use std::time::Duration;

use crate::Target;
use crate::service::{Answer, PATIENCE, Service, TOKEN};

/// How long the target waits for a request that asks the server to wait.
const WAITS: Duration = Duration::from_millis(30);
/// Words in a head after which an answer may take longer.
const WAITING: &[&str] = &[
    "wait",
    "content-length",
    "transfer-encoding",
    "expect",
    "upgrade",
];
/// Paths that need no token.
const OPEN: &[&str] = &["/", "/healthz", "/readyz", "/console"];
/// The path of the console's files.
const FILES: &str = "/console/";
/// The path of sockets, which may get their token as the first frame.
const SOCKET: &str = "/api/v1/ws";
/// A part of the names of foreign origins.
const FOREIGN: &str = "evil";
/// The statuses with which guards refuse. 404 and 405 would tell a stranger which routes there are.
const REFUSED: &[u16] = &[400, 401, 403, 408, 414, 415, 429, 431, 501, 505];

/// The first line is a method and a target, each further line a header. The first byte says whether the
/// server needs tokens.
pub(crate) fn target() -> Target {
    let (open, closed) = (Service::new(false), Service::new(true));
    Box::new(move |bytes| {
        let Some((closes, head)) = bytes.split_first() else {
            return;
        };
        let closes = *closes == b'T';
        let service = if closes { &closed } else { &open };
        let asked = Asked::of(head);
        let Some(answer) = service.answer(&asked.head, asked.patience()) else {
            return;
        };
        answer.is_in_order();
        asked.holds(closes, &answer);
    })
}

/// The parts of a request that decide whether it is allowed.
struct Asked {
    head: Vec<u8>,
    /// The lines in lower case.
    lines: Vec<String>,
}

impl Asked {
    fn of(bytes: &[u8]) -> Self {
        let mut head = Vec::new();
        let mut lines = bytes
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii_end);
        head.extend_from_slice(lines.next().unwrap_or_default());
        head.extend_from_slice(b" HTTP/1.1\r\n");
        let has_host = |line: &[u8]| line.to_ascii_lowercase().starts_with(b"host");
        if !lines.clone().any(has_host) {
            head.extend_from_slice(b"Host: 127.0.0.1\r\n");
        }
        // An empty line would end the head.
        for line in lines.filter(|line| !line.is_empty()) {
            head.extend_from_slice(line);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        let lines = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let lines = lines.lines().map(str::to_owned).collect();
        Self { head, lines }
    }

    fn patience(&self) -> Duration {
        let waits = |line: &String| WAITING.iter().any(|word| line.contains(word));
        // In a target the words may be percent-encoded.
        if self.lines.iter().any(waits) || self.target().contains('%') {
            WAITS
        } else {
            PATIENCE
        }
    }

    fn method(&self) -> &str {
        self.lines[0].split(' ').next().unwrap_or_default()
    }

    /// The path of the target, not decoded.
    fn target(&self) -> &str {
        let target = self.lines[0].split(' ').nth(1).unwrap_or_default();
        let target = target.split(['?', '#']).next().unwrap_or_default();
        match target.split_once("://") {
            // There may be a host before the path.
            Some((_, rest)) => rest.find('/').map_or("/", |start| &rest[start..]),
            None => target,
        }
    }

    /// The values of a header.
    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let of = move |line: &str| line.split_once(':').is_some_and(|(one, _)| one == name);
        let lines = self.lines[1..]
            .iter()
            .map(String::as_str)
            .filter(move |line| of(line));
        lines.map(|line| line.split_once(':').map_or("", |(_, value)| value.trim()))
    }

    fn holds(&self, closes: bool, answer: &Answer) {
        let (status, target) = (answer.status, self.target());
        // Only code after the guards reports faults.
        let told = !answer.json()["error"]["details"].is_null();
        let unclear = status == 404 && target.contains('%');
        let came_through = told || !(REFUSED.contains(&status) || unclear);
        if self
            .values("host")
            .next()
            .is_some_and(|host| !is_loopback(host))
        {
            assert!(status >= 400, "another host: {status} for {target}");
        }
        let foreign = self
            .values("origin")
            .next()
            .is_some_and(|one| one.contains(FOREIGN));
        if foreign && (!matches!(self.method(), "get" | "head" | "options") || status == 101) {
            assert!(status >= 400, "a foreign origin: {status} for {target}");
        }
        let has_token = self.lines.iter().any(|line| line.contains(TOKEN));
        if closes && !has_token && came_through {
            let allowed = OPEN.contains(&target) || target.starts_with(FILES) || target == SOCKET;
            assert!(allowed, "no token: {status} for {target}");
            // If the guards take the path for a file of the console, the router must too.
            let data = answer.json()["data"].is_null() || !target.starts_with(FILES);
            assert!(data, "no token: data of {target}");
        }
    }
}

/// Whether a `Host` is a loopback name.
fn is_loopback(host: &str) -> bool {
    let address = |text: &str| {
        text.parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
    };
    let bare = |host: &str| {
        let name = host.trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || address(name)
    };
    bare(host) || host.rsplit_once(':').is_some_and(|(name, _)| bare(name))
}
