//! The client's binary against a listener of the test, which gives answers of the wire types: which
//! requests the client sends, and what it prints.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use impresario_api::{
    BarPage, ModelCard, ModelList, OperationView, PredictRequest, Prediction, StartAnswer,
};
use serde_json::{Value, json};

const ID: &str = "mdl_0k3j9x7s1w2ke";
const OTHER: &str = "mdl_0k3j9x8s1w2ke";
/// Verifications that found other bits: where the same ones are promised, and where they are not.
const PROMISED: &str = "op_0k3j9x7r8d0bh";
const NOT_PROMISED: &str = "op_0k3j9x7r8d0bj";
const DAY: i64 = 86_400_000;

/// A server that has two models, and 1,500 bars that are dense at the beginning.
struct Server {
    url: String,
    /// Method, path with query, and body of each request.
    heard: Receiver<(String, String, Value)>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let (tell, heard) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let tell = tell.clone();
                let Ok(stream) = stream else { return };
                thread::spawn(move || serve(stream, &tell));
            }
        });
        Self { url, heard }
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_impresario"))
            .args(["--url", &self.url])
            .args(args)
            .env("NO_COLOR", "1")
            .output()
            .expect("the client runs")
    }

    fn says(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// The bars of the one predict request, and the paths of the requests before it.
    fn predicted(&self) -> (PredictRequest, Vec<String>) {
        let heard: Vec<_> = self.heard.try_iter().collect();
        let (posts, gets): (Vec<_>, Vec<_>) =
            heard.into_iter().partition(|(method, ..)| method == "POST");
        let [(_, path, body)] = posts.as_slice() else {
            panic!("one predict: {posts:?}");
        };
        assert_eq!(path, &format!("/api/v1/models/{ID}/predict"));
        let request = serde_json::from_value(body.clone()).expect("the contract's request");
        (request, gets.into_iter().map(|(_, path, _)| path).collect())
    }
}

/// Serves one connection: requests one after the other, until the client closes it.
fn serve(stream: TcpStream, tell: &Sender<(String, String, Value)>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let mut first = String::new();
        reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let line = line.trim().to_ascii_lowercase();
            if let Some(text) = line.strip_prefix("content-length:") {
                length = text.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut words = first.split(' ').map(str::to_owned);
        let (method, path) = (words.next()?, words.next()?);
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let (status, text) = match answer(&path) {
            Some(data) => (200, json!({"success": true, "data": data})),
            None => {
                let error = json!({"code": "MODEL_NOT_FOUND", "message": "no such model"});
                (404, json!({"success": false, "error": error}))
            }
        };
        let text = text.to_string();
        tell.send((method, path, body)).ok()?;
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n",
            text.len()
        );
        writer.write_all((head + &text).as_bytes()).ok()?;
    }
}

fn answer(path: &str) -> Option<Value> {
    let (route, query) = path.split_once('?').unwrap_or((path, ""));
    let whole = format!("/api/v1/models/{ID}");
    match route {
        "/api/v1/models" => Some(contract::<ModelList>(models())),
        route if route == whole => Some(contract::<ModelCard>(card())),
        route if route == format!("{whole}/predict") => {
            let probabilities = json!({"up": 0.5417, "not_up": 0.4583});
            Some(contract::<Prediction>(
                json!({"probabilities": probabilities}),
            ))
        }
        "/api/v1/data/GOOG/1d" | "/api/v1/data/BRK.B%5EX/1h" => {
            Some(contract::<BarPage>(bars(query)))
        }
        "/api/v1/operations" => Some(contract::<StartAnswer>(
            json!({"operation_id": PROMISED, "status": "pending", "mode": "async"}),
        )),
        _ => {
            let id = route.strip_prefix("/api/v1/operations/")?;
            [PROMISED, NOT_PROMISED]
                .contains(&id)
                .then(|| contract::<OperationView>(verification(id)))
        }
    }
}

/// The value, which must be of the wire type.
fn contract<T: serde::de::DeserializeOwned>(value: Value) -> Value {
    serde_json::from_value::<T>(value.clone()).expect("the contract's type");
    value
}

