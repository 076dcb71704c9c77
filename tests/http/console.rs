//! The console's files: whole where it was built, and a page that says how where it was not.

use std::path::Path;

use crate::support::{Server, tokens};

/// Whether this very build of the server has the console in it.
fn is_built() -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("console/dist/index.html")
        .exists()
}

/// An answer of any kind of content.
struct Got {
    status: u16,
    head: String,
    body: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        let line = |line: &'_ &str| {
            let (found, _) = line.split_once(':').unwrap_or((line, ""));
            found.eq_ignore_ascii_case(name)
        };
        let found = self.head.lines().find(line).unwrap_or("");
        found.split_once(':').map_or("", |(_, value)| value.trim())
    }
}

fn get(server: &Server, path: &str, more: &str) -> Got {
    let text = server.raw(
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n")
            .as_bytes(),
    );
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Got {
        status: status.expect("a status"),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

#[test]
fn the_entrance_leads_to_the_console() {
    let server = Server::start();
    for path in ["/", "/console"] {
        let got = get(&server, path, "");
        assert_eq!((got.status, got.header("location")), (307, "console/"));
    }
}

#[test]
fn the_page_can_load_nothing_from_elsewhere() {
    let server = Server::start();
    let got = get(&server, "/console/", "");
    assert_eq!(got.status, 200);
    assert_eq!(got.header("content-type"), "text/html; charset=utf-8");
    let policy = got.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self';",
        "style-src 'self';",
        "connect-src 'self';",
        "frame-ancestors 'none'",
        "form-action 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    assert_eq!(got.header("referrer-policy"), "no-referrer");
    assert_eq!(got.header("cache-control"), "no-cache");
    if !is_built() {
        assert!(got.body.contains("cargo xtask build"), "{}", got.body);
    }
}

#[test]
fn its_files_have_their_types_and_are_kept_by_browsers() {
    let server = Server::start();
    let page = get(&server, "/console/", "");
    let named: Vec<&str> = page
        .body
        .split(['"', '\''])
        .filter_map(|word| word.strip_prefix("./assets/"))
        .collect();
    assert_eq!(named.is_empty(), !is_built(), "{}", page.body);
    for name in named {
        let path = format!("/console/assets/{name}");
        let got = get(&server, &path, "");
        assert_eq!(got.status, 200, "{path}");
        let wanted = match name.rsplit_once('.').map(|(_, end)| end) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            other => panic!("{other:?} is a kind of file that the server must learn"),
        };
        assert_eq!(got.header("content-type"), wanted, "{path}");
        assert!(got.header("cache-control").contains("immutable"), "{path}");
        let tag = got.header("etag");
        let again = get(&server, &path, &format!("If-None-Match: {tag}\r\n"));
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
        let other = get(&server, &path, "If-None-Match: \"0\"\r\n");
        assert_eq!(other.status, 200, "{path}");
    }
}

#[test]
fn what_is_no_file_of_it_is_not_found() {
    let server = Server::start();
    for path in [
        "/console/nothing.js",
        "/console/.keep",
        "/console/../Cargo.toml",
        "/console/%2e%2e/Cargo.toml",
        "/console/assets/",
    ] {
        let got = get(&server, path, "");
        assert_eq!(got.status, 404, "{path}");
        assert!(got.body.contains("ROUTE_NOT_FOUND"), "{path}: {}", got.body);
    }
    server
        .send("POST", "/console/", &[], None)
        .fails(405, "METHOD_NOT_ALLOWED");
}

#[test]
fn its_files_need_no_token_and_what_it_asks_does() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::set(&[&tokens(&folder)]);
    assert_eq!(get(&server, "/", "").status, 307);
    assert_eq!(get(&server, "/console/", "").status, 200);
    assert_eq!(get(&server, "/api/v1/operations", "").status, 401);
}
