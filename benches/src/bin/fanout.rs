//! One operation's metric events to a thousand live sockets, beside a bare actix-ws broadcast of frames
//! of the same size in the same run; what an idle subscriber costs; and one that does not read.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use impresario_bench::{Client, Samples, Server, Target, judge, machine};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local, yield_now};

const SOCKETS: usize = 1_000;
const IDLE: usize = 5_000;
const ROUNDS: usize = 5;
/// Events of a saturated round.
const BURST: usize = 2_000;
/// Paced events of a round: each is one sample a socket.
const PACED: usize = 60;
const PACE: Duration = Duration::from_millis(50);

/// What all sockets of one server have received.
#[derive(Default)]
struct Tally {
    frames: Cell<usize>,
    bytes: Cell<usize>,
    last: Cell<Option<Instant>>,
    sent: Cell<Option<Instant>>,
    latencies: RefCell<Vec<f64>>,
    news: Notify,
}

impl Tally {
    fn add(&self, frames: usize, bytes: usize) {
        let now = Instant::now();
        self.last.set(Some(now));
        self.frames.set(self.frames.get() + frames);
        self.bytes.set(self.bytes.get() + bytes);
        if let Some(sent) = self.sent.get() {
            let micros = (now - sent).as_secs_f64() * 1e6;
            self.latencies
                .borrow_mut()
                .extend(std::iter::repeat_n(micros, frames));
        }
        self.news.notify_one();
    }

    async fn until(&self, frames: usize) {
        let wait = async {
            while self.frames.get() < frames {
                self.news.notified().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(120), wait).await;
        assert!(
            waited.is_ok(),
            "{} of {frames} frames came",
            self.frames.get()
        );
    }
}

/// A socket after its handshake, subscribed to `what` if there is anything to subscribe to.
async fn open(address: &str, what: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let head = format!(
        "GET /api/v1/ws HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("it reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("it answers"));
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "a handshake");
    if !what.is_empty() {
        // Masked with zeros: that is allowed, and leaves the text as it is.
        let mut frame = vec![0x81, 0x80 | 126];
        frame.extend((what.len() as u16).to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(what.as_bytes());
        stream.write_all(&frame).await.expect("it reads");
    }
    stream
}

/// Where the next frame begins and whether this one is text; `None` until all of it is there.
fn frame(bytes: &[u8]) -> Option<(usize, bool)> {
    let (head, length) = match *bytes.get(1)? & 0x7f {
        126 => (
            4,
            usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
        ),
        127 => (
            10,
            u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize,
        ),
        short => (2, usize::from(short)),
    };
    (bytes.len() >= head + length).then_some((head + length, bytes[0] & 0x0f == 1))
}

/// Counts the frames that come, past the first `skip` (what a subscription begins with).
async fn count(mut stream: TcpStream, tally: Rc<Tally>, mut skip: usize, ready: Rc<Cell<usize>>) {
    let mut bytes = Vec::new();
    loop {
        let Ok(1..) = stream.read_buf(&mut bytes).await else {
            return;
        };
        let (mut at, mut frames) = (0, 0);
        while let Some((length, is_text)) = frame(&bytes[at..]) {
            at += length;
            if is_text && skip > 0 {
                skip -= 1;
                ready.set(ready.get() + usize::from(skip == 0));
            } else if is_text {
                frames += 1;
            }
        }
        bytes.drain(..at);
        if frames > 0 {
            tally.add(frames, at);
        }
        if bytes.is_empty() && bytes.capacity() > 65_536 {
            bytes = Vec::new();
        }
    }
}

/// So many sockets that read.
async fn crowd(address: &str, what: &str, many: usize) -> Rc<Tally> {
    let (tally, ready) = (Rc::new(Tally::default()), Rc::new(Cell::new(0)));
    let skip = if what.is_empty() { 0 } else { 2 };
    for _ in 0..many {
        let stream = open(address, what).await;
        spawn_local(count(stream, Rc::clone(&tally), skip, Rc::clone(&ready)));
    }
    while skip > 0 && ready.get() < many {
        yield_now().await;
    }
    tally
}

/// Deliveries a second of a burst, from the request that asks for it to the last frame of it; and the
/// bytes of one frame.
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

/// From the request that causes an event to its arrival, at every socket, in microseconds.
async fn paced(tally: &Tally, mut ask: impl FnMut()) -> Samples {
    tally.latencies.borrow_mut().clear();
    for _ in 0..PACED {
        let frames = tally.frames.get();
        tally.sent.set(Some(Instant::now()));
        ask();
        tally.until(frames + SOCKETS).await;
        tally.sent.set(None);
        tokio::time::sleep(PACE).await;
    }
    Samples::new(tally.latencies.take())
}

fn memory(server: &Server) -> f64 {
    let path = format!("/proc/{}/status", server.id());
    let status = std::fs::read_to_string(path).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse().ok()).expect("KiB")
}

/// Metric events alone, and a start's own: nothing but what is asked for comes.
const WHAT: &str =
    r#"{"type":"subscribe","sub":"a","filter":{"kind":["emit"]},"events":["metric"]}"#;
const STARTS: &str =
    r#"{"type":"subscribe","sub":"a","filter":{"kind":["emit"]},"events":["submitted"]}"#;

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

/// A start that waits for its time is one event.
fn submit(client: &mut Client) {
    let body = "{\"kind\":\"emit\",\"params\":{\"count\":0},\
                \"options\":{\"not_before\":\"2099-01-01T00:00:00.000Z\"}}";
    let (status, answer) = client.send("POST", "/api/v1/operations", body);
    assert_eq!(status, 202, "{answer}");
}

fn broadcast(client: &mut Client, count: usize) {
    client.send("POST", &format!("/broadcast?count={count}"), "");
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
        let one = paced(&starts, || submit(&mut asks)).await;
        let other = paced(&floor, || broadcast(&mut asks_bare, 1)).await;
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
