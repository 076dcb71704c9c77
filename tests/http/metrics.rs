//! `/metrics`: that it is what Prometheus reads, and that it agrees with what was done.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::own::Gate;
use crate::support::{ANNA, DUMMY, OPERATIONS, Server, tokens};

/// Looks so often before it says that a number never came.
const LOOKS: usize = 10_000;

/// The samples by name and labels, as they stand in the text.
type Samples = BTreeMap<String, f64>;

/// Reads the text, strictly: each sample stands once, below the one description of its family.
fn read(text: &str) -> Samples {
    let text = text.strip_suffix("# EOF\n").expect("it ends with its mark");
    let (mut family, mut kind, mut samples) = (String::new(), String::new(), Samples::new());
    let mut families = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, words) = rest.split_once(' ').expect("a name and what it is");
            assert!(!words.is_empty() && !families.contains(&name), "{line}");
            families.push(name);
            name.clone_into(&mut family);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, of) = rest.split_once(' ').expect("a name and a type");
            assert_eq!(name, family, "{line}");
            of.clone_into(&mut kind);
        } else if let Some(rest) = line.strip_prefix("# UNIT ") {
            let (name, unit) = rest.split_once(' ').expect("a name and a unit");
            assert!(
                name == family && name.ends_with(&format!("_{unit}")),
                "{line}"
            );
        } else {
            let (sample, value) = line.rsplit_once(' ').expect("a sample and a value");
            let name = sample.split('{').next().unwrap_or(sample);
            let suffixes: &[&str] = match kind.as_str() {
                "gauge" => &[""],
                "counter" => &["_total"],
                "info" => &["_info"],
                "histogram" => &["_bucket", "_count", "_sum"],
                other => panic!("a type \"{other}\""),
            };
            let suffix = name.strip_prefix(&*family).expect("it is of its family");
            assert!(suffixes.contains(&suffix), "{line}");
            let value = value.parse().expect("a number");
            assert!(samples.insert(sample.to_owned(), value).is_none(), "{line}");
        }
    }
    samples
}

fn metrics(server: &Server) -> Samples {
    let reply = server.get("/metrics");
    assert_eq!(reply.status, 200, "{reply:?}");
    let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(reply.header("content-type"), media);
    read(reply.body.as_str().expect("a text"))
}

fn of(samples: &Samples, name: &str) -> f64 {
    let found = samples.get(&format!("impresario_{name}"));
    *found.unwrap_or_else(|| panic!("no {name} in {samples:#?}"))
}

/// The metrics as soon as these samples have these values: who hears of a commit may be a moment
/// ahead of those who count it.
fn when(server: &Server, wanted: &[(&str, f64)]) -> Samples {
    for _ in 0..LOOKS {
        let samples = metrics(server);
        if wanted
            .iter()
            .all(|(name, value)| of(&samples, name) == *value)
        {
            return samples;
        }
    }
    panic!("{wanted:?} never came: {:#?}", metrics(server));
}

const DONE: &str = "operations{kind=\"dummy\",status=\"completed\"}";
const RUNS: &str = "run_seconds_count{kind=\"dummy\"}";

#[test]
fn operations_and_runs_are_counted() {
    let server = Server::start();
    let fresh = metrics(&server);
    for name in [
        DONE,
        RUNS,
        "checkpoint_seconds_count{kind=\"dummy\"}",
        "starts_admitted_total",
        "store_operations",
        "panics_total",
    ] {
        assert_eq!(of(&fresh, name), 0.0, "{name}");
    }
    assert_eq!(of(&fresh, "ready"), 1.0);
    server.ended(3, &json!({}));
    // One that rests for 20 ms in all.
    let body = json!({"iterations": 2, "step_ms": 10});
    server.post(&format!("{DUMMY}?wait=60"), &body).data(200);
    let after = when(
        &server,
        &[(DONE, 2.0), (RUNS, 2.0), ("starts_admitted_total", 2.0)],
    );
    assert_eq!(of(&after, "store_operations"), 2.0);
    assert!(of(&after, "run_seconds_sum{kind=\"dummy\"}") >= 0.02);
    let slow = "run_seconds_bucket{le=\"0.01\",kind=\"dummy\"}";
    assert!(of(&after, slow) <= 1.0, "the second took longer than 10 ms");
    assert_eq!(
        of(&after, "operations{kind=\"dummy\",status=\"running\"}"),
        0.0
    );
    assert_eq!(of(&after, "run_seconds_count{kind=\"data_load\"}"), 0.0);
    assert!(of(&after, "store_bytes") > 0.0);
    assert!(of(&after, "uptime_seconds") > of(&fresh, "uptime_seconds"));
    let commits = "commit_seconds_count";
    assert!(of(&after, commits) >= of(&fresh, commits) + 2.0);
}

#[test]
fn histograms_are_cumulative_and_whole() {
    let server = Server::start();
    for _ in 0..3 {
        server.ended(1, &json!({}));
    }
    when(&server, &[(RUNS, 3.0)]);
    let text = server.get("/metrics").body;
    let text = text.as_str().expect("a text");
    let samples = read(text);
    let (mut last, mut bound, mut whole) = (0.0, f64::NEG_INFINITY, Vec::new());
    for line in text.lines().filter(|line| line.contains("_bucket{")) {
        let (sample, count) = line.rsplit_once(' ').expect("a sample and a value");
        let (family, labels) = sample.split_once("_bucket{le=\"").expect("a bucket");
        let (le, labels) = labels.split_once('"').expect("a bound");
        let (le, count): (f64, f64) = (
            le.parse().expect("a bound"),
            count.parse().expect("a count"),
        );
        assert!(le > bound && count >= last, "{line}");
        (last, bound) = (count, le);
        if le.is_infinite() {
            let labels = match labels.trim_start_matches(',') {
                "}" => String::new(),
                labels => format!("{{{labels}"),
            };
            assert_eq!(samples[&format!("{family}_count{labels}")], count, "{line}");
            whole.push(format!("{family}{labels}"));
            (last, bound) = (0.0, f64::NEG_INFINITY);
        }
    }
    let counts = samples.keys().filter(|name| name.contains("_count"));
    let counts: Vec<_> = counts.map(|name| name.replace("_count", "")).collect();
    whole.sort();
    assert_eq!(whole, counts, "each has its last bound");
    assert!(whole.len() >= 4, "{whole:?}");
}

