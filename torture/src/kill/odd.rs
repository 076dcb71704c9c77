//! Nearly valid requests: starts with one fault, or with something that only looks like one, and odd texts.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::lock;
use crate::client::Client;
use crate::ledger::Ledger;

/// What must happen to a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Must {
    /// It must be refused, with a message about what is wrong.
    BeRefused,
    /// It may be accepted, and is then like any other.
    BeAnswered,
}

use Must::{BeAnswered, BeRefused};

const WRONG: &[&str] = &[
    "",
    "null",
    "[]",
    "7",
    "{",
    r#"{"iterations": 1"#,
    r#"{"iterations": "5"}"#,
    r#"{"iterations": -1}"#,
    r#"{"iterations": 1.5}"#,
    r#"{"iterations": 1e400}"#,
    r#"{"iterations": 1000000001}"#,
    r#"{"iterations": 18446744073709551616}"#,
    r#"{"iterations": true}"#,
    r#"{"iterations": [1]}"#,
    r#"{"step_ms": 3600001}"#,
    r#"{"iteratons": 5}"#,
    r#"{"iterations": 1, "options": {"labels": {"a": "\ud800"}}}"#,
];
const WRONG_OPTIONS: &[&str] = &[
    r#"{"colour": 1}"#,
    r#"{"priority": "high"}"#,
    r#"{"priority": 101}"#,
    r#"{"priority": 1e9}"#,
    r#"{"labels": {"a": 1}}"#,
    r#"{"labels": ["a"]}"#,
    r#"{"labels": {"": "empty"}}"#,
    r#"{"labels": {"a:b": "c"}}"#,
    r#"{"timeout_seconds": 0}"#,
    r#"{"timeout_seconds": -1}"#,
    r#"{"timeout_seconds": 1e300}"#,
    r#"{"timeout_seconds": "soon"}"#,
    r#"{"max_attempts": 0}"#,
    r#"{"max_attempts": 4294967296}"#,
    r#"{"not_before": 5}"#,
    r#"{"not_before": "yesterday"}"#,
    r#"{"not_before": "2026-02-30T00:00:00Z"}"#,
    r#"{"not_before": "2016-12-31T23:59:60Z"}"#,
    r#"{"not_before": "0000-01-01T00:00:00Z"}"#,
    r#"{"not_before": "0000-01-01T00:00:00+14:00"}"#,
    r#"{"not_before": "0001-01-01T00:00:00+14:00"}"#,
    r#"{"not_before": "9999-12-31T23:59:59.9999999-05:00"}"#,
    r#"{"not_before": "10000-01-01T00:00:00Z"}"#,
    r#"{"not_before": "-0001-01-01T00:00:00Z"}"#,
];
const ODD_OPTIONS: &[&str] = &[
    r#"{"not_before": "0001-01-01T00:00:00Z"}"#,
    r#"{"not_before": "9999-12-31T23:59:59.999Z"}"#,
    r#"{"not_before": "1969-12-31T23:59:59.9999999Z"}"#,
    r#"{"timeout_seconds": 1e-300}"#,
    r#"{"timeout_seconds": 3155760000}"#,
    r#"{"max_attempts": 4294967295}"#,
    r#"{"priority": null, "labels": null, "not_before": null}"#,
];
const TEXTS: &[&str] = &[
    "\u{202e}desrever\u{202c}",
    "\u{2066}isolated",
    "\u{0}",
    "\u{7}\u{1b}[31mred\u{9b}0m",
    "\r\n\u{2028}\u{85}",
    " spaces at both ends ",
    "a\u{301}\u{301}\u{301}",
    "\u{fffe}\u{10ffff}",
    "👩‍👩‍👧‍👦",
    "'; DROP TABLE operations; --",
    "%00%2e%2e/",
    "",
];

/// Sends one such request.
pub(super) fn ask(client: &Client, ledger: &Mutex<Ledger>, random: &mut fastrand::Rng) {
    match random.u8(..5) {
        0 => start(client, ledger, one_of(WRONG, random).to_owned(), BeRefused),
        1 => with_options(client, ledger, one_of(WRONG_OPTIONS, random), BeRefused),
        2 => with_options(client, ledger, one_of(ODD_OPTIONS, random), BeAnswered),
        3 => {
            let labels = json!({"torture": one_of(TEXTS, random), "text": one_of(TEXTS, random)});
            let options = json!({"labels": labels}).to_string();
            with_options(client, ledger, &options, BeAnswered);
        }
        _ => reason(client, ledger, random),
    }
}

fn one_of<'a>(texts: &[&'a str], random: &mut fastrand::Rng) -> &'a str {
    random.choice(texts).copied().unwrap_or_default()
}

fn with_options(client: &Client, ledger: &Mutex<Ledger>, options: &str, must: Must) {
    let body = format!(r#"{{"iterations": 3, "step_ms": 5, "options": {options}}}"#);
    start(client, ledger, body, must);
}

fn start(client: &Client, ledger: &Mutex<Ledger>, body: String, must: Must) {
    let floor = lock(ledger).cursors.highest();
    let Some((status, text)) = client.post_text("/api/v1/dummy/start", &body) else {
        return;
    };
    let mut ledger = lock(ledger);
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    let id = answer["data"]["operation_id"].as_str();
    if let (202, BeAnswered, Some(id)) = (status, must, id) {
        // The server may normalise the body, so only the existence of the operation is checked later.
        ledger.started(id, &Value::Null, floor);
    } else {
        judge(&mut ledger, &format!("a start with {body}"), status, &text);
    }
}

/// Notes an answer that is neither a success nor the expected refusal.
fn judge(ledger: &mut Ledger, what: &str, status: u16, text: &str) {
    ledger.counts.odd += 1;
    let refused = matches!(status, 400 | 413 | 422 | 429);
    let leaves = status == 503 && text.contains("SHUTTING_DOWN");
    if !refused && !leaves {
        let text: String = text.chars().take(300).collect();
        let surprise = format!("{what} is answered {status} {text}");
        ledger.surprises.push(surprise);
    }
}

/// Sends a verb with a reason of a megabyte, which must be refused, or with an odd reason.
fn reason(client: &Client, ledger: &Mutex<Ledger>, random: &mut fastrand::Rng) {
    let Some(id) = lock(ledger).any(random) else {
        return;
    };
    let path = format!("/api/v1/operations/{id}/pause");
    if random.bool() {
        let body = json!({"reason": "x".repeat(1_000_000)}).to_string();
        if let Some((status, text)) = client.post_text(&path, &body) {
            judge(&mut lock(ledger), "a reason of a megabyte", status, &text);
        }
        return;
    }
    let body = json!({"reason": one_of(TEXTS, random)});
    let reply = client.post(&path, &body, None);
    let mut ledger = lock(ledger);
    ledger.touch(&id);
    match reply {
        Some(reply) if reply.status == 400 => {}
        Some(reply) if !reply.is_success() => ledger.refused("pause", &reply),
        Some(reply) => {
            ledger.counts.verbs += 1;
            if reply.data()["durable"] == true {
                let known = ledger.touch(&id);
                known.heard(reply.data());
                known.promised("pause");
            }
        }
        None => {}
    }
}
