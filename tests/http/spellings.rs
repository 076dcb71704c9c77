//! One route has one spelling: whatever a path looks like to the guards, the router sees the same.
//! Sockets and what needs a token are asked for under thousands of spellings, as a web page could.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{ANNA, Server, tokens};

/// Paths that lead somewhere, and whether they need a token.
const PATHS: &[(&str, bool)] = &[
    ("/", false),
    ("/healthz", false),
    ("/readyz", false),
    ("/console", false),
    ("/console/", false),
    ("/console/index.html", false),
    ("/metrics", true),
    ("/openapi.json", true),
    ("/api/v1/ws", true),
    ("/api/v1/kinds", true),
    ("/api/v1/system", true),
    ("/api/v1/operations", true),
    ("/api/v1/operations/op_0000000000001", true),
    ("/api/v1/operations/op_0000000000001/events", true),
    ("/api/v1/data", true),
    ("/api/v1/data/GOOG/1d", true),
    ("/api/v1/data/imports", true),
    ("/api/v1/data/imports/a.csv", true),
    ("/api/v1/data/BTC~USDT/1h", true),
    ("/api/v1/data/%5EGSPC/1d", true),
    ("/api/v1/dummy/start", true),
];

/// What makes a request a socket's handshake.
const HANDSHAKE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// One connection, on which one request follows the other.
struct Wire<'a> {
    server: &'a Server,
    open: Option<BufReader<TcpStream>>,
}

impl<'a> Wire<'a> {
    fn new(server: &'a Server) -> Self {
        Self { server, open: None }
    }

    /// The status of a request with these headers; a new connection is made where the last one was
    /// closed.
    fn ask(&mut self, method: &str, target: &str, headers: &str) -> u16 {
        let mut wire = self.open.take().unwrap_or_else(|| {
            let stream = TcpStream::connect(&self.server.address).expect("it listens");
            let patience = Some(Duration::from_secs(30));
            stream.set_read_timeout(patience).expect("a timeout");
            BufReader::new(stream)
        });
        let request = format!("{method} {target} HTTP/1.1\r\n{headers}\r\n");
        let sent = wire.get_mut().write_all(request.as_bytes());
        sent.expect("it reads");
        let (status, length, stays) = head(&mut wire);
        let mut body = vec![0; if method == "HEAD" { 0 } else { length }];
        wire.read_exact(&mut body).expect("the body");
        if stays {
            self.open = Some(wire);
        }
        status
    }
}

/// Status, length of the body, and whether the connection stays.
fn head(wire: &mut BufReader<TcpStream>) -> (u16, usize, bool) {
    let mut line = String::new();
    wire.read_line(&mut line).expect("a status line");
    let status = line.split(' ').nth(1).and_then(|text| text.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status in {line:?}"));
    let (mut length, mut stays) = (0, status != 101);
    loop {
        let mut line = String::new();
        wire.read_line(&mut line).expect("a header");
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().expect("a number");
        }
        stays &= line != "connection: close";
        if line.is_empty() {
            return (status, length, stays);
        }
    }
}

/// Another spelling of a path: some of its characters encoded, once or twice, or things put in
/// between that some router somewhere takes away.
fn spelled(path: &str, chance: &mut fastrand::Rng) -> String {
    const BETWEEN: &[&str] = &[
        "/",
        "/.",
        "/..",
        "/../",
        ";",
        ";a=b",
        "%00",
        "%20",
        "%2f",
        "%2e%2e/",
        "/%2e",
        "%",
        "%2",
        "%zz",
        "%c0%af",
        "\\",
        "/console/..",
        "?a=/healthz",
    ];
    let mut text = String::new();
    for one in path.chars() {
        let code = u32::from(one);
        match chance.u8(0..40) {
            0..4 => text.push_str(&format!("%{code:02x}")),
            4 => text.push_str(&format!("%{code:02X}")),
            5 => text.push_str(&format!("%25{code:02x}")),
            6 => {
                text.push_str(BETWEEN[chance.usize(..BETWEEN.len())]);
                text.push(one);
            }
            7 => text.push(one.to_ascii_uppercase()),
            8 => {}
            _ => text.push(one),
        }
    }
    if chance.u8(0..8) == 0 {
        text.push_str(BETWEEN[chance.usize(..BETWEEN.len())]);
    }
    // What follows the request's method is a path, or it is no request.
    if text.starts_with('/') {
        text
    } else {
        format!("/{text}")
    }
}

fn spellings() -> Vec<String> {
    let mut chance = fastrand::Rng::with_seed(16);
    let each = (0..250).flat_map(|_| PATHS);
    each.map(|(path, _)| spelled(path, &mut chance)).collect()
}

