//! What came of a training: listed, shown, asked; and what cannot be asked.

use std::fs;

use serde_json::{Map, Value, json};

use super::{MODELS, last_bars, models, predict, server, small, trained};
use crate::support::{Server, has};

#[test]
fn a_model_is_trained_listed_shown_and_asked() {
    let server = server();
    assert!(models(&server).is_empty());
    let answer = trained(&server, &small(&json!({"options": {"labels": {"a": "b"}}})));
    let view = &answer["operation"];
    assert_eq!(
        (&answer["mode"], &answer["status"], &view["kind"]),
        (&json!("sync"), &json!("completed"), &json!("training"))
    );
    assert_eq!(
        (&view["lane"], &view["labels"]["a"]),
        (&json!("training"), &json!("b"))
    );
    assert_eq!(view["progress"]["context"]["device"], "cpu");
    let result = &answer["result"];
    assert_eq!(&view["result_summary"], result);
    let output = result.as_object().expect("an output");
    let mut fields: Vec<&str> = output.keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "best_epoch",
            "ended_by",
            "epochs_run",
            "model_id",
            "path",
            "test",
            "verdict"
        ]
    );
    has(result, json!({"epochs_run": 3, "ended_by": "epochs"}));
    let path = result["path"].as_str().expect("a path");
    for file in ["model.safetensors", "card.json"] {
        assert!(
            fs::metadata(format!("{path}/{file}")).is_ok(),
            "{path}/{file}"
        );
    }

    let model = result["model_id"].as_str().expect("an id").to_owned();
    assert_eq!(models(&server), [model.as_str()]);
    let card = server.get(&format!("{MODELS}/{model}"));
    fits(
        card.data(200),
        result,
        &small(&json!({"dropout": 0.2, "patience": 10, "learning_rate": 0.001})),
    );

    let bars = last_bars(&server, 120);
    let reply = predict(&server, &model, &bars);
    let probabilities = reply.data(200)["probabilities"]
        .as_object()
        .expect("probabilities")
        .clone();
    assert_eq!(probabilities.keys().collect::<Vec<_>>(), ["not_up", "up"]);
    let share = |name: &str| probabilities[name].as_f64().expect("a number");
    assert!(
        (share("up") + share("not_up") - 1.0).abs() < 1e-12,
        "{probabilities:?}"
    );
    assert!(share("up") > 0.0 && share("up") < 1.0, "{probabilities:?}");
    // A prediction depends on the last 100 bars and on nothing before them.
    let window = predict(&server, &model, &bars[20..]);
    assert_eq!(window.data(200), reply.data(200));
}

/// A card beside the output of the same training, and the params that it was given.
fn fits(card: &Value, output: &Value, params: &Value) {
    assert_eq!(&card["params"], params);
    assert_eq!(card["params"]["seed"], 7);
    // 2,148 bars without the first window of 100: 70 %, 15 % and the rest of 2,048 rows.
    assert_eq!(card["data"]["parts"], json!([1_433, 307, 308]));
    has(&card["data"], json!({"bars": 2_148, "symbol": "GOOG"}));
    assert_eq!(card["layers"], json!([13, 8, 4, 2]));
    assert_eq!(card["weights"], (13 + 1) * 8 + (8 + 1) * 4 + (4 + 1) * 2);
    assert_eq!(card["features"].as_array().map(Vec::len), Some(13));
    assert_eq!(card["history"].as_array().map(Vec::len), Some(3));
    has(
        card,
        json!({"best_epoch": output["best_epoch"], "ended_by": output["ended_by"]}),
    );
    assert_eq!(
        (&card["test"], &card["test"]["rows"]),
        (&output["test"], &json!(308))
    );
    assert_eq!(card["device"], "cpu");
}

