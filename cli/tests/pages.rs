//! The client's binary against a server whose pages do not lead further.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

/// The address of a server that gives this answer to every request.
fn server(answer: Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let body = json!({"success": true, "data": answer}).to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let body = body.clone();
            thread::spawn(move || serve(stream, &body));
        }
    });
    url
}

fn serve(mut stream: TcpStream, body: &str) {
    let reader = BufReader::new(stream.try_clone().expect("the socket can be shared"));
    for line in reader.lines().map_while(Result::ok) {
        if line.is_empty() {
            let length = body.len();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
            if write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{body}").is_err() {
                return;
            }
        }
    }
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
        let output = Command::new(env!("CARGO_BIN_EXE_impresario"))
            .args(["--url", &server(answer)])
            .args(args)
            .env("NO_COLOR", "1")
            .output()
            .expect("the client runs");
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        assert!(!output.status.success(), "{args:?}: {told}");
        assert!(
            told.contains("leads to no further page"),
            "{args:?}: {told}"
        );
    }
}
