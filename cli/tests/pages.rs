//! The client's binary against a server whose pages do not lead further, or are no pages.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

/// The address of a server that gives this answer to every request.
fn server(answer: &Value) -> String {
    scripted(&[&json!({"success": true, "data": answer}).to_string()])
}

/// The address of a server that gives these answers one after the other, and the last one ever after.
fn scripted(bodies: &[&str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let bodies: Arc<[String]> = bodies.iter().map(|body| (*body).to_owned()).collect();
    let given = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (bodies, given) = (Arc::clone(&bodies), Arc::clone(&given));
            thread::spawn(move || serve(stream, &bodies, &given));
        }
    });
    url
}

fn serve(mut stream: TcpStream, bodies: &[String], given: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().expect("the socket can be shared"));
    while let Some(asked) = request(&mut reader) {
        let is_socket = asked.to_ascii_lowercase().contains("upgrade: websocket");
        let at = match is_socket {
            // The client asks again without a socket.
            true => 0,
            false => given.fetch_add(1, Ordering::SeqCst),
        };
        let body = &bodies[at.min(bodies.len() - 1)];
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
        let length = body.len();
        if write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{body}").is_err() {
            return;
        }
    }
}

/// The head of the next request; its body is read and left out.
fn request(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).ok().filter(|read| *read > 0)?;
    }
    let lower = head.to_ascii_lowercase();
    let length = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length = length.map_or(0, |text| text.trim().parse().expect("a length"));
    reader.read_exact(&mut vec![0; length]).ok()?;
    Some(head)
}

fn run(url: &str, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_impresario"))
        .args(["--url", url])
        .args(args)
        .env("NO_COLOR", "1")
        .output()
        .expect("the client runs")
}

#[test]
fn a_walk_through_pages_ends_where_they_do_not_go_on() {
    let bar = json!({"timestamp": "2013-02-01T00:00:00.000Z", "open": 1.0, "high": 1.0,
        "low": 1.0, "close": 1.0, "volume": 1.0});
    let dataset = json!({"symbol": "GOOG", "timeframe": "1d", "rows": 2148, "holes": 0,
        "start": "2004-08-19T00:00:00.000Z", "end": "2013-03-01T00:00:00.000Z", "bytes": 1,
        "sha256": "", "source": "x", "loaded_at": "2026-01-01T00:00:00.000Z"});
    let bars = |next: &str| json!({"dataset": dataset, "bars": [bar], "next_start": next});
    let list = |next: &str| {
        json!({"operations": [{}], "next_cursor": next, "total_count": 3, "total_is_exact": true,
            "active_count": 0})
    };
    // The same page again and again.
    let logs = |next: u64| {
        let line = json!({"operation_id": "op_0k3j9x7q2m4tz", "seq": 7, "cursor": 7,
            "at": "2026-01-01T00:00:00.000Z", "type": "log",
            "data": {"level": "info", "message": "x", "run": 1}});
        json!({"events": [line], "next_since": next})
    };
    for (answer, args) in [
        (
            bars("2013-02-01T00:00:00.000Z"),
            &["data", "show", "GOOG", "1d"][..],
        ),
        (bars("tomorrow"), &["data", "show", "GOOG", "1d"]),
        (
            bars("2013-02-01T00:00:00.000Z"),
            &["--json", "data", "show", "GOOG", "1d", "--limit", "9"],
        ),
        (list("op_0k3j9x7q2m4tz"), &["ops", "list", "--all"]),
        (list("x123"), &["ops", "list", "--all"]),
        (logs(0), &["ops", "logs", "op_0k3j9x7q2m4tz"]),
        (logs(0), &["--json", "ops", "logs", "op_0k3j9x7q2m4tz"]),
    ] {
        let output = run(&server(&answer), args);
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        assert!(!output.status.success(), "{args:?}: {told}");
        assert!(
            told.contains("leads to no further page"),
            "{args:?}: {told}"
        );
    }
}

const ID: &str = "op_0k3j9x7q2m4tz";
const MODEL: &str = "mdl_0k3j9x7s1w2ke";

/// Answers that are a success, and hold nothing that the API describes.
const STRANGE: &[&str] = &[
    "0",
    "-1",
    "1.5",
    "true",
    "\"x\"",
    "null",
    "[1]",
    "[null]",
    "[[]]",
    "[[],[],[],[]]",
    "{}",
    "{\"x\":1}",
];

