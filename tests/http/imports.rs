//! Files in the import folder: sent whole or not at all, listed, loaded and removed.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{ANNA, BARS, LONG, Reply, Server, comes, has, import, tokens};

const IMPORTS: &str = "/api/v1/data/imports";

impl Server {
    fn upload(&self, name: &str, body: &[u8]) -> Reply {
        let headers = [("content-type", "text/csv")];
        self.send("PUT", &format!("{IMPORTS}/{name}"), &headers, Some(body))
    }

    fn folder_of_imports(&self) -> PathBuf {
        self.folder.path().join("import")
    }

    /// Everything in the import folder, hidden or not.
    fn imported(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder_of_imports()).expect("the import folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = names
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        names
    }

    /// A connection on which an upload has begun, of which this much has come.
    fn begun(&self, name: &str, headers: &str, body: &[u8]) -> TcpStream {
        let before = self.imported().len();
        let mut socket = self.sends(name, headers, body);
        socket.set_read_timeout(Some(LONG)).expect("a timeout");
        comes("the upload", || self.imported().len() > before);
        socket.flush().expect("a socket");
        socket
    }

    /// A connection on which this was sent.
    fn sends(&self, name: &str, headers: &str, body: &[u8]) -> TcpStream {
        let mut socket = TcpStream::connect(&self.address).expect("it listens");
        let host = &self.address;
        let head = format!("PUT {IMPORTS}/{name} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");
        socket.write_all(head.as_bytes()).expect("it reads");
        socket.write_all(body).expect("it reads");
        socket
    }
}

/// The status of an answer as it comes.
fn status(socket: &mut TcpStream) -> String {
    socket.set_read_timeout(Some(LONG)).expect("a timeout");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("it answers");
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_file_is_sent_listed_loaded_replaced_and_removed() {
    let server = Server::importing(&[]);
    assert_eq!(
        server.get(IMPORTS).data(200),
        &json!({"imports": [], "left_off": 0})
    );
    let sum = |body: &[u8]| impresario_api::text::hex(&Sha256::digest(body));
    let first = server.upload("A_1d.csv", b"not yet");
    assert_eq!(
        first.data(200),
        &json!({"name": "A_1d.csv", "bytes": 7, "sha256": sum(b"not yet"), "replaced": false})
    );
    let second = server.upload("A_1d.csv", BARS.as_bytes());
    has(
        second.data(200),
        json!({"replaced": true, "sha256": sum(BARS.as_bytes())}),
    );
    let strange = "10%20%25%20off%20%2B%20Gr%C3%B6%C3%9Fe~%3F%23.csv.gz";
    let name = "10 % off + Größe~?#.csv.gz";
    assert_eq!(server.upload(strange, b"x").data(200)["name"], name);
    fs::create_dir(server.folder_of_imports().join("folder")).expect("it can be made");
    fs::write(server.folder_of_imports().join(".hidden"), "").expect("it can be written");
    symlink("A_1d.csv", server.folder_of_imports().join("link.csv")).expect("a link");
    let list = server.get(IMPORTS);
    let list = list.list("imports");
    let names: Vec<_> = list.iter().map(|one| &one["name"]).collect();
    assert_eq!(names, [name, "A_1d.csv"]);
    has(&list[1], json!({"bytes": BARS.len()}));
    let modified = list[1]["modified_at"].as_str().expect("a time");
    assert!(modified.starts_with("20"), "{modified}");

    let load = json!({"symbol": "A", "timeframe": "1d"});
    let loaded = server.post("/api/v1/data/load?wait=60", &load);
    assert_eq!(loaded.data(200)["result"]["rows"], 3);
    let remove = |name: &str| server.send("DELETE", &format!("{IMPORTS}/{name}"), &[], None);
    has(
        remove("A_1d.csv").data(200),
        json!({"name": "A_1d.csv", "bytes": BARS.len()}),
    );
    remove("A_1d.csv").fails(404, "FILE_NOT_FOUND");
    assert_eq!(remove(strange).data(200)["name"], name);
    assert_eq!(server.imported(), [".hidden", "folder", "link.csv"]);
    server.get("/api/v1/data/A/1d").data(200);
}

#[test]
fn the_folder_is_made_for_the_first_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let import = folder.path().join("not/yet");
    let set = format!("data.import_dir={}", import.display());
    let server = Server::within(folder, &["--set", &set]);
    assert_eq!(server.get(IMPORTS).list("imports").len(), 0);
    let gone = server.send("DELETE", &format!("{IMPORTS}/a.csv"), &[], None);
    gone.fails(404, "FILE_NOT_FOUND");
    server.upload("a.csv", b"1").data(200);
    assert_eq!(fs::read(import.join("a.csv")).expect("it is there"), b"1");
}