#[test]
fn a_model_that_was_tampered_with_is_told_as_damaged() {
    let server = server();
    let result = &trained(&server, &small(&json!({})))["result"];
    let model = result["model_id"].as_str().expect("an id");
    let card = format!("{}/card.json", result["path"].as_str().expect("a path"));
    let mut changed: Value =
        serde_json::from_slice(&fs::read(&card).expect("a card")).expect("JSON");
    changed["layers"] = json!([]);
    fs::write(&card, changed.to_string()).expect("the test may");
    let bars = last_bars(&server, 120);
    predict(&server, model, &bars).fails(500, "MODEL_DAMAGED");
    let reply = server.get(&format!("{MODELS}/{model}"));
    reply.fails(500, "MODEL_DAMAGED");
    let message = reply.message();
    assert!(message.contains("layers"), "{message}");
    assert!(models(&server).is_empty(), "the list goes on without it");
}

#[test]
fn a_model_that_is_not_there_is_not_found() {
    let server = Server::start();
    for model in [
        "mdl_0000000000001",
        "mdl_1",
        "op_0000000000001",
        "MDL_0000000000001",
        "x",
        "%2e%2e",
        "mdl_00000000000%2F",
    ] {
        let at = format!("{MODELS}/{model}");
        server.get(&at).fails(404, "MODEL_NOT_FOUND");
        let body = json!({"bars": []});
        server
            .post(&format!("{at}/predict"), &body)
            .fails(404, "MODEL_NOT_FOUND");
    }
    let model = format!("{MODELS}/mdl_0000000000001");
    server
        .get(&format!("{model}/weights"))
        .fails(404, "ROUTE_NOT_FOUND");
}

#[test]
fn bars_that_cannot_be_judged_say_which_and_why() {
    let server = server();
    let answer = trained(&server, &small(&json!({"epochs": 1})));
    let model = answer["result"]["model_id"].as_str().expect("an id");
    let bars = last_bars(&server, 120);
    let asked = |index: usize, change: fn(&mut Map<String, Value>)| {
        let mut bars = bars.clone();
        change(bars[index].as_object_mut().expect("a bar"));
        predict(&server, model, &bars)
    };

    let few = predict(&server, model, &bars[..99]);
    few.fails(422, "NOT_ENOUGH_BARS");
    assert_eq!(
        few.body["error"]["details"],
        json!({"bars": 99, "needed": 100})
    );
    predict(&server, model, &[]).fails(422, "NOT_ENOUGH_BARS");

    let lacks = asked(3, |bar| drop(bar.remove("close")));
    let adds = asked(119, |bar| drop(bar.insert("colour".to_owned(), json!(1))));
    let text = asked(0, |bar| drop(bar.insert("open".to_owned(), json!("1"))));
    for (reply, path, got) in [
        (lacks, "bars[3].close", "expected a number, got nothing"),
        (adds, "bars[119].colour", "expected a known field"),
        (text, "bars[0].open", "expected a number, got \"1\""),
    ] {
        reply.faults(400, "BAD_REQUEST", &[path]);
        let message = reply.message();
        assert!(message.contains(path) && message.contains(got), "{message}");
    }
    for body in [
        json!({"bars": 5}),
        json!({"bars": {"0": 1}}),
        json!({"bars": null}),
        json!({}),
    ] {
        let reply = server.post(&format!("{MODELS}/{model}/predict"), &body);
        reply.faults(400, "BAD_REQUEST", &["bars"]);
    }
    let reply = server.post(
        &format!("{MODELS}/{model}/predict"),
        &json!({"bars": bars, "colour": 1}),
    );
    reply.faults(400, "BAD_REQUEST", &["colour"]);

    let low = asked(5, |bar| drop(bar.insert("high".to_owned(), json!(0.5))));
    let early = asked(7, |bar| {
        drop(bar.insert("timestamp".to_owned(), json!("1999-01-01T00:00:00Z")))
    });
    for (reply, path) in [(low, "bars[5].high"), (early, "bars[7].timestamp")] {
        reply.faults(422, "BAD_BAR", &[path]);
    }
}
