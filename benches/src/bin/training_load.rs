//! Reads and cancels while trainings use every core, beside the same requests on an idle server. This needs
//! `impresariod` with the feature `training` beside this program (`cargo xtask build`).

use impresario_bench::{Client, Samples, Server, Target, judge, machine};

const ROUNDS: usize = 5;
/// The number of cancels in a round: 10,000 in all rounds.
const CANCELS: usize = 2_000;
/// The number of reads for each cancel: 10,000 in a round.
const READS: usize = 5;
const BATCH: f64 = 32.0;
const ENDLESS: &str = r#"{"symbol":"GOOG","timeframe":"1d","epochs":1000000,"patience":1000000}"#;

struct Round {
    health: Samples,
    idle_view: Samples,
    busy_view: Samples,
    cancel: Samples,
    batch: f64,
}

fn main() {
    machine();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples");
    let (lane, import) = (
        format!("lanes.training.concurrency={cores}"),
        format!("data.import_dir={samples:?}"),
    );
    // The arguments are passed to the server, for example --set supervision.nice=19.
    let own: Vec<String> = std::env::args().skip(1).collect();
    let mut args = vec!["--set", &lane, "--set", &import];
    args.extend(own.iter().map(String::as_str));
    let server = Server::start("impresariod", &args);
    let mut client = Client::new(&server.address);
    let load = r#"{"symbol":"GOOG","timeframe":"1d"}"#;
    let (status, answer) = client.send("POST", "/api/v1/data/load?wait=30", load);
    assert!(
        status == 200 && answer.contains("\"completed\""),
        "{answer}"
    );
    let rounds: Vec<_> = (0..ROUNDS).map(|_| round(&mut client, cores)).collect();
    report(&rounds, cores);
    machine();
}

fn round(client: &mut Client, cores: usize) -> Round {
    let seen = client.start("dummy", r#"{"iterations":1,"step_ms":3600000}"#);
    client.until_running(&seen);
    let view_of = format!("/api/v1/operations/{seen}");
    let (mut health, mut idle_view, mut busy_view, mut cancel) = (vec![], vec![], vec![], vec![]);
    for _ in 0..CANCELS * READS {
        health.push(client.time("GET", "/healthz", ""));
        idle_view.push(client.time("GET", &view_of, ""));
    }
    let mut burning: Vec<_> = (0..cores).map(|_| begin(client)).collect();
    for _ in 0..CANCELS * READS {
        busy_view.push(client.time("GET", &view_of, ""));
    }
    for turn in 0..CANCELS {
        let one = &mut burning[turn % cores];
        cancel.push(client.cancel(one));
        *one = begin(client);
    }
    let batch = batch_of(client, &burning[0]);
    burning.push(seen);
    for id in &burning {
        client.cancel(id);
    }
    Round {
        health: Samples::new(health),
        idle_view: Samples::new(idle_view),
        busy_view: Samples::new(busy_view),
        cancel: Samples::new(cancel),
        batch,
    }
}

/// Starts a training, and waits until it is in a batch.
fn begin(client: &mut Client) -> String {
    let id = client.start("training", ENDLESS);
    let path = format!("/api/v1/operations/{id}");
    while !client.send("GET", &path, "").1.contains("\"batch\"") {}
    id
}

/// The time of a batch while every core computes, from the rate in the view.
fn batch_of(client: &mut Client, id: &str) -> f64 {
    loop {
        let (_, view) = client.send("GET", &format!("/api/v1/operations/{id}"), "");
        let rate = view.split("\"rate_per_second\":").nth(1);
        let rate = rate.and_then(|text| text.split([',', '}']).next());
        if let Some(rate) = rate.and_then(|text| text.parse::<f64>().ok()) {
            return BATCH / rate * 1e6;
        }
    }
}

type Figure = fn(&Round) -> f64;
const FIGURES: [(&str, Figure); 6] = [
    ("GET /healthz, idle, p99", |r| r.health.percentile(99.0)),
    ("a view, idle, p99", |r| r.idle_view.percentile(99.0)),
    ("a view, busy, p99", |r| r.busy_view.percentile(99.0)),
    ("DELETE ?wait, busy, p50", |r| r.cancel.percentile(50.0)),
    ("DELETE ?wait, busy, p99", |r| r.cancel.percentile(99.0)),
    ("one batch", |r| r.batch),
];

fn report(rounds: &[Round], cores: usize) {
    println!("{cores} trainings on {cores} cores; µs, the median of {ROUNDS} rounds (quartiles)");
    let each = |of: &dyn Fn(&Round) -> f64| Samples::new(rounds.iter().map(of).collect());
    for (name, of) in FIGURES {
        println!("  {name:32} {}", each(&of).spread());
    }
    let view = each(&|r| r.busy_view.percentile(99.0) / r.idle_view.percentile(99.0));
    judge("view, p99, busy / idle", &view, Target::AtMost(1.5));
    let cancel = each(&|r| (r.cancel.percentile(99.0) - r.batch) / r.health.percentile(99.0));
    judge(
        "(cancel p99 - one batch) / idle healthz p99",
        &cancel,
        Target::AtMost(30.0),
    );
}
