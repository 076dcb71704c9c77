//! How the process goes while a function keeps it waiting, and how it goes after a fault.

use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use serde_json::json;

use crate::own::Gate;
use crate::support::{DUMMY, OPERATIONS, Server};

/// A shutdown waits so long for a function: far longer than any test.
const GRACE: &str = "supervision.shutdown_grace_seconds=600";

#[test]
fn from_the_first_moment_of_a_shutdown_starts_are_refused_and_reads_are_answered() {
    let mut server = Server::own(&[GRACE]);
    assert_eq!(server.get("/readyz").data(200)["status"], "ready");
    let ended = server.ended(1, &json!({}));
    let (held, gate) = Gate::new().holds(&server, "stubborn", &json!({}));
    let sleeper = server.sleeper();
    let since = server.view(&sleeper)["seq"].as_u64().expect("a seq");
    let began = Instant::now();
    server.signal("TERM");
    // The first that anyone sees of it: what could go has gone.
    server.until_after(&sleeper, "pending", since);

    server.get("/readyz").fails(503, "SHUTTING_DOWN");
    let start = json!({"iterations": 0});
    server.post(DUMMY, &start).fails(503, "SHUTTING_DOWN");
    let generic = json!({"kind": "dummy", "params": start});
    server
        .post(OPERATIONS, &generic)
        .fails(503, "SHUTTING_DOWN");
    server.ask(&ended, "retry").fails(503, "SHUTTING_DOWN");

    assert_eq!(server.get("/healthz").data(200)["status"], "ok");
    assert_eq!(server.view(&held)["status"], "running");
    assert_eq!(server.get("/api/v1/system").data(200)["admitting"], false);
    let list = server.get(OPERATIONS);
    assert_eq!(list.data(200)["total_count"], 3, "no start was recorded");
    let result = server.read(&ended, "/results");
    assert_eq!(result.data(200)["iterations_completed"], 1);
    let stopped = server.ask(&sleeper, "cancel");
    assert_eq!(
        stopped.data(202)["status"],
        "cancelled",
        "stops are always admitted"
    );
    server.get("/readyz").fails(503, "SHUTTING_DOWN");

    drop(gate);
    assert_eq!(server.join().code(), Some(0));
    assert!(
        began.elapsed() < Duration::from_secs(300),
        "it waited for the grace"
    );
}

/// Asks once; nothing when nobody answers any more.
fn tried(address: &str, method: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    let limit = Some(Duration::from_secs(30));
    stream.set_read_timeout(limit).ok()?;
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    let asked = write!(stream, "{head}Content-Length: 0\r\n\r\n");
    asked.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    (!answer.is_empty()).then_some(answer)
}

#[test]
fn stops_and_reads_are_answered_until_nobody_answers_any_more() {
    let mut server = Server::own(&[GRACE, "lanes.default.concurrency=13"]);
    let (_held, gate) = Gate::new().holds(&server, "stubborn", &json!({}));
    let ids: Vec<_> = (0..12).map(|_| server.sleeper()).collect();
    server.signal("TERM");
    let verbs = ["pause", "cancel", "finish", "resume"];
    let paths = ids.iter().flat_map(|id| {
        let of = |verb| ("POST", format!("{OPERATIONS}/{id}/{verb}"));
        let reads = [
            ("GET", format!("{OPERATIONS}/{id}")),
            ("GET", OPERATIONS.to_owned()),
        ];
        verbs.map(of).into_iter().chain(reads)
    });
    let paths: Vec<_> = paths.collect();
    // The last function goes on until the first answer: the server listens as long.
    let mut gate = Some(gate);
    for (method, path) in paths.iter().cycle() {
        let Some(answer) = tried(&server.address, method, path) else {
            break;
        };
        assert!(
            !answer.starts_with("HTTP/1.1 503"),
            "{method} {path}: {answer}"
        );
        gate.take();
    }
    assert!(gate.is_none(), "it answers at first");
    assert_eq!(server.join().code(), Some(0));
}

