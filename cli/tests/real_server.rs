//! The client's binary against the server's: exit codes, JSON, every verb.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A server of the test's own, ended by its id.
struct Server {
    child: Child,
    url: String,
    _data: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let mut child = Command::new(impresariod())
            .args([
                "--listen",
                "127.0.0.1:0",
                "--set",
                "log.level=\"warn\"",
                "--data-dir",
            ])
            .arg(data.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it says where it listens");
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .expect("an address")
            .to_owned();
        Self {
            child,
            url,
            _data: data,
        }
    }

    fn client(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_impresario"));
        command.args(["--url", &self.url]).env("NO_COLOR", "1");
        command
            .env_remove("IMPRESARIO_TOKEN")
            .env_remove("IMPRESARIO_URL");
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.client().args(args).output().expect("the client runs")
    }

    /// Standard output, of a run that must end with `code`.
    fn says(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn json(&self, args: &[&str]) -> Value {
        let text = self.says(0, &[&["--json"], args].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}: {text}"))
    }

    /// Starts a dummy that sleeps for an hour, and gives its id.
    fn sleeper(&self) -> String {
        let started = self.json(&[
            "dummy",
            "--iterations",
            "5",
            "--step-ms",
            "3600000",
            "--detach",
        ]);
        let id = started["operation_id"].as_str().expect("an id").to_owned();
        // A cancel of what does not run yet is another test's.
        let events = format!(
            "{}/api/v1/operations/{id}/events?since=1&limit=1&wait=30",
            self.url
        );
        ureq::get(&events)
            .call()
            .expect("the feed answers once it runs");
        id
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's binary stands beside the client's; where only this package was built, it is built.
fn impresariod() -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_impresario")).with_file_name("impresariod");
    if !path.exists() {
        let args = ["build", "-p", "impresario-server", "--bin", "impresariod"];
        let built = Command::new(env!("CARGO")).args(args).status();
        assert!(
            built.is_ok_and(|status| status.success()),
            "impresariod could not be built"
        );
    }
    path
}

#[test]
fn a_start_is_followed_to_its_end_with_exit_code_0() {
    let server = Server::start();
    let text = server.says(0, &["dummy", "--iterations", "3", "--step-ms", "1"]);
    assert!(text.contains("✔ dummy completed"), "{text}");
    assert!(
        !text.contains('\u{1b}'),
        "no escape codes where there is no terminal: {text:?}"
    );
    let view = server.json(&[
        "start",
        "dummy",
        "--param",
        "iterations=2",
        "--param",
        "step_ms=0",
    ]);
    assert_eq!(view["result_summary"]["iterations_completed"], 2);
}

#[test]
fn a_failed_operation_ends_with_1() {
    let server = Server::start();
    let text = server.says(1, &["dummy", "--step-ms", "3600000", "--timeout", "0.05"]);
    assert!(text.contains("DEADLINE_EXCEEDED"), "{text}");
}

#[test]
fn usage_and_params_end_with_2_and_every_fault_is_named() {
    let server = Server::start();
    let output = server.run(&[
        "start",
        "dummy",
        "--param",
        "iterations=-1",
        "--param",
        "colour=1",
    ]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(
        text.contains("iterations") && text.contains("colour"),
        "{text}"
    );
    assert_eq!(server.run(&["start", "nonsense"]).status.code(), Some(2));
    assert_eq!(server.run(&["nonsense"]).status.code(), Some(2));
    assert_eq!(server.run(&["ops", "show", "!"]).status.code(), Some(2));
}

#[test]
fn a_server_that_is_not_there_ends_with_3_and_the_text_says_what_to_do() {
    let output = Command::new(env!("CARGO_BIN_EXE_impresario"))
        // Port 9 (discard) of loopback: nothing listens there.
        .args(["--url", "http://127.0.0.1:9", "ops", "list"])
        .output()
        .expect("the client runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(
        text.contains("cannot reach") && text.contains("IMPRESARIO_URL"),
        "{text}"
    );
}

#[test]
fn one_that_is_cancelled_while_it_is_followed_ends_with_130() {
    let server = Server::start();
    let id = server.sleeper();
    let watching = server
        .client()
        .args(["ops", "watch", &id])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let watching = watching.expect("the client runs");
    server.says(0, &["ops", "cancel", &id, "--reason", "wrong symbol"]);
    let output = watching.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(130), "{text}");
    assert!(text.contains("wrong symbol"), "{text}");
}

#[test]
fn every_verb_does_what_it_says() {
    let server = Server::start();
    let id = server.sleeper();
    let short = &id[id.len() - 8..];
    server.says(0, &["ops", "pause", short, "--wait", "10"]);
    assert_eq!(server.json(&["ops", "show", short])["status"], "paused");
    server.says(0, &["ops", "resume", short]);
    let other = server.sleeper();
    server.says(0, &["ops", "finish", &other, "--wait", "10"]);
    assert_eq!(server.json(&["ops", "show", &other])["stopped_early"], true);
    server.says(0, &["ops", "cancel", short, "--wait", "10"]);
    let retried = server.json(&["ops", "retry", short]);
    let retried = retried["operation_id"]
        .as_str()
        .expect("a new one")
        .to_owned();
    assert_eq!(
        server.json(&["ops", "show", &retried])["retry_of"],
        Value::from(id.as_str())
    );
    server.says(0, &["ops", "cancel", &retried, "--wait", "10"]);
    // Not in this status: 1, and the text says what would do.
    assert_eq!(server.run(&["ops", "pause", short]).status.code(), Some(1));
    server.says(0, &["ops", "logs", short]);
    server.says(0, &["ops", "prune", "--older-than", "0s"]);
    assert_eq!(
        server.json(&["ops", "list", "--all"])["operations"],
        Value::Array(vec![])
    );
}

#[test]
fn lists_kinds_and_the_system_are_shown() {
    let server = Server::start();
    let id = server.sleeper();
    let list = server.says(0, &["ops", "list"]);
    assert!(
        list.contains(&id[id.len() - 8..]) && list.contains("running"),
        "{list}"
    );
    assert!(server.says(0, &["kinds"]).contains("iterations"));
    assert!(server.says(0, &["system"]).contains("lane default"));
    assert_eq!(server.json(&["system"])["lanes"][0]["concurrency"], 2);
}
