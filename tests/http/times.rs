//! What waits for a time: kept, told, counted apart, and taken away on demand.

use serde_json::{Value, json};

use crate::support::{DUMMY, OPERATIONS, Reply, Server, has, id};

const FAR: &str = "2099-01-01T00:00:00.000Z";

fn start_later(server: &Server) -> Reply {
    let body = json!({"iterations": 1, "step_ms": 0, "options": {"not_before": FAR}});
    server.post(DUMMY, &body)
}

fn later(server: &Server) -> String {
    id(start_later(server).data(202))
}

fn lane(server: &Server) -> Value {
    let system = server.get("/api/v1/system");
    let lanes = system.list("lanes");
    let mut lanes = lanes.into_iter();
    lanes
        .find(|lane| lane["name"] == "default")
        .expect("the default lane")
}

fn total(server: &Server, query: &str) -> Value {
    let page = server.get(&format!("{OPERATIONS}?{query}"));
    assert_eq!(page.data(200)["total_is_exact"], true);
    page.data(200)["total_count"].clone()
}

#[test]
fn a_time_that_was_asked_for_is_kept_until_somebody_says_start_now() {
    let server = Server::start();
    let one = later(&server);
    server.ask(&one, "pause?wait=30").data(200);
    let resumed = server.ask(&one, "resume");
    assert_eq!(resumed.data(202)["status"], "pending");
    let again = server.ask(&one, "resume");
    for view in [resumed.data(202), again.data(200)] {
        assert_eq!(view["waiting_for"], format!("until {FAR}"));
        has(view, json!({"not_before": FAR, "run": 0}));
        assert_eq!(view["verbs"], json!(["cancel", "pause", "start-now"]));
    }
    let path = format!("{OPERATIONS}/{one}/start-now");
    let body = json!({"reason": "the data is here"});
    let reply = server.post_as(&path, &body, &[("x-client", "anna")]);
    assert_eq!(reply.data(202)["not_before"], Value::Null);
    server.until(&one, "completed");
    let events = server.events(&one);
    let told = events.iter().find(|event| event["type"] == "rescheduled");
    let told = &told.expect("it is told")["data"];
    has(
        told,
        json!({"requested_by": "anna", "reason": "the data is here", "not_before": null}),
    );
    server.ask(&one, "start-now").fails(409, "ALREADY_ENDED");
}

#[test]
fn a_time_that_was_asked_for_outlives_the_process() {
    let server = Server::start();
    let one = later(&server);
    server.ask(&one, "pause?wait=30").data(200);
    let server = server.killed();
    assert_eq!(
        server.ask(&one, "resume").data(202)["waiting_for"],
        format!("until {FAR}")
    );
    assert_eq!(lane(&server)["scheduled"], 1);
    assert_eq!(total(&server, "status=scheduled"), 1);
    server.ask(&one, "start-now").data(202);
    server.until(&one, "completed");
}

#[test]
fn start_now_of_one_that_could_run_changes_nothing() {
    let server = Server::set(&["lanes.default.concurrency=1"]);
    let running = server.sleeper();
    let waiting = server.dummy(1, 0);
    let seq = server.view(&waiting)["seq"].clone();
    let reply = server.ask(&waiting, "start-now");
    has(reply.data(200), json!({"seq": seq, "run": 0}));
    let reply = server.ask(&running, "start-now");
    reply.fails(409, "WRONG_STATE");
    let verbs = &reply.body["error"]["details"]["verbs"];
    assert_eq!(verbs, &json!(["cancel", "pause", "finish"]));
}

#[test]
fn what_is_not_due_is_no_load() {
    let server = Server::set(&["log.level=warn"]);
    let ids: Vec<_> = (0..1_002).map(|_| later(&server)).collect();
    server.ended(1, &json!({}));
    let view = server.view(&ids[0]);
    assert_eq!(view["status"], "pending");
    assert_eq!(view["queue_position"], Value::Null);
    let lane = lane(&server);
    has(&lane, json!({"queued": 0, "scheduled": 1_002}));
    assert_eq!(lane["delayed_limit"], 100_000);
    assert_eq!(lane["oldest_wait_seconds"], Value::Null);
    for (query, count) in [
        ("status=scheduled", 1_002),
        ("status=pending", 1_002),
        ("status=pending,scheduled", 1_002),
        ("status=scheduled,completed", 1_003),
        ("status=scheduled&kind=nobodys", 0),
        ("status=completed", 1),
    ] {
        assert_eq!(total(&server, query), count, "{query}");
    }
    let page = server.get(&format!("{OPERATIONS}?status=scheduled&limit=3"));
    let rows = page.list("operations");
    let found: Vec<_> = rows.iter().map(id).collect();
    let newest: Vec<_> = ids.iter().rev().take(3).cloned().collect();
    assert_eq!(found, newest);
    let text = server.get("/metrics").body;
    let text = text.as_str().expect("a text");
    for sample in [
        "impresario_lane_queued{lane=\"default\"} 0.0",
        "impresario_lane_scheduled{lane=\"default\"} 1002.0",
    ] {
        assert!(text.contains(sample), "{sample}");
    }
    server
        .get(&format!("{OPERATIONS}?status=soon"))
        .fails(400, "BAD_REQUEST");
}

#[test]
fn what_waits_for_its_time_has_a_limit_of_its_own() {
    let server = Server::set(&["lanes.default.delayed_limit=1"]);
    later(&server);
    let reply = start_later(&server);
    reply.fails(429, "QUEUE_FULL");
    let details = &reply.body["error"]["details"];
    has(details, json!({"waiting": 1, "limit": 1}));
    let text = reply.message();
    assert!(text.contains("scheduled"), "{text}");
    assert_eq!(reply.header("retry-after"), "60");
    server.ended(1, &json!({}));
}

#[test]
fn the_last_hour_is_as_long_after_a_restart() {
    let server = Server::start();
    for _ in 0..3 {
        server.ended(1, &json!({}));
    }
    let cancelled = later(&server);
    server.ask(&cancelled, "cancel?wait=30").data(200);
    let server = server.killed();
    server.ended(1, &json!({}));
    // What ended before is counted beside the rest of the start.
    let counted = (0..1_000).any(|_| {
        let system = server.get("/api/v1/system");
        let ended = &system.data(200)["ended_last_hour"];
        ended == &json!({"completed": 4, "cancelled": 1})
    });
    assert!(counted, "{:?}", server.get("/api/v1/system"));
}
