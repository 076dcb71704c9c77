//! The client side of live sockets: opens them, and counts frames and their delays.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::{spawn_local, yield_now};

use crate::{Client, Samples};

/// A subscription to the starts of the kind `emit` alone.
pub const STARTS: &str =
    r#"{"type":"subscribe","sub":"a","filter":{"kind":["emit"]},"events":["submitted"]}"#;

/// What all sockets to one server have received.
#[derive(Default)]
pub struct Tally {
    pub frames: Cell<usize>,
    pub bytes: Cell<usize>,
    pub last: Cell<Option<Instant>>,
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

    /// Waits until this many frames have come.
    pub async fn until(&self, frames: usize) {
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

/// Opens a socket, and sends the subscription `what` if it is not empty.
pub async fn open(address: &str, what: &str) -> TcpStream {
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
        // The mask is zero, which is allowed and does not change the text.
        let mut frame = vec![0x81, 0x80 | 126];
        frame.extend((what.len() as u16).to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(what.as_bytes());
        stream.write_all(&frame).await.expect("it reads");
    }
    stream
}

/// Where the next frame begins, and whether this one is text; `None` until it is complete.
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

/// Counts the frames that come after the first `skip`, with which a subscription begins.
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

/// Opens this many sockets that read.
pub async fn crowd(address: &str, what: &str, many: usize) -> Rc<Tally> {
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

/// The times from the request that causes an event to its arrival at every socket, in microseconds.
pub async fn paced(
    tally: &Tally,
    sockets: usize,
    events: usize,
    pace: Duration,
    mut ask: impl FnMut(),
) -> Samples {
    tally.latencies.borrow_mut().clear();
    for _ in 0..events {
        let frames = tally.frames.get();
        tally.sent.set(Some(Instant::now()));
        ask();
        tally.until(frames + sockets).await;
        tally.sent.set(None);
        tokio::time::sleep(pace).await;
    }
    Samples::new(tally.latencies.take())
}

/// Starts an operation that waits for its time, which causes one event.
pub fn submit(client: &mut Client) {
    let body = "{\"kind\":\"emit\",\"params\":{\"count\":0},\
                \"options\":{\"not_before\":\"2099-01-01T00:00:00.000Z\"}}";
    let (status, answer) = client.send("POST", "/api/v1/operations", body);
    assert_eq!(status, 202, "{answer}");
}

pub fn broadcast(client: &mut Client, count: usize) {
    client.send("POST", &format!("/broadcast?count={count}"), "");
}
