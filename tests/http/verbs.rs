//! Every verb, where it applies and where it does not.

use serde_json::json;

use crate::support::{DUMMY, OPERATIONS, Server, has, id};

/// One operation in each status that lasts.
struct Cast {
    server: Server,
    pending: String,
    running: String,
    paused: String,
    completed: String,
    failed: String,
    cancelled: String,
}

impl Cast {
    fn new() -> Self {
        let server = Server::set(&["lanes.default.concurrency=1"]);
        let completed = server.ended(1, &json!({}));
        let body =
            json!({"iterations": 1, "step_ms": 3_600_000, "options": {"timeout_seconds": 0.05}});
        let failed = id(server.post(&format!("{DUMMY}?wait=60"), &body).data(200));
        let paused = server.sleeper();
        server.asks(&paused, "pause", "paused");
        let running = server.sleeper();
        let cancelled = server.dummy(1, 0);
        server.asks(&cancelled, "cancel", "cancelled");
        let pending = server.dummy(1, 0);
        Self {
            server,
            pending,
            running,
            paused,
            completed,
            failed,
            cancelled,
        }
    }

    fn id(&self, status: &str) -> &str {
        match status {
            "pending" => &self.pending,
            "running" => &self.running,
            "paused" => &self.paused,
            "completed" => &self.completed,
            "failed" => &self.failed,
            _ => &self.cancelled,
        }
    }
}

/// The verbs, in the order of the table's columns.
const VERBS: [&str; 6] = ["cancel", "pause", "finish", "resume", "retry", "start-now"];

/// What each verb does in each status that lasts: a code of 409; `SO` when it is so already; `DOES`
/// when it does something, which other tests show. No operation here has a checkpoint but the paused
/// one.
const TABLE: [(&str, [&str; 6]); 6] = [
    ("pending", [DOES, DOES, WRONG, SO, WRONG, SO]),
    ("running", [DOES, DOES, DOES, WRONG, WRONG, WRONG]),
    ("paused", [DOES, SO, WRONG, DOES, WRONG, WRONG]),
    ("completed", [ENDED, ENDED, ENDED, ENDED, DOES, ENDED]),
    (
        "failed",
        [ENDED, ENDED, ENDED, "NO_CHECKPOINT", DOES, ENDED],
    ),
    (
        "cancelled",
        [SO, ENDED, ENDED, "NO_CHECKPOINT", DOES, ENDED],
    ),
];
const DOES: &str = "";
const SO: &str = "it is so already";
const WRONG: &str = "WRONG_STATE";
const ENDED: &str = "ALREADY_ENDED";

#[test]
fn a_verb_that_does_not_apply_is_refused_and_one_that_is_so_already_changes_nothing() {
    let cast = Cast::new();
    for (status, row) in TABLE {
        let id = cast.id(status);
        let before = cast.server.view(id);
        let would = before["verbs"].as_array().expect("verbs");
        for (verb, does) in VERBS.into_iter().zip(row) {
            let here = format!("{verb} while {status}");
            assert_eq!(would.contains(&json!(verb)), does == DOES, "{here}");
            if does == DOES {
                continue;
            }
            let reply = cast.server.ask(id, verb);
            if does == SO {
                assert_eq!(reply.data(200)["status"], status, "{here}");
            } else {
                reply.fails(409, does);
                let details = &reply.body["error"]["details"];
                assert_eq!(details["status"], status, "{here}");
                assert_eq!(&details["verbs"], &before["verbs"], "{here}");
            }
            let after = cast.server.view(id);
            assert_eq!(after["seq"], before["seq"], "{here}: nothing is recorded");
            assert_eq!(after["stop"], before["stop"], "{here}");
        }
    }
    let all = cast.server.get(OPERATIONS);
    assert_eq!(all.data(200)["total_count"], 6, "and nothing new is made");
}

#[test]
fn retry_makes_a_new_operation_of_every_ended_one() {
    let cast = Cast::new();
    for status in ["completed", "failed", "cancelled"] {
        let old = cast.id(status);
        let new = id(cast.server.ask(old, "retry").data(202));
        assert_ne!(new, old);
        assert_eq!(cast.server.view(&new)["retry_of"], old);
        assert_eq!(
            cast.server.view(&new)["params"],
            cast.server.view(old)["params"]
        );
        cast.server.ask(&new, "cancel?wait=30").data(200);
    }
}

