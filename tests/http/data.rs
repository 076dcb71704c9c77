//! Market data: loading it, what is refused and what fails, and reading it back.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{OPERATIONS, Server, has, id};

const LOAD: &str = "/api/v1/data/load";
const HEADER: &str = "timestamp,open,high,low,close,volume\n";

/// The files in the server's library, of whatever kind.
fn kept(server: &Server) -> Vec<PathBuf> {
    let entries = fs::read_dir(server.folder.path().join("data/bars")).expect("the library");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

/// The operation after its end.
fn ended(server: &Server, body: &Value) -> Value {
    let reply = server.post(&format!("{LOAD}?wait=60"), body);
    reply.data(200)["operation"].clone()
}

#[test]
fn a_file_that_is_the_default_is_the_same_start_as_one_left_out() {
    let server = Server::importing(&[("A_1d.csv", HEADER), ("B_1d.csv", HEADER)]);
    let load = |file: Value| {
        let body = json!({"symbol": "A", "timeframe": "1d", "file": file});
        server.post_as(LOAD, &body, &[("idempotency-key", "k")])
    };
    let first = load(Value::Null);
    let first = &first.data(202)["operation_id"];
    let again = load(json!("A_1d.csv"));
    assert_eq!(&again.data(200)["operation_id"], first);
    load(json!("B_1d.csv")).fails(422, "IDEMPOTENCY_MISMATCH");
}

fn five_minutes() -> String {
    let row = |minute: i64| format!("{},1,2,0.5,1.5,{minute}\n", 1_700_000_100 + minute * 300);
    std::iter::once(HEADER.to_owned())
        .chain((0..600).map(row))
        .collect()
}

#[test]
fn the_sample_is_loaded_listed_and_read() {
    let sample = include_str!("../../samples/GOOG_1d.csv");
    let server = Server::importing(&[("GOOG_1d.csv", sample)]);
    assert_eq!(server.get("/api/v1/data").data(200)["datasets"], json!([]));
    let body = json!({"symbol": "GOOG", "timeframe": "1d", "options": {"labels": {"a": "b"}}});
    let view = ended(&server, &body);
    has(&view, json!({"kind": "data_load", "status": "completed"}));
    assert_eq!(view["progress"]["message"], "Loading GOOG 1d: 2,148 bars");
    assert_eq!(view["labels"]["a"], "b");
    let output = &view["result_summary"];
    has(output, json!({"rows": 2_148, "replaced": false}));

    let list = server.get("/api/v1/data");
    let datasets = list.list("datasets");
    assert_eq!(datasets.len(), 1);
    has(
        &datasets[0],
        json!({"symbol": "GOOG", "source": "GOOG_1d.csv"}),
    );
    assert_eq!(datasets[0]["sha256"], output["sha256"]);

    let page = server.get("/api/v1/data/GOOG/1d");
    let page = page.data(200);
    assert_eq!(page["bars"].as_array().map(Vec::len), Some(1_000));
    assert_eq!(
        page["bars"][0],
        json!({"timestamp": "2004-08-19T00:00:00.000Z", "open": 100.0, "high": 104.06, "low": 95.96,
               "close": 100.34, "volume": 22_351_900.0})
    );
    assert_eq!(page["dataset"], datasets[0]);
    let whole = server.get("/api/v1/data/GOOG/1d?limit=10000");
    let whole = whole.data(200);
    assert_eq!(whole["bars"].as_array().map(Vec::len), Some(2_148));
    assert_eq!(whole["next_start"], Value::Null);
    assert_eq!(whole["bars"][1_000]["timestamp"], page["next_start"]);
    assert_eq!(whole["bars"][2_147]["close"], 806.19);

    let again = ended(&server, &body);
    assert_eq!(again["result_summary"]["replaced"], true);
    assert_eq!(again["result_summary"]["sha256"], output["sha256"]);
    assert_eq!(kept(&server).len(), 1);
}

#[test]
fn the_report_of_a_load_is_read_beside_its_dataset() {
    let price = |day: i64| match day {
        7 => 1_000.0,
        _ => 10.0 + day as f64 / 10.0,
    };
    let row = |day: i64| format!("{},{p},{p},{p},{p},1\n", day * 86_400, p = price(day));
    let rows = std::iter::once(HEADER.to_owned()).chain((0..20).map(row));
    let server = Server::importing(&[("A_1d.csv", &rows.collect::<String>())]);
    let missing = server.get("/api/v1/data/A/1d/report");
    missing.fails(404, "DATA_NOT_FOUND");
    ended(&server, &json!({"symbol": "A", "timeframe": "1d"}));
    let answer = server.get("/api/v1/data/A/1d/report");
    let report = &answer.data(200)["report"];
    has(report, json!({"file": "A_1d.csv"}));
    has(
        &report["rows"],
        json!({"read": 20, "added": 20, "replaced": 0}),
    );
    assert_eq!(report["read_as"]["order"], "ascending");
    let warning = &report["warnings"][0];
    has(warning, json!({"code": "OUTLIER", "count": 1}));
    assert_eq!(warning["places"][0]["time"], "1970-01-08T00:00:00.000Z");
    let list = server.get("/api/v1/data");
    let listed = &list.list("datasets")[0];
    assert_eq!(listed["warnings"], json!([{"code": "OUTLIER", "count": 1}]));
    server
        .get("/api/v1/data/A/1d/report?a=1")
        .fails(400, "BAD_REQUEST");
    server
        .get("/api/v1/data/A/2y/report")
        .fails(404, "DATA_NOT_FOUND");
}

#[test]
fn a_range_has_both_its_ends_and_a_date_is_the_whole_day() {
    let server = Server::importing(&[("BTC=F_5m.csv", &five_minutes())]);
    ended(&server, &json!({"symbol": "BTC=F", "timeframe": "5m"}));
    let read = |query: &str| {
        let reply = server.get(&format!("/api/v1/data/BTC=F/5m{query}"));
        let page = reply.data(200);
        let bars = page["bars"].as_array().expect("bars");
        let times: Vec<_> = bars
            .iter()
            .map(|bar| bar["timestamp"].as_str().expect("a time").to_owned())
            .collect();
        (times, page["next_start"].as_str().map(str::to_owned))
    };
    let (times, next) = read("?start=2023-11-15&end=2023-11-15&limit=10000");
    assert_eq!((times.len(), next), (288, None));
    assert_eq!(times[0], "2023-11-15T00:00:00.000Z");
    assert_eq!(times[287], "2023-11-15T23:55:00.000Z");
    let (times, next) = read("?start=2023-11-15T01:00:00%2B01:00&end=2023-11-15T00:10:00Z&limit=2");
    assert_eq!(
        times,
        ["2023-11-15T00:00:00.000Z", "2023-11-15T00:05:00.000Z"]
    );
    assert_eq!(next.as_deref(), Some("2023-11-15T00:10:00.000Z"));
    let (rest, next) = read("?start=2023-11-15T00:10:00.000Z&end=2023-11-15T00:10:00Z&limit=2");
    assert_eq!((rest.len(), next), (1, None));
    assert_eq!(read("?start=2030-01-01").0.len(), 0);
    assert_eq!(read("?end=2000-01-01").0.len(), 0);
    assert_eq!(read("?start=2023-11-16&end=2023-11-15").0.len(), 0);

    for (query, field) in [
        ("start=yesterday", "start"),
        ("end=2023-11-31", "end"),
        ("start=1700000000", "start"),
        ("start=", "start"),
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("limit=many", "limit"),
        ("limit=-1", "limit"),
        ("limit=1&limit=2", "limit"),
        ("colour=red", "colour"),
    ] {
        let reply = server.get(&format!("/api/v1/data/BTC=F/5m?{query}"));
        reply.faults(400, "BAD_REQUEST", &[field]);
    }
    server.get("/api/v1/data?x=1").fails(400, "BAD_REQUEST");
}

#[test]
fn what_is_not_there_or_cannot_be_is_not_found() {
    let server = Server::importing(&[("A_1d.csv", HEADER)]);
    let long = format!("{}/1d", "A".repeat(300));
    for path in [
        "GOOG/1d",
        "goog/1d",
        "GOOG/2d",
        "GOOG/1D",
        "GOOG/13mo",
        ".../1d",
        "%2e%2e/1d",
        "~~/1d",
        "..~..~A/1d",
        "A%2FB/1d",
        "A~B/1d",
        "A%20B/1d",
        "A%20/1d",
        "A%00/1d",
        "A%252FB/1d",
        "%E2%80%AEA/1d",
        "%D0%93/1d",
        "%FF/1d",
        "-A/1d",
        &long,
    ] {
        let reply = server.get(&format!("/api/v1/data/{path}"));
        reply.fails(404, "DATA_NOT_FOUND");
    }
    server
        .get("/api/v1/data/GOOG")
        .fails(404, "ROUTE_NOT_FOUND");
    server
        .get("/api/v1/data/GOOG/1d/x")
        .fails(404, "ROUTE_NOT_FOUND");
}

#[test]
fn every_fault_of_the_params_is_named() {
    let server = Server::importing(&[]);
    let long = "A".repeat(300);
    let symbols = [
        "",
        ".",
        "..",
        "imports",
        "A~B",
        " A",
        "A ",
        "A\n",
        "A\u{0}",
        "A\u{7f}",
        "A\u{200b}",
        "A\u{202e}B",
        "\u{301}",
        "\u{e000}",
        "A\u{a0}B",
        &long,
    ];
    for symbol in symbols {
        let reply = server.post(LOAD, &json!({"symbol": symbol, "timeframe": "1d"}));
        reply.faults(422, "INVALID_PARAMS", &["symbol"]);
        let message = reply.message();
        assert!(
            message.contains("1 to 64 printable characters but ~"),
            "{message}"
        );
    }
    let wide = json!({"symbol": "茅".repeat(40), "timeframe": "1d"});
    let reply = server.post(LOAD, &wide);
    reply.faults(422, "INVALID_PARAMS", &["symbol"]);
    assert!(
        reply.message().contains("file's name"),
        "{}",
        reply.message()
    );
    for timeframe in [
        json!("1D"),
        json!("0d"),
        json!("01d"),
        json!("366d"),
        json!("31536001s"),
        json!("13mo"),
        json!("1y"),
        json!(""),
        json!("1d/.."),
        json!(1),
        json!(null),
    ] {
        let reply = server.post(LOAD, &json!({"symbol": "A", "timeframe": timeframe}));
        reply.faults(422, "INVALID_PARAMS", &["timeframe"]);
        let message = reply.message();
        assert!(
            message.contains("one of s m h d w mo, from 1s to 12mo"),
            "{message}"
        );
    }
    let reply = server.post(LOAD, &json!({"file": "x".repeat(256), "folder": "/etc"}));
    reply.faults(
        422,
        "INVALID_PARAMS",
        &["file", "folder", "symbol", "timeframe"],
    );
    assert_eq!(kept(&server).len(), 0);
}

#[test]
fn a_file_that_may_not_be_imported_is_refused_before_it_queues() {
    let server = Server::importing(&[("A_1d.csv", HEADER)]);
    let import = server.folder.path().join("import");
    fs::create_dir(import.join("folder")).expect("a new folder");
    fs::write(server.folder.path().join("secret.csv"), HEADER).expect("it can be written");
    std::os::unix::fs::symlink("../secret.csv", import.join("leak.csv")).expect("a link");
    let absolute = import.join("A_1d.csv").display().to_string();
    for (file, code) in [
        ("../secret.csv", "FILE_OUTSIDE"),
        (&absolute, "FILE_OUTSIDE"),
        ("leak.csv", "FILE_OUTSIDE"),
        ("folder", "FILE_NOT_REGULAR"),
        ("missing.csv", "FILE_NOT_FOUND"),
    ] {
        let body = json!({"symbol": "A", "timeframe": "1d", "file": file});
        let generic = json!({"kind": "data_load", "params": body});
        for reply in [server.post(LOAD, &body), server.post(OPERATIONS, &generic)] {
            reply.fails(422, code);
            let error = &reply.body["error"];
            assert_eq!(error["details"]["field"], "file", "{error}");
            let message = error["message"].as_str().expect("a message");
            assert!(
                message.contains("import") && message.contains(file),
                "{message}"
            );
        }
    }
    server
        .post(LOAD, &json!({"symbol": "B", "timeframe": "1d"}))
        .fails(422, "FILE_NOT_FOUND");
    assert_eq!(server.get(OPERATIONS).data(200)["operations"], json!([]));
}

#[test]
fn a_file_that_is_wrong_fails_the_operation_and_keeps_what_was_there() {
    let rows = |rows: &str| format!("{HEADER}{rows}");
    let files = [
        ("good.csv", rows("2004-08-19,2,3,1,2,5\n"), ""),
        ("empty.csv", String::new(), "FILE_EMPTY"),
        ("nan.csv", rows("2004-08-19,NaN,3,1,2,5\n"), "BAD_ROW"),
    ];
    let texts: Vec<_> = files
        .iter()
        .map(|(name, text, _)| (*name, text.as_str()))
        .collect();
    let server = Server::importing(&texts);
    for (name, _, code) in files {
        let view = ended(
            &server,
            &json!({"symbol": "A", "timeframe": "1d", "file": name}),
        );
        if code.is_empty() {
            assert_eq!(view["status"], "completed");
            continue;
        }
        assert_eq!(
            (&view["status"], &view["error"]["code"]),
            (&json!("failed"), &json!(code))
        );
        let message = view["error"]["message"].as_str().expect("a message");
        assert!(message.starts_with(name), "{message}");
        assert_eq!(kept(&server).len(), 1, "{name}");
        let page = server.get("/api/v1/data/A/1d");
        assert_eq!(page.data(200)["dataset"]["source"], "good.csv");
    }
}

#[test]
fn a_server_removes_what_a_crash_left_and_tells_of_damage() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bars = folder.path().join("data/bars");
    fs::create_dir_all(&bars).expect("a new folder");
    fs::write(bars.join(".A_1d.1-0.partial"), "half").expect("it can be written");
    fs::write(bars.join("B_1d.bars"), "not one").expect("it can be written");
    let server = Server::within(folder, &[]);
    assert_eq!(
        kept(&server),
        [server.folder.path().join("data/bars/B_1d.bars")]
    );
    let reply = server.get("/api/v1/data/B/1d");
    reply.fails(500, "DATA_DAMAGED");
    assert!(
        reply.body["error"]["message"]
            .as_str()
            .is_some_and(|text| text.contains("B_1d.bars"))
    );
}

