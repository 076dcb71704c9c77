//! Starting: what is accepted, what is refused and in which words.

use serde_json::{Value, json};

use crate::support::{DUMMY, OPERATIONS, Server, has, id};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

#[test]
fn a_start_is_accepted_at_once_or_answered_with_its_end() {
    let server = Server::start();
    let reply = server.post(
        OPERATIONS,
        &json!({"kind": "dummy", "params": {"iterations": 1, "step_ms": 0}}),
    );
    let data = reply.data(202);
    assert_eq!(data["mode"], "async");
    let one = id(data);
    let message = data["message"].as_str().expect("a message");
    assert_eq!(
        message,
        format!("dummy {one} was accepted; watch it at {OPERATIONS}/{one}")
    );
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert_eq!(reply.header("access-control-allow-origin"), "");

    let reply = server.post(
        &format!("{DUMMY}?wait=60"),
        &json!({"iterations": 7, "step_ms": 0}),
    );
    let data = reply.data(200);
    has(data, json!({"mode": "sync", "status": "completed"}));
    assert_eq!(data["result"]["iterations_completed"], 7);
    assert_eq!(data["operation"]["progress"]["steps"][0]["current"], 7);
    assert_eq!(
        data["operation"]["params"],
        json!({"iterations": 7, "step_ms": 0})
    );
}

#[test]
fn waiting_ends_with_its_time() {
    let server = Server::start();
    let reply = server.post(
        &format!("{DUMMY}?wait=0.05"),
        &json!({"iterations": 1, "step_ms": 3_600_000}),
    );
    let data = reply.data(202);
    assert_eq!(data["mode"], "async");
    assert!(data.get("result").is_none());
}

#[test]
fn an_operation_that_fails_is_a_request_that_succeeds() {
    let server = Server::start();
    let body = json!({"iterations": 1, "step_ms": 3_600_000, "options": {"timeout_seconds": 0.05}});
    let reply = server.post(&format!("{DUMMY}?wait=60"), &body);
    let data = reply.data(200);
    has(data, json!({"status": "failed", "result": null}));
    assert!(
        data.as_object()
            .is_some_and(|data| data.contains_key("result"))
    );
    assert_eq!(data["operation"]["error"]["code"], "DEADLINE_EXCEEDED");
}

#[test]
fn every_fault_of_the_params_is_named() {
    let server = Server::start();
    let params = json!({"iterations": "many", "step_ms": -1, "colour": "red"});
    for reply in [
        server.post(DUMMY, &params),
        server.post(OPERATIONS, &json!({"kind": "dummy", "params": params})),
    ] {
        reply.faults(422, "INVALID_PARAMS", &["colour", "iterations", "step_ms"]);
        let details = &reply.body["error"]["details"];
        assert!(details[0]["expected"].is_string() && details[0]["got"].is_string());
    }
    for params in [
        json!({"iterations": 1_000_000_001}),
        json!({"step_ms": 3_600_001}),
        json!({"iterations": 1.5}),
    ] {
        server.post(DUMMY, &params).fails(422, "INVALID_PARAMS");
    }
    for params in [json!([]), json!("text"), json!(3)] {
        server
            .post(OPERATIONS, &json!({"kind": "dummy", "params": params}))
            .fails(422, "INVALID_PARAMS");
    }
}

#[test]
fn the_outer_fields_are_judged_before_the_kind_and_the_kind_before_the_params() {
    let server = Server::start();
    let reply = server.post(
        OPERATIONS,
        &json!({"kindd": "nothing", "options": {"priority": "high", "colour": 1}}),
    );
    reply.faults(
        400,
        "BAD_REQUEST",
        &["kind", "kindd", "options.colour", "options.priority"],
    );

    let reply = server.post(
        OPERATIONS,
        &json!({"kind": "nothing", "params": {"iterations": "many"}}),
    );
    reply.fails(404, "KIND_NOT_FOUND");
    assert!(
        reply.body["error"]["message"]
            .as_str()
            .is_some_and(|text| text.contains("dummy"))
    );

    for options in [
        json!({"priority": 101}),
        json!({"timeout_seconds": 0}),
        json!({"max_attempts": 0}),
        json!({"not_before": "tomorrow"}),
        json!({"labels": {"a": 1}}),
        json!({"labels": {"a": "x".repeat(5_000)}}),
        json!([]),
        json!("fast"),
    ] {
        let reply = server.post(DUMMY, &json!({"iterations": 0, "options": options}));
        reply.fails(400, "BAD_REQUEST");
    }
}