#[test]
fn the_reason_of_a_retry_stands_in_its_first_event() {
    let server = Server::start();
    let old = server.ended(0, &json!({}));
    let path = format!("{OPERATIONS}/{old}/retry");
    let new = id(server
        .post(&path, &json!({"reason": "the disk was full"}))
        .data(202));
    let submitted = |server: &Server| {
        let reply = server.read(&new, "/events?limit=1");
        reply.data(200)["events"][0]["data"].clone()
    };
    let told = submitted(&server);
    has(
        &told,
        json!({"retry_of": old, "reason": "the disk was full"}),
    );
    assert_eq!(submitted(&server.killed()), told);
}

#[test]
fn a_pending_operation_is_paused_resumed_and_cancelled() {
    let cast = Cast::new();
    let Cast {
        server, pending, ..
    } = &cast;
    server.asks(pending, "pause", "paused");
    assert_eq!(server.ask(pending, "resume").data(202)["status"], "pending");
    let deleted = server.delete(pending, "?wait=30");
    assert_eq!(deleted.data(200)["status"], "cancelled");
    assert_eq!(deleted.data(200)["run"], 0);
}

#[test]
fn pause_keeps_what_is_done_and_finish_completes_with_it() {
    let server = Server::start();
    let one = server.dummy(1_000_000, 5);
    server.until(&one, "running");
    let reply = server.ask(&one, "pause?wait=30");
    let view = reply.data(200);
    has(
        view,
        json!({"status": "paused", "durable": true, "changed": true}),
    );
    let again = server.ask(&one, "pause?wait=30");
    assert_eq!(again.data(200)["changed"], false);
    let done = view["progress"]["steps"][0]["current"]
        .as_u64()
        .expect("a count");

    let since = server.ask(&one, "resume").data(202)["seq"]
        .as_u64()
        .expect("a seq");
    server.until_after(&one, "running", since);
    let reply = server.ask(&one, "finish?wait=30");
    let view = reply.data(200);
    has(view, json!({"status": "completed", "stopped_early": true}));
    let result = server.read(&one, "/results");
    let completed = result.data(200)["iterations_completed"]
        .as_u64()
        .expect("a count");
    assert!(completed >= done, "{completed} after {done}");
    assert_eq!(
        view["progress"]["steps"][0]["current"].as_u64(),
        Some(completed)
    );
    assert_eq!(view["run"], 2);
}

#[test]
fn cancel_ends_a_running_operation_and_keeps_the_reason() {
    let server = Server::start();
    let one = server.sleeper();
    let headers = [("x-client", "anna")];
    let path = format!("{OPERATIONS}/{one}/cancel?wait=30");
    let reply = server.post_as(&path, &json!({"reason": "wrong symbol"}), &headers);
    let view = reply.data(200);
    assert_eq!(view["status"], "cancelled");
    assert_eq!(view["stop"]["verb"], "cancel");
    assert_eq!(view["stop"]["reason"], "wrong symbol");
    assert_eq!(view["stop"]["requested_by"], "anna");
    server.read(&one, "/results").fails(409, "NO_RESULT");
}

#[test]
fn a_verbs_body_is_checked_like_any_other() {
    let server = Server::start();
    let one = server.sleeper();
    let cancel = format!("{OPERATIONS}/{one}/cancel");
    let json = [("content-type", "application/json")];
    let reply = server.post(&cancel, &json!({"reason": 3, "force": true}));
    reply.faults(400, "BAD_REQUEST", &["force", "reason"]);
    server
        .send("POST", &cancel, &json, Some(b"nonsense"))
        .fails(400, "BAD_JSON");
    server
        .send("POST", &cancel, &[], Some(b"{}"))
        .fails(415, "UNSUPPORTED_MEDIA_TYPE");
    server
        .ask(&one, "cancel?wait=301")
        .fails(400, "BAD_REQUEST");
    assert_eq!(server.view(&one)["status"], "running");
}

#[test]
fn what_is_unknown_is_not_found_whatever_is_asked_of_it() {
    let server = Server::start();
    for id in ["op_0000000000001", "op_1", "nonsense", "op_0K3J9X7Q2M4TZ"] {
        for verb in VERBS {
            server.ask(id, verb).fails(404, "OPERATION_NOT_FOUND");
        }
        for part in ["", "/status", "/results", "/metrics", "/logs", "/events"] {
            server.read(id, part).fails(404, "OPERATION_NOT_FOUND");
        }
        server.delete(id, "").fails(404, "OPERATION_NOT_FOUND");
    }
}
