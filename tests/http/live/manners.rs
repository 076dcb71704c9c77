//! Clients that misbehave, and how sockets end.

use std::io::Write;
use std::net::TcpStream;

use serde_json::json;
use tungstenite::Message;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{Frame, FrameHeader};

use super::client::{Live, open};
use crate::support::{ANNA, Server, comes, tokens};

#[test]
fn nonsense_is_answered_by_an_error_frame_and_the_socket_stays() {
    let server = Server::start();
    let mut live = Live::new(&server);
    for (text, code) in [
        ("", "BAD_JSON"),
        ("{", "BAD_JSON"),
        ("[]", "BAD_REQUEST"),
        ("[\"ping\"]", "BAD_REQUEST"),
        (
            "{\"type\": \"subscribe\", \"sub\": \"a\", \"filter\": []}",
            "BAD_REQUEST",
        ),
        ("{\"type\": \"dance\"}", "BAD_REQUEST"),
        ("{\"type\": \"ping\", \"colour\": 1}", "BAD_REQUEST"),
        ("{\"type\": \"subscribe\", \"sub\": \"a\"}", "BAD_REQUEST"),
        (
            "{\"type\": \"subscribe\", \"sub\": 7, \"filter\": {}}",
            "BAD_REQUEST",
        ),
        (
            "{\"type\": \"unsubscribe\", \"sub\": \"nobody\"}",
            "SUB_NOT_FOUND",
        ),
    ] {
        live.text(text);
        let frame = live.next();
        assert_eq!(
            (&frame["type"], &frame["data"]["code"]),
            (&json!("error"), &json!(code)),
            "{text}"
        );
        assert!(!frame["data"]["message"].as_str().unwrap_or("").is_empty());
    }
    live.socket
        .send(Message::binary(vec![1, 2, 3]))
        .expect("open");
    assert_eq!(live.next()["data"]["code"], "BAD_JSON");
    live.say(&json!({"type": "ping"}));
    assert_eq!(live.next()["type"], "pong");
}

#[test]
fn an_error_about_a_frame_that_names_a_subscription_names_it_too() {
    let server = Server::start();
    let mut live = Live::new(&server);
    let frame = |rest: serde_json::Value| {
        let mut frame = json!({"type": "subscribe", "sub": "a", "filter": {}});
        for (key, value) in rest.as_object().expect("fields") {
            frame[key] = value.clone();
        }
        frame
    };
    for wrong in [
        frame(json!({"colour": 1})),
        frame(json!({"events": ["metrics"]})),
        frame(json!({"filter": {"colour": 1}})),
        frame(json!({"filter": []})),
        frame(json!({"since": -1})),
        frame(json!({"progress_ms": 1})),
        frame(json!({"type": "dance"})),
        json!({"type": "subscribe", "sub": "a", "operation_id": "op_1"}),
        json!({"type": "unsubscribe", "sub": "a", "colour": 1}),
    ] {
        live.say(&wrong);
        let said = live.next();
        assert_eq!(
            (&said["type"], &said["sub"]),
            (&json!("error"), &json!("a")),
            "{wrong}"
        );
        assert_eq!(said["data"]["code"], "BAD_REQUEST", "{wrong}");
    }
    for unnamed in [
        json!({"type": "dance"}),
        frame(json!({"sub": "x".repeat(65)})),
    ] {
        live.say(&unnamed);
        assert_eq!(live.next().get("sub"), None, "{unnamed}");
    }
}

#[test]
fn a_name_in_use_and_one_subscription_too_many_are_errors() {
    let server = Server::start();
    let mut live = Live::new(&server);
    for number in 0..256 {
        live.subscribe(
            &number.to_string(),
            json!({"filter": {}, "events": ["gap"]}),
        );
    }
    live.say(&json!({"type": "subscribe", "sub": "7", "filter": {}}));
    assert_eq!(live.next_any("error")["data"]["code"], "SUB_IN_USE");
    live.say(&json!({"type": "subscribe", "sub": "more", "filter": {}}));
    assert_eq!(
        live.next_any("error")["data"]["code"],
        "TOO_MANY_SUBSCRIPTIONS"
    );
    assert_eq!(server.get("/api/v1/system").data(200)["subscribers"], 256);
    live.say(&json!({"type": "unsubscribe", "sub": "7"}));
    live.of_type("unsubscribed");
    live.subscribe("more", json!({"filter": {}}));
}