fn report() -> Value {
    let scores =
        |accuracy: f64| json!({"accuracy": accuracy, "balanced_accuracy": 0.5, "log_loss": null});
    json!({"rows": 320, "model": scores(0.5), "beats_baselines": false,
        "baselines": {"majority_class": scores(0.521), "last_direction": scores(0.497)},
        "confusion": [[41, 112], [39, 128]], "classes": ["not_up", "up"]})
}

/// A verification that found other bits than those of the model.
fn verification(id: &str) -> Value {
    let at = "2026-01-31T12:00:01.000Z";
    json!({"operation_id": id, "kind": "model_verify", "status": "completed", "lane": "training",
        "priority": 0, "run": 1, "attempt": 1, "max_attempts": 3, "retry_of": null, "labels": {},
        "requested_by": "me", "created_at": at, "started_at": at, "completed_at": at,
        "not_before": null, "elapsed_seconds": 1.0, "server_time": at, "waiting_for": null,
        "queue_position": null, "stop": null, "stopped_early": false, "unresponsive_since": null,
        "verbs": ["retry"], "progress": null, "checkpoint": null, "error": null, "seq": 3,
        "params": {"model_id": ID}, "warnings": [],
        "result_summary": {"model_id": ID, "identical": false, "bits_promised": id == PROMISED,
            "weights_that_differ": 2, "largest_difference": 1e-7,
            "verdict": "2 of 4 weights differ, the most by 1e-7"}})
}

fn models() -> Value {
    let row = |id: &str| {
        json!({"model_id": id, "created_at": "2026-01-31T12:00:01.000Z", "symbol": "GOOG",
            "timeframe": "1d", "best_epoch": 1, "epochs_run": 2, "test": report()})
    };
    json!({"models": [row(ID), row(OTHER)]})
}

fn card() -> Value {
    let epoch = |at: u32| {
        json!({"epoch": at, "train_loss": 0.7, "train_accuracy": 0.5, "validation_loss": 0.7,
            "validation_accuracy": 0.5})
    };
    json!({"model_id": ID, "created_at": "2026-01-31T12:00:01.000Z", "params": {"patience": 1},
        "data": {"symbol": "GOOG", "timeframe": "1d", "bars": 1500, "sha256": "00",
            "start": "2004-08-19T00:00:00.000Z", "end": "2013-03-01T00:00:00.000Z",
            "parts": [1000, 200, 200]},
        "features": [], "layers": [1, 2], "weights": 4, "history": [epoch(1), epoch(2)],
        "best_epoch": 1, "ended_by": "patience", "test": report(), "device": "cpu",
        "versions": {}, "weights_sha256": "00"})
}

/// 750 bars an hour apart, then 750 a day apart, in pages of 400 whatever the request says.
fn bars(query: &str) -> Value {
    let at = |index: i64| (index - 750).max(0) * DAY + index.min(750) * DAY / 24;
    let time = |index| impresario_api::Timestamp::from_millis(1_000_000_000_000 + at(index));
    let asked = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs.into_iter().find(|(key, _)| *key == name);
        value.map(|(_, value)| value.replace("%3A", ":"))
    };
    let start = asked("start").map_or(time(0), |text| text.parse().expect("a time"));
    let limit: usize = asked("limit").map_or(400, |text| text.parse().expect("a number"));
    let mut rest = (0..1_500).filter(|index| time(*index) >= start);
    let page: Vec<_> = rest.by_ref().take(limit.min(400)).collect();
    let bar = |index: &i64| {
        json!({"timestamp": time(*index), "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0,
            "volume": *index as f64})
    };
    json!({"dataset": {"symbol": "GOOG", "timeframe": "1d", "rows": 1500, "start": time(0),
            "end": time(1_499), "bytes": 1, "sha256": "00", "source": "a.csv",
            "loaded_at": "2026-01-31T12:00:01.000Z"},
        "bars": page.iter().map(bar).collect::<Vec<_>>(),
        "next_start": rest.next().map(time)})
}

