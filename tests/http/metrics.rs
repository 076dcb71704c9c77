//! `/metrics`, as a monitor reads it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::support::{DUMMY, Server};

/// Every sample by its name and labels.
fn scrape(server: &Server) -> BTreeMap<String, f64> {
    let mut socket = TcpStream::connect(&server.address).expect("it listens");
    let head = format!(
        "GET /metrics HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        server.address
    );
    socket.write_all(head.as_bytes()).expect("it reads");
    let mut text = String::new();
    socket.read_to_string(&mut text).expect("it answers");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("application/openmetrics-text"), "{head}");
    assert!(body.ends_with("# EOF\n"), "it is whole");
    let samples = body.lines().filter(|line| !line.starts_with('#'));
    let parsed = samples.map(|line| {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        (name.to_owned(), value.parse().expect("a number"))
    });
    parsed.collect()
}

#[test]
fn what_was_done_can_be_read_from_the_metrics() {
    let server = Server::set(&["lanes.default.queue_limit=1"]);
    for _ in 0..3 {
        server.ended(2, &json!({}));
    }
    let cancelled = server.sleeper();
    server
        .post(
            &format!("/api/v1/operations/{cancelled}/cancel?wait=30"),
            &json!({}),
        )
        .data(200);
    let running = [server.sleeper(), server.sleeper()];
    let long = json!({"iterations": 1, "step_ms": 3_600_000});
    server.post(DUMMY, &long).data(202);
    server.post(DUMMY, &long).fails(429, "QUEUE_FULL");
    let samples = scrape(&server);
    let of = |name: &str| {
        *samples
            .get(name)
            .unwrap_or_else(|| panic!("{name}: {samples:#?}"))
    };
    for (name, wanted) in [
        (
            "impresario_operations{kind=\"dummy\",status=\"completed\"}",
            3.0,
        ),
        (
            "impresario_operations{kind=\"dummy\",status=\"cancelled\"}",
            1.0,
        ),
        (
            "impresario_operations{kind=\"dummy\",status=\"running\"}",
            2.0,
        ),
        (
            "impresario_operations{kind=\"dummy\",status=\"pending\"}",
            1.0,
        ),
        ("impresario_lane_slots{lane=\"default\"}", 2.0),
        ("impresario_lane_slots_busy{lane=\"default\"}", 2.0),
        ("impresario_lane_queued{lane=\"default\"}", 1.0),
        ("impresario_store_operations", 7.0),
        ("impresario_starts_admitted_total", 7.0),
        ("impresario_starts_refused_total", 1.0),
        ("impresario_panics_total", 0.0),
        ("impresario_ready", 1.0),
        ("impresario_run_seconds_count{kind=\"dummy\"}", 4.0),
        (
            "impresario_run_seconds_bucket{le=\"+Inf\",kind=\"dummy\"}",
            4.0,
        ),
        ("impresario_cancel_seconds_count", 1.0),
        ("impresario_cancel_seconds_bucket{le=\"+Inf\"}", 1.0),
    ] {
        assert_eq!(of(name), wanted, "{name}");
    }
    assert!(of("impresario_commit_seconds_count") > 5.0);
    assert!(of("impresario_store_bytes") > 4_096.0);
    assert!(of("impresario_lane_oldest_wait_seconds{lane=\"default\"}") >= 0.0);
    assert_eq!(running.len(), 2);
}
