//! Clients that keep connections and give little: each may keep the server waiting for so long, there
//! are fewer of them than files may be open, and a newcomer is served whatever they do.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;
use tungstenite::Error;

use crate::live::client::open;
use crate::own::Gate;
use crate::support::{BARS, DUMMY, LONG, OPERATIONS, Server, comes, id, import};

/// No deadline comes within a test: what ends a connection then is that its place is needed.
const PATIENT: [&str; 3] = [
    "http.head_seconds=3600",
    "http.body_idle_seconds=3600",
    "http.write_stall_seconds=3600",
];
/// More than fit beside a server that may have 256 files open.
const CROWD: usize = 220;
const HEALTHZ: &str = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(&server.address).expect("it listens");
    stream.set_read_timeout(Some(LONG)).expect("a timeout");
    stream.set_write_timeout(Some(LONG)).expect("a timeout");
    stream
}

/// One that has said this. The server may have ended it by then.
fn saying(server: &Server, text: &str) -> TcpStream {
    let mut stream = connect(server);
    let _ = stream.write_all(text.as_bytes());
    stream
}

fn crowd(server: &Server, text: &str) -> Vec<TcpStream> {
    (0..CROWD).map(|_| saying(server, text)).collect()
}

fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Reads up to the end of an answer that has this in its last bytes.
fn answer(stream: &mut TcpStream, last: &str) -> String {
    let (mut text, mut bytes) = (String::new(), [0; 4_096]);
    while !text.ends_with(last) {
        let read = stream.read(&mut bytes).expect("an answer");
        assert!(read > 0, "it was closed after \"{text}\"");
        text.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    text
}

/// Waits until the server has closed a connection.
fn ended(stream: &mut TcpStream) {
    let mut bytes = [0; 4_096];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                assert_ne!(error.kind(), ErrorKind::WouldBlock, "it is still open");
                return;
            }
        }
    }
}

#[test]
fn a_newcomer_is_served_whatever_a_crowd_keeps_open() {
    let wait = post(&format!("{DUMMY}?wait=300"), r#"{"step_ms":3600000}"#);
    let drips = format!("{HEALTHZ}GET /healthz HTTP/1.1\r\nHos");
    let body = post(DUMMY, "{}").replace("Length: 2", "Length: 100");
    let unread = "GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(4);
    for (what, text) in [
        ("nothing", String::new()),
        ("second heads", drips),
        ("bodies", body),
        ("answers", unread),
        ("waits", wait),
    ] {
        let server = Server::limited(256, &PATIENT);
        let mut crowd = crowd(&server, &text);
        for round in 0..3 {
            assert_eq!(server.get("/healthz").status, 200, "{what}, {round}");
            for one in &mut crowd {
                let _ = one.write_all(b"t");
            }
        }
        assert!(server.files() < 256, "{what}: {}", server.files());
    }
}

#[test]
fn a_body_that_cannot_be_taken_is_refused_before_it_is_sent() {
    let server = Server::start();
    let whole = post(DUMMY, "{}").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let coded = whole.replace("\r\nHost", "\r\nContent-Encoding: gzip\r\nHost");
    let text = server.raw(coded.as_bytes());
    assert!(text.starts_with("HTTP/1.1 415"), "{text}");
    assert!(text.contains("Content-Encoding: gzip"), "{text}");
    let plain = whole.replace("\r\nHost", "\r\nContent-Encoding: identity\r\nHost");
    let text = server.raw(plain.as_bytes());
    assert!(text.starts_with("HTTP/1.1 202"), "{text}");

    let asking = whole.replace("\r\nHost", "\r\nExpect: 100-continue\r\nHost");
    let text = server.raw(asking.as_bytes());
    assert!(text.starts_with("HTTP/1.1 100"), "{text}");
    assert!(text.contains("HTTP/1.1 202"), "{text}");
    let long = post(DUMMY, "").replace("Length: 0", "Length: 2000000");
    let long = long.replace("\r\nHost", "\r\nExpect: 100-continue\r\nHost");
    let text = server.raw(long.as_bytes());
    assert!(text.starts_with("HTTP/1.1 413"), "{text}");
    assert!(text.contains("BODY_TOO_LARGE"), "{text}");
}

#[test]
fn what_does_not_upgrade_says_that_it_closes() {
    let server = Server::start();
    for (path, origin, status) in [
        ("/healthz", "", 200),
        ("/healthz", "Origin: http://evil.example\r\n", 403),
        ("/api/v1/nothing", "", 404),
    ] {
        let asked = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{origin}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
        );
        let text = server.raw(asked.as_bytes()).to_ascii_lowercase();
        assert!(text.starts_with(&format!("http/1.1 {status}")), "{text}");
        assert!(text.contains("\r\nconnection: close\r\n"), "{text}");
    }
}

