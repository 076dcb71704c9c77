//! The server behind a real reverse proxy that serves it below a path of its own.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::live::client::open_at;
use crate::support::{Server, id};

/// Where the proxy serves it.
const PREFIX: &str = "/tools/impresario";

/// An nginx; it ends when this is dropped.
struct Proxy {
    child: Child,
    address: String,
    _folder: TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As docs/API.md shows it, in one process that stays where it is.
fn configuration(folder: &TempDir, address: &str, server: &str) -> String {
    let folder = folder.path().display();
    format!(
        r#"
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/errors;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    server {{
        listen {address};
        location {PREFIX}/ {{
            proxy_pass http://{server}/;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"#
    )
}

/// A proxy before a server; `None` where there is no nginx.
fn proxy(server: &Server) -> Option<Proxy> {
    let has = Command::new("nginx")
        .arg("-v")
        .stderr(Stdio::null())
        .status();
    if !has.is_ok_and(|status| status.success()) {
        assert!(
            std::env::var_os("CI").is_none(),
            "nginx is missing; apt-get install nginx-light"
        );
        not_tested();
        return None;
    }
    loop {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // The port is free again when nginx asks for it; another one is tried where it is not.
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("it has an address").to_string();
        drop(free);
        let file = folder.path().join("nginx.conf");
        let text = configuration(&folder, &address, &server.address);
        std::fs::write(&file, text).expect("writable");
        let child = Command::new("nginx")
            .arg("-c")
            .arg(&file)
            .stderr(Stdio::null())
            .spawn();
        let mut proxy = Proxy {
            child: child.expect("nginx starts"),
            address,
            _folder: folder,
        };
        while proxy.child.try_wait().expect("a child").is_none() {
            if TcpStream::connect(&proxy.address).is_ok() {
                return Some(proxy);
            }
            std::thread::yield_now();
        }
    }
}

#[expect(clippy::print_stderr, reason = "who runs the tests must see it")]
fn not_tested() {
    eprintln!("NOT TESTED: nginx is missing; apt-get install nginx-light");
}

/// Where a redirect leads from a path, as a browser works it out.
fn followed(from: &str, location: &str) -> String {
    let (folder, _) = from.rsplit_once('/').expect("a path");
    match location.strip_prefix('/') {
        Some(_) => location.to_owned(),
        None => format!("{folder}/{location}"),
    }
}

#[test]
fn the_console_is_found_below_a_path_of_the_proxys() {
    let server = Server::start();
    let Some(proxy) = proxy(&server) else { return };
    let get = |path: &str| server.fetch_at(&proxy.address, "GET", path, &[], None);
    for entrance in ["/", "/console"] {
        let from = format!("{PREFIX}{entrance}");
        let reply = get(&from);
        assert_eq!(reply.status, 307, "{entrance}");
        let page = followed(&from, reply.header("location"));
        assert_eq!(page, format!("{PREFIX}/console/"), "{entrance}");
        let reply = get(&page);
        assert_eq!(reply.status, 200);
        assert!(
            reply
                .header("content-security-policy")
                .contains("default-src 'none'")
        );
        let text = reply.body.as_str().expect("a page").to_owned();
        let named = text
            .split(['"', '\''])
            .filter(|word| word.contains("assets/"));
        for name in named {
            assert!(
                name.starts_with("./"),
                "{name} leads out of the proxy's path"
            );
            assert_eq!(get(&followed(&page, &name[2..])).status, 200, "{name}");
        }
    }
    assert_eq!(
        get("/console/").status,
        404,
        "outside of the path is not this server"
    );
}

#[test]
fn the_api_and_its_guards_work_through_a_proxy() {
    let server = Server::start();
    let Some(proxy) = proxy(&server) else { return };
    let start = format!("{PREFIX}/api/v1/dummy/start?wait=60");
    let body = json!({"iterations": 1, "step_ms": 0}).to_string();
    let own = format!("http://{}", proxy.address);
    for (origin, host, status, code) in [
        (own.as_str(), proxy.address.as_str(), 200, ""),
        (
            "http://evil.example",
            &proxy.address,
            403,
            "FORBIDDEN_ORIGIN",
        ),
        (
            "https://desk.example",
            "desk.example",
            403,
            "FORBIDDEN_HOST",
        ),
    ] {
        let json = ("content-type", "application/json");
        let headers = [json, ("origin", origin), ("host", host)];
        let reply = server.fetch_at(
            &proxy.address,
            "POST",
            &start,
            &headers,
            Some(body.as_bytes()),
        );
        assert_eq!(
            (reply.status, reply.code()),
            (status, code),
            "{origin} {reply:?}"
        );
    }
    let encoded = format!("{PREFIX}/api/v1/w%73");
    let reply = server.fetch_at(&proxy.address, "GET", &encoded, &[], None);
    // nginx decodes what it passes on, so this is the plain route, and no handshake.
    assert_eq!(reply.code(), "BAD_REQUEST", "{reply:?}");
}

#[test]
fn a_name_of_the_proxys_is_answered_once_it_is_allowed() {
    let server = Server::set(&["http.allowed_hosts=[\"desk.example\"]"]);
    let Some(proxy) = proxy(&server) else { return };
    let path = format!("{PREFIX}/api/v1/operations");
    let headers = [("host", "desk.example"), ("origin", "https://desk.example")];
    let headers = [&headers[..], &[("content-type", "application/json")]].concat();
    let body = json!({"kind": "dummy", "params": {"iterations": 0}}).to_string();
    let reply = server.fetch_at(
        &proxy.address,
        "POST",
        &path,
        &headers,
        Some(body.as_bytes()),
    );
    reply.data(202);
}

#[test]
fn sockets_live_through_a_proxy() {
    let server = Server::start();
    let Some(proxy) = proxy(&server) else { return };
    let url = format!("ws://{}{PREFIX}/api/v1/ws", proxy.address);
    let own = format!("http://{}", proxy.address);
    let mut live = open_at(&proxy.address, &url, &[("origin", &own)]).expect("a socket");
    live.subscribe("a", json!({"filter": {}}));
    let body = json!({"iterations": 0});
    let started = id(server.post("/api/v1/dummy/start", &body).data(202));
    let event = live.of_type("submitted");
    assert_eq!(event["operation_id"], started.as_str());
    for spelling in ["ws", "w%73"] {
        let url = format!("ws://{}{PREFIX}/api/v1/{spelling}", proxy.address);
        let foreign = open_at(&proxy.address, &url, &[("origin", "http://evil.example")]);
        assert!(foreign.is_err(), "{spelling}");
    }
}
