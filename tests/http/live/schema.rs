//! The schema of the frames and the table in docs/API.md, against the types and against frames that
//! a server really sends.

use std::path::{Path, PathBuf};

use impresario_api::{ClientFrame, ServerFrame, frame_schemas};
use serde_json::{Value, json};

use super::client::Live;
use super::following::until;
use crate::support::Server;

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name)
}

fn generated() -> String {
    let schemas = serde_json::to_string_pretty(&frame_schemas()).expect("a schema is JSON");
    schemas + "\n"
}

/// `UPDATE_DOCS=1 cargo test` writes it anew.
#[test]
fn the_schema_in_docs_is_generated_from_the_types() {
    let file = docs("frames.schema.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, generated()).expect("docs are writable");
    }
    let kept = std::fs::read_to_string(file).expect("it is there");
    assert_eq!(kept, generated(), "run with UPDATE_DOCS=1");
}

#[test]
fn real_frames_are_valid_by_the_schema() {
    let schemas: Value = serde_json::from_str(&generated()).expect("JSON");
    let validator = jsonschema::validator_for(&schemas["server"]).expect("a schema");
    let server = Server::own(&[]);
    let mut live = Live::new(&server);
    live.subscribe("a", json!({"filter": {}}));
    let mut frames = vec![live.of_type("snapshot")];
    let talker = server.of_kind("talker", &json!({"lines": 3}), &json!({}));
    frames.extend(until(&mut live, "completed"));
    live.subscribe("b", json!({"operation_id": talker, "since": 0}));
    frames.extend((0..4).map(|_| live.next()));
    live.text("nonsense");
    frames.push(live.next_any("error"));
    let id = server.dummy(1_000_000, 1);
    server.until(&id, "running");
    server.ask(&id, "pause").data(202);
    frames.extend(until(&mut live, "paused"));
    server.ask(&id, "resume").data(202);
    frames.extend(until(&mut live, "running"));
    let mut types: Vec<_> = frames
        .iter()
        .filter_map(|frame| frame["type"].as_str())
        .collect();
    types.sort_unstable();
    types.dedup();
    for wanted in [
        "checkpoint",
        "error",
        "log",
        "progress",
        "resumed",
        "snapshot",
        "status",
        "submitted",
    ] {
        assert!(types.contains(&wanted), "{wanted} was not met: {types:?}");
    }
    for frame in &frames {
        let faults: Vec<_> = validator
            .iter_errors(frame)
            .map(|fault| fault.to_string())
            .collect();
        assert!(faults.is_empty(), "{frame}: {faults:?}");
    }
}

/// Every example in docs/API.md that is a frame.
fn examples() -> Vec<Value> {
    let text = std::fs::read_to_string(docs("API.md")).expect("it is there");
    let lines = text.lines().filter(|line| line.starts_with("| `"));
    let cells = lines.filter_map(|line| line.split('`').find(|cell| cell.starts_with("{\"")));
    let values = cells.filter_map(|cell| serde_json::from_str::<Value>(cell).ok());
    values.filter(|value| value["type"].is_string()).collect()
}

#[test]
fn the_examples_in_the_docs_are_frames_and_every_type_has_one() {
    let schemas: Value = serde_json::from_str(&generated()).expect("JSON");
    let examples = examples();
    for (side, count) in [("client", 4), ("server", 17)] {
        let validator = jsonschema::validator_for(&schemas[side]).expect("a schema");
        let of_side: Vec<_> = examples
            .iter()
            .filter(|one| (side == "server") == one["at"].is_string())
            .collect();
        let mut types: Vec<_> = of_side
            .iter()
            .filter_map(|one| one["type"].as_str())
            .collect();
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), count, "{side}: {types:?}");
        for example in of_side {
            assert!(validator.is_valid(example), "{side}: {example}");
            let parsed = if side == "client" {
                serde_json::from_value::<ClientFrame>(example.clone()).map(|_| ())
            } else {
                serde_json::from_value::<ServerFrame>(example.clone()).map(|_| ())
            };
            assert!(parsed.is_ok(), "{side}: {example}: {parsed:?}");
        }
    }
}