#[test]
fn an_answer_of_another_shape_is_an_error_and_no_panic() {
    let commands: &[&[&str]] = &[
        &["kinds"],
        &["system"],
        &["data", "list"],
        &["data", "imports"],
        &["data", "imports", "delete", "a.csv"],
        &["data", "dialects"],
        &["data", "show", "GOOG", "1d"],
        &["data", "show", "GOOG", "1d", "--limit", "9"],
        &["models", "list"],
        &["models", "show", MODEL],
        &["models", "show", "1w2ke"],
        &["models", "predict", MODEL],
        &["models", "verify", MODEL],
        &["models", "verify", "1w2ke"],
        &["ops", "list"],
        &["ops", "list", "--all"],
        &["ops", "show", ID],
        &["ops", "show", "2m4tz"],
        &["ops", "watch", ID],
        &["ops", "logs", ID],
        &["ops", "logs", ID, "--follow"],
        &["ops", "prune", "--older-than", "1d"],
        &["ops", "cancel", ID],
        &["ops", "retry", ID],
        &["start", "dummy"],
    ];
    for data in STRANGE {
        let url = scripted(&[&format!("{{\"success\":true,\"data\":{data}}}")]);
        for args in commands {
            let output = run(&url, args);
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{args:?}, {data}: {told}");
            assert!(
                told.contains("the server's answer cannot be read"),
                "{args:?}, {data}: {told}"
            );
            // A program gets the answer as it is where nothing of it is needed.
            let output = run(&url, &[&["--json"], *args].concat());
            let code = output.status.code();
            assert!(matches!(code, Some(0 | 1)), "{args:?}, {data}: {output:?}");
        }
    }
}

#[test]
fn a_later_page_of_another_shape_is_an_error_too() {
    let dataset = json!({"symbol": "GOOG", "timeframe": "1d", "rows": 2148, "holes": 0,
        "start": "2004-08-19T00:00:00.000Z", "end": "2013-03-01T00:00:00.000Z", "bytes": 1,
        "sha256": "", "source": "x", "loaded_at": "2026-01-01T00:00:00.000Z"});
    let bar = json!({"timestamp": "2013-02-01T00:00:00.000Z", "open": 1.0, "high": 1.0,
        "low": 1.0, "close": 1.0, "volume": 1.0});
    let list = json!({"operations": [{}], "next_cursor": ID, "total_count": 3,
        "total_is_exact": true, "active_count": 0});
    let bars = json!({"dataset": dataset, "bars": [bar],
        "next_start": "2013-02-02T00:00:00.000Z"});
    for (first, args) in [
        (&list, &["ops", "list", "--all"][..]),
        (&list, &["--json", "ops", "list", "--all"]),
        (&bars, &["data", "show", "GOOG", "1d"]),
        (
            &bars,
            &["--json", "data", "show", "GOOG", "1d", "--limit", "9"],
        ),
    ] {
        let first = json!({"success": true, "data": first}).to_string();
        for data in STRANGE {
            let second = format!("{{\"success\":true,\"data\":{data}}}");
            let output = run(&scripted(&[&first, &second]), args);
            let told = [output.stdout, output.stderr].concat();
            let told = String::from_utf8_lossy(&told);
            assert_eq!(output.status.code(), Some(1), "{args:?}, {data}: {told}");
            assert!(
                told.contains("the server's answer cannot be read"),
                "{args:?}, {data}: {told}"
            );
        }
    }
}

#[test]
fn a_route_that_is_missing_below_a_path_points_at_the_address() {
    let refusal = json!({"success": false, "error": {"code": "ROUTE_NOT_FOUND",
        "message": "no route", "retryable": false}});
    let url = scripted(&[&refusal.to_string()]);
    for (path, points) in [("", false), ("/", false), ("/console", true)] {
        let output = run(&format!("{url}{path}"), &["system"]);
        assert_eq!(output.status.code(), Some(1), "{path}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(told.contains("--url"), points, "{path}: {told}");
        assert!(told.contains("it may be built without"), "{told}");
        let output = run(&format!("{url}{path}"), &["--json", "system"]);
        let told: Value = serde_json::from_slice(&output.stderr).expect("a document");
        assert_eq!(told["error"], refusal["error"]);
    }
}

#[test]
fn what_was_remarkable_when_bars_were_loaded_is_shown_with_them() {
    let dataset = json!({"symbol": "GOOG", "timeframe": "1d", "rows": 0, "holes": 0,
        "start": "2004-08-19T00:00:00.000Z", "end": "2013-03-01T00:00:00.000Z", "bytes": 1,
        "sha256": "", "source": "x", "loaded_at": "2026-01-01T00:00:00.000Z",
        "warnings": [{"code": "OUTLIER", "count": 2}]});
    let page = json!({"dataset": dataset, "bars": [], "next_start": null});
    let read_as = json!({"packed": [], "dialect": "auto", "separator": ",", "decimal": ".", "columns": {},
        "time_format": "%Y-%m-%d", "time_zone": "UTC", "order": "ascending"});
    let warning = json!({"code": "OUTLIER", "message": "a close stands out", "count": 2,
        "places": [{"line": 1204, "text": "close 1023.5"}]});
    let report = json!({"file": "a.csv", "read_as": read_as, "warnings": [warning],
        "rows": {"read": 1, "added": 1, "replaced": 0, "dropped": []}});
    let enveloped = |data| json!({"success": true, "data": data}).to_string();
    let page = enveloped(page);
    for (report, said) in [
        (
            json!({"report": report}),
            "a close stands out: line 1,204: close 1023.5; 1 more",
        ),
        // One that cannot be had hides neither the bars nor the number.
        (json!({"report": null}), "2 places"),
    ] {
        let output = run(
            &scripted(&[&page, &enveloped(report)]),
            &["data", "show", "GOOG", "1d"],
        );
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(told.contains("OUTLIER") && told.contains(said), "{told}");
    }
}