#[test]
fn what_is_not_json_is_refused() {
    let server = Server::start();
    for path in [OPERATIONS, DUMMY] {
        for body in [
            &b""[..],
            b"{",
            b"{\"kind\": 3",
            b"nonsense",
            b"{} {}",
            b"\x01",
            b"\xff\xfe",
        ] {
            server
                .send("POST", path, JSON, Some(body))
                .fails(400, "BAD_JSON");
        }
        for body in [&b"[]"[..], b"3", b"null", b"[\"dummy\", {}, {}]"] {
            server
                .send("POST", path, JSON, Some(body))
                .fails(400, "BAD_REQUEST");
        }
        server
            .send("POST", path, &[("content-type", "text/plain")], Some(b"{}"))
            .fails(415, "UNSUPPORTED_MEDIA_TYPE");
        server
            .send("POST", path, &[], Some(b"{}"))
            .fails(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let charset = [("content-type", "application/json; charset=utf-8")];
    server
        .send("POST", DUMMY, &charset, Some(b"{\"iterations\": 0}"))
        .data(202);
}

#[test]
fn a_body_has_a_limit() {
    let server = Server::start();
    let body = format!(
        "{{\"iterations\": 0, \"colour\": \"{}\"}}",
        "x".repeat(1 << 20)
    );
    server
        .send("POST", DUMMY, JSON, Some(body.as_bytes()))
        .fails(413, "BODY_TOO_LARGE");
    // Just under it, the body is read and judged.
    let body = format!(
        "{{\"iterations\": 0, \"colour\": \"{}\"}}",
        "x".repeat((1 << 20) - 100)
    );
    server
        .send("POST", DUMMY, JSON, Some(body.as_bytes()))
        .fails(422, "INVALID_PARAMS");
}

#[test]
fn a_full_queue_says_when_to_come_back_and_still_lets_itself_be_emptied() {
    let server = Server::set(&["lanes.default.concurrency=1", "lanes.default.queue_limit=1"]);
    let running = server.sleeper();
    let waiting = server.dummy(1, 0);
    let reply = server.post(DUMMY, &json!({"iterations": 1}));
    reply.fails(429, "QUEUE_FULL");
    assert!(
        reply
            .header("retry-after")
            .parse::<u64>()
            .is_ok_and(|seconds| seconds >= 1)
    );
    assert_eq!(reply.body["error"]["retryable"], true);
    has(
        &reply.body["error"]["details"],
        json!({"waiting": 1, "limit": 1}),
    );
    server.asks(&waiting, "cancel", "cancelled");
    server.asks(&running, "cancel", "cancelled");
    server.ended(1, &json!({}));
}

#[test]
fn the_same_key_is_the_same_operation_to_the_same_caller() {
    let server = Server::start();
    let body = json!({"iterations": 3, "step_ms": 0});
    let ask = |body: &Value, who: &str, path: &str| {
        server.post_as(
            path,
            body,
            &[("idempotency-key", "once"), ("x-client", who)],
        )
    };
    let first = id(ask(&body, "anna", DUMMY).data(202));
    let again = ask(&body, "anna", DUMMY);
    let data = again.data(200);
    assert_eq!((id(data), &data["replayed"]), (first.clone(), &json!(true)));
    assert_eq!(data["operation"]["operation_id"], first.as_str());
    let waited = ask(&body, "anna", &format!("{DUMMY}?wait=30"));
    assert_eq!(waited.data(200)["mode"], "sync");
    assert_eq!(waited.data(200)["result"]["iterations_completed"], 3);
    // The generic route is the same request.
    let generic = ask(
        &json!({"kind": "dummy", "params": body}),
        "anna",
        OPERATIONS,
    );
    assert_eq!(id(generic.data(200)), first);
    ask(&json!({"iterations": 4, "step_ms": 0}), "anna", DUMMY).fails(422, "IDEMPOTENCY_MISMATCH");
    assert_ne!(id(ask(&body, "ben", DUMMY).data(202)), first);
    for key in ["", "a b", &"k".repeat(256)] {
        server
            .post_as(DUMMY, &body, &[("idempotency-key", key)])
            .fails(400, "BAD_REQUEST");
    }
}

#[test]
fn a_key_of_the_unnamed_is_not_that_of_one_who_is_called_so() {
    let server = Server::start();
    let body = json!({"iterations": 0});
    let ask = |who: &[&str]| {
        let mut headers = vec![("idempotency-key", "once")];
        headers.extend(who.iter().map(|who| ("x-client", *who)));
        server.post_as(DUMMY, &body, &headers)
    };
    let unnamed = id(ask(&[]).data(202));
    assert_eq!(id(ask(&[""]).data(200)), unnamed);
    let called_so = id(ask(&["anonymous"]).data(202));
    assert_ne!(called_so, unnamed);
    assert_eq!(id(ask(&["anonymous"]).data(200)), called_so);
    let reply = ask(&["anna", "ben"]);
    reply.fails(400, "BAD_REQUEST");
    let fault = &reply.body["error"]["details"][0];
    assert_eq!(fault["path"], "X-Client", "{fault}");
}

#[test]
fn who_asked_stands_in_the_view() {
    let server = Server::start();
    let body = json!({"iterations": 0});
    let named = id(server
        .post_as(DUMMY, &body, &[("x-client", "cli me@desk")])
        .data(202));
    assert_eq!(server.view(&named)["requested_by"], "cli me@desk");
    let nobody = id(server.post(DUMMY, &body).data(202));
    assert_eq!(server.view(&nobody)["requested_by"], "anonymous");
}

#[test]
fn waiting_longer_than_allowed_is_refused_before_anything_starts() {
    let server = Server::start();
    for wait in ["301", "-1", "soon", "NaN", "inf", "", "1&wait=2"] {
        let reply = server.post(&format!("{DUMMY}?wait={wait}"), &json!({"iterations": 0}));
        reply.faults(400, "BAD_REQUEST", &["wait"]);
    }
    server
        .post(&format!("{DUMMY}?wiat=3"), &json!({"iterations": 0}))
        .fails(400, "BAD_REQUEST");
    assert_eq!(server.get(OPERATIONS).data(200)["total_count"], 0);
}
