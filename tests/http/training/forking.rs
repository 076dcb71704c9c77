//! A training that goes on from the checkpoint of another one, with some params changed.

use std::fs;

use serde_json::{Value, json};

use super::cancelling::learning;
use super::resuming::{ends_as, kept, undisturbed};
use super::{MODELS, server};
use crate::support::{OPERATIONS, Reply, Server, has, id};

fn fork(server: &Server, of: &str, params: &Value) -> Reply {
    let path = format!("{OPERATIONS}/{of}/fork");
    server.post(&path, &json!({"checkpoint": "latest", "params": params}))
}

/// The id of a fork, and its result.
pub(super) fn forked(server: &Server, of: &str, params: &Value) -> (String, Value) {
    let fork = id(fork(server, of, params).data(202));
    server.until(&fork, "completed");
    let result = server.read(&fork, "/results").data(200).clone();
    (fork, result)
}

/// A paused training, some epochs on.
pub(super) fn paused(server: &Server) -> String {
    let id = kept(server);
    server.asks(&id, "pause", "paused");
    id
}

/// It is trained again from its card, with the same bits.
fn verifies(server: &Server, result: &Value) -> Value {
    let model = result["model_id"].as_str().expect("a model");
    let verify = format!("{MODELS}/{model}/verify?wait=120");
    let answer = server.post(&verify, &json!({})).data(200).clone();
    let verified = &answer["result"];
    assert_eq!(verified["identical"], true, "{answer}");
    server.get(&format!("{MODELS}/{model}")).data(200).clone()
}

#[test]
fn a_fork_that_changes_nothing_ends_with_the_same_bits_and_one_curve() {
    let server = server();
    let undisturbed = undisturbed(&server);
    let of = paused(&server);
    let before = server.view(&of);
    let fork = id(fork(&server, &of, &json!({})).data(202));
    let view = ends_as(&server, &fork, &undisturbed);
    assert_eq!(view["forked_from"]["operation_id"], of.as_str());
    assert_eq!(view["forked_from"]["step"], before["checkpoint"]["step"]);
    let after = server.view(&of);
    assert_eq!(
        (&after["seq"], &after["status"]),
        (&before["seq"], &json!("paused"))
    );
}

#[test]
fn a_fork_with_another_rate_and_batch_size_verifies_from_its_card() {
    let server = server();
    let of = paused(&server);
    let changed = json!({"learning_rate": 0.0003, "batch_size": 24, "epochs": 130});
    let (fork, result) = forked(&server, &of, &changed);
    assert_eq!(result["epochs_run"], 130);
    let card = verifies(&server, &result);
    let ancestry = card["ancestry"].as_array().expect("ancestors");
    assert_eq!(ancestry.len(), 2);
    assert_eq!(
        (&ancestry[0]["operation_id"], &ancestry[1]["operation_id"]),
        (&json!(of), &json!(fork))
    );
    assert_eq!(
        (
            &ancestry[0]["params"]["batch_size"],
            &ancestry[1]["params"]["batch_size"]
        ),
        (&json!(16), &json!(24))
    );
    assert_eq!(card["forked_from"]["operation_id"], of.as_str());
    has(
        &card["params"],
        json!({"learning_rate": 0.0003, "batch_size": 24}),
    );
    // A fork can be forked, also after a resume of it.
    let second = id(fork_of_fork(&server, &of).data(202));
    server.until_event(&second, 0, |event| event["type"] == "metric");
    server.ask(&second, "pause?wait=60");
    let (_, result) = forked(
        &server,
        &second,
        &json!({"learning_rate": 0.0001, "epochs": 140}),
    );
    let card = verifies(&server, &result);
    assert!(card["ancestry"].as_array().map(Vec::len) >= Some(3));
}

fn fork_of_fork(server: &Server, of: &str) -> Reply {
    fork(
        server,
        of,
        &json!({"learning_rate": 0.0005, "epochs": 1_000_000, "patience": 1_000_000}),
    )
}

#[test]
fn a_fork_with_fewer_epochs_than_were_run_keeps_the_best_of_them() {
    let server = server();
    let of = learning(&server, &json!({}));
    server.asks(&of, "pause", "paused");
    let (fork, result) = forked(&server, &of, &json!({"epochs": 1}));
    assert_eq!(result["ended_by"], "epochs");
    let view = server.view(&fork);
    assert_eq!(view["warnings"][0]["code"], "NO_EPOCH_LEFT");
    let progress = &view["progress"];
    assert_eq!(progress["items_processed"], progress["items_total"]);
    assert_eq!(
        progress["rate_per_second"],
        Value::Null,
        "it learned nothing"
    );
    verifies(&server, &result);
}

#[test]
fn a_folder_of_another_training_is_not_forked() {
    let server = server();
    let of = paused(&server);
    let other = learning(&server, &json!({}));
    server.asks(&other, "pause", "paused");
    let newest = |id: &str| {
        let root = server.folder.path().join("data/checkpoints");
        let folders = fs::read_dir(root.join(id)).expect("checkpoints");
        let folders = folders.map(|entry| entry.expect("an entry").path());
        folders.max().expect("one")
    };
    let place = newest(&of);
    fs::remove_dir_all(&place).expect("the test may");
    fs::rename(newest(&other), &place).expect("the test may");
    let count = || server.get(OPERATIONS).data(200)["total_count"].clone();
    let before = count();
    let refused = fork(&server, &of, &json!({}));
    refused.fails(409, "CHECKPOINT_FOREIGN");
    assert!(refused.message().contains("other params"), "{refused:?}");
    assert_eq!(count(), before, "nothing was started");
}

#[test]
fn what_a_fork_may_not_change_is_refused_by_name() {
    let server = server();
    let of = paused(&server);
    for (params, path) in [
        (json!({"hidden_layers": [4]}), "hidden_layers"),
        (json!({"symbol": "MSFT"}), "symbol"),
        (json!({"seed": 8}), "seed"),
        (json!({"colour": "red"}), "colour"),
        (json!({"learning_rate": 0}), "learning_rate"),
        (json!({"batch_size": "many"}), "batch_size"),
    ] {
        fork(&server, &of, &params).faults(422, "INVALID_PARAMS", &[path]);
    }
    let path = format!("{OPERATIONS}/{of}/fork");
    let missing = json!({"checkpoint": 9_999, "params": {}});
    server.post(&path, &missing).fails(409, "NO_CHECKPOINT");
    let fresh = id(server
        .post(
            super::TRAIN,
            &super::small(&json!({"options": {"not_before": "2099-01-01T00:00:00Z"}})),
        )
        .data(202));
    fork(&server, &fresh, &json!({})).fails(409, "NO_CHECKPOINT");
}

#[test]
fn one_that_diverges_can_be_forked_with_a_smaller_rate() {
    let server = server();
    let of = paused(&server);
    let diverges = id(fork(&server, &of, &json!({"learning_rate": 1e30})).data(202));
    server.until(&diverges, "failed");
    let view = server.view(&diverges);
    assert_eq!(view["error"]["code"], "TRAINING_DIVERGED");
    assert!(view["checkpoint"].is_object(), "the last good one stays");
    let (_, result) = forked(&server, &diverges, &json!({"learning_rate": 0.0001}));
    verifies(&server, &result);
}