#[test]
fn a_load_is_answered_at_once_and_its_wait_is_that_of_any_start() {
    let server = Server::importing(&[("A_5m.csv", &five_minutes())]);
    let reply = server.post(LOAD, &json!({"symbol": "A", "timeframe": "5m"}));
    let data = reply.data(202);
    let message = data["message"].as_str().expect("a message");
    assert!(message.starts_with("data_load op_"), "{message}");
    server.until(&id(data), "completed");
    assert_eq!(
        server.get("/api/v1/data/A/5m").data(200)["dataset"]["rows"],
        600
    );
}

/// A symbol as people write it, as it stands in a path, and the file that is loaded by default.
const WRITTEN: &[(&str, &str, &str)] = &[
    ("^GSPC", "%5EGSPC", "^GSPC_1mo.csv"),
    ("BTC/USDT", "BTC~USDT", "BTC%2FUSDT_1mo.csv"),
    ("M&M.NS", "M%26M.NS", "M&M.NS_1mo.csv"),
    ("0700.HK", "0700.HK", "0700.HK_1mo.csv"),
    ("aapl", "aapl", "aapl_1mo.csv"),
    ("AAPL", "AAPL", "AAPL_1mo.csv"),
    ("ES=F", "ES=F", "ES=F_1mo.csv"),
    ("BRK B", "BRK%20B", "BRK B_1mo.csv"),
    ("100%", "100%25", "100%_1mo.csv"),
    ("A+B", "A%2BB", "A+B_1mo.csv"),
    ("A%2FB", "A%252FB", "A%2FB_1mo.csv"),
    ("../A", "..~A", "%2E.%2FA_1mo.csv"),
    ("A?b=c#d", "A%3Fb%3Dc%23d", "A?b=c#d_1mo.csv"),
    ("-x", "-x", "-x_1mo.csv"),
    ("Ä", "%C3%84", "Ä_1mo.csv"),
];

