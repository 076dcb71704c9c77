//! Looking: lists, views, events and the server itself.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{DUMMY, OPERATIONS, Server, has, id};

fn ids(list: &Value) -> Vec<String> {
    list["operations"]
        .as_array()
        .expect("rows")
        .iter()
        .map(id)
        .collect()
}

#[test]
fn a_list_is_paged_newest_first_without_gaps_or_repeats() {
    let server = Server::start();
    let mut started: Vec<String> = (0..5).map(|_| server.ended(0, &json!({}))).collect();
    started.reverse();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let reply = server.get(&format!("{OPERATIONS}?limit=2{cursor}"));
        let page = reply.data(200);
        assert_eq!(page["total_count"], 5);
        seen.extend(ids(page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, started);
}

#[test]
fn a_list_is_filtered() {
    let server = Server::set(&["lanes.default.concurrency=1"]);
    let done = server.ended(0, &json!({"labels": {"experiment": "alpha"}}));
    let running = server.sleeper();
    let waiting = server.dummy(1, 0);
    let list = |query: &str| {
        let reply = server.get(&format!("{OPERATIONS}?{query}"));
        ids(reply.data(200)).into_iter().collect::<BTreeSet<_>>()
    };
    let set = |ids: &[&String]| {
        ids.iter()
            .map(|one| (*one).clone())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(list("status=completed"), set(&[&done]));
    assert_eq!(list("status=running,pending"), set(&[&running, &waiting]));
    assert_eq!(list("active_only=true"), set(&[&running, &waiting]));
    assert_eq!(
        list("active_only=false&kind=dummy"),
        set(&[&done, &running, &waiting])
    );
    assert_eq!(list("kind=training"), set(&[]));
    assert_eq!(list("label=experiment:alpha"), set(&[&done]));
    assert_eq!(list("label=experiment:beta"), set(&[]));
    assert_eq!(list("q=alp"), set(&[&done]));
    assert_eq!(
        list(&format!("q={}", &waiting[waiting.len() - 8..])),
        set(&[&waiting])
    );
    let reply = server.get(&format!("{OPERATIONS}?limit=1"));
    assert_eq!(reply.data(200)["active_count"], 2);
    let row = &reply.data(200)["operations"][0];
    assert!(row.get("params").is_none() && row.get("result_summary").is_none());
}

#[test]
fn a_query_that_is_wrong_is_told_whole() {
    let server = Server::start();
    let reply = server.get(&format!(
        "{OPERATIONS}?status=done&limit=0&cursor=x&label=a&active_only=1&colour=red"
    ));
    reply.faults(
        400,
        "BAD_REQUEST",
        &[
            "active_only",
            "colour",
            "cursor",
            "label",
            "limit",
            "status",
        ],
    );
    let one = server.ended(0, &json!({}));
    for query in [
        "?colour=red",
        "/events?since=x",
        "/events?wait=31",
        "/events?limit=1001",
        "/logs?level=loud",
        "/metrics?max_points=0",
        "/results?wait=1",
    ] {
        server.read(&one, query).fails(400, "BAD_REQUEST");
    }
}

#[test]
fn a_view_is_whole_and_has_two_addresses() {
    let server = Server::start();
    let labels = json!({"labels": {"experiment": "a"}, "priority": 7});
    let one = server.ended(3, &labels);
    let view = server.view(&one);
    assert_eq!(view["kind"], "dummy");
    has(
        &view,
        json!({"status": "completed", "run": 1, "priority": 7}),
    );
    assert_eq!(view["labels"], json!({"experiment": "a"}));
    assert_eq!(view["result_summary"]["iterations_completed"], 3);
    assert_eq!(view["progress"]["percentage"], 100.0);
    let status = server.read(&one, "/status");
    assert_eq!(status.data(200)["seq"], view["seq"]);
    let results = server.read(&one, "/results");
    assert_eq!(results.data(200)["iterations_completed"], 3);
}

#[test]
fn a_pending_operation_has_no_result_and_says_why_it_waits() {
    let server = Server::set(&["lanes.default.concurrency=1"]);
    server.sleeper();
    let waiting = server.dummy(1, 0);
    let reply = server.read(&waiting, "/results");
    reply.fails(409, "NO_RESULT");
    assert_eq!(reply.body["error"]["details"]["status"], "pending");
    let view = server.view(&waiting);
    assert_eq!(view["queue_position"], 1);
    assert!(view["waiting_for"].is_string());
}

#[test]
fn events_are_contiguous_and_come_after_since() {
    let server = Server::start();
    let one = server.ended(2, &json!({}));
    let path = format!("{OPERATIONS}/{one}/events");
    let reply = server.get(&path);
    let all = reply.list("events");
    let seqs: Vec<u64> = all
        .iter()
        .filter_map(|event| event["seq"].as_u64())
        .collect();
    assert_eq!(seqs, (1..=all.len() as u64).collect::<Vec<_>>());
    assert_eq!(all[0]["type"], "submitted");
    assert_eq!(all[all.len() - 1]["data"]["status"], "completed");
    let page = server.get(&format!("{path}?since=1&limit=1"));
    assert_eq!(page.data(200)["events"][0]["seq"], 2);
    assert_eq!(page.data(200)["next_since"], 2);
    // Nothing follows an end, so the wait runs out.
    let last = all.len();
    let page = server.get(&format!("{path}?since={last}&wait=0.05"));
    assert_eq!(page.data(200), &json!({"events": [], "next_since": last}));
}

#[test]
fn thousands_of_events_are_paged_without_gaps_or_repeats() {
    let server = Server::own(&[]);
    let body = json!({"kind": "talker", "params": {"lines": 2_500}});
    let reply = server.post(&format!("{OPERATIONS}?wait=60"), &body);
    let one = id(reply.data(200));
    let last = server.view(&one)["seq"].as_u64().expect("a seq");
    assert!(last > 2_500, "{last}");
    let path = format!("{OPERATIONS}/{one}/events");
    // By default a page is the longest there may be; a feed that waits is paged likewise.
    for query in ["", "&wait=30", "&limit=999"] {
        let (mut seqs, mut since, mut pages) = (Vec::new(), 0, 0);
        while since < last {
            let reply = server.get(&format!("{path}?since={since}{query}"));
            let page = reply.data(200);
            let events = page["events"].as_array().expect("events");
            seqs.extend(events.iter().filter_map(|event| event["seq"].as_u64()));
            since = page["next_since"].as_u64().expect("a seq");
            assert_eq!(seqs.last(), Some(&since), "it goes on where the page ends");
            pages += 1;
        }
        assert_eq!(seqs, (1..=last).collect::<Vec<_>>(), "{query}");
        assert_eq!(pages, 3, "{query}");
    }
    // Lines alone: their numbers have holes, their own count has none.
    let reply = server.read(&one, "/logs?since=1000");
    let page = reply.data(200);
    let lines = page["events"].as_array().expect("lines");
    assert_eq!(
        (lines.len(), page["next_since"].as_u64()),
        (1_000, Some(2_000))
    );
}

#[test]
fn waiting_for_events_is_answered_by_the_next_one() {
    let server = Server::start();
    let one = server.sleeper();
    let seq = server.view(&one)["seq"].as_u64().expect("a seq");
    let path = format!("{OPERATIONS}/{one}/events?since={seq}&wait=30");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| server.get(&path));
        server.ask(&one, "cancel").body["success"]
            .as_bool()
            .expect("an envelope");
        let page = waits.join().expect("the reader ends");
        assert_eq!(page.data(200)["events"][0]["seq"], seq + 1);
    });
}

