//! Who may call, and what there is to be called.

use serde_json::json;

use crate::support::{ANNA, BEN, DUMMY, OPERATIONS, Server, id, tokens};

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn other_hosts_are_not_answered() {
    let server = Server::set(&["http.allowed_hosts=[\"desk.example\"]"]);
    for (host, status) in [
        ("evil.example", 403),
        ("desk.example:80", 200),
        ("localhost", 200),
        ("[::1]:9", 200),
    ] {
        let reply = server.send("GET", "/api/v1/kinds", &[("host", host)], None);
        assert_eq!(reply.status, status, "{host}");
        if status == 403 {
            reply.fails(403, "FORBIDDEN_HOST");
        }
    }
    let answer = server.raw(b"GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 403") || answer.starts_with("HTTP/1.1 400"),
        "{answer}"
    );
}

#[test]
fn foreign_pages_change_nothing_and_get_no_cors_headers() {
    let server = Server::set(&["http.allowed_origins=[\"https://desk.example\"]"]);
    let own = format!("http://{}", server.address);
    let body = br#"{"iterations": 0}"#;
    for (header, value, status) in [
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("origin", own.as_str(), 202),
        ("origin", "https://desk.example", 202),
        ("sec-fetch-site", "same-origin", 202),
    ] {
        let reply = server.send("POST", DUMMY, &[JSON, (header, value)], Some(body));
        assert_eq!(reply.status, status, "{header}: {value}: {reply:?}");
        assert!(
            reply
                .headers
                .keys()
                .all(|name| !name.as_str().starts_with("access-control"))
        );
        if status == 403 {
            reply.fails(403, "FORBIDDEN_ORIGIN");
        }
    }
    let one = server.sleeper();
    let foreign = [("origin", "https://evil.example")];
    server
        .send(
            "POST",
            &format!("{OPERATIONS}/{one}/cancel"),
            &foreign,
            None,
        )
        .fails(403, "FORBIDDEN_ORIGIN");
    server
        .send("DELETE", &format!("{OPERATIONS}/{one}"), &foreign, None)
        .fails(403, "FORBIDDEN_ORIGIN");
    assert_eq!(server.view(&one)["status"], "running");
}

#[test]
fn with_a_token_file_every_caller_has_a_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::set(&[&tokens(&folder)]);
    let (anna, ben) = (format!("Basic {ANNA}"), format!("Bearer {BEN}"));
    for header in [
        None,
        Some("Bearer wrong"),
        Some(&ben[..ben.len() - 1]),
        Some(&anna),
        Some("Bearer"),
    ] {
        let headers: Vec<_> = header
            .map(|value| ("authorization", value))
            .into_iter()
            .collect();
        for path in [OPERATIONS, "/api/v1/system", "/nowhere"] {
            let reply = server.send("GET", path, &headers, None);
            reply.fails(401, "UNAUTHENTICATED");
            assert_eq!(reply.header("www-authenticate"), "Bearer");
        }
    }
    let headers = [
        JSON,
        ("authorization", ben.as_str()),
        ("x-client", "somebody else"),
    ];
    let one = id(server
        .send("POST", DUMMY, &headers, Some(b"{\"iterations\": 0}"))
        .data(202));
    let view = server.send("GET", &format!("{OPERATIONS}/{one}"), &headers[1..2], None);
    assert_eq!(view.data(200)["requested_by"], "ben");
    server.get("/healthz").data(200);
    server.get("/readyz").data(200);
}

#[test]
fn what_there_is_not_is_told_in_the_envelope() {
    let server = Server::start();
    for path in [
        "/nothing",
        "/api",
        "/api/v1",
        "/api/v1/operation",
        "/api/v1/operations/",
        "/api/v2/kinds",
        "/healthz/",
    ] {
        server.get(path).fails(404, "ROUTE_NOT_FOUND");
    }
}

#[test]
fn head_is_get_without_the_body() {
    let server = Server::start();
    for path in ["/healthz", "/api/v1/kinds", OPERATIONS] {
        let reply = server.send("HEAD", path, &[], None);
        assert_eq!((reply.status, reply.body.is_null()), (200, true), "{path}");
        assert_eq!(reply.header("content-type"), "application/json");
    }
}

#[test]
fn what_is_no_http_at_all_harms_nobody() {
    let server = Server::start();
    for bytes in [
        &b"nonsense\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/v1/dummy/start HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
    ] {
        let answer = server.raw(bytes);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    // A body that breaks off starts nothing.
    let half = b"POST /api/v1/dummy/start HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{\"iterations\"";
    let mut socket = std::net::TcpStream::connect(&server.address).expect("it listens");
    std::io::Write::write_all(&mut socket, half).expect("it reads");
    drop(socket);
    assert_eq!(server.get(OPERATIONS).data(200)["total_count"], 0);
    server
        .post(
            &format!("{DUMMY}?wait=30"),
            &json!({"iterations": 1, "step_ms": 0}),
        )
        .data(200);
}