#[test]
fn a_symbol_is_loaded_listed_and_read_as_people_write_it() {
    let rows = |close: usize| {
        format!("{HEADER}2024-01-01,100,200,1,{close},5\n2024-02-01,100,200,1,{close},5\n")
    };
    let texts: Vec<_> = (1..=WRITTEN.len()).map(rows).collect();
    let files: Vec<_> = WRITTEN
        .iter()
        .zip(&texts)
        .map(|((_, _, file), text)| (*file, &**text))
        .collect();
    let server = Server::importing(&files);
    for (symbol, _, file) in WRITTEN {
        let view = ended(&server, &json!({"symbol": symbol, "timeframe": "1mo"}));
        assert_eq!(view["status"], "completed", "{view}");
        assert_eq!(view["params"]["file"], *file);
        assert_eq!(view["result_summary"]["symbol"], *symbol);
    }
    for (place, (symbol, path, _)) in WRITTEN.iter().enumerate() {
        let reply = server.get(&format!("/api/v1/data/{path}/1mo"));
        let page = reply.data(200);
        assert_eq!(page["dataset"]["symbol"], *symbol);
        assert_eq!(page["bars"][0]["close"], (place + 1) as f64, "{symbol}");
    }
    // A client that encodes the slash means the same.
    let reply = server.get("/api/v1/data/BTC%2FUSDT/1mo");
    assert_eq!(reply.data(200)["dataset"]["symbol"], "BTC/USDT");
    let listed = server.get("/api/v1/data");
    assert_eq!(listed.list("datasets").len(), WRITTEN.len());
    assert_eq!(kept(&server).len(), WRITTEN.len());
}

