//! Views for the tests of this module.

use impresario_api::{
    EventBody, MetricData, ModelCard, ModelRow, OperationView, Status, TestReport, Timestamp,
};
use serde_json::{Value, json};

use super::Look;
use super::metrics::Metrics;

/// No colours, so that snapshots can be read.
pub(crate) fn look(width: usize) -> Look {
    Look {
        width,
        colour: false,
    }
}

/// A dummy in `status`, half complete.
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
            let older = json!({"at": "2026-01-31T12:02:55.000Z", "step": {"iteration": 48}, "bytes": 48210});
            json!({"completed_at": "2026-01-31T12:03:01.303Z", "stop": stop("cancel"),
            "forked_from": {"operation_id": "op_0k3j9x7q2m4tz", "step": {"iteration": 40},
                "at": "2026-01-30T08:00:00.000Z", "run": 2},
            "checkpoint": checkpoint, "checkpoints": [checkpoint, older],
            "verbs": ["resume", "retry"]})
        }
    }
}

/// An operation with two levels of steps and with items.
pub(crate) fn nested() -> OperationView {
    from(
        json!({"kind": "training", "progress": {"percentage": 46.9,
            "message": "MLP on GOOG 1d, cpu", "items_processed": 9033, "items_total": 20000,
            "rate_per_second": 8214.3, "eta_seconds": 48.0,
            "steps": [{"name": "epoch", "current": 23, "total": 50}, {"name": "batch", "current": 38, "total": 47}]}}),
        "running",
    )
}

/// The metrics of a training up to its 23rd epoch.
pub(crate) fn metrics() -> Metrics {
    let mut metrics = Metrics::default();
    let mut point = |name: &str, step, value| {
        let point = MetricData {
            name: name.to_owned(),
            step,
            value: Some(value),
            run: 1,
        };
        metrics.hear(&EventBody::Metric(point), Timestamp::from_millis(0));
    };
    for (epoch, train, val, train_acc, val_acc) in [
        (21, 0.6901, 0.6869, 0.541, 0.52),
        (22, 0.6823, 0.6871, 0.548, 0.533),
        (23, 0.6814, 0.6872, 0.55, 0.531),
    ] {
        point("train_loss", epoch, train);
        point("train_accuracy", epoch, train_acc);
        point("validation_loss", epoch, val);
        point("validation_accuracy", epoch, val_acc);
    }
    metrics
}

/// An operation with items and without steps.
pub(crate) fn items() -> OperationView {
    from(
        json!({"kind": "data_load", "progress": {"percentage": 58.3, "message": "Loading GOOG 1d",
            "items_processed": 1254, "items_total": 2148, "rate_per_second": 410.2, "steps": []}}),
        "running",
    )
}

/// An operation with every text that could harm a terminal or a layout.
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

