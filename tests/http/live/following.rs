//! What a subscription tells, of one operation and of many.

use serde_json::{Value, json};

use super::client::Live;
use crate::support::{DUMMY, Server, has, id};

/// Durable frames of a subscription up to one with this status.
pub(super) fn until(live: &mut Live, status: &str) -> Vec<Value> {
    let mut frames = Vec::new();
    loop {
        let frame = live.next();
        let is_it = frame["type"] == "status" && frame["data"]["status"] == status;
        frames.push(frame);
        if is_it {
            return frames;
        }
    }
}

fn seqs(frames: &[Value]) -> Vec<u64> {
    let durable = frames.iter().filter(|frame| frame["cursor"].is_u64());
    durable
        .map(|frame| frame["seq"].as_u64().expect("a seq"))
        .collect()
}

#[test]
fn one_operation_is_a_snapshot_and_then_everything_after_it() {
    let server = Server::start();
    let sleeper = server.sleeper();
    let mut live = Live::new(&server);
    live.subscribe("mine", json!({"operation_id": sleeper}));
    let snapshot = live.of_type("snapshot");
    assert_eq!(
        (&snapshot["sub"], &snapshot["data"]["status"]),
        (&json!("mine"), &json!("running"))
    );
    let at = snapshot["seq"].as_u64().expect("the seq of the view");
    server.ask(&sleeper, "cancel").data(202);
    let frames = until(&mut live, "cancelled");
    let told = seqs(&frames);
    assert_eq!(told, (at + 1..=at + told.len() as u64).collect::<Vec<_>>());
    let last = frames.iter().rposition(|frame| frame["type"] == "progress");
    assert_eq!(
        last,
        Some(frames.len() - 2),
        "the last progress comes before the end"
    );
    assert!(frames.iter().all(|frame| frame["sub"] == "mine"));
}

#[test]
fn with_since_comes_what_was_missed_and_then_a_snapshot() {
    let server = Server::start();
    let ended = server.ended(3, &json!({}));
    let all = server.events(&ended);
    for since in 0..=all.len() as u64 {
        let mut live = Live::new(&server);
        live.subscribe("a", json!({"operation_id": ended, "since": since}));
        for event in &all[usize::try_from(since).expect("small")..] {
            let mut frame = live.next();
            assert_eq!(
                frame.as_object_mut().expect("fields").remove("sub"),
                Some(json!("a"))
            );
            assert_eq!(frame, *event, "frames without sub are the events of GET");
        }
        assert_eq!(live.next()["type"], "snapshot", "caught up");
    }
}

#[test]
fn since_ahead_of_the_operation_is_an_error_and_then_a_snapshot() {
    let server = Server::start();
    let ended = server.ended(1, &json!({}));
    let mut live = Live::new(&server);
    for what in [
        json!({"operation_id": ended, "since": 999}),
        json!({"filter": {}, "since": 999_999}),
    ] {
        let mut frame = json!({"type": "subscribe", "sub": "a"});
        frame
            .as_object_mut()
            .expect("fields")
            .extend(what.as_object().expect("fields").clone());
        live.say(&frame);
        let error = live.next();
        assert_eq!(
            (&error["type"], &error["data"]["code"]),
            (&json!("error"), &json!("SINCE_AHEAD"))
        );
        assert_eq!(live.next()["type"], "subscribed");
        assert_eq!(live.next()["type"], "snapshot");
        live.say(&json!({"type": "unsubscribe", "sub": "a"}));
        live.of_type("unsubscribed");
    }
}