#[test]
fn queues_slots_cancels_and_refusals_are_seen() {
    let server = Server::own(&["lanes.default.concurrency=1", "lanes.default.queue_limit=1"]);
    let gate = Gate::new();
    let (running, held) = gate.holds(&server, "stubborn", &json!({}));
    let waiting = server.of_kind("plain", &json!({}), &json!({}));
    server.post(DUMMY, &json!({})).fails(429, "QUEUE_FULL");
    let full = when(
        &server,
        &[
            ("lane_slots{lane=\"default\"}", 1.0),
            ("lane_slots_busy{lane=\"default\"}", 1.0),
            ("lane_queued{lane=\"default\"}", 1.0),
            ("operations{kind=\"stubborn\",status=\"running\"}", 1.0),
            ("operations{kind=\"plain\",status=\"pending\"}", 1.0),
            ("starts_refused_total", 1.0),
            ("cancel_seconds_count", 0.0),
        ],
    );
    assert_eq!(of(&full, "lane_slots_busy{lane=\"training\"}"), 0.0);
    assert_eq!(
        of(&full, "lane_oldest_wait_seconds{lane=\"training\"}"),
        0.0
    );
    let oldest = "lane_oldest_wait_seconds{lane=\"default\"}";
    assert!(
        (0..LOOKS).any(|_| of(&metrics(&server), oldest) > of(&full, oldest)),
        "who waits waits longer and longer"
    );
    server.ask(&waiting, "cancel?wait=30").data(200);
    server.ask(&running, "cancel").data(202);
    when(
        &server,
        &[
            ("operations{kind=\"stubborn\",status=\"cancelling\"}", 1.0),
            (oldest, 0.0),
        ],
    );
    drop(held);
    server.until(&running, "cancelled");
    // One cancel alone had a run to end.
    let after = when(
        &server,
        &[
            ("cancel_seconds_count", 1.0),
            ("lane_slots_busy{lane=\"default\"}", 0.0),
            ("operations{kind=\"stubborn\",status=\"cancelled\"}", 1.0),
            ("operations{kind=\"plain\",status=\"cancelled\"}", 1.0),
            ("run_seconds_count{kind=\"plain\"}", 0.0),
        ],
    );
    assert!(of(&after, "cancel_seconds_sum") > 0.0);
}

#[test]
fn panics_and_subscribers_are_counted() {
    let server = Server::own(&[]);
    let start = json!({"kind": "panicker"});
    let failed = server.post(&format!("{OPERATIONS}?wait=60"), &start);
    assert_eq!(failed.data(200)["operation"]["error"]["code"], "PANICKED");
    when(
        &server,
        &[
            ("panics_total", 1.0),
            ("restarts_total", 1.0),
            ("operations{kind=\"panicker\",status=\"failed\"}", 1.0),
        ],
    );
    let sleeper = server.sleeper();
    let seq = server.view(&sleeper)["seq"].as_u64().expect("a seq");
    let path = format!("{OPERATIONS}/{sleeper}/events?since={seq}&wait=30");
    when(&server, &[("subscribers", 0.0)]);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| server.get(&path));
        when(&server, &[("subscribers", 1.0)]);
        server.ask(&sleeper, "cancel").data(202);
        waits.join().expect("the reader ends").data(200);
    });
    when(&server, &[("subscribers", 0.0)]);
}

#[test]
fn people_and_prometheus_see_the_same() {
    let server = Server::start();
    server.ended(1, &json!({}));
    server.sleeper();
    let samples = when(&server, &[("starts_admitted_total", 2.0)]);
    let reply = server.get("/api/v1/system");
    let system = reply.data(200);
    let number = |value: &Value| value.as_f64().expect("a number");
    for (name, value) in [
        ("store_operations", &system["store"]["operations"]),
        ("starts_admitted_total", &system["admitted"]),
        ("starts_refused_total", &system["refused"]),
        ("panics_total", &system["panics"]),
        ("restarts_total", &system["restarts"]),
    ] {
        assert_eq!(of(&samples, name), number(value), "{name}");
    }
    for lane in system["lanes"].as_array().expect("lanes") {
        let label = format!("{{lane={}}}", lane["name"]);
        let slots = of(&samples, &format!("lane_slots{label}"));
        assert_eq!(slots, number(&lane["concurrency"]));
    }
}

#[test]
fn the_guards_stand_before_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let set = tokens(&folder);
    let anna = format!("Bearer {ANNA}");
    let server = Server::within(folder, &["--set", &set]);
    server.get("/metrics").fails(401, "UNAUTHENTICATED");
    let token = ("authorization", anna.as_str());
    let ask = |path: &str, headers: &[(&str, &str)]| server.send("GET", path, headers, None);
    assert_eq!(ask("/metrics", &[token]).status, 200);
    ask("/metrics?a=1", &[token]).fails(400, "BAD_REQUEST");
    ask("/metrics", &[token, ("host", "example.org")]).fails(403, "FORBIDDEN_HOST");
}
