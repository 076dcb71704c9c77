//! Metric events of one operation to a thousand live sockets, beside a bare actix-ws broadcast of frames of
//! the same size in the same run; the cost of an idle subscriber; and a subscriber that does not read.

use std::time::{Duration, Instant};

use impresario_bench::sockets::{STARTS, Tally, broadcast, crowd, open, paced, submit};
use impresario_bench::{Client, Samples, Server, Target, judge, machine};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

const SOCKETS: usize = 1_000;
const IDLE: usize = 5_000;
const ROUNDS: usize = 5;
const BURST: usize = 2_000;
/// The number of paced events of a round. Each is one sample for each socket.
const PACED: usize = 60;
const PACE: Duration = Duration::from_millis(50);

/// The deliveries per second of a burst, from the request that causes it to its last frame; and the size of
/// one frame in bytes.
async fn saturated(tally: &Tally, ask: impl FnOnce()) -> (f64, f64) {
    let (frames, bytes) = (tally.frames.get(), tally.bytes.get());
    let began = Instant::now();
    ask();
    tally.until(frames + BURST * SOCKETS).await;
    let last = tally.last.get().expect("frames came");
    let (frames, bytes) = (tally.frames.get() - frames, tally.bytes.get() - bytes);
    let rate = frames as f64 / (last - began).as_secs_f64();
    (rate, bytes as f64 / frames as f64)
}

fn memory(server: &Server) -> f64 {
    let path = format!("/proc/{}/status", server.id());
    let status = std::fs::read_to_string(path).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse().ok()).expect("KiB")
}

/// A subscription to metric events alone.
const WHAT: &str =
    r#"{"type":"subscribe","sub":"a","filter":{"kind":["emit"]},"events":["metric"]}"#;

/// The server's options. The clients here answer no pings.
const OURS: [&str; 4] = [
    "--set",
    "lanes.burn.queue_limit=100000",
    "--set",
    "http.socket_ping_seconds=600",
];

fn burst(client: &mut Client) {
    client.start("emit", &format!("{{\"count\":{BURST}}}"));
}

async fn run() {
    let ours = Server::start("bench-server", &OURS);
    let bare = Server::start("bare-sockets", &[]);
    let (mut asks, mut asks_bare) = (Client::new(&ours.address), Client::new(&bare.address));
    let before = memory(&ours);
    let idle = crowd(&ours.address, WHAT, IDLE).await;
    let each = (memory(&ours) - before) / IDLE as f64;
    println!("{IDLE} idle subscribers: {each:.1} KiB each (resident, server's process)");
    assert_eq!(idle.frames.get(), 0, "nothing was told");
    drop(ours);

    let ours = Server::start("bench-server", &OURS);
    asks = {
        drop(asks);
        Client::new(&ours.address)
    };
    let metrics = crowd(&ours.address, WHAT, SOCKETS).await;
    let floor = crowd(&bare.address, "", SOCKETS).await;
    let (mut rates, mut floors) = (vec![], vec![]);
    for round in 0..=ROUNDS {
        let (rate, size) = saturated(&metrics, || burst(&mut asks)).await;
        let (bare, bare_size) = saturated(&floor, || broadcast(&mut asks_bare, BURST)).await;
        if round == 0 {
            println!(
                "{size:.0} bytes a frame, {bare_size:.0} of the floor; the first round warms up"
            );
            continue;
        }
        println!("  saturated: {rate:.0} deliveries/s, floor {bare:.0}");
        rates.push(rate);
        floors.push(bare);
    }
    let stalled = open(&ours.address, WHAT).await;
    let (with, _) = saturated(&metrics, || burst(&mut asks)).await;
    println!(
        "  saturated, one of {} does not read: {with:.0} deliveries/s",
        SOCKETS + 1
    );
    drop(stalled);
    let stalls = vec![with / Samples::new(rates.clone()).percentile(50.0)];
    drop(metrics);
    drop(ours);

    let ours = Server::start("bench-server", &OURS);
    asks = {
        drop(asks);
        Client::new(&ours.address)
    };
    let starts = crowd(&ours.address, STARTS, SOCKETS).await;
    let (mut halves, mut tails) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        let one = paced(&starts, SOCKETS, PACED, PACE, || submit(&mut asks)).await;
        let other = paced(&floor, SOCKETS, PACED, PACE, || {
            broadcast(&mut asks_bare, 1)
        })
        .await;
        let [p50, p99] = [50.0, 99.0].map(|p| (one.percentile(p), other.percentile(p)));
        println!(
            "  paced: p50 {:.0} µs, floor {:.0}; p99 {:.0} µs, floor {:.0}",
            p50.0, p50.1, p99.0, p99.1
        );
        halves.push(p50.0 / p50.1);
        tails.push(p99.0 / p99.1);
    }
    judge(
        "saturated deliveries/s",
        &Samples::ratios(&rates, &floors),
        Target::AtLeast(3.0),
    );
    judge(
        "the same beside one that does not read",
        &Samples::new(stalls),
        Target::AtLeast(0.8),
    );
    judge(
        "paced latency, p50",
        &Samples::new(halves),
        Target::AtMost(1.2),
    );
    judge(
        "paced latency, p99",
        &Samples::new(tails),
        Target::AtMost(1.2),
    );
}

fn main() {
    machine();
    let runtime = Builder::new_current_thread().enable_all().build();
    LocalSet::new().block_on(&runtime.expect("a runtime"), run());
    machine();
}
