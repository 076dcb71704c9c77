//! What was said still holds after `kill -9`, and after an orderly end.

use serde_json::json;

use crate::support::{BARS, DUMMY, OPERATIONS, Server, has, id};

#[test]
fn a_start_that_was_answered_is_there_after_a_kill() {
    let server = Server::start();
    let ended = server.ended(2, &json!({}));
    let before = server.view(&ended);
    // Two run and two wait.
    let ids: Vec<_> = (0..4).map(|_| server.dummy(3, 3_600_000)).collect();
    server.until(&ids[1], "running");
    let server = server.killed();
    for (place, id) in ids.iter().enumerate() {
        if place < 2 {
            server.until(id, "pending");
        }
        let view = server.view(id);
        let live = view["status"] == "pending" || view["status"] == "running";
        assert!(live, "{view}");
        // The runs that were lost have cost an attempt; what only waited has not.
        let attempt = if place < 2 { 2 } else { 1 };
        assert_eq!(view["attempt"], attempt, "{view}");
    }
    let after = server.view(&ended);
    for field in [
        "status",
        "seq",
        "run",
        "result_summary",
        "completed_at",
        "labels",
    ] {
        assert_eq!(after[field], before[field], "{field}");
    }
    let new = server.dummy(1, 0);
    assert!(
        ids.iter().all(|old| *old < new),
        "ids go on from what is kept"
    );
}

#[test]
fn a_cancel_that_was_acknowledged_holds_after_a_kill() {
    let server = Server::own(&[]);
    // One that ignores stops for a while, so that it is still cancelling when the process goes.
    let (held, gate) = crate::own::Gate::new().holds(&server, "stubborn", &json!({}));
    let reply = server.ask(&held, "cancel");
    assert_eq!(reply.data(202)["status"], "cancelling");
    assert_eq!(reply.data(202)["durable"], true);
    let server = server.killed();
    server.until(&held, "cancelled");
    assert_eq!(server.view(&held)["stop"]["verb"], "cancel");
    drop(gate);
}

#[test]
fn a_dummy_goes_on_from_its_checkpoint_after_an_orderly_end() {
    let mut server = Server::start();
    let id = server.dummy(10_000, 1);
    let far = |event: &serde_json::Value| event["type"] == "checkpoint";
    server.until(&id, "running");
    // Once it has counted one, there is something to go on from.
    while server.view(&id)["progress"]["steps"][0]["current"].as_u64() < Some(1) {
        std::thread::yield_now();
    }
    server.signal("TERM");
    assert_eq!(server.join().code(), Some(0));
    let server = server.again();
    server.until_event(&id, 0, far);
    server.until_event(&id, 0, |event| {
        event["type"] == "restored" && event["data"]["run"] == 2
    });
    assert_eq!(
        server.view(&id)["attempt"],
        1,
        "a shutdown costs no attempt"
    );
    server.ask(&id, "finish").data(202);
    server.until(&id, "completed");
}

#[test]
fn a_start_sent_again_after_a_kill_is_the_same_operation() {
    let server = Server::start();
    let body = json!({"iterations": 1, "step_ms": 0});
    let key = [("idempotency-key", "once")];
    let first = id(server.post_as(DUMMY, &body, &key).data(202));
    let server = server.killed();
    let again = server.post_as(DUMMY, &body, &key);
    let again = again.data(200);
    assert_eq!((id(again), &again["replayed"]), (first, &json!(true)));
}

#[test]
fn a_resend_is_answered_even_if_the_file_that_the_start_needed_is_gone() {
    let server = Server::importing(&[("GOOG_1d.csv", BARS)]);
    let file = server.folder.path().join("import/GOOG_1d.csv");
    let body = json!({"symbol": "GOOG", "timeframe": "1d"});
    let key = [("idempotency-key", "load")];
    let first = id(server
        .post_as("/api/v1/data/load?wait=60", &body, &key)
        .data(200));
    std::fs::remove_file(file).expect("removable");
    server
        .post("/api/v1/data/load", &body)
        .fails(422, "FILE_NOT_FOUND");
    let server = server.killed();
    let again = server.post_as("/api/v1/data/load", &body, &key);
    assert_eq!(id(again.data(200)), first);
}

#[test]
fn starts_with_one_key_at_the_same_time_make_one_operation() {
    let server = Server::start();
    let body = json!({"iterations": 1, "step_ms": 0});
    let ids: Vec<_> = std::thread::scope(|scope| {
        let one = || {
            scope.spawn(|| {
                let reply = server.post_as(DUMMY, &body, &[("idempotency-key", "race")]);
                assert!(matches!(reply.status, 200 | 202), "{reply:?}");
                id(&reply.body["data"])
            })
        };
        let all: Vec<_> = (0..8).map(|_| one()).collect();
        all.into_iter()
            .map(|one| one.join().expect("no panic"))
            .collect()
    });
    assert!(ids.iter().all(|one| *one == ids[0]), "{ids:?}");
    assert_eq!(server.get(OPERATIONS).data(200)["total_count"], 1);
}

#[test]
fn a_retry_with_a_key_makes_one_new_operation_across_a_kill() {
    let server = Server::start();
    let ended = server.ended(1, &json!({}));
    let path = format!("{OPERATIONS}/{ended}/retry");
    let key = [("idempotency-key", "again")];
    let first = id(server.post_as(&path, &json!({}), &key).data(202));
    let server = server.killed();
    let again = server.post_as(&path, &json!({}), &key);
    has(
        again.data(200),
        json!({"operation_id": first, "replayed": true}),
    );
    assert_eq!(server.get(OPERATIONS).data(200)["total_count"], 2);
}

#[test]
fn memory_forgets_and_says_so_by_its_engine() {
    let server = Server::set(&["store.engine=memory"]);
    server.ended(1, &json!({}));
    assert_eq!(
        server.get("/api/v1/system").data(200)["store"]["engine"],
        "memory"
    );
    let server = server.killed();
    assert_eq!(server.get(OPERATIONS).data(200)["total_count"], 0);
}

#[test]
fn what_ended_goes_by_the_configured_number() {
    let server = Server::set(&["retention.max_operations=1", "retention.every_seconds=0.05"]);
    let first = server.ended(1, &json!({}));
    let second = server.ended(1, &json!({}));
    let path = format!("{OPERATIONS}/{first}");
    while server.get(&path).status == 200 {
        // Each look is a request of its own; the retention comes within its interval.
        std::thread::yield_now();
    }
    server.get(&path).fails(404, "OPERATION_NOT_FOUND");
    assert_eq!(server.view(&second)["status"], "completed");
}
