//! What clients do in a long life, one sort after another by chance.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use impresario_api::Timestamp;
use serde_json::{Value, json};

use super::{Done, surprised};
use crate::Report;
use crate::client::{Client, Reply};
use crate::wire;

/// Longer than anything that is waited for here.
const WAIT: &str = "wait=30";
/// An id that no operation has.
const NOBODY: &str = "op_0000000000001";
/// The first of the times for which operations are started later, each a second before the one before
/// it: 2100-01-01.
const LATE: i64 = 4_102_444_800_000;

/// What all clients share.
pub(super) struct Shared {
    /// Operations that were started.
    pub(super) made: AtomicU64,
    /// Answers that nobody expects.
    pub(super) surprises: Mutex<Vec<String>>,
    done: Done,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            made: AtomicU64::new(0),
            surprises: Mutex::default(),
            done: SORTS.iter().map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Shared {
    pub(super) fn say_what_was_done(&mut self, report: &mut Report) {
        let counts = SORTS.iter().zip(&mut self.done);
        let said = counts.map(|((_, what, _), count)| format!("{} {what}", count.get_mut()));
        let said: Vec<_> = said.collect();
        report.say(format!("what was done: {}", said.join(", ")));
    }
}

/// Does one thing: how many operations it has started.
type Sort = fn(&mut Hand<'_>) -> Result<u64, String>;

/// How many of a hundred, what it is, and how it is done.
const SORTS: &[(u32, &str, Sort)] = &[
    (28, "completed and waited for", completed),
    (20, "completed and not waited for", not_waited_for),
    (6, "failed at their deadline", late),
    (5, "failed and tried again", failed),
    (8, "cancelled", cancelled),
    (6, "paused and resumed", paused),
    (6, "put off and cancelled", put_off),
    (6, "started twice with one key", replayed),
    (3, "waits that ran out", waited_out),
    (6, "callers that left", left_alone),
    (4, "listeners that came and went", listened_to),
    (2, "questions about nobody", about_nobody),
];

/// One client.
pub(super) struct Hand<'a> {
    client: Client,
    address: String,
    random: fastrand::Rng,
    shared: &'a Shared,
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

    /// Until so many have been started by all, or something is wrong.
    pub(super) fn work(&mut self, until: u64) {
        let all: u32 = SORTS.iter().map(|(share, ..)| share).sum();
        while self.shared.made.load(Ordering::Relaxed) < until {
            let mut place = self.random.u32(..all);
            for ((share, what, sort), done) in SORTS.iter().zip(&self.shared.done) {
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

    fn post(&self, path: &str, body: &Value, key: Option<&str>) -> Result<Reply, String> {
        let reply = self.client.post(path, body, key);
        reply.ok_or_else(|| format!("{path} is not answered"))
    }

    /// A dummy with a label of its own, and what is to be so in the answer.
    fn start(&mut self, query: &str, body: &Value, status: &str) -> Result<String, String> {
        let mut body = body.clone();
        body["options"]["labels"] = json!({"soak": format!("{:x}", self.random.u32(..))});
        let reply = self.post(&format!("/api/v1/dummy/start?{query}"), &body, None)?;
        expect(&reply, status)
    }

    /// One that runs until it is stopped.
    fn start_long(&mut self) -> Result<String, String> {
        self.start(
            "",
            &json!({"iterations": 1_000_000, "step_ms": 1_000}),
            "pending",
        )
    }

    fn verb(&self, id: &str, verb: &str, status: &str) -> Result<String, String> {
        let body = json!({"reason": "soak"});
        let path = format!("/api/v1/operations/{id}/{verb}?{WAIT}");
        expect(&self.post(&path, &body, None)?, status)
    }

    /// Asks, and goes: at once, or a little later.
    fn leave(&mut self, method: &str, path: &str, body: &Value) -> Result<(), String> {
        let stay = Duration::from_millis(self.random.u64(1..8));
        let request = wire::request(&self.address, method, path, &body.to_string());
        let left = wire::leave(&self.address, &request, stay);
        left.map_err(|error| format!("{path}: {error}"))
    }
}

/// The operation's id, if the answer says that it is in this status; any where that is empty.
fn expect(reply: &Reply, status: &str) -> Result<String, String> {
    let said = reply.data()["status"].as_str().unwrap_or("");
    // What is started may run before the answer is written.
    let begun = status == "pending" && said == "running";
    if reply.is_success() && (status.is_empty() || said == status || begun) {
        Ok(reply.id())
    } else {
        let (status_code, body) = (reply.status, &reply.body);
        Err(format!("expected {status}, got {status_code} {body}"))
    }
}

fn completed(hand: &mut Hand<'_>) -> Result<u64, String> {
    hand.start(WAIT, &json!({"iterations": 1, "step_ms": 0}), "completed")?;
    Ok(1)
}

fn not_waited_for(hand: &mut Hand<'_>) -> Result<u64, String> {
    let body = json!({"iterations": hand.random.u8(..4), "step_ms": hand.random.u8(..2)});
    hand.start("", &body, "")?;
    Ok(1)
}

fn late(hand: &mut Hand<'_>) -> Result<u64, String> {
    let options = json!({"timeout_seconds": 0.001});
    let body = json!({"iterations": 9, "step_ms": 1_000, "options": options});
    hand.start(WAIT, &body, "failed")?;
    Ok(1)
}

/// A load of a file without bars.
fn failed(hand: &mut Hand<'_>) -> Result<u64, String> {
    let body = json!({"symbol": "BAD", "timeframe": "1d"});
    let reply = hand.post(&format!("/api/v1/data/load?{WAIT}"), &body, None)?;
    let id = expect(&reply, "failed")?;
    hand.verb(&id, "retry", "failed")?;
    Ok(2)
}

fn cancelled(hand: &mut Hand<'_>) -> Result<u64, String> {
    let id = hand.start_long()?;
    hand.verb(&id, "cancel", "cancelled")?;
    Ok(1)
}

fn paused(hand: &mut Hand<'_>) -> Result<u64, String> {
    let id = hand.start_long()?;
    hand.verb(&id, "pause", "paused")?;
    hand.verb(&id, "resume", "pending")?;
    hand.verb(&id, "cancel", "cancelled")?;
    Ok(1)
}

fn put_off(hand: &mut Hand<'_>) -> Result<u64, String> {
    let made = hand.shared.made.load(Ordering::Relaxed);
    let time = Timestamp::from_millis(LATE - 1_000 * made.cast_signed());
    let body = json!({"iterations": 1, "options": {"not_before": time}});
    let id = hand.start("", &body, "pending")?;
    hand.verb(&id, "cancel", "cancelled")?;
    Ok(1)
}

fn replayed(hand: &mut Hand<'_>) -> Result<u64, String> {
    let (key, body) = (
        format!("soak-{:032x}", hand.random.u128(..)),
        json!({"iterations": 0}),
    );
    let path = format!("/api/v1/dummy/start?{WAIT}");
    let first = expect(&hand.post(&path, &body, Some(&key))?, "completed")?;
    let second = hand.post(&path, &body, Some(&key))?;
    if second.id() == first && second.data()["replayed"] == true {
        Ok(1)
    } else {
        Err(format!("{first} sent again is answered {second:?}"))
    }
}

fn waited_out(hand: &mut Hand<'_>) -> Result<u64, String> {
    let body = json!({"iterations": 9, "step_ms": 1_000});
    let id = hand.start("wait=0.01", &body, "pending")?;
    hand.verb(&id, "cancel", "cancelled")?;
    Ok(1)
}

/// Callers of a start, of a verb and of events that go while they wait.
fn left_alone(hand: &mut Hand<'_>) -> Result<u64, String> {
    let body = json!({"iterations": 3, "step_ms": 3});
    hand.leave("POST", &format!("/api/v1/dummy/start?{WAIT}"), &body)?;
    let id = hand.start_long()?;
    hand.leave(
        "POST",
        &format!("/api/v1/operations/{id}/pause?{WAIT}"),
        &json!({}),
    )?;
    hand.leave(
        "GET",
        &format!("/api/v1/operations/{id}/events?since=99&wait=1"),
        &json!({}),
    )?;
    hand.verb(&id, "cancel", "cancelled")?;
    Ok(2)
}

/// Subscriptions of one operation, of filters, and of nobody, on a socket that ends in one way or
/// another.
fn listened_to(hand: &mut Hand<'_>) -> Result<u64, String> {
    let id = hand.start_long()?;
    let label = format!("soak:{:x}", hand.random.u32(..));
    let mut socket = wire::socket(&hand.address)?;
    for (sub, what) in [
        ("one", json!({"operation_id": id})),
        ("again", json!({"operation_id": id, "since": 0})),
        ("nobody", json!({"operation_id": NOBODY})),
        ("all", json!({"filter": {}})),
        (
            "some",
            json!({"filter": {"kind": ["dummy"], "label": label}}),
        ),
    ] {
        let mut frame = what;
        frame["type"] = json!("subscribe");
        frame["sub"] = json!(sub);
        wire::say(&mut socket, &frame)?;
    }
    wire::say(&mut socket, &json!({"type": "unsubscribe", "sub": "all"}))?;
    for _ in 0..hand.random.u8(..8) {
        socket.read().map_err(|error| error.to_string())?;
    }
    if hand.random.bool() {
        // As a client that ends; else as one that is ended.
        let _ = socket.close(None);
        while socket.read().is_ok() {}
    }
    drop(socket);
    hand.verb(&id, "cancel", "cancelled")?;
    Ok(1)
}

fn about_nobody(hand: &mut Hand<'_>) -> Result<u64, String> {
    let path = format!("/api/v1/operations/{NOBODY}");
    for (method, path) in [
        ("GET", format!("{path}/events?wait=30")),
        ("POST", format!("{path}/cancel?{WAIT}")),
    ] {
        let reply = if method == "GET" {
            hand.client.get(&path)
        } else {
            hand.client.post(&path, &json!({}), None)
        };
        let status = reply.as_ref().map(|reply| reply.status);
        if status != Some(404) {
            return Err(format!("{path} is answered {reply:?}"));
        }
    }
    Ok(0)
}