#[test]
fn a_filter_has_the_rows_that_match_and_tells_of_new_ones_from_their_first_event() {
    let server = Server::start();
    let team = |team: &str| json!({"iterations": 3, "step_ms": 3_600_000, "options": {"labels": {"team": team}}});
    let red = id(server.post(DUMMY, &team("red")).data(202));
    server.until(&red, "running");
    let _blue = id(server.post(DUMMY, &team("blue")).data(202));
    let mut live = Live::new(&server);
    live.subscribe(
        "reds",
        json!({"filter": {"kind": ["dummy"], "label": "team:red"}}),
    );
    let snapshot = live.of_type("snapshot");
    let rows = snapshot["data"]["operations"].as_array().expect("rows");
    let ids: Vec<_> = rows.iter().map(|row| row["operation_id"].clone()).collect();
    assert_eq!(ids, [json!(red)]);
    let cursor = snapshot["cursor"].as_u64().expect("where it is");
    let other = id(server.post(DUMMY, &team("red")).data(202));
    let first = live.of_type("submitted");
    has(&first, json!({"operation_id": other, "seq": 1}));
    assert!(first["cursor"].as_u64() > Some(cursor));
    let mut again = Live::new(&server);
    again.subscribe(
        "a",
        json!({"filter": {"label": "team:red"}, "since": cursor}),
    );
    let missed = again.next();
    has(&missed, json!({"type": "submitted", "operation_id": other}));
    again.of_type("snapshot");
}

#[test]
fn types_are_chosen_and_progress_is_as_seldom_as_asked() {
    let server = Server::start();
    let id = server.dummy(1_000_000, 5);
    let mut live = Live::new(&server);
    live.subscribe(
        "p",
        json!({"operation_id": id, "events": ["progress"], "progress_ms": 300}),
    );
    let time = |frame: &Value| {
        frame["at"]
            .as_str()
            .expect("a time")
            .parse::<impresario_api::Timestamp>()
            .expect("RFC 3339")
    };
    live.of_type("snapshot");
    let mut last = None;
    for _ in 0..4 {
        let frame = live.next();
        assert_eq!(frame["type"], "progress", "{frame}");
        let at = time(&frame).as_millis();
        if let Some(last) = last {
            assert!(at - last > 150, "two within {} ms", at - last);
        }
        last = Some(at);
    }
    server.ask(&id, "cancel").data(202);
    live.say(&json!({"type": "ping"}));
    live.of_type("pong");
}

#[test]
fn subscriptions_are_complete_in_themselves() {
    let server = Server::start();
    let sleeper = server.sleeper();
    let mut live = Live::new(&server);
    live.subscribe(
        "one",
        json!({"operation_id": sleeper, "events": ["status"]}),
    );
    live.subscribe("all", json!({"filter": {}, "events": ["status"]}));
    server.ask(&sleeper, "cancel").data(202);
    let mut ends = Vec::new();
    while ends.len() < 2 {
        let frame = live.of_type("status");
        if frame["data"]["status"] == "cancelled" {
            ends.push(frame["sub"].as_str().expect("a name").to_owned());
        }
    }
    ends.sort();
    assert_eq!(ends, ["all", "one"]);
}

#[test]
fn an_operation_that_is_not_there_is_an_error_and_frees_the_name() {
    let server = Server::start();
    let mut live = Live::new(&server);
    for _ in 0..2 {
        live.say(&json!({"type": "subscribe", "sub": "a", "operation_id": "op_0k3j9x7q2m4tz"}));
        let frame = live.next();
        assert_eq!(
            (&frame["sub"], &frame["data"]["code"]),
            (&json!("a"), &json!("OPERATION_NOT_FOUND"))
        );
        live.say(&json!({"type": "ping"}));
        live.of_type("pong");
    }
}

#[test]
fn a_socket_hears_of_a_resume_after_the_end() {
    let server = Server::start();
    let id = server.dummy(1_000_000, 5);
    let mut live = Live::new(&server);
    live.subscribe("a", json!({"operation_id": id}));
    live.of_type("snapshot");
    // A step is complete, so there is something to resume from.
    while live.of_type("progress")["data"]["steps"][0]["current"].as_u64() < Some(1) {}
    server.ask(&id, "cancel").data(202);
    until(&mut live, "cancelled");
    let mut late = Live::new(&server);
    late.subscribe("b", json!({"operation_id": id}));
    late.of_type("snapshot");
    server.ask(&id, "resume").data(202);
    for live in [&mut live, &mut late] {
        live.of_type("resumed");
        until(live, "running");
    }
}
