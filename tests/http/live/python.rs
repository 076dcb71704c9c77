//! The same contract, heard by an independent client: Python's `websockets`.

use std::process::Command;

use serde_json::json;

use crate::support::Server;

#[test]
fn an_independent_client_follows_an_operation() {
    let has = Command::new("python3")
        .args(["-c", "import websockets"])
        .output();
    if !has.is_ok_and(|output| output.status.success()) {
        assert!(
            std::env::var_os("CI").is_none(),
            "python3 with the package websockets is missing; pip install websockets"
        );
        return not_tested();
    }
    let server = Server::start();
    let id = server.sleeper();
    server.ended(1, &json!({}));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/http/live/follow.py");
    let output = Command::new("python3")
        .args([script, &server.address, &id])
        .output()
        .expect("python3 runs");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{err}");
    assert_eq!(
        out.trim(),
        "snapshot running, then cancelled; nothing missed"
    );
}

#[expect(clippy::print_stderr, reason = "who runs the tests must see it")]
fn not_tested() {
    eprintln!("NOT TESTED: python3 with the package websockets is missing");
}