/// Loads and trainings that ended in different ways.
pub(crate) fn ends() -> Vec<OperationView> {
    let load = |replaced| {
        json!({"kind": "data_load", "result_summary": {"symbol": "GOOG", "timeframe": "1d",
            "rows": 2148, "start": "2004-08-19T00:00:00.000Z", "end": "2013-03-01T00:00:00.000Z",
            "sha256": "9f86d081884c7d659a2feaa0c55ad015", "bytes": 103_240, "replaced": replaced}})
    };
    let mut reported = load(true);
    reported["result_summary"]["report"] = json!(quality());
    reported["warnings"] = json!([{"code": "OUTLIER", "message": "told above", "run": 1,
        "at": "2026-01-31T12:02:41.000Z"}]);
    let mut dry = reported.clone();
    dry["params"] = json!({"dry_run": true});
    let bar = |day: u32, close| {
        json!({"timestamp": format!("2013-02-{day:02}T00:00:00.000Z"), "open": 1, "high": 2, "low": 1,
            "close": close, "volume": 1_000})
    };
    dry["result_summary"]["first"] = (1..6).map(|day| bar(day, 1.5)).collect();
    dry["result_summary"]["last"] = (20..25).map(|day| bar(day, 1.25)).collect();
    let doubtful = json!({"kind": "data_load", "verbs": ["retry"], "checkpoint": null, "error": {
        "code": "DATA_DOUBTFUL", "message": "a.csv: it may be anything", "step": null, "details": {
            "file": "a.csv", "doubts": [{"code": "EXCEL_SERIALS", "message": "45295 may be a day of Excel",
                "instead": "say time_format"}]}}});
    let trained = |test: &TestReport, ended_by, run: u32| {
        json!({"kind": "training", "params": {"symbol": "GOOG", "timeframe": "1d", "patience": 10},
            "result_summary": {"model_id": "mdl_0k3j9x7s1w2ke", "best_epoch": 21,
                "epochs_run": run, "ended_by": ended_by, "test": test, "path": "x"}})
    };
    let failed = |code, message| {
        json!({"kind": "training", "params": {"symbol": "GOOG", "timeframe": "1d"},
            "verbs": ["retry"], "checkpoint": null,
            "error": {"code": code, "message": message, "step": null}})
    };
    let verified = |identical, promised, verdict: &str, warnings| {
        json!({"kind": "model_verify", "params": {"model_id": "mdl_0k3j9x7s1w2ke"},
            "warnings": warnings, "result_summary": {"model_id": "mdl_0k3j9x7s1w2ke",
                "identical": identical, "bits_promised": promised, "verdict": verdict,
                "weights_that_differ": 7, "largest_difference": 1e-7}})
    };
    let apart = "7 of 2402 weights differ, the most by 1e-7, and the same bits are not promised here: threads 2 there, 4 here";
    let wrong = "7 of 2402 weights differ, the most by 1e-7, although the machine is the same";
    let warning = json!([{"code": "MODEL_NOT_REPRODUCED", "message": wrong, "run": 1,
        "at": "2026-01-31T12:02:41.000Z"}]);
    let mut worse = test_report();
    worse.model.accuracy = 0.5;
    let few = "GOOG 1d has 36 bars; a 50-bar window and three splits need at least 180";
    vec![
        from(load(false), "completed"),
        from(load(true), "completed"),
        from(reported, "completed"),
        from(dry, "completed"),
        from(doubtful, "failed"),
        from(trained(&test_report(), "patience", 31), "completed"),
        from(trained(&worse, "epochs", 50), "completed"),
        from(failed("NOT_ENOUGH_BARS", few), "failed"),
        from(
            failed("DATA_NOT_FOUND", "there is no data of GOOG 1d"),
            "failed",
        ),
        from(
            failed("TRAINING_DIVERGED", "the loss is not a number"),
            "failed",
        ),
        from(
            verified(true, true, "all 2402 weights have the same bits", json!([])),
            "completed",
        ),
        from(
            verified(
                true,
                false,
                "all 2402 weights have the same bits",
                json!([]),
            ),
            "completed",
        ),
        from(verified(false, false, apart, json!([])), "completed"),
        from(verified(false, true, wrong, warning), "completed"),
    ]
}

/// A model's test, 0.7 points above the better baseline.
pub(crate) fn test_report() -> TestReport {
    serde_json::from_value(json!({
        "rows": 320, "model": {"accuracy": 0.528, "balanced_accuracy": 0.5127, "log_loss": 0.69123},
        "baselines": {
            "majority_class": {"accuracy": 0.521, "balanced_accuracy": 0.5, "log_loss": 0.69227},
            "last_direction": {"accuracy": 0.497, "balanced_accuracy": 0.4958, "log_loss": null}},
        "beats_baselines": true, "confusion": [[41, 112], [39, 128]], "classes": ["not_up", "up"]
    }))
    .expect("the sample is a report")
}

/// Two models: one above the baselines, one not.
pub(crate) fn models() -> Vec<ModelRow> {
    let row = |id: &str, symbol: &str, test: TestReport| ModelRow {
        model_id: id.parse().expect("well formed"),
        created_at: "2026-01-31T12:00:01.000Z".parse().expect("a time"),
        symbol: symbol.to_owned(),
        timeframe: "1d".to_owned(),
        best_epoch: 21,
        epochs_run: 31,
        test,
    };
    let mut worse = test_report();
    worse.model.accuracy = 0.5;
    worse.beats_baselines = false;
    vec![
        row("mdl_0k3j9x7s1w2ke", "GOOG", test_report()),
        row("mdl_0k3j9x7s1w2kd", "BTC-USD\u{1b}[2J", worse),
    ]
}