#[test]
fn names_that_are_none_are_refused_and_nothing_is_written() {
    let server = Server::importing(&[]);
    let long = "a".repeat(256);
    for name in [
        "..",
        ".",
        ".a",
        "%2e%2e",
        "%2E",
        "..%2fsecret",
        "a%2Fb",
        "a%5Cb",
        "%5c",
        "%00",
        "a%00.csv",
        "a%0A",
        "a%1b%5B2J",
        "%7f",
        "%C2%85",
        "%FF",
        "%2Fetc%2Fpasswd",
        &long,
    ] {
        for method in ["PUT", "DELETE"] {
            let body = (method == "PUT").then_some(&b"x"[..]);
            let path = format!("{IMPORTS}/{name}");
            // A client may tidy a path up before it sends it.
            if name.starts_with('.') && name.len() < 3 {
                let answer = server.raw(
                    format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", server.address)
                        .as_bytes(),
                );
                assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
                continue;
            }
            let reply = server.send(method, &path, &[], body);
            reply.faults(400, "BAD_REQUEST", &["name"]);
        }
    }
    let longest = "a".repeat(255);
    server.upload(&longest, b"x").data(200);
    assert_eq!(server.imported(), [longest]);
    assert_eq!(fs::read_dir(server.folder.path()).expect("it").count(), 2);
    for path in [format!("{IMPORTS}/"), format!("{IMPORTS}/a/b")] {
        let reply = server.fetch("PUT", &path, &[], Some(b"x"));
        reply.fails(404, "ROUTE_NOT_FOUND");
    }
}

#[test]
fn what_is_no_regular_file_is_neither_replaced_nor_removed() {
    let server = Server::importing(&[]);
    let import = server.folder_of_imports();
    fs::create_dir(import.join("folder")).expect("it can be made");
    fs::write(server.folder.path().join("outside"), "mine").expect("it can be written");
    symlink("../outside", import.join("link")).expect("a link");
    symlink("/dev/null", import.join("device")).expect("a link");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, import.join("pipe"), mode).expect("a pipe");
    let before = server.imported();
    for (name, what) in [
        ("folder", "a folder"),
        ("link", "a symbolic link"),
        ("device", "a symbolic link"),
        ("pipe", "no regular file"),
    ] {
        let remove = server.send("DELETE", &format!("{IMPORTS}/{name}"), &[], None);
        for reply in [server.upload(name, b"x"), remove] {
            reply.fails(409, "FILE_NOT_REGULAR");
            let message = reply.message();
            assert!(
                message.contains(what) && message.contains(name),
                "{message}"
            );
        }
    }
    // Nothing is no file either: a forgotten body does not replace what is there.
    server.upload("a.csv", b"x").data(200);
    server.upload("a.csv", b"").fails(422, "FILE_EMPTY");
    assert_eq!(fs::read(import.join("a.csv")).expect("it is there"), b"x");
    fs::remove_file(import.join("a.csv")).expect("it is there");
    assert_eq!(server.imported(), before);
    let outside = server.folder.path().join("outside");
    assert_eq!(fs::read(outside).expect("it is there"), b"mine");
}

/// A server that takes files of at most 1 MiB.
fn narrow() -> Server {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let set = import(&folder, &[("a.csv", "before")]);
    Server::within(folder, &["--set", &set, "--set", "data.upload_limit_mb=1"])
}

#[test]
fn what_is_over_the_limit_is_refused_and_the_limit_named() {
    let server = narrow();
    let limit = 1 << 20;
    // Only the head is sent: nothing more is waited for.
    let length = format!("Content-Length: {}\r\n", limit + 1);
    for more in ["", "Expect: 100-continue\r\n"] {
        let mut socket = server.sends("a.csv", &format!("{length}{more}"), b"");
        let answer = status(&mut socket);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("data.upload_limit_mb"), "{answer}");
        assert!(answer.contains("\"limit\":1048576"), "{answer}");
    }
    // Without a length it shows while the body comes.
    let chunk = vec![b'x'; 64 << 10];
    let mut chunked = Vec::new();
    for _ in 0..17 {
        write!(chunked, "{:x}\r\n", chunk.len()).expect("a vector");
        chunked.extend_from_slice(&chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let headers = "Connection: close\r\nTransfer-Encoding: chunked\r\n";
    let answer = status(&mut server.sends("a.csv", headers, &chunked));
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\"limit\":1048576"), "{answer}");
    server
        .upload("a.csv", &vec![0; limit + 1])
        .fails(413, "BODY_TOO_LARGE");
    comes("an empty folder", || server.imported() == ["a.csv"]);
    let kept = server.folder_of_imports().join("a.csv");
    assert_eq!(fs::read(&kept).expect("it is there"), b"before");
    // A body that is read as a whole has its own limit, and a file this one.
    let whole = vec![1; limit];
    has(
        server.upload("a.csv", &whole).data(200),
        json!({"bytes": limit}),
    );
    assert_eq!(fs::read(&kept).expect("it is there"), whole);
}

