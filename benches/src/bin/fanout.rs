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

/// Metric events alone: nothing but what is asked for comes.
const WHAT: &str =
    r#"{"type":"subscribe","sub":"a","filter":{"kind":["emit"]},"events":["metric"]}"#;

/// All of its events: more than any buffer holds, once it has told of so many points.
const ALL: &str = r#"{"type":"subscribe","sub":"a","filter":{"kind":["emit"]}}"#;
const UNREAD: &str = "{\"kind\":\"emit\",\"params\":{\"count\":20000}}";

/// The clients here answer no pings.
const OURS: [&str; 4] = [
    "--set",
    "lanes.burn.queue_limit=100000",
    "--set",
    "http.socket_ping_seconds=600",
];

fn burst(client: &mut Client) {
    client.start("emit", &format!("{{\"count\":{BURST}}}"));
}

/// Paced events after a burst that fills whoever does not read.
async fn after_a_burst(starts: &Tally, asks: &mut Client) -> Samples {
    let frames = starts.frames.get();
    let (_, answer) = asks.send("POST", "/api/v1/operations?wait=30", UNREAD);
    assert!(answer.contains("\"completed\""), "{answer}");
    starts.until(frames + SOCKETS).await;
    // The burst itself is over; what it left with those who read is taken by a first event.
    submit(asks);
    starts.until(frames + 2 * SOCKETS).await;
    paced(starts, SOCKETS, PACED, PACE, || submit(asks)).await
}

async fn run() {
    let ours = Server::start("bench-server", &OURS);
    let bare = Server::start("bare-sockets", &[]);
    let mut asks_bare = Client::new(&bare.address);
    let before = ours.resident();
    let idle = crowd(&ours.address, WHAT, IDLE).await;
    let each = (ours.resident() - before) / 1_024.0 / IDLE as f64;
    println!("{IDLE} idle subscribers: {each:.1} KiB each (resident, server's process)");
    assert_eq!(idle.frames.get(), 0, "nothing was told");
    drop(ours);

    let ours = Server::start("bench-server", &OURS);
    let mut asks = Client::new(&ours.address);
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
    let mut asks = Client::new(&ours.address);
    let starts = crowd(&ours.address, STARTS, SOCKETS).await;
    let (mut halves, mut tails, mut beside) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let one = paced(&starts, SOCKETS, PACED, PACE, || submit(&mut asks)).await;
        let bare = || broadcast(&mut asks_bare, 1);
        let other = paced(&floor, SOCKETS, PACED, PACE, bare).await;
        let without = after_a_burst(&starts, &mut asks).await;
        let stalled = open(&ours.address, ALL).await;
        let with = after_a_burst(&starts, &mut asks).await;
        drop(stalled);
        let [p50, p99] = [50.0, 99.0].map(|p| (one.percentile(p), other.percentile(p)));
        println!(
            "  paced: p50 {:.0} µs, floor {:.0}; p99 {:.0} µs, floor {:.0}",
            p50.0, p50.1, p99.0, p99.1
        );
        halves.push(p50.0 / p50.1);
        tails.push(p99.0 / p99.1);
        beside.push(with.percentile(99.0) / without.percentile(99.0));
    }
    let judge = |what, ratios, target| judge(what, &ratios, target);
    let deliveries = Samples::ratios(&rates, &floors);
    judge("saturated deliveries/s", deliveries, Target::AtLeast(3.0));
    let stalls = Samples::new(stalls);
    let what = "the same beside one that does not read";
    judge(what, stalls, Target::AtLeast(0.8));
    let target = Target::AtMost(1.2);
    judge("paced latency, p50", Samples::new(halves), target);
    judge("paced latency, p99", Samples::new(tails), target);
    let what = "p99 beside one that does not read";
    judge(what, Samples::new(beside), Target::AtMost(1.5));
}

fn main() {
    machine();
    let runtime = Builder::new_current_thread().enable_all().build();
    LocalSet::new().block_on(&runtime.expect("a runtime"), run());
    machine();
}
