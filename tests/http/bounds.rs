//! What strangers and functions say is bounded where it enters, and is shown without what nobody sees.

use std::collections::BTreeMap;

use impresario_api::text;
use serde_json::{Map, Value, json};

use crate::support::{DUMMY, OPERATIONS, Reply, Server, id};

/// An answer to one request: what a hundred thousand faults may not make large.
const MOST_BYTES: usize = 64 * 1024;

fn size(reply: &Reply) -> usize {
    reply.body.to_string().len()
}

/// That many faults: the first 20 are told.
fn told(reply: &Reply, status: u16, code: &str, total: u64) {
    reply.fails(status, code);
    let error = &reply.body["error"];
    let told = error["details"].as_array().expect("details").len() as u64;
    assert_eq!(
        (told, &error["details_total"]),
        (total.min(20), &json!(total))
    );
    assert!(size(reply) < MOST_BYTES, "{} bytes", size(reply));
}

fn unknown(count: usize) -> Map<String, Value> {
    (0..count).map(|n| (format!("f{n:06}"), json!(n))).collect()
}

#[test]
fn the_first_twenty_faults_are_told_and_all_are_counted() {
    let server = Server::start();
    for count in [1, 20, 21, 50_000] {
        let fields = unknown(count);
        let total = count as u64;
        told(
            &server.post(DUMMY, &json!(fields)),
            422,
            "INVALID_PARAMS",
            total,
        );
        let start = json!({"kind": "dummy", "params": fields});
        told(
            &server.post(OPERATIONS, &start),
            422,
            "INVALID_PARAMS",
            total,
        );
        let start = json!({"kind": "dummy", "options": fields});
        told(&server.post(OPERATIONS, &start), 400, "BAD_REQUEST", total);
        let mut outer = fields.clone();
        outer.insert("kind".to_owned(), json!("dummy"));
        told(
            &server.post(OPERATIONS, &json!(outer)),
            400,
            "BAD_REQUEST",
            total,
        );
    }
    let pairs: Vec<_> = (0..500).map(|n| format!("x{n}=1")).collect();
    let reply = server.get(&format!("{OPERATIONS}?{}", pairs.join("&")));
    told(&reply, 400, "BAD_REQUEST", 500);
    let reply = server.get(&format!("{OPERATIONS}?q={}", "a".repeat(9_000)));
    told(&reply, 400, "BAD_REQUEST", 1);
    let reply = server.get(&format!("{OPERATIONS}?kind={}", ["a"; 101].join(",")));
    told(&reply, 400, "BAD_REQUEST", 1);
}

#[test]
fn a_list_that_is_too_long_is_one_fault() {
    let server = Server::own(&[]);
    for (field, got) in [
        (json!({"list": vec!["x"; 200_000]}), "200000 items"),
        (json!({"map": unknown(60_000)}), "60000 fields"),
    ] {
        let mut params = field.as_object().expect("an object").clone();
        params.insert("times".to_owned(), json!("x"));
        let reply = server.post(OPERATIONS, &json!({"kind": "shouter", "params": params}));
        told(&reply, 422, "INVALID_PARAMS", 2);
        assert_eq!(reply.body["error"]["details"][0]["got"], got);
    }
    // Within the limit every item is judged.
    let params = json!({"times": 1, "list": vec![300; 5_000]});
    let reply = server.post(OPERATIONS, &json!({"kind": "shouter", "params": params}));
    told(&reply, 422, "INVALID_PARAMS", 5_000);
}

#[test]
#[cfg(feature = "training")]
fn a_training_of_very_many_layers_is_refused_in_a_line() {
    let server = Server::start();
    let params = json!({"symbol": "X", "timeframe": "1d", "hidden_layers": vec![-1; 349_000]});
    let reply = server.post("/api/v1/training/start", &params);
    told(&reply, 422, "INVALID_PARAMS", 1);
    let bars = json!({"bars": vec![json!({"open": "x"}); 10_000]});
    let reply = server.post("/api/v1/models/mdl_0000000000000/predict", &bars);
    // Six faults a bar; no bar is looked at once there are 10,000.
    told(&reply, 400, "BAD_REQUEST", 10_002);
}

