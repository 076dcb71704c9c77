//! Cancelling a training of a real server, whatever else happens to it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{TRAIN, kept, models, server, small};
use crate::support::{OPERATIONS, Server, comes, has, id};

/// One that ends only when it is asked to.
fn endless(fields: &Value) -> Value {
    let mut body = small(&json!({"epochs": 1_000_000, "patience": 1_000_000}));
    let object = body.as_object_mut().expect("an object");
    object.extend(fields.as_object().expect("fields").clone());
    body
}

/// Starts one, and waits until it has told of its first epoch.
pub(super) fn learning(server: &Server, fields: &Value) -> String {
    let id = id(server.post(TRAIN, &endless(fields)).data(202));
    server.until_event(&id, 0, |event| event["type"] == "metric");
    id
}

fn cancel(server: &Server, id: &str) -> Value {
    server.ask(id, "cancel?wait=60").data(200).clone()
}

/// What is unfinished below a folder: names that begin with a dot.
fn unfinished(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            found.push(name);
        }
        found.extend(unfinished(&entry.path()));
    }
    found
}

#[test]
fn before_its_time_a_training_is_cancelled_without_a_run() {
    let server = server();
    let body = endless(&json!({"options": {"not_before": "2099-01-01T00:00:00Z"}}));
    let id = id(server.post(TRAIN, &body).data(202));
    let view = cancel(&server, &id);
    has(
        &view,
        json!({"status": "cancelled", "run": 0, "started_at": null}),
    );
}

#[test]
fn in_the_queue_a_training_is_cancelled_without_a_run() {
    let server = server();
    let slots = server.get("/api/v1/system").data(200)["lanes"].clone();
    let lane = slots
        .as_array()
        .expect("lanes")
        .iter()
        .find(|lane| lane["name"] == "training");
    let slots = lane.expect("the lane")["slots"]
        .as_array()
        .expect("slots")
        .len();
    let running: Vec<_> = (0..slots).map(|_| learning(&server, &json!({}))).collect();
    let waits = id(server.post(TRAIN, &endless(&json!({}))).data(202));
    assert_eq!(server.view(&waits)["status"], "pending");
    has(
        &cancel(&server, &waits),
        json!({"status": "cancelled", "run": 0}),
    );
    assert_eq!(server.view(&running[0])["status"], "running");
}

#[test]
fn cancelled_twice_the_second_changes_nothing() {
    let server = server();
    let id = learning(&server, &json!({}));
    let first = cancel(&server, &id);
    let second = server.ask(&id, "cancel").data(200).clone();
    assert_eq!(
        (&second["changed"], &second["seq"]),
        (&json!(false), &first["seq"])
    );
}

#[test]
fn cancelled_by_two_clients_at_once_both_hear_the_end() {
    let server = server();
    let id = learning(&server, &json!({}));
    let answers = std::thread::scope(|scope| {
        let one = scope.spawn(|| server.ask(&id, "cancel?wait=60"));
        let other = scope.spawn(|| server.ask(&id, "cancel?wait=60"));
        [one, other].map(|thread| thread.join().expect("no panic"))
    });
    let mut changed = 0;
    for answer in &answers {
        assert_eq!(answer.data(200)["status"], "cancelled");
        changed += u32::from(answer.data(200)["changed"] == true);
    }
    assert_eq!(changed, 1, "it was cancelled once");
}

#[test]
fn cancelled_with_a_reason_it_is_kept_with_who_gave_it() {
    let server = server();
    let id = learning(&server, &json!({}));
    let path = format!("{OPERATIONS}/{id}/cancel?wait=60");
    let body = json!({"reason": "the wrong symbol"});
    server
        .post_as(&path, &body, &[("X-Client", "anna")])
        .data(200);
    has(
        &server.view(&id)["stop"],
        json!({"verb": "cancel", "reason": "the wrong symbol", "requested_by": "anna"}),
    );
}

#[test]
fn cancelled_together_with_its_completion_it_has_a_model_or_was_cancelled() {
    let server = server();
    let (mut completed, mut cancelled) = (0, 0);
    for epochs in 1..16 {
        let body = small(&json!({"epochs": epochs % 4 + 1}));
        let id = id(server.post(TRAIN, &body).data(202));
        if epochs % 3 == 0 {
            server.until_event(&id, 0, |event| event["type"] == "metric");
        }
        let answer = server.ask(&id, "cancel?wait=60");
        let view = server.view(&id);
        match view["status"].as_str() {
            Some("completed") => completed += 1,
            Some("cancelled") => cancelled += 1,
            other => panic!("{other:?}"),
        }
        match answer.code() {
            "" => assert_eq!(answer.data(200)["status"], view["status"]),
            code => assert_eq!(
                (code, &view["status"]),
                ("ALREADY_ENDED", &json!("completed"))
            ),
        }
    }
    assert_eq!(models(&server).len(), completed);
    assert_eq!(
        kept(&server),
        completed,
        "nothing is left of the {cancelled} others"
    );
}

