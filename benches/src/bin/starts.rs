//! Acknowledged starts with 64 connections, beside a bare POST that answers from memory. Both have the same
//! client, the same number of workers, and answers of the same size.

use impresario_bench::load::{CONNECTIONS, WORKERS, bare_server, rate};
use impresario_bench::sqlite::{BareWriter, Rows};
use impresario_bench::{Client, Samples, Server, Target, judge, machine};

const ROUNDS: usize = 5;
const REQUESTS: usize = 100_000;
const BODY: &str = "{\"iterations\":1,\"step_ms\":1000}";
const PATH: &str = "/api/v1/dummy/start";

fn main() {
    machine();
    let mut rates = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        // Each round has a new server, so that the store is empty.
        let memory = server("memory");
        let mut client = Client::new(&memory.address);
        hold_the_slot(&mut client);
        let (status, answer) = client.send("POST", PATH, BODY);
        assert_eq!(status, 202, "{answer}");
        rates[0].push(rate(
            &bare_server(PATH, answer.clone(), None),
            PATH,
            BODY,
            REQUESTS,
        ));
        rates[1].push(rate(&memory.address, PATH, BODY, REQUESTS));
        drop(memory);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let writer = BareWriter::start(folder.path(), Rows::Start);
        rates[2].push(rate(
            &bare_server(PATH, answer, Some(writer)),
            PATH,
            BODY,
            REQUESTS,
        ));
        let durable = server("sqlite");
        hold_the_slot(&mut Client::new(&durable.address));
        rates[3].push(rate(&durable.address, PATH, BODY, REQUESTS));
    }
    let shares = |figure: usize, floor: usize| Samples::ratios(&rates[figure], &rates[floor]);
    println!(
        "{REQUESTS} requests a second, {CONNECTIONS} connections, {ROUNDS} alternating rounds"
    );
    let names = [
        "bare POST from memory",
        "starts, store in memory",
        "POST that awaits a bare SQLite writer",
        "starts, embedded store",
    ];
    for (name, rates) in names.iter().zip(&rates) {
        println!("  {name:40} {}", Samples::new(rates.clone()).spread());
    }
    judge("memory: starts / bare", &shares(1, 0), Target::AtLeast(0.4));
    judge(
        "durable: starts / bare writer",
        &shares(3, 2),
        Target::AtLeast(0.7),
    );
    println!(
        "  durable starts / bare POST from memory   {}",
        shares(3, 0).spread()
    );
    machine();
}

fn hold_the_slot(client: &mut Client) {
    let held = client.start("dummy", "{\"iterations\":1,\"step_ms\":3600000}");
    client.until_running(&held);
}

/// A server whose only slot has a sleeping operation, so that started ones wait.
fn server(engine: &str) -> Server {
    let workers = format!("http.workers={WORKERS}");
    let engine = format!("store.engine={engine}");
    let set = [
        &engine,
        "lanes.default.concurrency=1",
        "lanes.default.queue_limit=1000000",
        "lanes.burn.concurrency=1",
        &workers,
    ];
    Server::start("bench-server", &set.map(|pair| ["--set", pair]).concat())
}