#[test]
fn no_message_repeats_a_long_text() {
    let server = Server::start();
    let long = "\u{202e}é".repeat(100_000);
    for reply in [
        server.post(OPERATIONS, &json!({"kind": long})),
        server.post(
            OPERATIONS,
            &json!({"kind": "dummy", "params": {"iterations": long}}),
        ),
        server.post(DUMMY, &json!({(long.as_str()): 1})),
        server.post(DUMMY, &json!({"options": {"priority": long}})),
        server.post(
            DUMMY,
            &json!({"options": {"labels": {(long.as_str()): long}}}),
        ),
        server.post(OPERATIONS, &json!([long])),
        server.get(&format!("/{}", "x".repeat(50_000))),
    ] {
        assert!(size(&reply) < MOST_BYTES, "{} bytes", size(&reply));
        assert!(!reply.body.to_string().contains('\u{202e}'), "{reply:?}");
    }
}

#[test]
fn every_text_and_list_that_a_kind_of_ours_takes_has_a_limit() {
    let server = Server::start();
    let reply = server.get("/api/v1/kinds");
    for kind in reply.data(200).as_array().expect("kinds") {
        limited(
            &kind["params_schema"],
            kind["kind"].as_str().expect("a name"),
        );
    }
}

fn limited(schema: &Value, path: &str) {
    let Some(fields) = schema.as_object() else {
        return;
    };
    let is = |name: &str| match &schema["type"] {
        Value::Array(all) => all.iter().any(|one| one == name),
        one => one == name,
    };
    let has = |keys: &[&str]| keys.iter().any(|key| fields.contains_key(*key));
    assert!(
        !is("string") || has(&["maxLength", "enum", "const"]),
        "{path}"
    );
    assert!(!is("array") || has(&["maxItems"]), "{path}");
    let closed = schema["additionalProperties"] == false;
    assert!(!is("object") || closed || has(&["maxProperties"]), "{path}");
    for (key, inner) in fields {
        match inner {
            Value::Array(all) => all
                .iter()
                .for_each(|one| limited(one, &format!("{path}.{key}"))),
            inner => limited(inner, &format!("{path}.{key}")),
        }
    }
}

#[test]
fn a_reason_is_short_and_readable() {
    let server = Server::start();
    let one = server.sleeper();
    let cancel = format!("{OPERATIONS}/{one}/cancel");
    let reply = server.post(&cancel, &json!({"reason": "é".repeat(1_001)}));
    reply.faults(400, "BAD_REQUEST", &["reason"]);
    assert_eq!(server.view(&one)["status"], "running");
    let odd = "\u{202e}wrong\u{2066} \u{1b}[2Jsymbol\u{9b}\0\nreally";
    let caller = [("x-client", "\u{200b}me\u{202e}")];
    let reply = server.post_as(
        &format!("{cancel}?wait=10"),
        &json!({"reason": odd}),
        &caller,
    );
    let stop = &reply.data(200)["stop"];
    assert_eq!(stop["reason"], "wrong [2Jsymbol really");
    assert_eq!(stop["requested_by"], "me");
    let most = "é".repeat(1_000);
    let other = server.sleeper();
    let reply = server.post(
        &format!("{OPERATIONS}/{other}/pause?wait=10"),
        &json!({"reason": most}),
    );
    assert_eq!(reply.data(200)["stop"]["reason"], most);
    let reply = server.get(OPERATIONS);
    let row = &reply.data(200)["operations"][0];
    let short = row["stop"]["reason"].as_str().expect("a reason");
    assert_eq!(short.chars().count(), 200, "a list shortens it");
    assert_eq!(
        server.view(&other)["stop"]["reason"],
        most,
        "a view does not"
    );
}

#[test]
fn a_label_that_cannot_be_found_is_refused_and_any_other_is_found() {
    let server = Server::start();
    let start = |labels: &Value| {
        let options = json!({"labels": labels, "not_before": "2099-01-01T00:00:00Z"});
        server.post(DUMMY, &json!({"options": options}))
    };
    for labels in [
        json!({"": "v"}),
        json!({"a:b": "v"}),
        json!({"a": "\u{202e}v"}),
        json!({"a\n": "v"}),
        json!(
            (0..65)
                .map(|n| (n.to_string(), "v"))
                .collect::<BTreeMap<_, _>>()
        ),
    ] {
        let reply = start(&labels);
        reply.faults(400, "BAD_REQUEST", &["options.labels"]);
    }
    for (key, value) in [
        ("note", " a, b "),
        ("a b", "x:y"),
        (" k ", " "),
        ("é", "模型 "),
    ] {
        let started = id(start(&json!({(key): value})).data(202));
        let escaped = |text: &str| {
            text.bytes()
                .map(|byte| format!("%{byte:02x}"))
                .collect::<String>()
        };
        for query in [
            format!("label={}:{}", escaped(key), escaped(value)),
            format!("q={}", escaped(value)),
        ] {
            let reply = server.get(&format!("{OPERATIONS}?{query}"));
            let found = &reply.data(200)["operations"];
            assert_eq!(
                found[0]["operation_id"], started,
                "{key:?}: {value:?} by {query}"
            );
        }
    }
}

