//! A client of the long run, and what all clients share.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::surprised;
use crate::Report;
use crate::client::{Client, Reply};
use crate::wire;

/// A wait that is longer than everything here takes.
pub(super) const WAIT: &str = "wait=30";

/// Does one thing. Returns how many operations it has started.
pub(super) type Sort = fn(&mut Hand<'_>) -> Result<u64, String>;

pub(super) struct Shared {
    /// Each sort: its share in percent, its name, and its function.
    sorts: &'static [(u32, &'static str, Sort)],
    pub(super) made: AtomicU64,
    pub(super) surprises: Mutex<Vec<String>>,
    /// How often each sort was done.
    done: Vec<AtomicU64>,
}

impl Shared {
    pub(super) fn of(sorts: &'static [(u32, &'static str, Sort)]) -> Self {
        Self {
            sorts,
            made: AtomicU64::new(0),
            surprises: Mutex::default(),
            done: sorts.iter().map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(super) fn say_what_was_done(&mut self, report: &mut Report) {
        let counts = self.sorts.iter().zip(&mut self.done);
        let said = counts.map(|((_, what, _), count)| format!("{} {what}", count.get_mut()));
        let said: Vec<_> = said.collect();
        report.say(format!("what was done: {}", said.join(", ")));
    }
}

pub(super) struct Hand<'a> {
    pub(super) client: Client,
    pub(super) address: String,
    pub(super) random: fastrand::Rng,
    pub(super) shared: &'a Shared,
}

impl<'a> Hand<'a> {
    pub(super) fn new(address: &str, seed: u64, shared: &'a Shared) -> Self {
        Self {
            client: Client::new(address),
            address: address.to_owned(),
            random: fastrand::Rng::with_seed(seed),
            shared,
        }
    }

    /// Works until all clients together have started this many operations, or something is wrong.
    pub(super) fn work(&mut self, until: u64) {
        let sorts = self.shared.sorts;
        let all: u32 = sorts.iter().map(|(share, ..)| share).sum();
        while self.shared.made.load(Ordering::Relaxed) < until {
            let mut place = self.random.u32(..all);
            for ((share, what, sort), done) in sorts.iter().zip(&self.shared.done) {
                if place >= *share {
                    place -= share;
                    continue;
                }
                match sort(self) {
                    Ok(made) => {
                        done.fetch_add(1, Ordering::Relaxed);
                        self.shared.made.fetch_add(made, Ordering::Relaxed);
                    }
                    Err(error) => {
                        return surprised(&self.shared.surprises, format!("{what}: {error}"));
                    }
                }
                break;
            }
        }
    }

    pub(super) fn post(
        &self,
        path: &str,
        body: &Value,
        key: Option<&str>,
    ) -> Result<Reply, String> {
        let reply = self.client.post(path, body, key);
        reply.ok_or_else(|| format!("{path} is not answered"))
    }

    /// Starts a dummy with a label of its own, and checks the status in the answer.
    pub(super) fn start(
        &mut self,
        query: &str,
        body: &Value,
        status: &str,
    ) -> Result<String, String> {
        let mut body = body.clone();
        body["options"]["labels"] = json!({"soak": format!("{:x}", self.random.u32(..))});
        let reply = self.post(&format!("/api/v1/dummy/start?{query}"), &body, None)?;
        expect(&reply, status)
    }

    /// Starts an operation that runs until it is stopped.
    pub(super) fn start_long(&mut self) -> Result<String, String> {
        self.start(
            "",
            &json!({"iterations": 1_000_000, "step_ms": 1_000}),
            "pending",
        )
    }

    pub(super) fn verb(&self, id: &str, verb: &str, status: &str) -> Result<String, String> {
        let body = json!({"reason": "soak"});
        let path = format!("/api/v1/operations/{id}/{verb}?{WAIT}");
        expect(&self.post(&path, &body, None)?, status)
    }

    /// Sends a request and closes the connection, at once or a little later.
    pub(super) fn leave(&mut self, method: &str, path: &str, body: &Value) -> Result<(), String> {
        let stay = Duration::from_millis(self.random.u64(1..8));
        let request = wire::request(&self.address, method, path, &body.to_string());
        let left = wire::leave(&self.address, &request, stay);
        left.map_err(|error| format!("{path}: {error}"))
    }
}

/// The operation's id, if the answer has this status; any status if it is empty.
pub(super) fn expect(reply: &Reply, status: &str) -> Result<String, String> {
    let said = reply.data()["status"].as_str().unwrap_or("");
    // An operation may run before the answer is written.
    let begun = status == "pending" && said == "running";
    if reply.is_success() && (status.is_empty() || said == status || begun) {
        Ok(reply.id())
    } else {
        let (status_code, body) = (reply.status, &reply.body);
        Err(format!("expected {status}, got {status_code} {body}"))
    }
}