/// The path of a target, as it was sent.
fn path(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

#[test]
fn a_foreign_page_gets_no_socket_under_any_spelling() {
    let server = Server::start();
    let mut wire = Wire::new(&server);
    let foreign = format!(
        "Host: {}\r\nOrigin: http://evil.example\r\n{HANDSHAKE}",
        server.address
    );
    let own = foreign.replace("http://evil.example", &format!("http://{}", server.address));
    for plain in [
        "/api/v1/ws",
        "/api/v1/w%73",
        "/%61pi/v1/ws",
        "/api/v1/ws?a=b",
    ] {
        assert_eq!(wire.ask("GET", plain, &foreign), 403, "{plain}");
    }
    assert_eq!(wire.ask("GET", "/api/v1/w%73", &own), 404);
    assert_eq!(wire.ask("GET", "/api/v1/ws", &own), 101);
    for target in spellings() {
        let status = wire.ask("GET", &target, &foreign);
        assert!(matches!(status, 400 | 403), "{target}: {status}");
    }
}

#[test]
fn a_handshake_is_checked_however_it_is_written() {
    let server = Server::start();
    // After what asks to upgrade the server may close, so each has a connection of its own.
    let ask =
        |method: &str, target: &str, headers: &str| Wire::new(&server).ask(method, target, headers);
    let host = format!("Host: {}\r\n", server.address);
    let (evil, own) = (
        "Origin: http://evil.example\r\n",
        format!("Origin: http://{}\r\n", server.address),
    );
    for headers in [
        format!("{host}{evil}{}", HANDSHAKE.to_ascii_uppercase()),
        format!(
            "{host}{evil}{}",
            HANDSHAKE.replace("Connection: Upgrade", "Connection: keep-alive, uPgRaDe")
        ),
        format!(
            "{host}{evil}{}",
            HANDSHAKE.replace("Connection: Upgrade\r\n", "")
        ),
        format!(
            "{host}{evil}{}",
            HANDSHAKE.replace("Upgrade: websocket\r\n", "")
        ),
        format!("{host}{evil}{own}{HANDSHAKE}"),
        format!("{host}{own}{evil}{HANDSHAKE}"),
        format!(
            "{host}{own}Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n{HANDSHAKE}"
        ),
        format!("{host}Host: evil.example\r\n{own}{HANDSHAKE}"),
        format!("Host: evil.example\r\n{host}{own}{HANDSHAKE}"),
        format!("Host: evil.example\r\nOrigin: http://evil.example\r\n{HANDSHAKE}"),
    ] {
        let status = ask("GET", "/api/v1/ws", &headers);
        assert!(matches!(status, 400 | 403), "{headers}: {status}");
    }
    // A target that names a host of its own: that host counts, and not the header.
    let whole = format!("http://{}/api/v1/ws", server.address);
    for (target, headers, wanted) in [
        ("http://evil.example/api/v1/ws", format!("{host}{own}"), 403),
        (&whole, format!("{host}{evil}"), 403),
        (&whole, format!("{host}{own}"), 101),
    ] {
        let status = ask("GET", target, &format!("{headers}{HANDSHAKE}"));
        assert_eq!(status, wanted, "{target} {headers}");
    }
    for method in ["HEAD", "POST", "OPTIONS"] {
        let status = ask(method, "/api/v1/ws", &format!("{host}{evil}{HANDSHAKE}"));
        assert!((400..500).contains(&status), "{method}: {status}");
    }
    // A client that is no page names no origin, and one that would like HTTP/2 is answered.
    assert_eq!(ask("GET", "/api/v1/ws", &format!("{host}{HANDSHAKE}")), 101);
    let upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n";
    assert_eq!(ask("GET", "/healthz", &format!("{host}{upgrade}")), 200);
}

#[test]
fn without_a_token_only_what_is_open_is_answered_under_any_spelling() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::set(&[&tokens(&folder)]);
    let mut wire = Wire::new(&server);
    let host = format!("Host: {}\r\n", server.address);
    let anna = format!("{host}Authorization: Bearer {ANNA}\r\n");
    for (path, needs_token) in PATHS {
        let refused = wire.ask("GET", path, &host) == 401;
        // A socket may send its token as its first frame.
        assert_eq!(refused, *needs_token && !path.ends_with("/ws"), "{path}");
    }
    for target in spellings() {
        let path = path(&target);
        // The whole rule, written here once more.
        let is_open = matches!(
            path,
            "/" | "/healthz" | "/readyz" | "/console" | "/api/v1/ws"
        ) || path.starts_with("/console/");
        let status = wire.ask("GET", &target, &host);
        let fits = match status {
            401 => !is_open,
            // A file of the console, where it leads, a probe, or none of them.
            200 | 307 => is_open && path != "/api/v1/ws",
            400 | 404 => true,
            _ => false,
        };
        assert!(fits, "{target}: {status}");
        // With a token: what is spelled otherwise in a fixed part is no route at all.
        let status = wire.ask("GET", &target, &anna);
        let fixed = path.split('/').take(4).any(|part| part.contains('%'));
        if fixed && !path.starts_with("/console/") {
            assert!(matches!(status, 400 | 404), "{target}: {status}");
        }
    }
}

#[test]
fn a_symbol_may_be_percent_encoded_where_a_path_takes_one() {
    let server = Server::start();
    let reply = server.send("GET", "/api/v1/data/%5EGSPC/1d", &[], None);
    reply.fails(404, "DATA_NOT_FOUND");
    let message = reply.message();
    assert!(message.contains("^GSPC"), "{message}");
    // What a part decodes to leads to no other route, and out of no folder.
    for path in [
        "..%2F..%2Fsystem/1d",
        "%2e%2e~kinds/1d",
        "~/1d",
        "a~load/1d",
    ] {
        server
            .get(&format!("/api/v1/data/{path}"))
            .fails(404, "DATA_NOT_FOUND");
    }
    server
        .get("/api/v1/dat%61/%5EGSPC/1d")
        .fails(404, "ROUTE_NOT_FOUND");
}