#[test]
fn metrics_and_logs_of_a_kind_that_has_none_are_empty() {
    let server = Server::start();
    let one = server.ended(1, &json!({}));
    let metrics = server.read(
        &one,
        "/metrics?name=loss,accuracy&from_step=0&max_points=10",
    );
    assert_eq!(metrics.data(200)["series"], json!({}));
    let logs = server.read(&one, "/logs?level=warn&limit=10");
    assert_eq!(logs.data(200)["events"], json!([]));
}

#[test]
fn metrics_hold_no_point_of_a_run_that_a_later_one_began_again() {
    let server = Server::own(&[]);
    let params = json!({"steps": [200, 120]});
    let id = server.of_kind("meter", &params, &json!({}));
    server.until(&id, "completed");
    let path = format!("{OPERATIONS}/{id}/metrics");
    let reply = server.get(&path);
    let series = reply.data(200)["series"].as_object().expect("series");
    assert_eq!(
        series.keys().collect::<Vec<_>>(),
        ["loss"],
        "extra is of the dead run"
    );
    let points = series["loss"].as_array().expect("points");
    assert_eq!(points.len(), 120);
    assert!(points.iter().all(|point| point["run"] == 2));
    let summary = &reply.data(200)["summary"]["loss"];
    assert_eq!(summary["count"], 120);
    assert_eq!(
        summary["min"]["step"], 120,
        "the lowest is of this run: {summary}"
    );
    assert_eq!(summary["max"]["step"], 1);
    assert_eq!(
        (&summary["first"]["step"], &summary["last"]["step"]),
        (&json!(1), &json!(120))
    );
}