#[test]
fn cancelled_while_it_pauses_or_is_paused_it_ends() {
    let server = server();
    let pausing = learning(&server, &json!({}));
    server.ask(&pausing, "pause");
    assert_eq!(cancel(&server, &pausing)["status"], "cancelled");
    let paused = learning(&server, &json!({}));
    server.asks(&paused, "pause", "paused");
    assert_eq!(cancel(&server, &paused)["status"], "cancelled");
}

#[test]
fn cancelled_right_after_a_resume_it_ends() {
    let server = server();
    let id = learning(&server, &json!({}));
    server.asks(&id, "pause", "paused");
    server.ask(&id, "resume").data(202);
    assert_eq!(cancel(&server, &id)["status"], "cancelled");
    // It goes on once more all the same.
    server.ask(&id, "resume").data(202);
    server.until_after(
        &id,
        "running",
        server.view(&id)["seq"].as_u64().expect("a number") - 1,
    );
    assert_eq!(cancel(&server, &id)["status"], "cancelled");
}

#[test]
fn cancelled_at_a_shutdown_it_stays_cancelled() {
    let mut server = server();
    let id = learning(&server, &json!({}));
    let reply = server.ask(&id, "cancel");
    assert!([200, 202].contains(&reply.status), "{reply:?}");
    server.signal("TERM");
    assert!(server.join().success());
    let server = server.again();
    has(&server.view(&id), json!({"status": "cancelled", "run": 1}));
    assert_eq!(kept(&server), 0);
}

#[test]
fn past_its_deadline_a_training_fails_and_keeps_its_checkpoint() {
    let server = server();
    let body = endless(&json!({"options": {"timeout_seconds": 1.0, "max_attempts": 1}}));
    let id = id(server.post(TRAIN, &body).data(202));
    server.until(&id, "failed");
    let view = server.view(&id);
    assert_eq!(view["error"]["code"], "DEADLINE_EXCEEDED");
    assert!(view["checkpoint"]["bytes"].as_u64() > Some(0), "{view}");
}

#[test]
fn a_cancel_after_the_deadline_finds_it_ended() {
    let server = server();
    let body = endless(&json!({"options": {"timeout_seconds": 0.2, "max_attempts": 1}}));
    let id = id(server.post(TRAIN, &body).data(202));
    server.until(&id, "failed");
    server.ask(&id, "cancel").fails(409, "ALREADY_ENDED");
}

#[test]
fn a_wrong_id_is_cancelled_by_nobody() {
    let server = server();
    let id = learning(&server, &json!({}));
    server
        .ask("op_0000000000000", "cancel")
        .fails(404, "OPERATION_NOT_FOUND");
    server
        .ask(&id[3..], "cancel")
        .fails(404, "OPERATION_NOT_FOUND");
    assert_eq!(server.view(&id)["status"], "running");
}

#[test]
fn a_cancelled_training_gives_its_slot_back() {
    let server = server();
    for _ in 0..5 {
        let id = learning(&server, &json!({}));
        cancel(&server, &id);
    }
    let system = server.get("/api/v1/system").data(200).clone();
    let lanes = system["lanes"].as_array().expect("lanes").clone();
    let lane = lanes
        .iter()
        .find(|lane| lane["name"] == "training")
        .expect("the lane");
    let slots = lane["slots"].as_array().expect("slots");
    assert!(
        slots.iter().all(|slot| slot["operation_id"].is_null()),
        "{slots:?}"
    );
}

#[test]
fn cancelled_while_a_checkpoint_is_written_it_keeps_a_whole_one() {
    let server = server();
    // Four million weights: a checkpoint of 50 MB takes its time.
    let id = id(server
        .post(TRAIN, &endless(&json!({"hidden_layers": [2_048, 2_048]})))
        .data(202));
    let folder = server.folder.path().join("data/checkpoints").join(&id);
    comes("an unfinished checkpoint", || {
        !unfinished(&folder).is_empty()
    });
    assert_eq!(cancel(&server, &id)["status"], "cancelled");
    assert!(unfinished(&folder).is_empty());
    assert!(server.view(&id)["checkpoint"]["bytes"].as_u64() > Some(50_000_000));
}

#[test]
fn a_cancelled_training_leaves_no_temporary_file() {
    let server = server();
    let data = server.folder.path().join("data");
    for _ in 0..10 {
        let id = learning(&server, &json!({"hidden_layers": [256, 256]}));
        cancel(&server, &id);
    }
    assert!(unfinished(&data.join("checkpoints")).is_empty());
    assert_eq!(
        (unfinished(&data.join("models")), kept(&server)),
        (Vec::new(), 0)
    );
}

#[test]
fn a_cancelled_training_gives_its_memory_back() {
    let server = server();
    let resident = || {
        let status = fs::read_to_string(format!("/proc/{}/status", server.process()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.expect("a line").trim().trim_end_matches(" kB");
        kib.parse::<u64>().expect("a number") / 1_024
    };
    // Weights, gradient, moments and the best so far take 21 MB.
    let large = json!({"hidden_layers": [1_024, 1_024], "batch_size": 1_024});
    cancel(&server, &learning(&server, &large));
    let before = resident();
    for _ in 0..4 {
        cancel(&server, &learning(&server, &large));
    }
    let after = resident();
    assert!(
        after < before + 15,
        "{before} MiB after one, {after} MiB after five"
    );
}
