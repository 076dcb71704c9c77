//! Following over a live socket whose connection breaks, and without sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::server::Server;

/// What the proxy between client and server lets through.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Open,
    /// No connection.
    Shut,
    /// Requests, but no sockets.
    NoSockets,
}

struct Between {
    url: String,
    way: Arc<Mutex<Way>>,
    /// Both ends of each connection that was let through as a socket.
    sockets: Arc<Mutex<Vec<TcpStream>>>,
}

impl Between {
    fn new(server: &Server, way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let target = server.url.trim_start_matches("http://").to_owned();
        let (way, sockets) = (Arc::new(Mutex::new(way)), Arc::default());
        let between = Self {
            url,
            way: Arc::clone(&way),
            sockets: Arc::clone(&sockets),
        };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let way = *way.lock().expect("nobody panics with it");
                if way != Way::Shut {
                    let (target, sockets) = (target.clone(), Arc::clone(&sockets));
                    thread::spawn(move || pass(client, &target, way, &sockets));
                }
            }
        });
        between
    }

    fn set(&self, way: Way) {
        *self.way.lock().expect("nobody panics with it") = way;
    }

    /// Breaks every open socket. Returns how many there were since the last call.
    fn cut(&self) -> usize {
        let mut sockets = self.sockets.lock().expect("nobody panics with it");
        let count = sockets.len() / 2;
        for socket in sockets.drain(..) {
            // The socket may have ended already.
            let _ = socket.shutdown(Shutdown::Both);
        }
        count
    }
}

/// Passes one connection on, depending on its first request.
fn pass(mut client: TcpStream, target: &str, way: Way, sockets: &Mutex<Vec<TcpStream>>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match client.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    if head.starts_with(b"GET /api/v1/ws") && way == Way::NoSockets {
        let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let _ = client.write_all(answer);
        return;
    }
    let mut server = TcpStream::connect(target).expect("it listens");
    if head.starts_with(b"GET /api/v1/ws") {
        let both = [&client, &server].map(|one| one.try_clone().expect("a handle"));
        sockets.lock().expect("nobody panics with it").extend(both);
    }
    server.write_all(&head).expect("it reads");
    let (mut from, mut to) = (
        server.try_clone().expect("a handle"),
        client.try_clone().expect("a handle"),
    );
    let back = thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let _ = std::io::copy(&mut client, &mut server);
    let _ = server.shutdown(Shutdown::Both);
    let _ = back.join();
}

/// A client that follows, and its output.
struct Watcher {
    child: Child,
    says: BufReader<ChildStderr>,
}

impl Watcher {
    fn new(url: &str, id: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_impresario"))
            .args(["--url", url, "ops", "watch", id])
            .env("NO_COLOR", "1")
            .env_remove("IMPRESARIO_TOKEN")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client runs");
        let says = BufReader::new(child.stderr.take().expect("it is piped"));
        Self { child, says }
    }

    /// Reads the output until it has these words.
    fn until(&mut self, words: &str) -> String {
        let mut all = String::new();
        while !all.contains(words) {
            let read = self.says.read_line(&mut all).expect("text");
            assert!(read > 0, "it never said \"{words}\" but: {all}");
        }
        all
    }

    /// The exit code, and the rest of the output.
    fn ends(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.says.read_to_string(&mut rest).expect("text");
        let output = self.child.wait_with_output().expect("it ends");
        rest.push_str(&String::from_utf8_lossy(&output.stdout));
        (output.status.code(), rest)
    }
}

fn subscribers(server: &Server) -> Value {
    server.json(&["system"])["subscribers"].clone()
}

/// A dummy with steps that are long enough to be seen.
fn steady(server: &Server) -> String {
    let args = [
        "dummy",
        "--iterations",
        "1000000",
        "--step-ms",
        "20",
        "--detach",
    ];
    let started = server.json(&args);
    started["operation_id"].as_str().expect("an id").to_owned()
}

#[test]
fn it_follows_over_a_socket_and_goes_on_when_that_breaks() {
    let server = Server::start();
    let between = Between::new(&server, Way::Open);
    let id = steady(&server);
    let mut watcher = Watcher::new(&between.url, &id);
    watcher.until("Working hard on iteration");
    assert_eq!(subscribers(&server), 1, "it listens, and does not ask");
    for _ in 0..3 {
        between.set(Way::Shut);
        assert_eq!(between.cut(), 1, "one socket");
        watcher.until("the connection was lost");
        between.set(Way::Open);
        watcher.until("the server answers again");
    }
    // What happens while the connection is lost is shown afterwards, even the end.
    between.set(Way::Shut);
    between.cut();
    watcher.until("the connection was lost");
    server.says(0, &["ops", "cancel", &id]);
    between.set(Way::Open);
    let (code, said) = watcher.ends();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("■ dummy cancelled"), "{said}");
}

#[test]
fn where_no_socket_goes_through_it_asks_instead() {
    let server = Server::start();
    let between = Between::new(&server, Way::NoSockets);
    let id = steady(&server);
    let mut watcher = Watcher::new(&between.url, &id);
    watcher.until("Working hard on iteration");
    assert_eq!(subscribers(&server), 0);
    server.says(0, &["ops", "finish", &id]);
    let (code, said) = watcher.ends();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("✔ dummy completed"), "{said}");
}

#[test]
fn a_server_that_goes_is_said_to_go() {
    let server = Server::start();
    let id = steady(&server);
    let mut watcher = Watcher::new(&server.url, &id);
    watcher.until("Working hard on iteration");
    server.terminate();
    watcher.until("the connection was lost (the server is shutting down)");
    // The server does not come back, so the test does not wait for the client.
    watcher.child.kill().expect("it runs");
    watcher.ends();
}
