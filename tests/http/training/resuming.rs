//! A training that goes on after whatever has happened to its server ends with the bits of an undisturbed
//! one.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::cancelling::learning;
use super::{MODELS, TRAIN, server, small, trained};
use crate::support::{Server, has, id};

/// Some seconds of work, so that a stop finds it learning.
fn long() -> Value {
    small(&json!({"epochs": 120, "patience": 120, "batch_size": 16}))
}

/// The SHA-256 of the weights of a model, and its history.
fn model(server: &Server, result: &Value) -> (String, Value) {
    let id = result["model_id"].as_str().expect("a model");
    let card = server.get(&format!("{MODELS}/{id}")).data(200).clone();
    let sha256 = card["weights_sha256"]
        .as_str()
        .expect("a checksum")
        .to_owned();
    (sha256, card["history"].clone())
}

pub(super) fn undisturbed(server: &Server) -> (String, Value) {
    model(server, &trained(server, &long())["result"])
}

/// Starts one, which has a checkpoint and goes on.
pub(super) fn kept(server: &Server) -> String {
    let id = id(server.post(TRAIN, &long()).data(202));
    server.until_event(&id, 0, |event| event["type"] == "metric");
    pause_and_resume(server, &id);
    id
}

/// It is paused, which gives a checkpoint, and runs again.
fn pause_and_resume(server: &Server, id: &str) {
    server.asks(id, "pause", "paused");
    let seq = server.view(id)["seq"].as_u64().expect("a number");
    server.ask(id, "resume").data(202);
    server.until_after(id, "running", seq);
}

/// It completes, with these bits, and each epoch is one point of each metric.
pub(super) fn ends_as(server: &Server, id: &str, undisturbed: &(String, Value)) -> Value {
    server.until(id, "completed");
    let view = server.view(id);
    let result = server.read(id, "/results").data(200).clone();
    assert_eq!(&model(server, &result), undisturbed, "{view}");
    let reply = server.read(id, "/metrics?name=validation_loss");
    let points = reply.data(200)["series"]["validation_loss"]
        .as_array()
        .expect("points")
        .clone();
    let history = undisturbed.1.as_array().expect("epochs");
    assert_eq!(points.len(), history.len());
    for (point, epoch) in points.iter().zip(history) {
        assert_eq!(point["step"], epoch["epoch"]);
        assert_eq!(point["value"], epoch["validation_loss"]);
    }
    view
}

#[test]
fn paused_and_resumed() {
    let server = server();
    let undisturbed = undisturbed(&server);
    let id = kept(&server);
    for _ in 0..2 {
        pause_and_resume(&server, &id);
    }
    let view = ends_as(&server, &id, &undisturbed);
    assert_eq!(view["run"], 4);
    assert_eq!(view["progress"]["percentage"], 100.0);
}

#[test]
fn cancelled_by_mistake_and_resumed() {
    let server = server();
    let undisturbed = undisturbed(&server);
    let id = kept(&server);
    server.asks(&id, "cancel", "cancelled");
    server.ask(&id, "resume").data(202);
    ends_as(&server, &id, &undisturbed);
}

#[test]
fn killed_and_started_again() {
    let server = server();
    let undisturbed = undisturbed(&server);
    let id = kept(&server);
    let server = server.killed();
    let view = ends_as(&server, &id, &undisturbed);
    assert_eq!(view["run"], 3);
    let mut events = server.events(&id).into_iter().rev();
    let restored = events.find(|event| event["type"] == "restored");
    assert!(restored.expect("it went on")["data"]["from_step"]["batch"].is_u64());
}

#[test]
fn shut_down_in_order_and_started_again() {
    let mut server = server();
    let undisturbed = undisturbed(&server);
    let id = kept(&server);
    server.signal("TERM");
    assert!(server.join().success());
    let server = server.again();
    let view = ends_as(&server, &id, &undisturbed);
    has(&view, json!({"run": 3, "attempt": 1}));
}

