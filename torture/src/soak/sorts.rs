//! What clients do in the long run, chosen at random.

use std::sync::atomic::Ordering;

use impresario_api::Timestamp;
use serde_json::json;

use super::hand::{Hand, Sort, WAIT, expect};
use crate::wire;

/// An id that no operation has.
const NOBODY: &str = "op_0000000000001";
/// 2100-01-01: the latest `not_before`. Each later operation gets a time one second earlier.
const LATE: i64 = 4_102_444_800_000;

/// Each sort: its share in percent, its name, and its function.
pub(super) const SORTS: &[(u32, &str, Sort)] = &[
    (28, "completed and waited for", completed),
    (20, "completed and not waited for", not_waited_for),
    (6, "failed at their deadline", late),
    (5, "failed and tried again", failed),
    (8, "cancelled", cancelled),
    (6, "paused and resumed", paused),
    (6, "put off and cancelled", put_off),
    (6, "started twice with one key", replayed),
    (3, "waits that ran out", waited_out),
    (6, "callers that left", left_alone),
    (4, "listeners that came and went", listened_to),
    (2, "questions about nobody", about_nobody),
];

fn completed(hand: &mut Hand<'_>) -> Result<u64, String> {
    hand.start(WAIT, &json!({"iterations": 1, "step_ms": 0}), "completed")?;
    Ok(1)
}

fn not_waited_for(hand: &mut Hand<'_>) -> Result<u64, String> {
    let body = json!({"iterations": hand.random.u8(..4), "step_ms": hand.random.u8(..2)});
    hand.start("", &body, "")?;
    Ok(1)
}

fn late(hand: &mut Hand<'_>) -> Result<u64, String> {
    let options = json!({"timeout_seconds": 0.001});
    let body = json!({"iterations": 9, "step_ms": 1_000, "options": options});
    hand.start(WAIT, &body, "failed")?;
    Ok(1)
}

/// A load of a file without bars.
fn failed(hand: &mut Hand<'_>) -> Result<u64, String> {
    let body = json!({"symbol": "BAD", "timeframe": "1d"});
    let reply = hand.post(&format!("/api/v1/data/load?{WAIT}"), &body, None)?;
    let id = expect(&reply, "failed")?;
    hand.verb(&id, "retry", "failed")?;
    Ok(2)
}

fn cancelled(hand: &mut Hand<'_>) -> Result<u64, String> {
    let id = hand.start_long()?;
    hand.verb(&id, "cancel", "cancelled")?;
    Ok(1)
}

fn paused(hand: &mut Hand<'_>) -> Result<u64, String> {
    let id = hand.start_long()?;
    hand.verb(&id, "pause", "paused")?;
    hand.verb(&id, "resume", "pending")?;
    hand.verb(&id, "cancel", "cancelled")?;
    Ok(1)
}

fn put_off(hand: &mut Hand<'_>) -> Result<u64, String> {
    let made = hand.shared.made.load(Ordering::Relaxed);
    let time = Timestamp::from_millis(LATE - 1_000 * made.cast_signed());
    let body = json!({"iterations": 1, "options": {"not_before": time}});
    let id = hand.start("", &body, "pending")?;
    hand.verb(&id, "cancel", "cancelled")?;
    Ok(1)
}

fn replayed(hand: &mut Hand<'_>) -> Result<u64, String> {
    let (key, body) = (
        format!("soak-{:032x}", hand.random.u128(..)),
        json!({"iterations": 0}),
    );
    let path = format!("/api/v1/dummy/start?{WAIT}");
    let first = expect(&hand.post(&path, &body, Some(&key))?, "completed")?;
    let second = hand.post(&path, &body, Some(&key))?;
    if second.id() == first && second.data()["replayed"] == true {
        Ok(1)
    } else {
        Err(format!("{first} sent again is answered {second:?}"))
    }
}

fn waited_out(hand: &mut Hand<'_>) -> Result<u64, String> {
    let body = json!({"iterations": 9, "step_ms": 1_000});
    let id = hand.start("wait=0.01", &body, "pending")?;
    hand.verb(&id, "cancel", "cancelled")?;
    Ok(1)
}

/// Callers of a start, of a verb and of events that leave while they wait.
fn left_alone(hand: &mut Hand<'_>) -> Result<u64, String> {
    let body = json!({"iterations": 3, "step_ms": 3});
    hand.leave("POST", &format!("/api/v1/dummy/start?{WAIT}"), &body)?;
    let id = hand.start_long()?;
    hand.leave(
        "POST",
        &format!("/api/v1/operations/{id}/pause?{WAIT}"),
        &json!({}),
    )?;
    hand.leave(
        "GET",
        &format!("/api/v1/operations/{id}/events?since=99&wait=1"),
        &json!({}),
    )?;
    hand.verb(&id, "cancel", "cancelled")?;
    Ok(2)
}

/// Subscriptions to one operation, to filters, and to an unknown operation, on a socket that ends in
/// different ways.
fn listened_to(hand: &mut Hand<'_>) -> Result<u64, String> {
    let id = hand.start_long()?;
    let label = format!("soak:{:x}", hand.random.u32(..));
    let mut socket = wire::socket(&hand.address)?;
    for (sub, what) in [
        ("one", json!({"operation_id": id})),
        ("again", json!({"operation_id": id, "since": 0})),
        ("nobody", json!({"operation_id": NOBODY})),
        ("all", json!({"filter": {}})),
        (
            "some",
            json!({"filter": {"kind": ["dummy"], "label": label}}),
        ),
    ] {
        let mut frame = what;
        frame["type"] = json!("subscribe");
        frame["sub"] = json!(sub);
        wire::say(&mut socket, &frame)?;
    }
    wire::say(&mut socket, &json!({"type": "unsubscribe", "sub": "all"}))?;
    for _ in 0..hand.random.u8(..8) {
        socket.read().map_err(|error| error.to_string())?;
    }
    if hand.random.bool() {
        // Either the client closes the socket, or its process just ends.
        let _ = socket.close(None);
        while socket.read().is_ok() {}
    }
    drop(socket);
    hand.verb(&id, "cancel", "cancelled")?;
    Ok(1)
}

fn about_nobody(hand: &mut Hand<'_>) -> Result<u64, String> {
    let path = format!("/api/v1/operations/{NOBODY}");
    for (method, path) in [
        ("GET", format!("{path}/events?wait=30")),
        ("POST", format!("{path}/cancel?{WAIT}")),
    ] {
        let reply = if method == "GET" {
            hand.client.get(&path)
        } else {
            hand.client.post(&path, &json!({}), None)
        };
        let status = reply.as_ref().map(|reply| reply.status);
        if status != Some(404) {
            return Err(format!("{path} is answered {reply:?}"));
        }
    }
    Ok(0)
}
