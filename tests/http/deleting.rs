//! Datasets are deleted: what refers to them is told first, and what was deleted is gone.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{ANNA, BARS, Reply, Server, id, import, tokens};

const LOAD: &str = "/api/v1/data/load";

fn files(server: &Server) -> Vec<PathBuf> {
    let entries = fs::read_dir(server.folder.path().join("data/bars")).expect("the library");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

fn delete(server: &Server, path: &str) -> Reply {
    server.send("DELETE", &format!("/api/v1/data/{path}"), &[], None)
}

/// Loads the bars as this dataset.
fn loaded(server: &Server, symbol: &str, timeframe: &str) {
    let body = json!({"symbol": symbol, "timeframe": timeframe, "file": "a.csv",
        "accept_doubts": ["SPACING_UNEXPECTED", "MOSTLY_DUPLICATES"], "duplicates": "last"});
    let reply = server.post(&format!("{LOAD}?wait=60"), &body);
    assert_eq!(reply.data(200)["status"], "completed", "{reply:?}");
}

/// A load that waits for a time that does not come.
fn waiting(server: &Server, symbol: &str, timeframe: &str) -> String {
    let options = json!({"not_before": "2099-01-01T00:00:00Z"});
    let body =
        json!({"symbol": symbol, "timeframe": timeframe, "file": "a.csv", "options": options});
    id(server.post(LOAD, &body).data(202))
}

#[test]
fn a_dataset_that_nothing_refers_to_is_deleted_at_once_and_is_gone() {
    let server = Server::importing(&[("a.csv", BARS)]);
    for (symbol, path) in [
        ("GOOG", "GOOG"),
        ("BTC/USDT", "BTC~USDT"),
        ("aapl", "aapl"),
        ("AAPL", "AAPL"),
    ] {
        loaded(&server, symbol, "1d");
        loaded(&server, symbol, "1mo");
        let before = files(&server).len();
        let answer = delete(&server, &format!("{path}/1d"));
        let gone = json!({"deleted": true, "references": [], "references_total": 0});
        assert_eq!(*answer.data(200), gone);
        assert_eq!(files(&server).len(), before - 1);
        server
            .get(&format!("/api/v1/data/{path}/1d"))
            .fails(404, "DATA_NOT_FOUND");
        server.get(&format!("/api/v1/data/{path}/1mo")).data(200);
        delete(&server, &format!("{path}/1d")).fails(404, "DATA_NOT_FOUND");
    }
    assert_eq!(server.get("/api/v1/data").list("datasets").len(), 4);
    // It stays gone, and can be loaded again.
    let server = server.killed();
    assert_eq!(server.get("/api/v1/data").list("datasets").len(), 4);
    loaded(&server, "GOOG", "1d");
    assert_eq!(
        server.get("/api/v1/data/GOOG/1d").data(200)["dataset"]["rows"],
        3
    );
}

#[test]
fn what_is_not_there_or_not_asked_rightly_is_not_deleted() {
    let server = Server::importing(&[("a.csv", BARS)]);
    loaded(&server, "A", "1d");
    for path in ["B/1d", "a/1d", "A/1D", "A/2d", "..%2FA/1d", "A%00/1d"] {
        let reply = delete(&server, path);
        reply.fails(404, "DATA_NOT_FOUND");
        assert!(reply.message().contains("there is no data of"), "{reply:?}");
    }
    for (query, field) in [
        ("force=yes", "force"),
        ("dry_run=", "dry_run"),
        ("confirm=true", "confirm"),
    ] {
        delete(&server, &format!("A/1d?{query}")).faults(400, "BAD_REQUEST", &[field]);
    }
    let foreign = [("origin", "http://evil.example")];
    let reply = server.send("DELETE", "/api/v1/data/A/1d", &foreign, None);
    reply.fails(403, "FORBIDDEN_ORIGIN");
    let reply = server.send("POST", "/api/v1/data/A/1d", &[], None);
    reply.fails(405, "METHOD_NOT_ALLOWED");
    assert_eq!(reply.header("allow"), "GET, HEAD, DELETE");
    server.get("/api/v1/data/A/1d").data(200);

    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::set(&[&tokens(&folder)]);
    delete(&server, "A/1d").fails(401, "UNAUTHENTICATED");
    let anna = format!("Bearer {ANNA}");
    let known = [("authorization", anna.as_str())];
    let reply = server.send("DELETE", "/api/v1/data/A/1d", &known, None);
    reply.fails(404, "DATA_NOT_FOUND");
}

#[test]
fn operations_that_will_load_it_are_told_and_force_deletes_it_all_the_same() {
    let server = Server::importing(&[("a.csv", BARS)]);
    loaded(&server, "BTC/USDT", "1d");
    let ids: Vec<_> = (0..22)
        .map(|_| waiting(&server, "BTC/USDT", "1d"))
        .collect();
    // These are of others, or have ended.
    waiting(&server, "BTC/USDT", "1w");
    waiting(&server, "btc/usdt", "1d");
    let ended = waiting(&server, "BTC/USDT", "1d");
    server.asks(&ended, "cancel", "cancelled");

    let shown = delete(&server, "BTC~USDT/1d?dry_run=true");
    let shown = shown.data(200);
    assert_eq!(
        (&shown["deleted"], &shown["references_total"]),
        (&json!(false), &json!(22))
    );

    let refused = delete(&server, "BTC~USDT/1d");
    refused.fails(409, "REFERENCED");
    assert!(
        refused
            .message()
            .contains("22 models and operations refer to BTC/USDT 1d"),
        "{refused:?}"
    );
    assert!(refused.message().contains("force=true"), "{refused:?}");
    let error = &refused.body["error"];
    assert_eq!(error["details_total"], 22);
    let details = error["details"].as_array().expect("a list");
    assert_eq!(details.len(), 20);
    assert_eq!(error["details"], shown["references"]);
    let newest = &details[0];
    assert_eq!(newest["operation_id"], ids[21].as_str());
    assert_eq!(
        (&newest["relation"], &newest["status"]),
        (&json!("loads"), &json!("pending"))
    );
    server.get("/api/v1/data/BTC~USDT/1d").data(200);

    for id in &ids[1..] {
        server.asks(id, "cancel", "cancelled");
    }
    let refused = delete(&server, "BTC~USDT/1d");
    assert!(
        refused
            .message()
            .starts_with("an operation refers to BTC/USDT 1d"),
        "{refused:?}"
    );
    let answer = delete(&server, "BTC~USDT/1d?force=true");
    let answer = answer.data(200);
    assert_eq!(
        (&answer["deleted"], &answer["references_total"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(answer["references"][0]["operation_id"], ids[0].as_str());
    assert_eq!(files(&server).len(), 0);
    // The load goes on as any, and publishes what it loads.
    server.ask(&ids[0], "start-now");
    server.until(&ids[0], "completed");
    assert_eq!(
        server.get("/api/v1/data/BTC~USDT/1d").data(200)["dataset"]["rows"],
        3
    );
}

#[test]
fn of_many_pages_of_operations_all_are_looked_at() {
    let server = Server::importing(&[("a.csv", BARS)]);
    loaded(&server, "A", "1d");
    let oldest = waiting(&server, "A", "1d");
    for _ in 0..1_001 {
        waiting(&server, "B", "1d");
    }
    let refused = delete(&server, "A/1d");
    refused.fails(409, "REFERENCED");
    assert_eq!(
        refused.body["error"]["details"][0]["operation_id"],
        oldest.as_str()
    );
    assert_eq!(refused.body["error"]["details_total"], 1);
}

#[test]
fn one_that_is_damaged_can_be_deleted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bars = folder.path().join("data/bars");
    fs::create_dir_all(&bars).expect("a new folder");
    fs::write(bars.join("A_1d.bars"), "not one").expect("it can be written");
    let server = Server::within(folder, &[]);
    server.get("/api/v1/data/A/1d").fails(500, "DATA_DAMAGED");
    delete(&server, "A/1d").data(200);
    assert_eq!(files(&server).len(), 0);
}

#[test]
fn who_reads_it_reads_to_the_end() {
    let row = |at: usize| format!("{},1,2,0.5,1.5,7.123456789\n", 1_700_000_000 + at * 60);
    let rows: String = (0..10_000).map(row).collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = format!("timestamp,open,high,low,close,volume\n{rows}");
    let set = import(&folder, &[("a.csv", &text)]);
    let server = Server::within(folder, &["--set", &set]);
    loaded(&server, "A", "1m");
    // The answer is longer than what the socket and the client hold, so it is still under way.
    let mut wire = TcpStream::connect(&server.address).expect("it listens");
    let asked = format!(
        "GET /api/v1/data/A/1m?limit=10000 HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        server.address
    );
    wire.write_all(asked.as_bytes()).expect("it reads");
    let mut first = [0; 1];
    wire.read_exact(&mut first).expect("it answers");
    delete(&server, "A/1m").data(200);
    let mut rest = String::new();
    wire.read_to_string(&mut rest).expect("the whole answer");
    let (_, body) = rest.split_once("\r\n\r\n").expect("a head");
    let page: Value = serde_json::from_str(body).expect("whole JSON");
    assert_eq!(page["data"]["bars"].as_array().map(Vec::len), Some(10_000));
}