#[test]
fn models_are_listed_and_shown_by_their_short_ids() {
    let server = Server::start();
    let list = server.says(&["models", "list"]);
    assert!(
        list.contains("7s1w2ke") && list.contains("not above"),
        "{list}"
    );
    let text = server.says(&["--json", "models", "list"]);
    assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(models()));
    for id in [ID, "x7s1w2ke", "X7S1W2KE"] {
        let text = server.says(&["models", "show", id]);
        assert!(
            text.contains(ID) && text.contains("is not above the better baseline"),
            "{text}"
        );
    }
    let text = server.says(&["models", "show", "x7s1w2ke", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(card()));
}

#[test]
fn ids_that_are_none_or_too_short_have_their_exit_codes() {
    let server = Server::start();
    for (id, code, said) in [
        ("s1w2ke", 2, OTHER),
        ("zzzz", 1, "impresario models list"),
        ("op_0k3j9x7s1w2ke", 2, "mdl_ and 13 characters"),
        ("mdl_0000000000000", 1, "MODEL_NOT_FOUND"),
    ] {
        let output = server.run(&["models", "show", id]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{id}: {text}");
        assert!(text.contains(said), "{id}: {text}");
    }
}

#[test]
fn a_prediction_is_asked_of_the_newest_bars() {
    let server = Server::start();
    let text = server.says(&["models", "predict", "x7s1w2ke"]);
    assert!(text.contains("expects of the next bar: up"), "{text}");
    assert!(
        text.contains("54.2 %") && text.contains("is not above"),
        "{text}"
    );
    let (request, _) = server.predicted();
    let volumes: Vec<_> = request.bars.iter().map(|bar| bar.volume as i64).collect();
    assert_eq!(volumes, (500..1_500).collect::<Vec<_>>());

    let line = "models predict x7s1w2ke --symbol BRK.B^X --timeframe 1h --json";
    let text = server.says(&line.split(' ').collect::<Vec<_>>());
    let answer: Prediction = serde_json::from_str(&text).expect("the server's answer");
    assert_eq!(answer.probabilities["up"], 0.5417);
    let (request, paths) = server.predicted();
    assert_eq!(request.bars.len(), 1_000);
    assert!(
        paths.iter().any(|path| path.contains("BRK.B%5EX/1h")),
        "{paths:?}"
    );
}

#[test]
fn a_prediction_is_asked_of_a_files_bars() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("bars.csv");
    let text =
        "Date,Open,High,Low,Close,Volume\n2010-01-04,1,2,0.5,1.5,7\n2010-01-05,1,2,0.5,1.5,8\n";
    std::fs::write(&path, text).expect("the folder is ours");
    let path = path.to_str().expect("UTF-8");
    let text = server.says(&["models", "predict", ID, "--bars", path]);
    assert!(
        text.contains("2 bars of") && text.contains("2010-01-05"),
        "{text}"
    );
    let (request, paths) = server.predicted();
    let volumes: Vec<_> = request.bars.iter().map(|bar| bar.volume).collect();
    assert_eq!(volumes, [7.0, 8.0]);
    assert!(
        paths.iter().all(|path| !path.contains("/data/")),
        "{paths:?}"
    );

    // A file without bars is reported before any request.
    let output = server.run(&["models", "predict", ID, "--bars", "/nonexistent.csv"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(server.heard.try_iter().count(), 0);
}

#[test]
fn bits_that_differ_end_a_verification_with_1_only_if_they_are_promised() {
    let server = Server::start();
    for (args, code, bits) in [
        (
            &["models", "verify", "x7s1w2ke"][..],
            1,
            "not identical, although they are promised on this machine",
        ),
        (&["ops", "watch", PROMISED], 1, "although they are promised"),
        (
            &["ops", "watch", NOT_PROMISED],
            0,
            "not identical, and not promised on this machine",
        ),
    ] {
        for json in [false, true] {
            let output = match json {
                true => server.run(&[&["--json"], args].concat()),
                false => server.run(args),
            };
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
            let verdict = "2 of 4 weights differ, the most by 1e-7";
            assert!(text.contains(verdict), "{args:?}: {text}");
            assert!(json || text.contains(bits), "{args:?}: {text}");
        }
    }
    let mut heard = server.heard.try_iter();
    let (_, _, asked) = heard
        .find(|(method, ..)| method == "POST")
        .expect("a start");
    assert_eq!(
        (&asked["kind"], &asked["params"]),
        (&json!("model_verify"), &json!({"model_id": ID}))
    );
}
