//! Views for the tests of this module.

use impresario_api::{OperationView, Status};
use serde_json::{Value, json};

use super::Look;

/// No colours, so that snapshots can be read.
pub(crate) fn look(width: usize) -> Look {
    Look {
        width,
        colour: false,
    }
}

/// A dummy in `status`, half done.
pub(crate) fn view(status: &str) -> OperationView {
    from(json!({}), status)
}

fn from(change: Value, status: &str) -> OperationView {
    let known: Status = status.parse().expect("a known status");
    let mut view = json!({
        "operation_id": "op_0k3j9x7r8d0bh", "kind": "dummy", "status": status,
        "lane": "default", "priority": 0, "run": 1, "attempt": 1, "max_attempts": 3,
        "retry_of": null, "labels": {"experiment": "a"}, "requested_by": "cli me@desk",
        "created_at": "2026-01-31T12:00:00.000Z", "started_at": "2026-01-31T12:00:01.000Z",
        "completed_at": null, "not_before": null, "elapsed_seconds": 100.4,
        "server_time": "2026-01-31T12:03:01.500Z", "waiting_for": null, "queue_position": null,
        "stop": null, "stopped_early": false, "unresponsive_since": null,
        "verbs": ["cancel", "pause", "finish"],
        "progress": {"percentage": 50.0, "message": "Working hard on iteration 51!",
            "steps": [{"name": "iteration", "current": 50, "total": 100}],
            "items_processed": 0, "items_total": null, "rate_per_second": 0.5,
            "eta_seconds": 100.0, "context": {},
            "advanced_at": "2026-01-31T12:03:00.000Z", "updated_at": "2026-01-31T12:03:00.000Z"},
        "checkpoint": null, "error": null, "seq": 7,
        "params": {"iterations": 100, "step_ms": 2000}, "warnings": [], "result_summary": null
    });
    merge(&mut view, of_status(known));
    merge(&mut view, change);
    serde_json::from_value(view).expect("the sample is a view")
}

fn of_status(status: Status) -> Value {
    let stop = |verb| {
        json!({"verb": verb, "requested_at": "2026-01-31T12:03:01.300Z",
            "requested_by": "cli me@desk", "reason": "wrong symbol"})
    };
    let checkpoint =
        json!({"at": "2026-01-31T12:03:00.000Z", "step": {"iteration": 50}, "bytes": 48211});
    match status {
        Status::Pending => {
            json!({"started_at": null, "run": 0, "elapsed_seconds": 0.0, "progress": null,
            "waiting_for": "lane \"default\" 2/2 busy", "queue_position": 4, "verbs": ["cancel", "pause"]})
        }
        Status::Running => json!({}),
        Status::Cancelling => json!({"stop": stop("cancel"), "verbs": ["cancel"]}),
        Status::Pausing => json!({"stop": stop("pause"), "verbs": ["cancel"],
            "unresponsive_since": "2026-01-31T12:02:59.000Z"}),
        Status::Paused => {
            json!({"stop": stop("pause"), "checkpoint": checkpoint, "verbs": ["cancel", "resume"]})
        }
        Status::Completed => json!({"completed_at": "2026-01-31T12:02:41.000Z", "verbs": ["retry"],
            "elapsed_seconds": 200.2,
            "result_summary": {"iterations_completed": 100},
            "progress": {"percentage": 100.0, "message": "Worked hard on 100 iterations",
                "steps": [{"name": "iteration", "current": 100, "total": 100}], "eta_seconds": 0.0}}),
        Status::Failed => {
            json!({"completed_at": "2026-01-31T12:02:41.000Z", "verbs": ["resume", "retry"],
            "checkpoint": checkpoint,
            "error": {"code": "NOT_ENOUGH_BARS", "retryable": false, "run": 1, "step": "iteration 51/100",
                "details": null, "message": "GOOG 1d has 36 bars; a 50-bar window and three splits need at least 180"}})
        }
        Status::Cancelled => {
            json!({"completed_at": "2026-01-31T12:03:01.303Z", "stop": stop("cancel"),
            "checkpoint": checkpoint, "verbs": ["resume", "retry"]})
        }
    }
}

/// Two levels with items.
pub(crate) fn nested() -> OperationView {
    from(
        json!({"kind": "training", "progress": {"percentage": 46.9,
            "message": "MLP on GOOG 1d, cpu", "items_processed": 9033, "items_total": 20000,
            "rate_per_second": 8214.3, "eta_seconds": 48.0,
            "steps": [{"name": "epoch", "current": 23, "total": 50}, {"name": "batch", "current": 38, "total": 47}]}}),
        "running",
    )
}

/// Items without steps.
pub(crate) fn items() -> OperationView {
    from(
        json!({"kind": "data_load", "progress": {"percentage": 58.3, "message": "Loading GOOG 1d",
            "items_processed": 1254, "items_total": 2148, "rate_per_second": 410.2, "steps": []}}),
        "running",
    )
}

/// Everything that a server may send to harm a terminal or a layout.
pub(crate) fn hostile() -> OperationView {
    from(
        json!({"kind": "evil\u{1b}]0;x\u{7}", "labels": {"a\u{1b}": "\u{9b}2J"}, "requested_by": "x\r\ny",
            "progress": {"percentage": 250.0, "message": "模型训练\u{1b}[2J\nsecond line\u{202e}",
            "steps": [{"name": "步骤步骤步骤步骤步骤步骤步骤步骤步骤步骤步骤步骤步骤步骤", "current": 7, "total": 3}],
            "eta_seconds": 1e300}}),
        "running",
    )
}

fn merge(into: &mut Value, change: Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change,
    }
}
