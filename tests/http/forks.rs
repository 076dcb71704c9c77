//! Forks over HTTP: what they answer, what they are judged by, and what is left of them after a kill.

use serde_json::{Value, json};

use crate::support::{Reply, Server, has, id};

fn fork(server: &Server, of: &str, body: &Value) -> Reply {
    server.post(&format!("/api/v1/operations/{of}/fork"), body)
}

fn fork_and_wait(server: &Server, of: &str, body: &Value) -> Value {
    let reply = server.post(&format!("/api/v1/operations/{of}/fork?wait=30"), body);
    reply.data(200).clone()
}

/// A dummy that has completed three steps.
fn original(server: &Server) -> String {
    server.ended(3, &json!({"labels": {"team": "blue"}}))
}

#[test]
fn a_fork_goes_on_from_the_newest_checkpoint_with_the_params_that_change() {
    let server = Server::start();
    let old = original(&server);
    let before = server.view(&old);
    let answer = fork_and_wait(&server, &old, &json!({"params": {"iterations": 5}}));
    has(&answer, json!({"mode": "sync", "status": "completed"}));
    has(
        &answer["forked_from"],
        json!({"operation_id": old, "step": {"iteration": 3}, "run": 1}),
    );
    let view = &answer["operation"];
    assert_eq!(view["params"], json!({"iterations": 5, "step_ms": 0}));
    assert_eq!(view["labels"], json!({"team": "blue"}));
    assert_eq!(view["forked_from"], answer["forked_from"]);
    assert_eq!(view["result_summary"], json!({"iterations_completed": 5}));
    let events = server.events(view["operation_id"].as_str().expect("an id"));
    assert_eq!(events[0]["data"]["forked_from"], answer["forked_from"]);
    let restored = events.iter().find(|event| event["type"] == "restored");
    let from = &restored.expect("it went on")["data"]["from_step"];
    assert_eq!(from, &json!({"iteration": 3}), "no step was done twice");
    let after = server.view(&old);
    assert_eq!(
        (&after["seq"], &after["forked_from"]),
        (&before["seq"], &Value::Null)
    );
}

#[test]
fn a_fork_is_accepted_at_once_and_says_from_where() {
    let server = Server::start();
    let old = server.sleeper();
    fork(&server, &old, &json!({})).fails(409, "NO_CHECKPOINT");
    server.ask(&old, "cancel?wait=30").data(200);
    let old = original(&server);
    let reply = fork(
        &server,
        &old,
        &json!({"checkpoint": {"iteration": 3}, "params": {"iterations": 4, "step_ms": 3_600_000}}),
    );
    let answer = reply.data(202);
    assert_eq!(answer["mode"], "async");
    assert_eq!(answer["forked_from"]["operation_id"], json!(old));
    let view = server.view(&id(answer));
    assert_eq!(view["checkpoints"], json!([view["checkpoint"]]));
    let list = server.get("/api/v1/operations?limit=1");
    let row = &list.data(200)["operations"][0];
    assert_eq!(row["forked_from"], answer["forked_from"]);
    assert_eq!(row.get("checkpoints"), None, "only the view has them");
    server.ask(&id(answer), "cancel?wait=30").data(200);
}

#[test]
fn a_fork_outlives_a_kill_and_so_does_where_it_comes_from() {
    let server = Server::start();
    let old = original(&server);
    let body =
        json!({"params": {"iterations": 4}, "options": {"not_before": "2099-01-01T00:00:00Z"}});
    let new = id(fork(&server, &old, &body).data(202));
    let before = server.view(&new);
    let server = server.killed();
    let after = server.view(&new);
    for field in ["forked_from", "checkpoint", "checkpoints", "params", "seq"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    server.ask(&new, "start-now").data(202);
    server.until(&new, "completed");
    assert_eq!(
        server.view(&new)["result_summary"],
        json!({"iterations_completed": 4})
    );
}

#[test]
fn what_cannot_be_forked_is_refused_by_name() {
    let server = Server::start();
    let old = original(&server);
    let count = || server.get("/api/v1/operations").data(200)["total_count"].clone();
    let there = count();
    let refused = |body: Value| fork(&server, &old, &body);
    for (params, paths) in [
        (json!({"iteration": 5}), &["iteration"][..]),
        (
            json!({"iterations": "5", "step_ms": -1}),
            &["iterations", "step_ms"],
        ),
    ] {
        refused(json!({"params": params})).faults(422, "INVALID_PARAMS", paths);
    }
    for (body, path) in [
        (json!({"checkpoint": "newest"}), "checkpoint"),
        (json!({"checkpoint": -1}), "checkpoint"),
        (json!({"params": [1]}), "params"),
        (json!({"options": {"priority": 101}}), "options.priority"),
        (json!({"param": {}}), "param"),
    ] {
        refused(body).faults(400, "BAD_REQUEST", &[path]);
    }
    let reply = refused(json!({"checkpoint": 7}));
    reply.fails(409, "NO_CHECKPOINT");
    assert_eq!(
        reply.body["error"]["details"],
        json!({"kept": [{"iteration": 3}]})
    );
    assert!(
        reply
            .message()
            .contains("at step 7; it keeps one at iteration 3")
    );
    fork(&server, "op_0000000000000", &json!({})).fails(404, "OPERATION_NOT_FOUND");
    assert_eq!(count(), there, "nothing is made");
}

#[test]
fn the_same_key_makes_one_fork_and_its_replay_says_from_where() {
    let server = Server::start();
    let old = original(&server);
    let path = format!("/api/v1/operations/{old}/fork");
    let key = [("Idempotency-Key", "k")];
    let body = json!({"params": {"iterations": 4}});
    let first = server.post_as(&path, &body, &key);
    let again = server.post_as(&path, &body, &key);
    let (first, again) = (first.data(202), again.data(200));
    has(
        again,
        json!({"replayed": true, "operation_id": first["operation_id"]}),
    );
    assert_eq!(again["forked_from"], first["forked_from"]);
    let other = json!({"params": {"iterations": 4}, "checkpoint": 3});
    server
        .post_as(&path, &other, &key)
        .fails(422, "IDEMPOTENCY_MISMATCH");
}

#[test]
fn a_kind_says_which_params_a_fork_may_change() {
    let server = Server::start();
    let reply = server.get("/api/v1/kinds");
    let kinds = reply.data(200).as_array().expect("kinds").clone();
    let dummy = kinds.iter().find(|kind| kind["kind"] == "dummy");
    assert_eq!(
        dummy.expect("it is there")["fork_params"],
        json!(["iterations", "step_ms"])
    );
}
