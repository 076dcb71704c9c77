//! Queries.

use std::time::Duration;

use crate::Target;
use crate::service::{Answer, PATIENCE, Service};

/// How long the target waits for a request that asks the server to wait.
const WAITS: Duration = Duration::from_millis(20);

/// The first byte chooses the route, and the rest is the query. It is answered, or refused with all faults.
/// The rows of a list match its query.
pub(crate) fn target() -> Target {
    let service = Service::new(false);
    let started = service.ask(
        "POST /api/v1/operations?wait=10",
        br#"{"kind": "rich", "options": {"labels": {"team": "a b"}}}"#,
    );
    let id = started.json()["data"]["operation_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let routes = [
        "/api/v1/operations".to_owned(),
        format!("/api/v1/operations/{id}/events"),
        format!("/api/v1/operations/{id}/logs"),
        format!("/api/v1/operations/{id}/metrics"),
        format!("/api/v1/operations/{id}"),
        "/api/v1/data/A/1d".to_owned(),
        "/api/v1/system".to_owned(),
    ];
    Box::new(move |bytes| {
        let Some((route, query)) = bytes.split_first() else {
            return;
        };
        let route = &routes[usize::from(*route) % routes.len()];
        let head = format!(
            "GET {route}?{} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            escaped(query)
        );
        if let Some(answer) = service.answer(head.as_bytes(), patience(query)) {
            check(&answer, query.len());
        }
    })
}

/// Percent-encodes everything that a target cannot have.
fn escaped(query: &[u8]) -> String {
    let one = |byte: &u8| match byte {
        b'!' | b'$'..=b';' | b'=' | b'?'..=b'_' | b'a'..=b'z' | b'~' => {
            char::from(*byte).to_string()
        }
        other => format!("%{other:02x}"),
    };
    query.iter().map(one).collect()
}

/// How long the answer may take: longer only if the query asks the server to wait.
fn patience(query: &[u8]) -> Duration {
    let asks = query
        .windows(2)
        .any(|two| two == b"wa" || two == b"%7" || two == b"%6");
    if asks { WAITS } else { PATIENCE }
}

fn check(answer: &Answer, sent: usize) {
    answer.is_in_order();
    assert!(
        answer.body.len() < (64 << 10) + 40 * sent,
        "{} bytes",
        answer.body.len()
    );
    if answer.status == 400 {
        let details = answer.json()["error"]["details"].clone();
        let details = details.as_array().expect("a bad query has faults");
        assert!(
            (1..=20).contains(&details.len()),
            "{} faults",
            details.len()
        );
    } else {
        assert!(matches!(answer.status, 200 | 404), "{}", answer.status);
    }
}
