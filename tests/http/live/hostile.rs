//! Clients that mean it: frames that claim too much, floods that nobody reads, sockets without a token.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use tungstenite::protocol::frame::coding::CloseCode;

use super::client::Live;
use crate::support::{ANNA, LONG, Server, comes, tokens};

/// Kibibytes by which nothing that one client does lets the server grow.
const LITTLE: u64 = 32 << 10;

/// A server with tokens.
fn guarded() -> Server {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Server::set(&[&tokens(&folder)])
}

/// The bytes below a socket.
fn bytes(live: &Live) -> TcpStream {
    let stream = live.socket.get_ref().try_clone();
    stream.expect("a second handle")
}

/// A masked header that claims this length.
fn claim(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first, 0xff];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes
}

/// Sends the same again and again without reading, until the server ends it or so much was taken.
fn flood(stream: &mut TcpStream, piece: &[u8], most: usize) -> Result<(), ErrorKind> {
    stream.set_write_timeout(Some(LONG)).expect("a timeout");
    let mut sent = 0;
    while sent < most {
        stream.write_all(piece).map_err(|error| error.kind())?;
        sent += piece.len();
    }
    Ok(())
}

#[test]
fn a_frame_that_claims_too_much_is_refused_by_its_header() {
    for server in [Server::start(), guarded()] {
        let before = server.memory();
        for (first, length, code) in [
            (0x81, 1 << 40, CloseCode::Size),
            (0x82, 1 << 40, CloseCode::Size),
            (0x01, 1 << 40, CloseCode::Size),
            (0x80, 1 << 40, CloseCode::Size),
            (0x81, u64::MAX, CloseCode::Size),
            (0x81, (64 << 10) + 1, CloseCode::Size),
            (0x89, 1 << 40, CloseCode::Protocol),
        ] {
            let mut live = Live::new(&server);
            bytes(&live).write_all(&claim(first, length)).expect("open");
            assert_eq!(live.closed().0, code, "{first:x}, {length}");

            let live = Live::new(&server);
            let mut stream = bytes(&live);
            stream.write_all(&claim(first, length)).expect("open");
            let ended = flood(&mut stream, &[b'x'; 1 << 16], 256 << 20);
            assert!(ended.is_err(), "{first:x}, {length}");
        }
        assert!(
            server.memory() < before + LITTLE,
            "{before}, {}",
            server.memory()
        );
    }
}

#[test]
fn a_flood_that_nobody_reads_the_answers_of_fills_nothing() {
    for piece in [
        // An empty binary frame, an empty ping, a ping of the contract, a text that is none.
        &b"\x82\x80\0\0\0\0"[..],
        b"\x89\x80\0\0\0\0",
        b"\x81\x8f\0\0\0\0{\"type\":\"ping\"}",
        b"\x81\x81\0\0\0\0{",
    ] {
        let server = Server::set(&["http.socket_stall_seconds=1"]);
        let (sockets, memory) = (server.sockets(), server.memory());
        let live = Live::new(&server);
        let ended = flood(&mut bytes(&live), &piece.repeat(1_000), 1 << 30);
        assert!(ended.is_err(), "{piece:?}");
        // The client keeps its end open: the server's is closed, not half of it.
        comes("its descriptor", || server.sockets() <= sockets);
        assert!(
            server.memory() < memory + LITTLE,
            "{memory}, {}",
            server.memory()
        );
        assert_eq!(server.get("/healthz").status, 200);
    }
}

#[test]
fn a_text_that_never_ends_costs_its_socket() {
    for server in [Server::start(), guarded()] {
        let live = Live::new(&server);
        let mut stream = bytes(&live);
        stream.write_all(b"\x01\x80\0\0\0\0").expect("open");
        let ended = flood(&mut stream, &b"\0\x80\0\0\0\0".repeat(1_000), 64 << 20);
        assert!(ended.is_err());
        let mut other = Live::new(&server);
        let mut stream = bytes(&other);
        stream.write_all(b"\x01\x80\0\0\0\0").expect("open");
        let rest = b"\0\x80\0\0\0\0".repeat(1_024);
        stream.write_all(&rest).expect("open");
        assert_eq!(other.closed().0, CloseCode::Size);
    }
}

