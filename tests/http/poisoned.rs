//! What cannot be read back is refused; and what an earlier version kept although it cannot be read
//! stands in nobody's way.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{DUMMY, OPERATIONS, Server, id};

/// Times that RFC 3339 can name and that have no four digits of a year in UTC.
const NO_TIMES: [&str; 7] = [
    "0000-01-01T00:00:00+14:00",
    "0000-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59.9999999-05:00",
    "9999-12-31T23:59:60Z",
    "2016-12-31T23:59:60Z",
    "2016-12-31T18:59:60.500-05:00",
];

#[test]
fn a_time_that_could_not_be_read_back_is_refused_wherever_it_comes_in() {
    let server = Server::start();
    for time in NO_TIMES {
        let flat = json!({"iterations": 1, "options": {"not_before": time}});
        let named = json!({"kind": "dummy", "params": {}, "options": {"not_before": time}});
        for (path, body) in [(DUMMY, flat), (OPERATIONS, named)] {
            let reply = server.post(path, &body);
            reply.faults(400, "BAD_REQUEST", &["options.not_before"]);
        }
        let time = time.replace('+', "%2B");
        for edge in ["start", "end"] {
            let reply = server.get(&format!("/api/v1/data/GOOG/1d?{edge}={time}"));
            reply.faults(400, "BAD_REQUEST", &[edge]);
        }
    }
    // The ends themselves are times, and are written and read back.
    for time in ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"] {
        let body = json!({"iterations": 1, "step_ms": 0, "options": {"not_before": time}});
        let id = id(server.post(DUMMY, &body).data(202));
        let event = &server.read(&id, "/events").body["data"]["events"][0];
        assert_eq!(event["data"]["not_before"], time);
        if time.starts_with("9999") {
            assert_eq!(server.view(&id)["not_before"], time);
            server.ask(&id, "cancel").data(202);
        } else {
            server.until(&id, "completed");
        }
    }
}

#[test]
fn params_that_could_not_be_read_back_within_an_answer_are_refused() {
    let server = Server::start();
    let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!([inner]));
    for (levels, expected) in [(63, "a known field"), (64, "64 levels")] {
        let params = json!({"deep": nested(levels)});
        let reply = server.post(OPERATIONS, &json!({"kind": "dummy", "params": params}));
        reply.fails(422, "INVALID_PARAMS");
        let said = reply.body["error"].to_string();
        assert!(said.contains(expected), "{levels}: {said}");
    }
}

/// As an earlier version kept them: in the queue, with a time that cannot be read.
fn poison(server: &Server, id: &str, due: i64, time: &str) {
    let database = server.folder.path().join("data/operations.db");
    let database = Connection::open(database).expect("it opens");
    let known: impresario_api::OperationId = id.parse().expect("an id");
    let number = known.as_u64() as i64;
    let sql =
        "UPDATE operations SET due = ?2, state = json_set(state, '$.not_before', ?3) WHERE id = ?1";
    assert_eq!(database.execute(sql, (number, due, time)), Ok(1));
    let sql = "UPDATE events SET data = json_set(data, '$.not_before', ?2) WHERE operation = ?1 AND seq = 1";
    assert_eq!(database.execute(sql, (number, time)), Ok(1));
}

fn start(server: &Server, step_ms: u64, options: &Value) -> String {
    let body = json!({"iterations": 1, "step_ms": step_ms, "options": options});
    id(server.post(DUMMY, &body).data(202))
}