#[test]
fn a_timeframe_is_any_number_of_a_unit_and_the_list_is_by_length() {
    let server = Server::importing(&[("a.csv", &five_minutes())]);
    for timeframe in ["12mo", "2d", "60m", "1h", "1s", "52w", "90s"] {
        let body = json!({"symbol": "A", "timeframe": timeframe, "file": "a.csv",
            "accept_doubts": ["SPACING_UNEXPECTED", "MOSTLY_DUPLICATES"], "duplicates": "last"});
        let view = ended(&server, &body);
        assert_eq!(view["status"], "completed", "{timeframe}: {view}");
    }
    let listed = server.get("/api/v1/data");
    let datasets = listed.list("datasets");
    let names: Vec<_> = datasets.iter().map(|one| &one["timeframe"]).collect();
    assert_eq!(names, ["1s", "90s", "60m", "1h", "2d", "52w", "12mo"]);
}

#[test]
fn datasets_that_an_earlier_version_named_are_still_there() {
    let mut server = Server::importing(&[("a.csv", &five_minutes())]);
    let body = json!({"symbol": "ES=F", "timeframe": "5m", "file": "a.csv"});
    assert_eq!(ended(&server, &body)["status"], "completed");
    let bars = server.folder.path().join("data/bars");
    server.signal("TERM");
    server.join();
    fs::rename(bars.join("ES%3DF_5m.bars"), bars.join("ES=F_5m.bars")).expect("it is there");
    let server = server.again();
    assert_eq!(
        server.get("/api/v1/data/ES=F/5m").data(200)["dataset"]["rows"],
        600
    );
    assert_eq!(kept(&server), [bars.join("ES%3DF_5m.bars")]);
}
