//! Training over real bars: what is refused, what fails, what stops it, and what is left then.

mod cancelling;
mod deleting;
mod forking;
mod models;
mod resuming;

use std::fs;

use serde_json::{Value, json};

use crate::support::{OPERATIONS, Reply, Server, id};

const TRAIN: &str = "/api/v1/training/start";
const MODELS: &str = "/api/v1/models";

/// A server that has the sample as GOOG 1d: 2,148 daily bars.
fn server() -> Server {
    let sample = include_str!("../../samples/GOOG_1d.csv");
    let server = Server::importing(&[("GOOG_1d.csv", sample)]);
    let body = json!({"symbol": "GOOG", "timeframe": "1d"});
    let loaded = server.post("/api/v1/data/load?wait=60", &body);
    assert_eq!(loaded.data(200)["status"], "completed");
    server
}

/// A small training of GOOG 1d, with these fields added or replaced.
fn small(fields: &Value) -> Value {
    let mut body = json!({
        "symbol": "GOOG", "timeframe": "1d", "epochs": 3, "batch_size": 64,
        "hidden_layers": [8, 4], "seed": 7, "device": "cpu",
    });
    let object = body.as_object_mut().expect("an object");
    object.extend(fields.as_object().expect("fields").clone());
    body
}

/// The answer to a start that ended in time.
fn trained(server: &Server, body: &Value) -> Value {
    let reply = server.post(&format!("{TRAIN}?wait=120"), body);
    reply.data(200).clone()
}

/// The ids in the list of models.
fn models(server: &Server) -> Vec<String> {
    let reply = server.get(MODELS);
    let models = reply.list("models");
    let id = |model: &Value| model["model_id"].as_str().expect("an id").to_owned();
    models.iter().map(id).collect()
}

/// What lies in the folder of models, finished or not.
fn kept(server: &Server) -> usize {
    let folder = server.folder.path().join("data/models");
    fs::read_dir(folder).expect("the models").count()
}

/// The last so many bars of the sample.
fn last_bars(server: &Server, count: usize) -> Vec<Value> {
    let reply = server.get("/api/v1/data/GOOG/1d?limit=10000");
    let bars = reply.list("bars");
    assert_eq!(bars.len(), 2_148);
    bars[bars.len() - count..].to_vec()
}

fn predict(server: &Server, model: &str, bars: &[Value]) -> Reply {
    server.post(&format!("{MODELS}/{model}/predict"), &json!({"bars": bars}))
}

#[test]
fn one_that_ends_by_patience_shows_every_epoch_that_it_ran() {
    let server = server();
    let answer = trained(
        &server,
        &small(&json!({"epochs": 200, "patience": 2, "learning_rate": 0.05})),
    );
    assert_eq!(answer["result"]["ended_by"], "patience");
    let shown = &answer["operation"]["progress"]["steps"][0];
    let run = &answer["result"]["epochs_run"];
    assert_eq!(&shown["current"], run, "{shown}");
    let message = format!("Training MLP on GOOG 1d: epoch {run}/200");
    assert_eq!(answer["operation"]["progress"]["message"], message);
}

#[test]
fn each_epoch_is_a_point_of_each_metric() {
    let server = server();
    let answer = trained(&server, &small(&json!({})));
    let id = id(&answer);
    let reply = server.read(&id, "/metrics?name=train_loss,validation_loss");
    let series = reply.data(200)["series"].clone();
    let model = answer["result"]["model_id"].as_str().expect("an id");
    let card = server.get(&format!("{MODELS}/{model}"));
    let history = &card.data(200)["history"];
    assert_eq!(series.as_object().map(serde_json::Map::len), Some(2));
    for name in ["train_loss", "validation_loss"] {
        let points = series[name].as_array().expect("points");
        let steps: Vec<_> = points.iter().map(|point| point["step"].as_u64()).collect();
        assert_eq!(steps, [Some(1), Some(2), Some(3)], "{name}");
        for (epoch, point) in points.iter().enumerate() {
            assert_eq!(point["value"], history[epoch][name], "{name}");
            assert!(
                point["value"]
                    .as_f64()
                    .is_some_and(|loss| loss > 0.0 && loss < 10.0)
            );
        }
    }
}

