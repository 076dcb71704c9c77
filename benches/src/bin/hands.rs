//! The time from an event to its arrival at the client: one socket, idle and with every core computing under
//! the supervisor, beside a bare actix-ws broadcast; and a thousand sockets beside one that does not read. An
//! event is caused by an HTTP request, so each figure includes a request, and that of the server a commit too.

use std::time::Duration;

use impresario_bench::sockets::{STARTS, Tally, broadcast, crowd, open, paced, submit};
use impresario_bench::{Client, Samples, Server, Target, judge, machine};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

const ROUNDS: usize = 5;
const SOCKETS: usize = 1_000;
/// The number of events of a round, for one socket and for a thousand.
const EVENTS: usize = 1_000;
const PACED: usize = 40;
/// The start whose events are sent first to the socket that does not read: more than any buffer can hold.
const UNREAD: &str = "{\"kind\":\"emit\",\"params\":{\"count\":20000}}";
const ALL: &str = r#"{"type":"subscribe","sub":"a","filter":{"kind":["emit"]}}"#;

fn server(cores: usize) -> Server {
    let lane = format!("lanes.burn.concurrency={}", cores + 1);
    let set = [
        "store.engine=memory",
        "lanes.burn.queue_limit=100000",
        "http.socket_ping_seconds=600",
        &lane,
    ];
    Server::start("bench-server", &set.map(|pair| ["--set", pair]).concat())
}

async fn one_socket(cores: usize) {
    let (ours, bare) = (server(cores), Server::start("bare-sockets", &[]));
    let (mut asks, mut asks_bare) = (Client::new(&ours.address), Client::new(&bare.address));
    let hands = crowd(&ours.address, STARTS, 1).await;
    let floor = crowd(&bare.address, "", 1).await;
    let gap = Duration::from_millis(1);
    let mut rows = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        rows[0].push(paced(&floor, 1, EVENTS, gap, || broadcast(&mut asks_bare, 1)).await);
        rows[1].push(paced(&hands, 1, EVENTS, gap, || submit(&mut asks)).await);
        let burning: Vec<_> = (0..cores).map(|_| asks.start("burn", "{}")).collect();
        burning.iter().for_each(|id| asks.until_running(id));
        rows[2].push(paced(&floor, 1, EVENTS, gap, || broadcast(&mut asks_bare, 1)).await);
        rows[3].push(paced(&hands, 1, EVENTS, gap, || submit(&mut asks)).await);
        for id in &burning {
            asks.time("DELETE", &format!("/api/v1/operations/{id}?wait=5"), "");
        }
    }
    println!("µs from the request that causes an event to the client's hands, one socket");
    let names = [
        "bare, idle",
        "ours, idle",
        "bare, every core computing",
        "ours, every core computing",
    ];
    for (name, rounds) in names.iter().zip(&rows) {
        let [p50, p99] = [50.0, 99.0].map(|p| {
            Samples::new(rounds.iter().map(|round| round.percentile(p)).collect()).spread()
        });
        println!("  {name:30} p50 {p50:>28}   p99 {p99:>30}");
    }
}

/// The 99th percentile of a round after a burst that fills the buffers of the socket that does not read, in
/// microseconds.
async fn after_a_burst(starts: &Tally, asks: &mut Client) -> f64 {
    let frames = starts.frames.get();
    let (_, answer) = asks.send("POST", "/api/v1/operations?wait=30", UNREAD);
    assert!(answer.contains("\"completed\""), "{answer}");
    starts.until(frames + SOCKETS).await;
    // The burst has ended. A first event, which is not measured, waits for the rest of it at those who read.
    let frames = starts.frames.get();
    submit(asks);
    starts.until(frames + SOCKETS).await;
    let pace = Duration::from_millis(50);
    let round = paced(starts, SOCKETS, PACED, pace, || submit(asks)).await;
    round.percentile(99.0)
}

async fn beside_one_that_does_not_read(cores: usize) {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let ours = server(cores);
        let mut asks = Client::new(&ours.address);
        let starts = crowd(&ours.address, STARTS, SOCKETS).await;
        without.push(after_a_burst(&starts, &mut asks).await);
        let stalled = open(&ours.address, ALL).await;
        with.push(after_a_burst(&starts, &mut asks).await);
        drop(stalled);
    }
    println!("{SOCKETS} sockets, p99 in µs, {ROUNDS} rounds");
    println!(
        "  all of them read               {}",
        Samples::new(without.clone()).spread()
    );
    println!(
        "  beside one that does not       {}",
        Samples::new(with.clone()).spread()
    );
    judge(
        "p99 beside one that does not read",
        &Samples::ratios(&with, &without),
        Target::AtMost(1.5),
    );
}

fn main() {
    machine();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    LocalSet::new().block_on(&runtime, one_socket(cores));
    LocalSet::new().block_on(&runtime, beside_one_that_does_not_read(cores));
    machine();
}
