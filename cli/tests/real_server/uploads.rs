//! Files of this machine: uploaded, loaded, listed and deleted.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::BARS;
use crate::server::Server;

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// A file of this machine, of bars.
fn file(folder: &tempfile::TempDir) -> String {
    let path = folder.path().join("my bars+1 %.csv");
    fs::write(&path, BARS).expect("the folder is ours");
    path.to_str()
        .expect("a path of plain characters")
        .to_owned()
}

fn waits(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "it did not come");
        std::thread::yield_now();
    }
}

#[test]
fn a_file_of_this_machine_is_uploaded_loaded_listed_and_deleted() {
    let (server, folder) = (Server::start(), tempfile::tempdir().expect("a folder"));
    let none = server.says(0, &["data", "imports"]);
    assert!(
        none.contains("no files in the server's import folder"),
        "{none}"
    );
    let path = file(&folder);
    let line = [
        "data",
        "load",
        &path,
        "--symbol",
        "GOOG",
        "--timeframe",
        "1d",
    ];
    let output = server.run(&line);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for words in [
        "uploading my bars+1 %.csv",
        "uploaded my bars+1 %.csv  189 B",
        "3 bars, 2010-01-04",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("in place of the file"), "{text}");
    assert!(said(&server.run(&line)).contains("in place of the file that was there"));
    // A program gets one document, and no other word.
    let output = server.run(&[&["--json"], &line[..]].concat());
    let view: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(view["params"]["file"], "my bars+1 %.csv");
    assert_eq!(
        (view["result_summary"]["rows"].as_u64(), output.stderr.len()),
        (Some(3), 0)
    );

    let list = server.says(0, &["data", "imports"]);
    assert!(
        list.contains("my bars+1 %.csv") && list.contains("189 B"),
        "{list}"
    );
    assert_eq!(
        server.json(&["data", "imports"])["imports"][0]["bytes"],
        189
    );
    let gone = server.says(0, &["data", "imports", "delete", "my bars+1 %.csv"]);
    assert!(gone.contains("removed my bars+1 %.csv"), "{gone}");
    let output = server.run(&["data", "imports", "delete", "my bars+1 %.csv"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("impresario data imports"));
    server.says(0, &["data", "show", "GOOG", "1d"]);
}

#[test]
fn standard_input_is_uploaded_under_the_name_that_was_said() {
    let server = Server::start();
    let mut load = server.client();
    load.args([
        "data",
        "load",
        "-",
        "--symbol",
        "GOOG",
        "--timeframe",
        "1d",
        "--file",
        "in.csv",
    ]);
    let mut child = load
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(BARS.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(server.imports(), ["in.csv"]);
}

#[test]
fn what_the_server_does_not_take_is_told_and_nothing_is_loaded() {
    let server = Server::with(&[], &["--set", "data.upload_limit_mb=1"]);
    let folder = tempfile::tempdir().expect("a folder");
    let large = folder.path().join("large.csv");
    fs::write(&large, vec![b'x'; 3 << 20]).expect("the folder is ours");
    let large = large.to_str().expect("a path of plain characters");
    let output = server.run(&["data", "load", large, "--symbol", "A", "--timeframe", "1d"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("BODY_TOO_LARGE") && text.contains("data.upload_limit_mb"),
        "{text}"
    );
    // Without a length it shows on the way, and the answer is heard all the same.
    let mut load = server.client();
    load.args([
        "data",
        "load",
        "-",
        "--symbol",
        "A",
        "--timeframe",
        "1d",
        "--file",
        "a.csv",
    ]);
    let input = fs::File::open(large).expect("it is there");
    let output = load.stdin(input).output().expect("it runs");
    assert!(
        said(&output).contains("BODY_TOO_LARGE"),
        "{}",
        said(&output)
    );
    waits(|| server.imports().is_empty());
    assert_eq!(server.json(&["ops", "list"])["operations"], json!([]));
}

#[test]
fn what_is_ambiguous_is_refused_before_anything_is_sent() {
    let (server, folder) = (Server::start(), tempfile::tempdir().expect("a folder"));
    let path = file(&folder);
    for (line, words) in [
        (&[path.as_str()][..], "--symbol SYMBOL"),
        (
            &["./missing.csv", "--symbol", "A"],
            "no such file on this machine",
        ),
        (&["-", "--symbol", "A"], "--file NAME.csv"),
        (&["/dev/null", "--symbol", "A"], "--file NAME.csv"),
        (&["/", "--symbol", "A"], "--file NAME.csv"),
        (
            &["/tmp", "--symbol", "A", "--file", "a.csv"],
            "expected a file, got a folder",
        ),
    ] {
        let line = [&["data", "load"], line, &["--timeframe", "1d"]].concat();
        let output = server.run(&line);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{line:?}: {text}");
        assert!(text.contains(words), "{line:?}: {text}");
    }
    assert_eq!(server.imports(), Vec::<String>::new());
}

#[test]
fn ctrl_c_ends_an_upload_and_the_server_keeps_nothing() {
    let server = Server::start();
    let mut load = server.client();
    load.args([
        "data",
        "load",
        "-",
        "--symbol",
        "A",
        "--timeframe",
        "1d",
        "--file",
        "a.csv",
    ]);
    load.stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = load.spawn().expect("it runs");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(BARS.as_bytes()).expect("it reads");
    waits(|| !server.imports().is_empty());
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-s", "INT", &id]).status();
    assert!(sent.expect("there is a kill").success());
    // Its standard input is still open.
    let output = child.wait_with_output().expect("it ends");
    drop(input);
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(
        said(&output).contains("the server keeps nothing of it"),
        "{}",
        said(&output)
    );
    waits(|| server.imports().is_empty());
    assert_eq!(server.json(&["ops", "list"])["operations"], json!([]));
}

#[test]
fn a_dry_run_shows_how_a_file_would_be_read_and_a_doubt_how_it_is_answered() {
    let (server, folder) = (Server::start(), tempfile::tempdir().expect("a folder"));
    let path = file(&folder);
    let line = |more: &[&str]| {
        let line = [
            "data",
            "load",
            path.as_str(),
            "--symbol",
            "GOOG",
            "--timeframe",
        ];
        said(&server.run(&[&line[..], more].concat()))
    };
    let text = line(&["1d", "--dry-run"]);
    for words in [
        "dry run",
        "nothing was changed",
        "read as",
        "separator ,",
        "close = Close",
        "3 read, 3 added",
        "2010-01-06  625.86",
        "without --dry-run",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(server.says(0, &["data", "list"]).contains("no data here"));
    // These are days.
    let text = line(&["1w"]);
    for words in ["DATA_DOUBTFUL", "nothing was changed", "or --accept-doubt "] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let code = text
        .split("--accept-doubt ")
        .nth(1)
        .and_then(|rest| rest.split(',').next());
    let text = line(&["1w", "--accept-doubt", code.expect("a code")]);
    assert!(text.contains("data_load completed"), "{text}");
}