#[test]
fn a_function_that_does_not_go_holds_the_process_for_the_grace_alone() {
    let mut server = Server::own(&["supervision.shutdown_grace_seconds=0.2"]);
    let (_held, _gate) = Gate::new().holds(&server, "stubborn", &json!({}));
    server.signal("INT");
    assert_eq!(server.join().code(), Some(0));
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    for [first, second] in [["TERM", "TERM"], ["INT", "INT"], ["TERM", "INT"]] {
        let mut server = Server::own(&[GRACE]);
        let (_held, _gate) = Gate::new().holds(&server, "stubborn", &json!({}));
        let sleeper = server.sleeper();
        let since = server.view(&sleeper)["seq"].as_u64().expect("a seq");
        server.signal(first);
        server.until_after(&sleeper, "pending", since);
        let began = Instant::now();
        // What comes within a second of the first is no second one: so it is sent until it is.
        while !server.has_ended() {
            server.signal(second);
        }
        assert_eq!(server.join().code(), Some(130), "{first}, {second}");
        assert!(
            began.elapsed() < Duration::from_secs(300),
            "it waited for the grace"
        );
    }
}

#[test]
fn signals_within_a_second_are_one() {
    loop {
        let mut server = Server::own(&[GRACE]);
        let (_held, gate) = Gate::new().holds(&server, "stubborn", &json!({}));
        let sleeper = server.sleeper();
        let since = server.view(&sleeper)["seq"].as_u64().expect("a seq");
        let began = Instant::now();
        for signal in ["HUP", "TERM", "INT", "HUP"] {
            server.signal(signal);
        }
        let took = began.elapsed();
        server.until_after(&sleeper, "pending", since);
        server.get("/healthz").data(200);
        drop(gate);
        let code = server.join().code();
        // On a machine that is too busy to send them in time it is tried again.
        if took < Duration::from_millis(900) {
            return assert_eq!(code, Some(0));
        }
    }
}

#[test]
fn who_was_started_to_outlive_its_terminal_does() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = format!("data_dir={}/data", folder.path().display());
    let ignored = "trap '' HUP; exec \"$0\" \"$@\"";
    let mut server = Server::by_shell(ignored, &["--set", &data]);
    server.signal("HUP");
    server.ended(1, &json!({}));
    server.get("/readyz").data(200);
    server.signal("TERM");
    assert_eq!(server.join().code(), Some(0));
}

#[test]
fn a_function_finds_no_actor_system_that_it_could_stop() {
    let mut server = Server::own(&[GRACE]);
    let id = server.of_kind("saboteur", &json!({}), &json!({}));
    server.until(&id, "failed");
    let answer = server.get(&format!("{OPERATIONS}/{id}"));
    assert_eq!(answer.data(200)["error"]["code"], "PANICKED");
    server.get("/readyz").data(200);
    server.signal("TERM");
    assert_eq!(server.join().code(), Some(0));
}

/// A pipe that is full, for nobody reads it; the reader, whose end would be noticed.
fn full_pipe() -> (PipeReader, File) {
    let (reader, mut pipe) = std::io::pipe().expect("a pipe");
    let flags = fcntl_getfl(&pipe).expect("its flags");
    fcntl_setfl(&pipe, flags | OFlags::NONBLOCK).expect("it need not wait");
    for piece in [4_096, 1] {
        while pipe.write(&vec![b'.'; piece]).is_ok() {}
    }
    fcntl_setfl(&pipe, flags).expect("it waits again");
    (reader, File::from(OwnedFd::from(pipe)))
}

#[test]
fn a_log_that_nobody_reads_holds_nothing_up() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (_unread, log) = full_pipe();
    let mut server = Server::telling(&folder, log);
    for _ in 0..3 {
        server.ended(1, &json!({}));
    }
    let sleeper = server.sleeper();
    server.ask(&sleeper, "cancel").data(202);
    server.until(&sleeper, "cancelled");
    server.get("/api/v1/system").data(200);
    server.signal("TERM");
    assert_eq!(server.join().code(), Some(0));
}

#[test]
fn a_limit_of_a_files_size_is_a_full_disk_and_no_end_by_a_signal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 100; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_impresariod"))
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data)
        .env_remove("RUST_LOG")
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(69), "{told}");
}