#[test]
fn each_head_has_a_deadline_however_it_drips() {
    let server = Server::set(&["http.head_seconds=0.3"]);
    let mut silent = connect(&server);
    ended(&mut silent);
    for text in [HEALTHZ, ""] {
        let mut dripping = saying(&server, text);
        if !text.is_empty() {
            answer(&mut dripping, "}}");
        }
        let tick = Some(Duration::from_millis(20));
        dripping.set_read_timeout(tick).expect("a timeout");
        comes("its end", || {
            let said = dripping.write_all(b"x");
            said.is_err()
                || !matches!(dripping.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
        });
    }
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn a_body_may_be_slow_but_not_silent() {
    let server = Server::set(&["http.body_idle_seconds=1.5"]);
    let silent = post(DUMMY, "{").replace("Length: 1", "Length: 100");
    ended(&mut saying(&server, &silent));

    let body = format!("{{\"iterations\": 0{}}}", " ".repeat(40));
    let whole = post(DUMMY, &body);
    let (now, later) = whole.split_at(whole.len() - 40);
    let mut slow = saying(&server, now);
    let began = Instant::now();
    let pause = Duration::from_millis(60);
    let (later, last) = later.split_at(later.len() - 1);
    for byte in later.bytes() {
        slow.write_all(&[byte]).expect("it is open");
        // Each pause is within the limit, and all of them are far beyond it.
        slow.set_read_timeout(Some(pause)).expect("a timeout");
        let nothing = slow.read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(nothing, Err(ErrorKind::WouldBlock));
    }
    assert!(began.elapsed() > Duration::from_secs(2));
    slow.write_all(last.as_bytes()).expect("it is open");
    slow.set_read_timeout(Some(LONG)).expect("a timeout");
    let text = answer(&mut slow, "}}");
    assert!(text.starts_with("HTTP/1.1 202"), "{text}");
}

#[test]
fn who_takes_nothing_of_an_answer_is_closed() {
    let server = Server::set(&["http.write_stall_seconds=0.5"]);
    let before = server.sockets();
    let mut deaf = connect(&server);
    let ask = "GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    // Far more than the kernel's buffers take.
    comes("its end", || {
        deaf.write_all(ask.repeat(10).as_bytes()).is_err()
    });
    comes("its descriptor", || server.sockets() <= before);
}

#[test]
fn a_wait_ends_when_its_client_is_gone() {
    let server = Server::set(&["lanes.default.concurrency=1"]);
    let sleeper = server.sleeper();
    let before = server.sockets();
    let seq = server.view(&sleeper)["seq"].clone();
    let waits = [
        post(&format!("{DUMMY}?wait=300"), r#"{"step_ms":3600000}"#),
        post(&format!("{OPERATIONS}/{sleeper}/resume?wait=300"), ""),
        format!(
            "GET {OPERATIONS}/{sleeper}/events?since={seq}&wait=30 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        ),
    ];
    for text in &waits {
        let gone: Vec<_> = (0..20).map(|_| saying(&server, text)).collect();
        drop(gone);
        comes("the end of their waits", || server.sockets() <= before);
    }
    // What was sent on ahead hides that a client has left, unless it is looked for: it is more than is read
    // ahead, and fits into the kernel beside that, behind which the end would not come.
    let ahead = format!("{}{}", waits[0], HEALTHZ.repeat(2_000));
    drop(saying(&server, &ahead));
    comes("the end of its wait", || server.sockets() <= before);
}

#[test]
fn who_sends_nothing_more_is_answered_with_what_has_come() {
    let server = Server::start();
    for (path, status) in [
        (format!("{DUMMY}?wait=300"), 202),
        (DUMMY.to_owned(), 202),
        (format!("{OPERATIONS}?limit=3"), 400),
    ] {
        let mut half = saying(&server, &post(&path, r#"{"step_ms":3600000}"#));
        half.shutdown(Shutdown::Write).expect("it is open");
        let mut text = String::new();
        half.read_to_string(&mut text).expect("an answer");
        assert!(
            text.starts_with(&format!("HTTP/1.1 {status}")),
            "{path}: {text}"
        );
    }
}

#[test]
fn a_load_goes_through_while_a_crowd_takes_every_descriptor() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let set = import(&folder, &[("GOOG_1d.csv", BARS)]);
    let server = Server::limited(128, &[&[set.as_str()], &PATIENT[..]].concat());
    let _crowd = crowd(&server, "GET /healthz HTTP/1.1\r\nHos");
    for _ in 0..3 {
        let body = json!({"symbol": "GOOG", "timeframe": "1d"});
        let reply = server.post("/api/v1/data/load?wait=60", &body);
        assert_eq!(reply.data(200)["status"], "completed", "{reply:?}");
    }
    assert!(server.files() < 128, "{}", server.files());
}

#[test]
fn a_load_waits_for_a_descriptor_and_does_not_blame_its_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let set = import(&folder, &[("GOOG_1d.csv", BARS)]);
    let server = Server::own_limited(128, &[&set, "http.head_seconds=3600"]);
    // From here on the server can open nothing, connections included.
    let mut ours = [connect(&server), connect(&server)];
    for one in &mut ours {
        one.write_all(HEALTHZ.as_bytes()).expect("it is open");
        answer(one, "}}");
    }
    let [mut starts, mut looks] = ours;
    let gate = Gate::new();
    let hoard = json!({"kind": "hoarder", "params": gate.params()});
    let mut start = |path: &str, body: &str| {
        starts
            .write_all(post(path, body).as_bytes())
            .expect("it is open");
        answer(&mut starts, "}}")
    };
    start(OPERATIONS, &hoard.to_string());
    let held = gate.held();
    let list =
        format!("GET {OPERATIONS}?kind=KIND&status=STATUS HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let mut is = |kind: &str, status: &str| {
        let list = list.replace("KIND", kind).replace("STATUS", status);
        looks.write_all(list.as_bytes()).expect("it is open");
        answer(&mut looks, "}}").contains("\"total_count\":1")
    };
    comes("the hoard", || server.files() >= 128);
    start("/api/v1/data/load", r#"{"symbol":"GOOG","timeframe":"1d"}"#);
    comes("its run", || is("data_load", "running"));
    drop(held);
    comes("its end", || is("data_load", "completed"));
    let text = start(
        &format!("{OPERATIONS}/prune"),
        r#"{"older_than_seconds":0,"dry_run":true}"#,
    );
    assert!(text.contains("\"pruned\":2"), "{text}");
}

/// A client as a proxy names it.
fn client(address: &str) -> [(&str, &str); 1] {
    [("x-forwarded-for", address)]
}

#[test]
fn behind_a_trusted_proxy_each_client_has_its_own_places() {
    let server = Server::set(&[
        "http.trusted_proxies=[\"127.0.0.1\"]",
        "http.connections_per_peer=2",
        "lanes.default.concurrency=1",
    ]);
    server.sleeper();
    let wait = post(&format!("{DUMMY}?wait=300"), r#"{"step_ms":3600000}"#);
    let wait = wait.replace("Host:", "X-Forwarded-For: 10.0.0.1, 192.0.2.7\r\nHost:");
    let waiting = saying(&server, &wait);
    comes("its start", || {
        server.get(OPERATIONS).data(200)["total_count"] == 2
    });
    let socket = open(&server, &client("192.0.2.7")).expect("a second place");

    let full = server.send("GET", "/healthz", &client("192.0.2.7"), None);
    full.fails(429, "TOO_MANY_CONNECTIONS");
    assert_eq!(full.header("retry-after"), "1");
    let Err(refused) = open(&server, &client("192.0.2.7")) else {
        panic!("a third place");
    };
    assert!(matches!(*refused, Error::Http(answer) if answer.status() == 429));
    for other in ["192.0.2.8", "192.0.2.7, 192.0.2.8", "127.0.0.1"] {
        let reply = server.send("GET", "/healthz", &client(other), None);
        assert_eq!(reply.status, 200, "{other}");
    }
    assert_eq!(server.get("/healthz").status, 200, "the proxy itself");

    drop((waiting, socket));
    comes("their places", || {
        server
            .fetch("GET", "/healthz", &client("192.0.2.7"), None)
            .status
            == 200
    });
}

#[test]
fn sockets_leave_room_for_requests() {
    let server = Server::limited(256, &PATIENT);
    let mut sockets = Vec::new();
    let refused = loop {
        match open(&server, &[]) {
            Ok(socket) => sockets.push(socket),
            Err(refused) => break refused,
        }
        assert!(sockets.len() < 256, "there is an end");
    };
    assert!(matches!(*refused, Error::Http(answer) if answer.status() == 429));
    assert_eq!(server.get("/healthz").status, 200);
    let ended = server.ended(1, &json!({}));
    sockets.remove(0);
    comes("a place", || open(&server, &[]).is_ok());
    assert_eq!(id(&server.view(&ended)), ended);
}

#[test]
fn a_shutdown_waits_for_nobody_who_gives_nothing() {
    let mut server = Server::set(&PATIENT);
    let texts = [
        String::new(),
        "GET /healthz HTTP/1.1\r\nHos".to_owned(),
        format!("{HEALTHZ}GET"),
        post(DUMMY, "{").replace("Length: 1", "Length: 100"),
        "GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(16),
    ];
    let mut kept: Vec<_> = texts.iter().map(|text| saying(&server, text)).collect();
    answer(&mut kept[2], "}}");
    let began = Instant::now();
    server.signal("TERM");
    assert_eq!(server.join().code(), Some(0));
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn large_answers_that_nobody_takes_have_a_bound_for_all_of_them() {
    let server = Server::own(&["store.engine=memory", PATIENT[2]]);
    // More than the kernel takes; with one of them less than twice that is left.
    let results = |bytes: u64| {
        let id = server.of_kind("talker", &json!({"output": bytes}), &json!({}));
        server.until(&id, "completed");
        format!("{OPERATIONS}/{id}/results")
    };
    let (path, shorter) = (results(24 << 20), results(8 << 20));
    let ask = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let begins = || {
        let (mut deaf, mut first) = (saying(&server, &ask), [0; 12]);
        deaf.read_exact(&mut first).expect("an answer");
        (first == *b"HTTP/1.1 200").then_some(deaf)
    };
    let deaf = begins().expect("an answer");
    let refused = server.get(&path);
    refused.fails(503, "BUSY");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(server.get(&shorter).status, 200, "there is room for it");
    server.ended(1, &json!({}));
    drop(deaf);
    comes("room for it", || begins().is_some());
}

#[test]
fn large_bodies_that_do_not_end_have_a_bound_for_all_of_them() {
    let server = Server::limited(1_024, &PATIENT);
    let body = format!("{{\"iterations\": 0{}}}", " ".repeat(1_000_000));
    let whole = post(DUMMY, &body);
    let headers = [("content-type", "application/json")];
    let send = |body: &str| server.send("POST", DUMMY, &headers, Some(body.as_bytes()));
    let short = format!("{{\"iterations\": 0{}}}", " ".repeat(200_000));
    // Each holds nearly a megabyte. They come one after the other: where many are read at once, many are
    // refused at once.
    let mut crowd = Vec::new();
    comes("its refusal", || {
        let mut one = connect(&server);
        let _ = one.write_all(&whole.as_bytes()[..whole.len() - 1]);
        crowd.push(one);
        send(&body).status == 503
    });
    assert!(crowd.len() >= 64, "{} are too few", crowd.len());
    send(&body).fails(503, "BUSY");
    send(&short).data(202);
    server.ended(1, &json!({}));
    drop(crowd);
    comes("room for it", || send(&body).status == 202);
}
