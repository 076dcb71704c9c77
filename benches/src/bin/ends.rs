//! Starts to their stored ends over 64 connections with `?wait`, where each start finds a free slot, beside a
//! POST that waits for a bare SQLite writer of the same rows. Both have the same client, the same number of
//! workers, and answers of the same size.

use impresario_bench::load::{CONNECTIONS, WORKERS, bare_server, rate};
use impresario_bench::sqlite::{BareWriter, Rows};
use impresario_bench::{Client, Samples, Server, Target, judge, machine};

const ROUNDS: usize = 5;
const REQUESTS: usize = 20_000;
const BODY: &str = "{\"iterations\":0}";
const PATH: &str = "/api/v1/dummy/start?wait=30";
/// The path of the floor.
const BARE: &str = "/bare";

fn main() {
    machine();
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // Each round has a new server, so that the store is empty.
        let server = server();
        let (status, answer) = Client::new(&server.address).send("POST", PATH, BODY);
        assert!(status < 300 && answer.contains("completed"), "{answer}");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let writer = BareWriter::start(folder.path(), Rows::Whole);
        let bare = bare_server(BARE, answer, Some(writer));
        floor.push(rate(&bare, BARE, BODY, REQUESTS));
        ours.push(rate(&server.address, PATH, BODY, REQUESTS));
    }
    println!(
        "{REQUESTS} requests a second, {CONNECTIONS} connections, as many slots, {ROUNDS} alternating rounds"
    );
    for (name, rates) in [
        ("POST that awaits the same rows", &floor),
        ("?wait to the stored end", &ours),
    ] {
        println!("  {name:40} {}", Samples::new(rates.clone()).spread());
    }
    let ratio = Samples::ratios(&ours, &floor);
    judge("?wait / the same rows", &ratio, Target::AtLeast(0.5));
    machine();
}

fn server() -> Server {
    let slots = format!("lanes.default.concurrency={CONNECTIONS}");
    let workers = format!("http.workers={WORKERS}");
    let set = [&slots, "lanes.burn.concurrency=1", &workers];
    Server::start("bench-server", &set.map(|pair| ["--set", pair]).concat())
}