pub(crate) fn card() -> ModelCard {
    let epoch = |epoch: u32| {
        let away = f64::from(epoch.abs_diff(21));
        json!({"epoch": epoch, "train_loss": 0.72 - 0.0015 * f64::from(epoch),
            "train_accuracy": 0.55, "validation_loss": 0.6869 + 0.001 * away,
            "validation_accuracy": 0.53})
    };
    let feature = |name: &str| json!({"name": name, "mean": 0.0, "deviation": 1.0});
    let features = ["return_1", "return_5", "rsi_14"].map(feature);
    serde_json::from_value(json!({
        "model_id": "mdl_0k3j9x7s1w2ke", "created_at": "2026-01-31T12:00:01.000Z",
        "params": {"symbol": "GOOG", "timeframe": "1d", "epochs": 50, "batch_size": 32,
            "learning_rate": 0.001, "hidden_layers": [64, 32], "dropout": 0.2, "patience": 10,
            "seed": 42, "device": "auto"},
        "data": {"symbol": "GOOG", "timeframe": "1d", "bars": 2148,
            "start": "2004-08-19T00:00:00.000Z", "end": "2013-03-01T00:00:00.000Z",
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "parts": [1479, 317, 320]},
        "features": features,
        "layers": [3, 64, 32, 2], "weights": 2402,
        "history": (1..=31).map(epoch).collect::<Vec<_>>(),
        "best_epoch": 21, "ended_by": "patience", "test": test_report(), "device": "cpu",
        "versions": {"impresario": "0.1.0", "libtorch": "2.9.1"}, "weights_sha256": "00"
    }))
    .expect("the sample is a card")
}

/// A model whose training was paused, went on, and was forked with a smaller learning rate.
pub(crate) fn resumed_card() -> ModelCard {
    let machine = |threads| {
        json!({"processor": "Some CPU @ 2.00GHz", "threads": threads, "device": "cpu",
            "libtorch": "2.9.1"})
    };
    let place = |id: &str, run, at: &str, epochs, batches, rate: f64, threads| {
        json!({"operation_id": id, "run": run, "at": at, "epochs": epochs, "batches": batches,
            "params": {"symbol": "GOOG", "learning_rate": rate}, "machine": machine(threads)})
    };
    let span = |start: &str, end: &str| json!({"start": start, "end": end});
    let (first, fork) = ("op_0k3j9x7r8d0bh", "op_0k3j9x7t1c2de");
    let mut card = json!(card());
    merge(
        &mut card,
        json!({"operation_id": fork, "requested_by": "cli me@desk", "labels": {"experiment": "a"},
            "ancestry": [
                place(first, 1, "2026-01-31T11:00:00.000Z", 0, 0, 0.001, 1),
                place(first, 2, "2026-01-31T11:20:00.000Z", 3, 12, 0.001, 1),
                place(fork, 1, "2026-01-31T11:40:00.000Z", 10, 1, 0.0003, 2)],
            "machine": machine(2),
            "data": {"part_dates": [
                span("2005-01-10T00:00:00.000Z", "2010-09-17T00:00:00.000Z"),
                span("2010-09-20T00:00:00.000Z", "2011-12-05T00:00:00.000Z"),
                span("2011-12-06T00:00:00.000Z", "2013-02-28T00:00:00.000Z")]},
            "versions": {"revision": "3c28e1d0c1b2a39485766758493a2b1c0d9e8f7a"}}),
    );
    serde_json::from_value(card).expect("the sample is a card")
}

/// A report with everything that one can have.
pub(crate) fn quality() -> impresario_api::QualityReport {
    let report = json!({"file": "GOOG_1d.csv.gz",
        "read_as": {"packed": ["gzip"], "dialect": "auto", "separator": ";", "decimal": ",",
            "columns": {"close": "Letzter", "high": "Hoch", "low": "Tief", "open": "Er\u{1b}ffnung",
                "timestamp": "Datum + Zeit", "volume": "Volumen"},
            "time_format": "%s", "time_unit": "ms", "time_zone": "UTC", "order": "descending"},
        "rows": {"read": 2_148, "added": 2_137, "replaced": 5, "dropped": [
            {"why": "bad_row", "count": 2}, {"why": "duplicate", "count": 1},
            {"why": "other_symbol", "count": 2}, {"why": "file_end", "count": 1}]},
        "warnings": [
            {"code": "ZONE_ASSUMED", "message": "no zone was said, so UTC was assumed", "count": 1, "places": []},
            {"code": "OUTLIER", "message": "a close is ten times or a tenth of both neighbours'", "count": 12,
                "places": [{"line": 1_204, "time": "2024-01-05T00:00:00.000Z", "text": "close 1023.5"},
                    {"line": 1_300, "text": "close 1"}, {"time": "2024-02-05T00:00:00.000Z", "text": ""},
                    {"line": 1_400, "text": "close 2"}]},
            {"code": "ROUNDED", "message": "a high was mended", "count": 3, "places": []}]});
    serde_json::from_value(report).expect("a report")
}