#[test]
fn an_upload_that_is_cut_leaves_nothing_and_what_was_there_stays() {
    let server = Server::importing(&[("a.csv", "before")]);
    let body = vec![b'x'; 600 << 10];
    let chunk = [format!("{:x}\r\n", 2 * body.len()).as_bytes(), &body].concat();
    for (headers, body) in [
        ("Content-Length: 1000000\r\n", &body),
        ("Transfer-Encoding: chunked\r\n", &chunk),
    ] {
        drop(server.begun("a.csv", headers, body));
        comes("an end", || server.imported() == ["a.csv"]);
        // The client has only finished sending: it is told.
        let mut socket = server.begun("a.csv", headers, body);
        socket.shutdown(Shutdown::Write).expect("a socket");
        let answer = status(&mut socket);
        assert!(answer.is_empty() || answer.contains(" 400 "), "{answer}");
        comes("an end", || server.imported() == ["a.csv"]);
    }
    let kept = server.folder_of_imports().join("a.csv");
    assert_eq!(fs::read(kept).expect("it is there"), b"before");
}

#[test]
fn a_client_that_sends_next_to_nothing_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let set = import(&folder, &[]);
    let idle = "http.body_idle_seconds=0.3";
    let server = Server::within(folder, &["--set", &set, "--set", idle]);
    let mut socket = server.begun("a.csv", "Content-Length: 1000000\r\n", b"x");
    // It is never silent for long, and never moves either.
    let often = Some(Duration::from_millis(20));
    socket.set_read_timeout(often).expect("a timeout");
    comes("the end of the connection", || {
        match socket.read(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => socket.write_all(b"x").is_err(),
            _ => true,
        }
    });
    comes("an empty folder", || server.imported().is_empty());
}

#[test]
fn a_disk_without_room_is_told_and_nothing_stays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let imports = import(&folder, &[("a.csv", "before")]);
    let data = format!("data_dir={}/data", folder.path().display());
    let script = "trap '' XFSZ; exec \"$0\" \"$@\"";
    let server = Server::by_shell(script, &["--set", &data, "--set", &imports]);
    let room = |bytes: &str| {
        let limit = [
            &format!("--fsize={bytes}:"),
            "--pid",
            &server.process().to_string(),
        ];
        let set = Command::new("prlimit").args(limit).status();
        assert!(set.expect("there is a prlimit").success());
    };
    room("1048576");
    let body = vec![b'x'; 3 << 20];
    let reply = server.upload("a.csv", &body);
    reply.fails(507, "STORAGE_FULL");
    assert_eq!(reply.body["error"]["retryable"], true, "{reply:?}");
    let names = fs::read_dir(folder.path().join("import")).expect("the folder");
    assert_eq!(names.count(), 1);
    let kept = folder.path().join("import/a.csv");
    assert_eq!(fs::read(&kept).expect("it is there"), b"before");
    room("unlimited");
    server.upload("a.csv", &body).data(200);
    assert_eq!(fs::read(&kept).expect("it is there"), body);
}

#[test]
fn of_uploads_of_one_name_at_once_each_is_whole_and_one_is_the_first() {
    let server = Server::importing(&[]);
    let bodies: Vec<_> = (0..4_u8).map(|one| vec![b'0' + one; 1 << 20]).collect();
    let server = &server;
    let replies: Vec<_> = thread::scope(|scope| {
        let send = |body: &Vec<u8>| {
            let body = body.clone();
            scope.spawn(move || server.upload("a.csv", &body))
        };
        let sent: Vec<_> = bodies.iter().map(send).collect();
        let replies = sent.into_iter().map(|one| one.join().expect("an answer"));
        replies.collect()
    });
    let first = replies
        .iter()
        .filter(|reply| reply.data(200)["replaced"] == false);
    assert_eq!(first.count(), 1);
    let kept = fs::read(server.folder_of_imports().join("a.csv")).expect("it is there");
    assert!(bodies.contains(&kept));
    assert_eq!(server.imported(), ["a.csv"]);
}

#[test]
fn what_a_killed_server_left_is_removed_at_the_next_start_and_nothing_else() {
    let server = Server::importing(&[("a.csv", "before"), (".mine.partial", "x")]);
    let socket = server.begun("a.csv", "Content-Length: 1000000\r\n", &[b'x'; 500_000]);
    // Another server that uses the folder leaves alone what this one is at.
    let set = format!("data.import_dir={}", server.folder_of_imports().display());
    let other = Server::set(&[&set]);
    assert_eq!(server.imported().len(), 3);
    drop(other);
    let server = server.killed();
    assert_eq!(server.imported(), [".mine.partial", "a.csv"]);
    let kept = server.folder_of_imports().join("a.csv");
    assert_eq!(fs::read(kept).expect("it is there"), b"before");
    drop(socket);
}