#[test]
fn what_a_client_says_at_once_lets_others_go_in_between() {
    let server = Server::start();
    let mut live = Live::new(&server);
    let frame = |text: &str| {
        // Its mask is nothing but zeros.
        let mut bytes = vec![0x81, 0x80 | u8::try_from(text.len()).expect("a short one")];
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(text.as_bytes());
        bytes
    };
    let mut said = frame(r#"{"type":"subscribe","sub":"a","filter":{}}"#);
    said.extend(frame(r#"{"type":"ping"}"#).repeat(200));
    live.socket.get_mut().write_all(&said).expect("it is open");
    // The subscription is a task of its own, as those of other clients are.
    assert_eq!(live.next()["type"], "subscribed");
}

#[test]
fn all_sockets_together_have_so_many_subscriptions_and_each_has_some() {
    let server = Server::start();
    let ask = |live: &mut Live, many: usize| {
        for number in 0..many {
            let sub = format!("{number}");
            live.say(&json!({"type": "subscribe", "sub": sub, "filter": {}, "events": ["gap"]}));
        }
        let mut stand = 0;
        for _ in 0..many {
            loop {
                let frame = live.next();
                match frame["type"].as_str() {
                    Some("subscribed") => stand += 1,
                    Some("error") => {
                        assert_eq!(frame["data"]["code"], "TOO_MANY_SUBSCRIPTIONS");
                    }
                    _ => continue,
                }
                break;
            }
        }
        stand
    };
    let mut crowd: Vec<_> = (0..17).map(|_| Live::new(&server)).collect();
    let stand: usize = crowd.iter_mut().map(|live| ask(live, 256)).sum();
    assert_eq!(stand, 17 * 8 + 4_096);
    let mut newcomer = Live::new(&server);
    assert_eq!(ask(&mut newcomer, 9), 8, "nobody keeps it out");
    drop(crowd);
    comes("their end", || {
        server.get("/api/v1/system").data(200)["subscribers"] == 8
    });
    newcomer.subscribe("more", json!({"filter": {}}));
}

/// A frame as it is on the wire.
fn raw(opcode: OpCode, is_final: bool, payload: &[u8]) -> Message {
    let header = FrameHeader {
        is_final,
        opcode,
        mask: Some([1, 2, 3, 4]),
        ..FrameHeader::default()
    };
    Message::Frame(Frame::from_payload(header, payload.to_vec().into()))
}

#[test]
fn fragments_are_put_together() {
    let server = Server::start();
    let mut live = Live::new(&server);
    live.socket
        .send(raw(OpCode::Data(Data::Text), false, b"{\"type\":"))
        .expect("open");
    live.socket
        .send(raw(OpCode::Data(Data::Continue), false, b" \"pi"))
        .expect("open");
    live.socket
        .send(raw(OpCode::Data(Data::Continue), true, b"ng\"}"))
        .expect("open");
    assert_eq!(live.next()["type"], "pong");
}

#[test]
fn what_is_too_long_or_no_text_is_closed_with_a_reason() {
    let server = Server::start();
    let long = "x".repeat(70_000);
    let mut live = Live::new(&server);
    live.text(&long);
    assert_eq!(live.closed().0, CloseCode::Size);

    let mut live = Live::new(&server);
    let part = raw(OpCode::Data(Data::Text), false, &[b' '; 40_000]);
    live.socket.send(part).expect("open");
    let _ = live
        .socket
        .send(raw(OpCode::Data(Data::Continue), true, &[b' '; 40_000]));
    assert_eq!(live.closed().0, CloseCode::Size);

    let mut live = Live::new(&server);
    live.socket
        .send(raw(OpCode::Data(Data::Text), true, &[0xff, 0xfe]))
        .expect("open");
    assert_eq!(live.closed().0, CloseCode::Invalid);

    let mut live = Live::new(&server);
    live.socket
        .send(raw(OpCode::Data(Data::Continue), true, b"x"))
        .expect("open");
    assert_eq!(live.closed().0, CloseCode::Protocol);
    server.ended(1, &json!({}));
}

#[test]
fn pings_are_answered_and_a_close_is_echoed() {
    let server = Server::start();
    let mut live = Live::new(&server);
    live.socket
        .send(Message::Ping(vec![7, 8].into()))
        .expect("open");
    assert_eq!(
        live.socket.read().expect("an answer"),
        Message::Pong(vec![7, 8].into())
    );
    live.socket.close(None).expect("open");
    assert!(matches!(live.socket.read(), Ok(Message::Close(_))));
}

#[test]
fn a_client_that_answers_no_ping_is_dropped() {
    let server = Server::set(&["http.socket_ping_seconds=0.2"]);
    let live = Live::new(&server);
    // Read as bytes: nothing here answers the pings.
    let mut stream: TcpStream = live.socket.get_ref().try_clone().expect("a second handle");
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut bytes).expect("it is closed");
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("no answer to the server's pings"), "{text}");
    drop(live);
}

#[test]
fn a_client_that_reads_nothing_delays_nobody_and_is_closed() {
    let server = Server::own(&["http.socket_stall_seconds=1"]);
    let mut slow = Live::new(&server);
    slow.subscribe("a", json!({"filter": {}}));
    let mut quick = Live::new(&server);
    quick.subscribe("a", json!({"filter": {}, "events": ["status"]}));
    // Far more than the kernel's buffers of a connection take.
    for _ in 0..100 {
        let talker = server.of_kind("talker", &json!({"lines": 2_000}), &json!({}));
        loop {
            let frame = quick.of_type("status");
            if frame["operation_id"] == talker.as_str() && frame["data"]["status"] == "completed" {
                break;
            }
        }
    }
    // It is given up while it still reads nothing.
    while server.get("/api/v1/system").data(200)["subscribers"] != 1 {
        std::thread::yield_now();
    }
    let mut seen = 0_u64;
    let close = loop {
        match slow.message() {
            Ok(_) => seen += 1,
            Err(close) => break close,
        }
    };
    assert!(seen > 0);
    // Its last words may not have fitted; the connection is gone all the same.
    if let Some((code, _)) = close {
        assert_eq!(code, CloseCode::Again);
    }
}

#[test]
fn another_origin_is_refused_and_so_is_what_is_no_handshake() {
    let server = Server::start();
    let error = open(&server, &[("origin", "http://evil.example")])
        .err()
        .expect("refused");
    let tungstenite::Error::Http(response) = *error else {
        panic!("an answer: {error}");
    };
    assert_eq!(response.status(), 403);
    let own = format!("http://{}", server.address);
    open(&server, &[("origin", &own)]).expect("its own page may");
    server.get("/api/v1/ws").fails(400, "BAD_REQUEST");
}

#[test]
fn with_tokens_the_first_frame_says_who_calls() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::set(&[&tokens(&folder)]);
    let mut live = Live::new(&server);
    live.say(&json!({"type": "auth", "token": ANNA}));
    live.subscribe("a", json!({"filter": {}}));
    let anna = format!("Bearer {ANNA}");
    let mut header = open(&server, &[("authorization", &anna)]).expect("a socket");
    header.subscribe("a", json!({"filter": {}}));
    assert!(open(&server, &[("authorization", "Bearer wrong")]).is_err());
    for frame in [
        json!({"type": "auth", "token": "wrong"}),
        json!({"type": "subscribe", "sub": "a", "filter": {}}),
    ] {
        let mut live = Live::new(&server);
        live.say(&frame);
        assert_eq!(live.closed().0, CloseCode::Policy);
    }
}

#[test]
fn a_shutdown_closes_sockets_with_a_reason_and_is_quick() {
    let mut server = Server::start();
    let mut live = Live::new(&server);
    live.subscribe("a", json!({"filter": {}}));
    let began = std::time::Instant::now();
    server.signal("TERM");
    let closing = live.of_type("closing");
    assert!(
        closing["data"]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("shutting down"))
    );
    assert_eq!(live.closed().0, CloseCode::Away);
    assert_eq!(server.join().code(), Some(0));
    assert!(
        began.elapsed() < std::time::Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_flood_of_subscriptions_is_answered_to_the_last() {
    let server = Server::start();
    let ended = server.ended(1, &json!({}));
    let mut live = Live::new(&server);
    for _ in 0..500 {
        live.say(&json!({"type": "subscribe", "sub": "a", "operation_id": ended}));
        live.say(&json!({"type": "unsubscribe", "sub": "a"}));
    }
    live.say(&json!({"type": "ping"}));
    let mut told = 0;
    loop {
        let frame = live.next();
        match frame["type"].as_str() {
            Some("unsubscribed") => told += 1,
            Some("pong") => break,
            _ => {}
        }
    }
    assert_eq!(told, 500);
    assert_eq!(server.read(&ended, "").status, 200);
}