#[test]
fn from_the_checkpoint_before_a_damaged_one() {
    let server = server();
    let undisturbed = undisturbed(&server);
    let id = kept(&server);
    let folder = server.folder.path().join("data/checkpoints").join(&id);
    server.asks(&id, "pause", "paused");
    let folders = fs::read_dir(&folder).expect("checkpoints");
    let newest = folders
        .map(|entry| entry.expect("an entry").path())
        .max()
        .expect("one");
    let file = newest.join("files/tensors.safetensors");
    let mut bytes = fs::read(&file).expect("tensors");
    *bytes.last_mut().expect("not empty") ^= 1;
    fs::write(&file, bytes).expect("the test may");
    server.ask(&id, "resume").data(202);
    let view = ends_as(&server, &id, &undisturbed);
    assert_eq!(view["warnings"][0]["code"], "CHECKPOINT_DAMAGED");
}

#[test]
fn verified_from_its_card() {
    let server = server();
    let id = kept(&server);
    server.until(&id, "completed");
    let result = server.read(&id, "/results").data(200).clone();
    let model = result["model_id"].as_str().expect("a model");
    let card = server.get(&format!("{MODELS}/{model}")).data(200).clone();
    has(
        &card,
        json!({"operation_id": id, "requested_by": "anonymous"}),
    );
    assert_eq!(card["ancestry"].as_array().map(Vec::len), Some(2));
    let verify = format!("{MODELS}/{model}/verify");
    let answer = server
        .post(&format!("{verify}?wait=120"), &json!({}))
        .data(200)
        .clone();
    has(
        &answer["result"],
        json!({"model_id": model, "identical": true, "bits_promised": true, "weights_that_differ": 0}),
    );
    server
        .post(&format!("{MODELS}/mdl_0000000000000/verify"), &json!({}))
        .fails(404, "MODEL_NOT_FOUND");
    server
        .post(&verify, &json!({"options": 3}))
        .faults(400, "BAD_REQUEST", &["options"]);
    server
        .post(&verify, &json!({"model_id": model}))
        .faults(400, "BAD_REQUEST", &["model_id"]);
}

#[test]
fn without_room_for_a_checkpoint_it_learns_on_and_says_so_and_the_one_before_stays() {
    let server = server();
    // A checkpoint of 3.3 MB, and no file may be longer than 2.5 MB.
    let id = learning(
        &server,
        &json!({"hidden_layers": [512, 512], "batch_size": 512}),
    );
    server.until_event(&id, 0, |event| event["type"] == "checkpoint");
    let limit = |bytes: &str| {
        let limit = format!("--fsize={bytes}:");
        let process = server.process().to_string();
        let set = Command::new("prlimit")
            .args([&limit, "--pid", &process])
            .status();
        assert!(set.expect("there is a prlimit").success());
    };
    limit("2500000");
    server.until_event(&id, 0, |event| {
        event["data"]["code"] == "CHECKPOINT_NOT_WRITTEN"
    });
    let full = server.view(&id);
    assert_eq!(full["status"], "running");
    assert!(
        full["checkpoint"]["bytes"].as_u64() > Some(3_000_000),
        "{full}"
    );
    limit("unlimited");
    let seq = full["seq"].as_u64().expect("a number");
    server.until_event(&id, seq, |event| event["type"] == "checkpoint");
    server.asks(&id, "pause", "paused");
    server.asks(&id, "cancel", "cancelled");
}

#[test]
fn one_that_diverges_keeps_its_last_good_checkpoint() {
    let server = server();
    let id = learning(&server, &json!({"learning_rate": 0.001}));
    server.asks(&id, "cancel", "cancelled");
    let body = small(&json!({"learning_rate": 1e30}));
    let diverged = trained(&server, &body);
    assert_eq!(diverged["operation"]["error"]["code"], "TRAINING_DIVERGED");
    assert_eq!(
        diverged["operation"]["checkpoint"],
        Value::Null,
        "none of it was good"
    );
}