#[test]
fn metrics_of_a_range_of_steps_are_thinned_within_it() {
    let server = Server::own(&[]);
    let params = json!({"steps": [1000]});
    let id = server.of_kind("meter", &params, &json!({}));
    server.until(&id, "completed");
    let path =
        format!("{OPERATIONS}/{id}/metrics?name=loss&from_step=101&to_step=700&max_points=20");
    let reply = server.get(&path);
    let points = reply.data(200)["series"]["loss"]
        .as_array()
        .expect("points");
    let steps: Vec<_> = points
        .iter()
        .filter_map(|point| point["step"].as_u64())
        .collect();
    assert!(steps.len() <= 20, "{steps:?}");
    assert_eq!((steps.first(), steps.last()), (Some(&101), Some(&700)));
    let summary = &reply.data(200)["summary"]["loss"];
    assert_eq!(
        (&summary["count"], &summary["min"]["step"]),
        (&json!(600), &json!(700))
    );
}

#[test]
fn events_are_chosen_by_their_types() {
    let server = Server::own(&[]);
    let id = server.of_kind("meter", &json!({"steps": [2000, 10]}), &json!({}));
    server.until(&id, "completed");
    let path = format!("{OPERATIONS}/{id}/events");
    let reply = server.get(&format!("{path}?type=submitted,status,status&limit=10"));
    let events = reply.list("events");
    let types: BTreeSet<_> = events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    assert_eq!(types, BTreeSet::from(["status", "submitted"]));
    let told: Vec<_> = events
        .iter()
        .filter_map(|event| event["data"]["status"].as_str())
        .collect();
    assert_eq!(
        told,
        ["pending", "running", "pending", "running", "completed"]
    );
    let seq = reply.data(200)["next_since"].as_u64().expect("a seq");
    let reply = server.get(&format!("{path}?type=status&since={seq}"));
    assert_eq!(reply.data(200)["events"], json!([]));
    for wrong in ["progress", "snapshot", "colour", ""] {
        server
            .get(&format!("{path}?type={wrong}"))
            .fails(400, "BAD_REQUEST");
    }
}

#[test]
fn kinds_and_the_system_describe_themselves() {
    let server = Server::set(&["lanes.default.concurrency=3"]);
    let kinds = server.get("/api/v1/kinds");
    let dummy = kinds
        .data(200)
        .as_array()
        .expect("kinds")
        .iter()
        .find(|kind| kind["kind"] == "dummy");
    let dummy = dummy.expect("the dummy is registered");
    assert_eq!(dummy["lane"], "default");
    assert!(dummy["params_schema"]["properties"]["iterations"].is_object());
    assert!(
        dummy["verbs"]
            .as_array()
            .is_some_and(|verbs| verbs.contains(&json!("pause")))
    );
    let system = server.get("/api/v1/system");
    let system = system.data(200);
    assert_eq!(system["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(system["admitting"], true);
    assert_eq!(
        system["lanes"][0]["slots"].as_array().map(Vec::len),
        Some(3)
    );
    assert_eq!(server.get("/healthz").data(200)["status"], "ok");
    assert_eq!(server.get("/readyz").data(200)["status"], "ready");
}

#[test]
fn pruning_counts_first_and_then_removes() {
    let server = Server::start();
    let old = server.ended(0, &json!({}));
    // One that takes a while, so that the first one ended before now.
    server
        .post(
            &format!("{DUMMY}?wait=30"),
            &json!({"iterations": 1, "step_ms": 50}),
        )
        .data(200);
    let prune = format!("{OPERATIONS}/prune");
    let counted = server.post(
        &prune,
        &json!({"older_than_seconds": 0.02, "dry_run": true}),
    );
    assert!(
        counted.data(200)["pruned"]
            .as_u64()
            .is_some_and(|count| count >= 1)
    );
    server.view(&old);
    let removed = server.post(&prune, &json!({"older_than_seconds": 0.02}));
    assert!(
        removed.data(200)["pruned"]
            .as_u64()
            .is_some_and(|count| count >= 1)
    );
    server.read(&old, "").fails(404, "OPERATION_NOT_FOUND");
    let reply = server.post(&prune, &json!({"older_than_seconds": -1, "dry_run": "yes"}));
    reply.fails(400, "BAD_REQUEST");
    assert_eq!(reply.fault_paths(), ["older_than_seconds", "dry_run"]);
    server.post(&prune, &json!({})).fails(400, "BAD_REQUEST");
}