#[test]
fn what_a_function_says_is_bounded_and_readable() {
    let server = Server::own(&[]);
    for panics in [false, true] {
        let params = json!({"times": 20_000, "panics": panics});
        let body = json!({"kind": "shouter", "params": params});
        let reply = server.post(&format!("{OPERATIONS}?wait=60"), &body);
        let view = &reply.data(200)["operation"];
        assert_eq!(view["status"], "failed");
        readable(view);
        assert_eq!(
            view["progress"]["context"].as_object().map(Map::len),
            Some(32)
        );
        assert!(
            view.to_string().len() < 128 * 1024,
            "{}",
            view.to_string().len()
        );
        let path = format!("{OPERATIONS}/{}/events", id(view));
        let reply = server.get(&path);
        readable(reply.data(200));
        assert!(size(&reply) < 128 * 1024, "{}", size(&reply));
        let reply = server.get(OPERATIONS);
        let row = &reply.data(200)["operations"][0];
        readable(row);
        assert!(
            row.to_string().len() < 32 * 1024,
            "{}",
            row.to_string().len()
        );
    }
}

/// Every text in it is bounded, and has nothing hidden but line breaks.
fn readable(value: &Value) {
    match value {
        Value::String(text) => {
            let odd = |c: char| text::is_hidden(c) && c != '\n' && c != '\t';
            assert!(!text.contains(odd), "{text:?}");
            assert!(text.chars().count() <= 4_000, "{}", text.len());
        }
        Value::Array(all) => all.iter().for_each(readable),
        Value::Object(all) => {
            for (name, value) in all {
                readable(&json!(name));
                readable(value);
            }
        }
        _ => {}
    }
}

#[test]
fn a_default_list_is_of_a_bounded_size_whatever_strangers_sent() {
    let server = Server::set(&["lanes.default.concurrency=1"]);
    let reason = "\"".repeat(1_000);
    let labels: BTreeMap<_, _> = (0..2)
        .map(|n| (n.to_string(), "\"".repeat(2_000)))
        .collect();
    let caller = [("x-client", &*"\"".repeat(300))];
    for _ in 0..100 {
        let options = json!({"labels": labels, "not_before": "2099-01-01T00:00:00Z"});
        let reply = server.post_as(DUMMY, &json!({"options": options}), &caller);
        let path = format!("{OPERATIONS}/{}/cancel", id(reply.data(202)));
        server
            .post_as(&path, &json!({"reason": reason}), &caller)
            .data(202);
    }
    let reply = server.get(OPERATIONS);
    assert_eq!(
        reply.data(200)["operations"].as_array().map(Vec::len),
        Some(100)
    );
    assert!(size(&reply) < 500_000, "{} bytes", size(&reply));
}

#[test]
fn an_explicit_default_is_the_same_start_as_one_left_out() {
    let server = Server::start();
    let key = [("idempotency-key", "k")];
    let bare = json!({"kind": "dummy", "params": {"iterations": 0}});
    let first = id(server.post_as(OPERATIONS, &bare, &key).data(202));
    for body in [
        json!({"kind": "dummy", "params": {"iterations": 0, "step_ms": 2000}, "options": {}}),
        json!({"kind": "dummy", "params": {"iterations": 0.0}, "options": null}),
        json!({"kind": "dummy", "params": {"iterations": 0}, "options": {
            "priority": 0, "labels": {}, "timeout_seconds": null, "max_attempts": null, "not_before": null}}),
        json!({"kind": "dummy", "params": {"iterations": 0}, "options": {"priority": null, "labels": null}}),
    ] {
        let reply = server.post_as(OPERATIONS, &body, &key);
        assert_eq!(id(reply.data(200)), first, "{body}");
        assert_eq!(reply.data(200)["replayed"], true);
    }
    let named = json!({"iterations": 0, "step_ms": 2000, "options": null});
    assert_eq!(id(server.post_as(DUMMY, &named, &key).data(200)), first);
    let other = json!({"kind": "dummy", "params": {"iterations": 0}, "options": {"priority": 1}});
    server
        .post_as(OPERATIONS, &other, &key)
        .fails(422, "IDEMPOTENCY_MISMATCH");
}