#[test]
fn a_shutdown_does_not_wait_for_a_client_and_leaves_nothing() {
    let mut server = Server::importing(&[]);
    let socket = server.begun("a.csv", "Content-Length: 1000000\r\n", &[b'x'; 500_000]);
    server.signal("TERM");
    assert_eq!(server.join().code(), Some(0));
    assert_eq!(server.imported(), Vec::<String>::new());
    drop(socket);
}

#[test]
fn a_shutdown_does_not_wait_for_an_upload_that_moves_and_leaves_nothing() {
    let mut server = Server::importing(&[]);
    let headers = "Connection: close\r\nTransfer-Encoding: chunked\r\n";
    let mut socket = server.begun("a.csv", headers, b"1\r\nx\r\n");
    let mut sender = socket.try_clone().expect("a socket");
    // It goes on until nobody takes it any more.
    let chunk = [b"10000\r\n", &[b'x'; 0x1_0000][..], b"\r\n"].concat();
    let sending = thread::spawn(move || while sender.write_all(&chunk).is_ok() {});
    server.signal("TERM");
    let mut answer = Vec::new();
    // Whoever sends still when the connection ends may lose the answer.
    let _ = socket.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.contains("SHUTTING_DOWN"),
        "{answer}"
    );
    assert_eq!(server.join().code(), Some(0));
    assert_eq!(server.imported(), Vec::<String>::new());
    sending.join().expect("it ends");
}

#[test]
fn so_many_uploads_are_under_way_and_no_more() {
    let server = Server::importing(&[]);
    let name = |one: usize| format!("{one}.csv");
    let length = "Content-Length: 1000000\r\n";
    let mut all: Vec<_> = (0..16)
        .map(|one| server.begun(&name(one), length, b"x"))
        .collect();
    let reply = server.upload("a.csv", b"x");
    reply.fails(503, "BUSY");
    assert_eq!(reply.body["error"]["retryable"], true);
    assert_eq!(reply.header("retry-after"), "1");
    // Everything else goes on, and one that ends makes room.
    server.get(IMPORTS).data(200);
    all.pop();
    comes("room", || server.imported().len() < 16);
    comes("a place", || server.upload("a.csv", b"x").status == 200);
}

#[test]
fn the_guards_hold_for_files_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (set, tokens) = (import(&folder, &[]), tokens(&folder));
    let server = Server::within(folder, &["--set", &set, "--set", &tokens]);
    let path = format!("{IMPORTS}/a.csv");
    let bearer = format!("Bearer {ANNA}");
    let anna = ("authorization", bearer.as_str());
    for (method, body) in [("PUT", Some(&b"x"[..])), ("DELETE", None)] {
        let foreign = [anna, ("origin", "http://evil.example")];
        let reply = server.send(method, &path, &foreign, body);
        reply.fails(403, "FORBIDDEN_ORIGIN");
        let elsewhere = [anna, ("sec-fetch-site", "cross-site")];
        let reply = server.send(method, &path, &elsewhere, body);
        reply.fails(403, "FORBIDDEN_ORIGIN");
        server
            .send(method, &path, &[], body)
            .fails(401, "UNAUTHENTICATED");
    }
    server.get(IMPORTS).fails(401, "UNAUTHENTICATED");
    let packed = [anna, ("content-encoding", "gzip")];
    let reply = server.send("PUT", &path, &packed, Some(b"x"));
    reply.fails(415, "UNSUPPORTED_MEDIA_TYPE");
    for other in [
        "/api/v1/data/%69mports/a.csv",
        "/api/v1/d%61ta/imports/a.csv",
    ] {
        let reply = server.send("DELETE", other, &[anna], None);
        assert!(matches!(reply.status, 404 | 405), "{other}: {reply:?}");
    }
    assert_eq!(server.imported(), Vec::<String>::new());
    server.send("PUT", &path, &[anna], Some(b"x")).data(200);
    // No dataset can be of that name, so the two routes are never confused.
    let reply = server.send("GET", &path, &[anna], None);
    reply.fails(405, "METHOD_NOT_ALLOWED");
    assert_eq!(reply.header("allow"), "PUT, DELETE");
}

#[test]
fn a_large_file_takes_little_memory() {
    let server = Server::importing(&[]);
    server.upload("a.csv", b"x").data(200);
    let before = server.memory();
    let body: Vec<u8> = (0..96_u32 << 20).map(|one| (one >> 8) as u8).collect();
    let reply = server.upload("a.csv", &body);
    let sum: Value = impresario_api::text::hex(&Sha256::digest(&body)).into();
    assert_eq!(reply.data(200)["sha256"], sum);
    let grown = server.memory() - before;
    assert!(grown < 16 << 10, "{grown} KiB");
}
