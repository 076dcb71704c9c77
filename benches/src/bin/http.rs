//! Start, cancel and view over HTTP with one client, beside `GET /healthz` in the same run; idle,
//! and with every core computing under the supervisor.

use impresario_bench::{Client, Samples, Server, machine, verdict};

const ROUNDS: usize = 5;

/// The floor and the figures of one state of the machine, each round one list of microseconds.
struct Table {
    health: Vec<Samples>,
    noop: Vec<Samples>,
    cancel: Vec<Samples>,
    view: Vec<Samples>,
}

fn main() {
    machine();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let lane = format!("lanes.burn.concurrency={cores}");
    let server = Server::start("bench-server", &["--set", &lane]);
    let mut client = Client::new(&server.address);
    let idle = table(&mut client);
    let burning: Vec<_> = (0..cores).map(|_| client.start("burn", "{}")).collect();
    burning.iter().for_each(|id| client.until_running(id));
    let busy = table(&mut client);
    for id in &burning {
        client.send("DELETE", &format!("/api/v1/operations/{id}?wait=5"), "");
    }
    println!("µs, the median of {ROUNDS} rounds");
    show("idle", &idle);
    show(
        &format!("{cores} functions computing on {cores} cores"),
        &busy,
    );
    let (floor50, floor99) = (middle(&idle.health, 50.0), middle(&idle.health, 99.0));
    println!("ratios");
    line(
        "start to completed / healthz, p50",
        middle(&idle.noop, 50.0) / floor50,
        2.5,
    );
    line(
        "cancel / healthz, idle, p50",
        middle(&idle.cancel, 50.0) / floor50,
        3.0,
    );
    line(
        "cancel / healthz, idle, p99",
        middle(&idle.cancel, 99.0) / floor99,
        5.0,
    );
    line(
        "cancel computing / healthz idle, p50",
        middle(&busy.cancel, 50.0) / floor50,
        4.0,
    );
    line(
        "cancel computing / healthz idle, p99",
        middle(&busy.cancel, 99.0) / floor99,
        30.0,
    );
    line(
        "view computing / view idle, p99",
        middle(&busy.view, 99.0) / middle(&idle.view, 99.0),
        1.5,
    );
}

fn line(what: &str, ratio: f64, target: f64) {
    println!(
        "  {what:40} {ratio:6.2}  target {target}: {}",
        verdict(ratio, target)
    );
}

fn show(state: &str, table: &Table) {
    println!("  {state}");
    let rows = [
        ("GET /healthz", &table.health),
        ("POST /dummy/start?wait, no-op", &table.noop),
        ("DELETE ?wait, a sleeping dummy", &table.cancel),
        ("GET /operations/{id}", &table.view),
    ];
    for (name, rounds) in rows {
        let [p50, p99] = [50.0, 99.0].map(|p| middle(rounds, p));
        println!("    {name:32} p50 {p50:8.1}   p99 {p99:8.1}");
    }
}

/// The median over the rounds of a percentile.
fn middle(rounds: &[Samples], p: f64) -> f64 {
    Samples::new(rounds.iter().map(|round| round.percentile(p)).collect()).percentile(50.0)
}

fn table(client: &mut Client) -> Table {
    let mut table = Table {
        health: vec![],
        noop: vec![],
        cancel: vec![],
        view: vec![],
    };
    let seen = client.start("dummy", "{\"iterations\":1,\"step_ms\":3600000}");
    client.until_running(&seen);
    let view = format!("/api/v1/operations/{seen}");
    for _ in 0..ROUNDS {
        let (mut health, mut noop, mut cancel, mut views) = (vec![], vec![], vec![], vec![]);
        for n in 0..2_000 {
            health.push(client.time("GET", "/healthz", ""));
            views.push(client.time("GET", &view, ""));
            noop.push(client.time("POST", "/api/v1/dummy/start?wait=5", "{\"iterations\":0}"));
            if n % 4 == 0 {
                let id = client.start("dummy", "{\"iterations\":1,\"step_ms\":3600000}");
                client.until_running(&id);
                cancel.push(client.time("DELETE", &format!("/api/v1/operations/{id}?wait=5"), ""));
            }
        }
        table.health.push(Samples::new(health));
        table.noop.push(Samples::new(noop));
        table.cancel.push(Samples::new(cancel));
        table.view.push(Samples::new(views));
    }
    client.send("DELETE", &format!("{view}?wait=5"), "");
    table
}
