//! A disk without room, as the server sees it: it may write no file of the size that it sets aside.

use std::process::Command;

use serde_json::json;

use crate::support::{DUMMY, OPERATIONS, Server, comes};

/// A server that may make no file of more than 1 MiB, and is told so by an error.
fn without_room(data: &tempfile::TempDir) -> Server {
    let script = "trap '' XFSZ; ulimit -S -f 2048; exec \"$0\" \"$@\"";
    let set = format!("data_dir={}/data", data.path().display());
    Server::by_shell(script, &["--set", &set])
}

/// What a monitor reads of this.
fn metric(server: &Server, name: &str) -> f64 {
    let reply = server.get("/metrics");
    let text = reply.body.as_str().expect("a text").to_owned();
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(&format!("impresario_{name} ")));
    value
        .and_then(|value| value.parse().ok())
        .expect("a number")
}

#[test]
fn while_starts_are_refused_for_want_of_room_every_place_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = without_room(&folder);
    let start = json!({"iterations": 0, "step_ms": 0});
    // The store knows it from its start on.
    server.get("/readyz").fails(507, "STORE_FULL");
    for count in 1..=3 {
        server.post(DUMMY, &start).fails(507, "STORE_FULL");
        server.get("/readyz").fails(507, "STORE_FULL");
        let system = server.get("/api/v1/system");
        assert_eq!(system.data(200)["admitting"], false);
        assert_eq!(system.data(200)["refused"], count);
        assert_eq!(metric(&server, "ready"), 0.0);
        assert_eq!(metric(&server, "starts_refused_total"), f64::from(count));
    }
    assert_eq!(server.get(OPERATIONS).data(200)["total_count"], 0);
    server.get("/healthz").data(200);
    let limit = ["--fsize=unlimited:", "--pid", &server.process().to_string()];
    let raised = Command::new("prlimit").args(limit).status();
    assert!(raised.expect("there is a prlimit").success());
    // Nobody starts anything: whoever heeds the answer of /readyz does not.
    comes("room", || server.get("/readyz").status == 200);
    server.post(DUMMY, &start).data(202);
    assert_eq!(server.get("/api/v1/system").data(200)["admitting"], true);
    assert_eq!(metric(&server, "ready"), 1.0);
}