#[test]
fn a_socket_that_is_told_to_end_may_send_so_many_bytes_more() {
    let server = Server::start();
    let live = Live::new(&server);
    let mut stream = bytes(&live);
    // A text that is no UTF-8, and then texts that nobody hears.
    stream.write_all(b"\x81\x81\0\0\0\0\xff").expect("open");
    let mut text = b"\x81\xfe\xf0\0\0\0\0\0".to_vec();
    text.resize(text.len() + 0xf000, b'x');
    // Beside what is read there is what the kernel keeps on both sides.
    let ended = flood(&mut stream, &text, 24 << 20);
    assert!(ended.is_err());
}

#[test]
fn a_subscriber_that_reads_nothing_loses_its_connection_and_delays_no_shutdown() {
    let mut server = Server::own(&["http.socket_stall_seconds=1"]);
    let sockets = server.sockets();
    let mut deaf = Live::new(&server);
    deaf.subscribe("a", json!({"filter": {}}));
    let talks = |server: &Server| {
        server.of_kind("talker", &json!({"lines": 2_000}), &json!({}));
    };
    comes("its end", || {
        talks(&server);
        server.get("/api/v1/system").data(200)["subscribers"] == 0
    });
    comes("its descriptor", || server.sockets() <= sockets);

    let mut deaf = Live::new(&server);
    deaf.subscribe("a", json!({"filter": {}}));
    for _ in 0..100 {
        talks(&server);
    }
    let began = Instant::now();
    server.signal("TERM");
    assert_eq!(server.join().code(), Some(0));
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn without_a_token_a_socket_may_say_auth_and_nothing_else() {
    let server = guarded();
    let long = format!("\x01\u{0}{}", "x".repeat(9_000));
    for (what, said) in [
        ("a binary frame", &b"\x82\x80\0\0\0\0"[..]),
        ("a ping", b"\x89\x80\0\0\0\0"),
        ("a pong", b"\x8a\x80\0\0\0\0"),
        (
            "a ping of the contract",
            b"\x81\x8f\0\0\0\0{\"type\":\"ping\"}",
        ),
        ("no JSON", b"\x81\x81\0\0\0\0{"),
    ] {
        let mut live = Live::new(&server);
        bytes(&live).write_all(said).expect("open");
        assert_eq!(live.closed().0, CloseCode::Policy, "{what}");
    }
    let mut live = Live::new(&server);
    live.text(&long);
    assert_eq!(live.closed().0, CloseCode::Size);
    let mut live = Live::new(&server);
    let told = live.closed();
    assert_eq!(told.0, CloseCode::Policy);
    assert!(told.1.contains("in time"), "{told:?}");
    let mut live = Live::new(&server);
    live.say(&json!({"type": "auth", "token": ANNA}));
    live.subscribe("a", json!({"filter": {}}));
}

#[test]
fn who_says_nothing_but_nonsense_is_closed_in_the_end() {
    let server = Server::start();
    let mut live = Live::new(&server);
    for _ in 0..100 {
        live.text("{");
        assert_eq!(live.next()["type"], "error");
    }
    // One that is understood, and all is forgiven.
    live.say(&json!({"type": "ping"}));
    live.of_type("pong");
    for _ in 0..100 {
        live.text("{");
        assert_eq!(live.next()["type"], "error");
    }
    live.text("{");
    assert_eq!(live.closed().0, CloseCode::Policy);
}

/// From a client's close frame to the end of the connection, the quickest of some.
fn quickest(mut close: impl FnMut() -> TcpStream) -> Duration {
    let one = |_| {
        let mut stream = close();
        let began = Instant::now();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("it is closed");
        began.elapsed()
    };
    (0..5).map(one).min().expect("some")
}

#[test]
fn a_close_takes_one_round_trip_whoever_begins() {
    const CLOSE: &[u8] = b"\x88\x82\0\0\0\0\x03\xe8";
    let server = Server::start();
    let own = quickest(|| {
        let live = Live::new(&server);
        let mut stream = bytes(&live);
        stream.write_all(CLOSE).expect("open");
        stream
    });
    let servers = quickest(|| {
        let mut live = Live::new(&server);
        // A text that is no UTF-8.
        bytes(&live)
            .write_all(b"\x81\x81\0\0\0\0\xff")
            .expect("open");
        assert_eq!(live.closed().0, CloseCode::Invalid);
        let mut stream = bytes(&live);
        let _ = stream.write_all(CLOSE);
        stream
    });
    let limit = Duration::from_millis(250);
    assert!(own < limit && servers < limit, "{own:?}, {servers:?}");
}