#[test]
fn every_fault_of_the_params_is_named() {
    let server = server();
    for (fields, path) in [
        (json!({"colour": "red"}), "colour"),
        (json!({"epochs": 0}), "epochs"),
        (json!({"epochs": 1_000_001}), "epochs"),
        (json!({"epochs": 1.5}), "epochs"),
        (json!({"batch_size": 0}), "batch_size"),
        (json!({"batch_size": 65_537}), "batch_size"),
        (json!({"hidden_layers": [0]}), "hidden_layers.0"),
        (json!({"hidden_layers": [8, 4_097]}), "hidden_layers.1"),
        (json!({"hidden_layers": vec![1; 17]}), "hidden_layers"),
        (json!({"hidden_layers": 8}), "hidden_layers"),
        (json!({"dropout": 1}), "dropout"),
        (json!({"dropout": -0.1}), "dropout"),
        (json!({"learning_rate": -0.001}), "learning_rate"),
        (json!({"learning_rate": 0}), "learning_rate"),
        (json!({"patience": 0}), "patience"),
        (json!({"seed": 1_u64 << 53}), "seed"),
        (json!({"seed": -1}), "seed"),
        (json!({"device": "abacus"}), "device"),
        (json!({"timeframe": "13mo"}), "timeframe"),
        (json!({"symbol": "A~B"}), "symbol"),
        (json!({"symbol": "A\u{202e}"}), "symbol"),
        (json!({"symbol": "imports"}), "symbol"),
    ] {
        let body = small(&fields);
        let generic = json!({"kind": "training", "params": body});
        for reply in [server.post(TRAIN, &body), server.post(OPERATIONS, &generic)] {
            reply.faults(422, "INVALID_PARAMS", &[path]);
        }
    }
    let several = json!({
        "epochs": 0, "batch_size": 70_000, "dropout": 1, "device": "abacus", "colour": "red",
        "hidden_layers": [0, 8, 5_000], "timeframe": "0d",
    });
    let reply = server.post(TRAIN, &several);
    reply.faults(
        422,
        "INVALID_PARAMS",
        &[
            "batch_size",
            "colour",
            "device",
            "dropout",
            "epochs",
            "hidden_layers.0",
            "hidden_layers.2",
            "symbol",
            "timeframe",
        ],
    );
    assert_eq!(
        server.get(&format!("{OPERATIONS}?kind=training")).data(200)["operations"],
        json!([])
    );
}

#[test]
fn what_is_not_there_is_refused_before_it_queues() {
    let server = server();
    let reply = server.post(TRAIN, &small(&json!({"symbol": "MSFT"})));
    reply.fails(404, "DATA_NOT_FOUND");
    let message = reply.message();
    assert!(
        message.contains("MSFT 1d") && message.contains("/api/v1/data/load"),
        "{message}"
    );
    server
        .post(TRAIN, &small(&json!({"timeframe": "1h"})))
        .fails(404, "DATA_NOT_FOUND");
    // No machine has both.
    let mut refused = 0;
    for device in ["cuda", "mps"] {
        let reply = server.post(TRAIN, &small(&json!({"device": device})));
        if reply.status == 202 {
            server.ask(&id(reply.data(202)), "cancel?wait=60").data(200);
            continue;
        }
        reply.fails(422, "DEVICE_NOT_AVAILABLE");
        assert_eq!(reply.body["error"]["details"]["field"], "device");
        let message = reply.message();
        assert!(message.contains(&format!("got \"{device}\"")), "{message}");
        refused += 1;
    }
    assert!(refused > 0);
    assert_eq!(kept(&server), 0);
}
