//! A server of other kinds: it shows what they need, and nothing of those that it does not have.

use serde_json::{Value, json};

use crate::own;
use crate::support::{DUMMY, OPERATIONS, Reply, Server, arguments, has};

fn get(server: &Server, path: &str) -> Reply {
    server.fetch("GET", path, &[], None)
}

fn post(server: &Server, path: &str, body: &Value) -> Reply {
    let body = body.to_string();
    let json = [("content-type", "application/json")];
    server.fetch("POST", path, &json, Some(body.as_bytes()))
}

#[test]
fn without_the_projects_kinds_there_are_no_routes_and_no_folders_of_them() {
    let server = Server::alone(&[]);
    let kinds = get(&server, "/api/v1/kinds");
    let kinds: Vec<_> = kinds.data(200).as_array().expect("a list").clone();
    let has_kind = |name: &str| kinds.iter().any(|kind| kind["kind"] == name);
    assert!(has_kind("laned") && !has_kind("dummy"), "{kinds:?}");
    for path in ["/api/v1/data", "/api/v1/data/GOOG/1d", "/api/v1/models"] {
        get(&server, path).fails(404, "ROUTE_NOT_FOUND");
    }
    for path in [DUMMY, "/api/v1/data/load", "/api/v1/training/start"] {
        post(&server, path, &json!({})).fails(404, "ROUTE_NOT_FOUND");
    }
    let document = get(&server, "/openapi.json");
    let paths = document.body["paths"].as_object().expect("an object");
    let shown: Vec<_> = paths.keys().map(String::as_str).collect();
    assert!(shown.contains(&OPERATIONS), "{shown:?}");
    for part in ["dummy", "data", "training", "models"] {
        let path = format!("/api/v1/{part}");
        assert!(!shown.iter().any(|one| one.starts_with(&path)), "{shown:?}");
    }
    let data = server.folder.path().join("data");
    assert!(data.join("operations.db").exists());
    assert!(!data.join("bars").exists() && !data.join("models").exists());
}

#[test]
fn lanes_that_the_program_has_are_served_and_may_be_configured() {
    let start = json!({"kind": "laned"});
    let path = format!("{OPERATIONS}?wait=30");
    for (args, wanted) in [
        (
            &[][..],
            json!({"name": "own", "concurrency": 3, "queue_limit": 5}),
        ),
        (
            &["--set", "lanes.own.concurrency=2"],
            json!({"name": "own", "concurrency": 2, "queue_limit": 5}),
        ),
    ] {
        let server = Server::alone(args);
        let system = get(&server, "/api/v1/system");
        let lanes = system.data(200)["lanes"].as_array().expect("a list");
        let own = lanes.iter().find(|lane| lane["name"] == "own");
        has(own.expect("it is there"), wanted);
        assert_eq!(
            post(&server, &path, &start).data(200)["status"],
            "completed"
        );
    }
}

#[test]
fn a_kind_that_takes_nothing_is_started_with_and_without_params() {
    let server = Server::own(&[]);
    for body in [
        json!({"kind": "unit"}),
        json!({"kind": "unit", "params": {}}),
        json!({"kind": "unit", "params": null}),
    ] {
        let ended = server.post(&format!("{OPERATIONS}?wait=30"), &body);
        has(
            &ended.data(200)["operation"],
            json!({"status": "completed", "params": null}),
        );
    }
    let refused = server.post(OPERATIONS, &json!({"kind": "unit", "params": {"a": 1}}));
    refused.faults(422, "INVALID_PARAMS", &[""]);
}

/// With which code one of the servers ends by itself, and what it says.
fn ends(server: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = own::command_of(server, &arguments(&folder, &[]));
    let output = command.output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text)
}

#[test]
fn kinds_that_cannot_be_used_are_a_fault_of_the_configuration_and_each_is_named() {
    let (code, text) = ends("serves_faults");
    assert_eq!(code, Some(2), "{text}");
    for wanted in [
        "impresariod: two kinds have the KIND \"plain\"",
        "kind \"laned\" wants lane \"own\", which is not configured; set lanes.own.concurrency",
    ] {
        assert!(text.contains(wanted), "{text}");
    }
}

#[test]
fn within_a_runtime_it_says_what_is_wrong() {
    let (code, text) = ends("serves_within_a_runtime");
    assert_eq!(code, Some(70), "{text}");
    let wanted = "impresariod: serve was called within a runtime, and starts one of its own; call it from a plain fn main";
    assert!(text.contains(wanted), "{text}");
    assert!(!text.contains("panicked"), "{text}");
}