#[test]
fn a_folder_that_an_earlier_version_poisoned_comes_up_and_serves_the_rest() {
    let server = Server::start();
    let far = json!({"not_before": "2099-01-01T00:00:00Z", "labels": {"is": "poisoned"}});
    let poisoned = [0, 1].map(|_| start(&server, 0, &far));
    let good = start(&server, 0, &far);
    let ended = server.ended(1, &json!({}));
    let mut server = server;
    server.signal("KILL");
    server.join();
    poison(&server, &poisoned[0], 1, "-0001-12-31T10:00:00.000Z");
    let time = "+10000-01-01T04:59:59.999Z";
    poison(&server, &poisoned[1], 253_402_318_799_999, time);

    let mut server = server.again();
    let waited = json!({"iterations": 1, "step_ms": 0});
    let reply = server.post(&format!("{DUMMY}?wait=60"), &waited);
    assert_eq!(reply.data(200)["status"], "completed");
    for id in &poisoned {
        // One is met by the first claim, the other when it is read.
        let view = server.view(id);
        assert_eq!(view["status"], "failed", "{view}");
        assert_eq!(view["error"]["code"], "UNREADABLE", "{view}");
        let message = view["error"]["message"].as_str().expect("a message");
        assert!(message.contains("state:"), "{message}");
        assert_eq!(view["params"]["iterations"], 1, "{view}");
        assert_eq!(view["labels"]["is"], "poisoned", "{view}");
        server.ask(id, "cancel").fails(409, "ALREADY_ENDED");
        server.until_event(id, 0, |event| event["type"] == "gap" && event["seq"] == 1);
        server.until_event(id, 1, |event| event["data"]["status"] == "failed");
    }
    assert_eq!(server.view(&good)["status"], "pending");
    assert_eq!(server.view(&ended)["status"], "completed");
    let failed = server.get(&format!("{OPERATIONS}?status=failed&label=is:poisoned"));
    assert_eq!(failed.data(200)["total_count"], 2, "{failed:?}");
    let system = server.get("/api/v1/system");
    // Two operations, and the events that told of their starts.
    assert_eq!(system.data(200)["store"]["set_aside"], 4, "{system:?}");
    let lanes = system.data(200)["lanes"].as_array().expect("lanes");
    let lane = lanes.iter().find(|lane| lane["name"] == "default");
    assert_eq!(lane.expect("the lane")["scheduled"], 1, "{system:?}");
    let metrics = server.get("/metrics").body;
    let metrics = metrics.as_str().expect("a text");
    assert!(
        metrics.contains("impresario_store_rows_set_aside 4"),
        "{metrics}"
    );
    let again = server.ask(&poisoned[0], "retry");
    server.until(&id(again.data(202)), "completed");

    server.signal("TERM");
    assert_eq!(server.join().code(), Some(0));
    let server = server.again();
    let prune = json!({"older_than_seconds": 0});
    server
        .post(&format!("{OPERATIONS}/prune"), &prune)
        .data(200);
    for id in &poisoned {
        server.read(id, "").fails(404, "OPERATION_NOT_FOUND");
    }
    let system = server.get("/api/v1/system");
    assert_eq!(system.data(200)["store"]["set_aside"], 0, "{system:?}");
    assert_eq!(server.view(&good)["status"], "pending");
}

/// One damaged field each, in an operation of its own.
const FIELDS: [&str; 12] = [
    "state = '{'",
    "state = '[]'",
    "start = substr(start, 2)",
    "start = 'null', priority = 9999999999",
    "lane = CAST(x'fffe' AS TEXT)",
    "kind = CAST(x'fffe' AS TEXT)",
    "status = 99",
    "status = 1",
    "due = 9223372036854775807",
    "held = 'another'",
    "seq = -1",
    "id = -id",
];

#[test]
fn a_server_whose_rows_are_damaged_comes_up_and_serves_the_rest() {
    let mut server = Server::start();
    let ids = FIELDS.map(|_| start(&server, 0, &json!({})));
    for id in &ids {
        server.until(id, "completed");
    }
    // They wait, and would go as soon as it comes up.
    let blocked = [0, 1].map(|_| server.sleeper());
    let waiting = FIELDS.map(|_| start(&server, 0, &json!({})));
    let good = start(&server, 0, &json!({"labels": {"is": "good"}}));
    server.signal("KILL");
    server.join();
    let database = server.folder.path().join("data/operations.db");
    let database = Connection::open(database).expect("it opens");
    for (place, field) in FIELDS.iter().enumerate() {
        for id in [&ids[place], &waiting[place]] {
            let id: impresario_api::OperationId = id.parse().expect("an id");
            // What ended holds no text, and waits for no time.
            let field = field.replace(
                "-id",
                if id == ids[place].parse().expect("an id") {
                    "id"
                } else {
                    "-id"
                },
            );
            let sql = format!("UPDATE operations SET {field} WHERE id = ?1");
            let done = database.execute(&sql, [id.as_u64() as i64]);
            assert!(
                done.is_ok() || field.starts_with("held"),
                "{field}: {done:?}"
            );
        }
    }
    let others = "UPDATE counters SET count = 9223372036854775807;
        UPDATE progress SET cursor = -1, newest = 9223372036854775807, at = 9223372036854775807;";
    database.execute_batch(others).expect("damaged");
    drop(database);

    let mut server = server.again();
    for id in &blocked {
        server.ask(id, "cancel").data(202);
        server.until(id, "cancelled");
    }
    server.until(&good, "completed");
    let list = server.get(&format!("{OPERATIONS}?limit=100"));
    let rows = list.list("operations");
    let count = |code: &str| {
        rows.iter()
            .filter(|row| row["error"]["code"] == code)
            .count()
    };
    assert_eq!(rows.len(), ids.len() + waiting.len() + blocked.len() + 1);
    assert!(count("UNREADABLE") >= 2 * FIELDS.len() - 4, "{rows:?}");
    server.ended(3, &json!({}));
    server.get("/metrics");
    let prune = json!({"older_than_seconds": 0});
    server
        .post(&format!("{OPERATIONS}/prune"), &prune)
        .data(200);
    let list = server.get(OPERATIONS);
    assert_eq!(list.data(200)["operations"], json!([]), "{list:?}");
    assert_eq!(list.data(200)["total_count"], 0, "{list:?}");
    server.signal("TERM");
    assert_eq!(server.join().code(), Some(0));
}
