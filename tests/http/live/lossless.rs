//! Nothing is lost, repeated or told out of order, whatever is cut.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::client::Live;
use crate::support::{DUMMY, OPERATIONS, Server, id};

/// What a client knows: its events by operation, and where it is.
#[derive(Default)]
struct Known {
    cursor: Option<u64>,
    events: BTreeMap<String, Vec<Value>>,
    all: Vec<u64>,
}

impl Known {
    /// Reads up to `frames` durable frames, or until everything has ended; says whether it has.
    fn read(&mut self, live: &mut Live, frames: usize, wanted: usize) -> bool {
        for _ in 0..frames {
            let Ok(mut frame) = live.message() else {
                return false;
            };
            if frame["type"] == "snapshot" && self.cursor.is_none() {
                self.cursor = frame["cursor"].as_u64();
            }
            if !frame["seq"].is_u64() || frame["type"] == "snapshot" {
                continue;
            }
            let cursor = frame["cursor"].as_u64().expect("a durable event");
            self.cursor = Some(cursor);
            self.all.push(cursor);
            frame.as_object_mut().expect("fields").remove("sub");
            let id = frame["operation_id"].as_str().expect("whose").to_owned();
            self.events.entry(id).or_default().push(frame);
            if self.ended() == wanted {
                return true;
            }
        }
        false
    }

    fn ended(&self) -> usize {
        let over = |events: &&Vec<Value>| {
            events.iter().any(|event| {
                let status = event["data"]["status"].as_str().unwrap_or("");
                event["type"] == "status" && ["completed", "failed"].contains(&status)
            })
        };
        self.events.values().filter(over).count()
    }
}

/// Ten operations of which each is paused, resumed, cancelled, retried or left alone.
fn company(server: &Server) -> Vec<String> {
    let start = |_| {
        let body = json!({"iterations": 40, "step_ms": 5, "options": {"labels": {"team": "red"}}});
        id(server.post(DUMMY, &body).data(202))
    };
    (0..10).map(start).collect()
}

fn disturb(server: &Server, ids: &[String]) {
    for (place, id) in ids.iter().enumerate() {
        let verbs: &[&str] = match place % 4 {
            0 => &["pause", "resume"],
            1 => &["cancel", "resume"],
            2 => &["finish"],
            _ => &[],
        };
        for verb in verbs {
            // Where it does not apply by now, that is as good.
            let path = format!("{OPERATIONS}/{id}/{verb}?wait=10");
            server.send("POST", &path, &[], None);
        }
    }
    // What was cancelled without a checkpoint is over: it ends by another one's retry.
    for id in ids {
        if server.view(id)["status"] == "cancelled" {
            server.ask(id, "retry").data(202);
        }
    }
}

/// A client that is cut off again and again, and once with its server.
#[test]
fn a_client_that_is_cut_off_at_random_moments_has_every_event_once_and_in_order() {
    let mut server = Server::set(&["lanes.default.concurrency=3"]);
    let mut random = fastrand::Rng::with_seed(7);
    let mut known = Known::default();
    let mut live = Live::new(&server);
    live.subscribe("a", json!({"filter": {"label": "team:red"}}));
    known.read(&mut live, 1, 10);
    let ids = company(&server);
    let mut cuts = 0;
    std::thread::scope(|scope| {
        let disturbing = scope.spawn(|| disturb(&server, &ids));
        while !disturbing.is_finished() {
            known.read(&mut live, random.usize(1..12), usize::MAX);
            live = again(&server, &known);
            cuts += 1;
        }
        disturbing.join().expect("no panic");
    });
    // Once the server itself.
    server = server.killed();
    live = again(&server, &known);
    let wanted = wanted(&server);
    while !known.read(&mut live, random.usize(1..30), wanted) {
        live = again(&server, &known);
        cuts += 1;
        assert!(cuts < 10_000, "it never ends");
    }
    assert!(cuts > 3, "{cuts}");
    for (id, events) in &known.events {
        let all = server.events(id);
        assert_eq!(*events, all[..events.len()], "{id}");
    }
    assert!(
        known.all.windows(2).all(|pair| pair[0] < pair[1]),
        "in order, none twice"
    );
    let told: usize = known.events.values().map(Vec::len).sum();
    assert_eq!(told, known.all.len());
}

/// Those that are to complete: all but the cancelled ones.
fn wanted(server: &Server) -> usize {
    let list = server.get(&format!("{OPERATIONS}?limit=100&label=team:red"));
    let rows = list.list("operations");
    let all = rows.iter().filter(|row| row["status"] != "cancelled");
    for paused in rows.iter().filter(|row| row["status"] == "paused") {
        server.ask(paused["operation_id"].as_str().expect("an id"), "resume");
    }
    all.count()
}

fn again(server: &Server, known: &Known) -> Live {
    let mut live = Live::new(server);
    live.subscribe(
        "a",
        json!({"filter": {"label": "team:red"}, "since": known.cursor}),
    );
    live
}

#[test]
fn by_operation_a_client_that_is_cut_off_misses_nothing() {
    let server = Server::start();
    let id = server.dummy(60, 5);
    let (mut events, mut since) = (Vec::new(), 0);
    'cut: loop {
        let mut live = Live::new(&server);
        live.subscribe("a", json!({"operation_id": id, "since": since}));
        for _ in 0..3 {
            let frame = live.next();
            if frame["cursor"].is_u64() {
                since = frame["seq"].as_u64().expect("a seq");
                let over = frame["data"]["status"] == "completed";
                events.push(since);
                if over {
                    break 'cut;
                }
            }
        }
    }
    assert_eq!(
        events,
        (1..=server.events(&id).len() as u64).collect::<Vec<_>>()
    );
}
