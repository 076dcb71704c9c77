//! The process: its command line, how it comes up, how it goes, and its exit codes.

use serde_json::json;

use crate::support::{ANNA, Server, command, has, tokens, within};

/// Runs the binary to its end, which must come by itself.
fn refused(args: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = command(&folder, args).output().expect("the binary runs");
    assert!(
        output.stdout.is_empty(),
        "standard output is for one line alone"
    );
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn what_cannot_be_configured_so_is_exit_2_with_a_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("own.toml");
    std::fs::write(&file, "[http]\nlisen = \"127.0.0.1:0\"\n").expect("it can be written");
    let file = file.to_string_lossy();
    for (args, wanted) in [
        (
            &["--config", &file][..],
            "unknown key http.lisen; did you mean http.listen?",
        ),
        (&["--set", "http.token_file=/does/not/exist"], "cannot read"),
        (&["--colour"], "--colour"),
    ] {
        let (code, text) = refused(args);
        assert_eq!(code, Some(2), "{args:?}: {text}");
        assert!(text.contains(wanted), "{args:?}: {text}");
    }
}

#[test]
fn a_public_address_is_listened_on_with_tokens_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::set(&["http.listen=0.0.0.0:0", &tokens(&folder)]);
    let anna = format!("Bearer {ANNA}");
    assert!(server.address.starts_with("0.0.0.0:"));
    let reply = server.send(
        "GET",
        "/api/v1/kinds",
        &[("host", "localhost"), ("authorization", &anna)],
        None,
    );
    reply.data(200);
}

#[test]
fn a_name_is_listened_on_at_every_address_with_one_port() {
    let server = Server::set(&["http.listen=localhost:0"]);
    let (_, port) = server.address.rsplit_once(':').expect("a port");
    let own = (String::from("localhost"), port.parse().expect("a number"));
    for address in std::net::ToSocketAddrs::to_socket_addrs(&own).expect("it has addresses") {
        // An address of IPv6 is listened on where this machine has one.
        if std::net::TcpListener::bind((address.ip(), 0)).is_err() {
            continue;
        }
        let reply = server.fetch_at(&address.to_string(), "GET", "/healthz", &[], None);
        assert_eq!(reply.status, 200, "{address}");
    }
    let host = format!("localhost:{port}");
    server
        .send("GET", "/api/v1/kinds", &[("host", &host)], None)
        .data(200);
}

#[test]
fn errors_name_the_whole_path_of_what_they_are_about() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("taken"), "no folder").expect("writable");
    std::fs::create_dir(folder.path().join("kept")).expect("writable");
    std::fs::write(folder.path().join("kept/operations.db"), "no database").expect("writable");
    std::fs::write(folder.path().join("bad.toml"), "= 1").expect("writable");
    for (args, code, wanted) in [
        (&["--config", "none.toml"][..], 2, "none.toml"),
        (&["--config", "bad.toml"], 2, "bad.toml"),
        (&["--set", "http.token_file=none"], 2, "none"),
        (&["--set", "data_dir=taken"], 69, "taken"),
        (&["--set", "data_dir=kept"], 69, "kept/operations.db"),
    ] {
        let mut command = command(&folder, args);
        let output = command.current_dir(&folder).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stderr);
        let wanted = folder.path().join(wanted).display().to_string();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(&wanted), "{args:?}: {text}");
    }
}

#[test]
fn a_port_that_is_taken_is_exit_69() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it has an address").to_string();
    let (code, text) = refused(&["--set", &format!("http.listen={address}")]);
    assert_eq!(code, Some(69), "{text}");
    assert!(text.contains(&address), "{text}");
}

#[test]
fn too_few_files_to_work_with_is_exit_69() {
    for files in [30, 45, 64] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let output = within(files, command(&folder, &[])).output();
        let output = output.expect("the binary runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(69), "{files}: {text}");
        assert!(text.contains("ulimit -n"), "{files}: {text}");
    }
}

#[test]
fn what_strangers_say_is_no_error_of_the_server() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log");
    let file = std::fs::File::create(&log).expect("writable");
    let mut server = Server::telling(&folder, file);
    let upgrade = "GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for bytes in [
        b"x\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\n\x01: x\r\n\r\n".to_vec(),
        // A text that goes on within a text, and a ping in two frames.
        [
            upgrade.as_bytes(),
            &[0x01, 0x80, 0, 0, 0, 0, 0x01, 0x80, 0, 0, 0, 0],
        ]
        .concat(),
        [upgrade.as_bytes(), &[0x09, 0x80, 0, 0, 0, 0]].concat(),
    ] {
        server.raw(&bytes);
    }
    server.signal("TERM");
    server.join();
    let text = std::fs::read_to_string(&log).expect("text");
    assert!(text.contains("INFO"), "{text}");
    assert!(!text.contains("ERROR"), "{text}");
}

#[test]
fn each_signal_ends_it_in_order_with_work_under_way() {
    for signal in ["TERM", "INT", "HUP"] {
        let mut server = Server::start();
        server.sleeper();
        server.dummy(1, 0);
        server.signal(signal);
        assert_eq!(server.join().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_configuration_file_is_used() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("own.toml");
    std::fs::write(&file, "[lanes.default]\nconcurrency = 5\n").expect("it can be written");
    let path = file.to_string_lossy().into_owned();
    let server = Server::with(&["--config", &path, "--set", "lanes.default.threads=2"]);
    let system = server.get("/api/v1/system");
    let lane = &system.data(200)["lanes"][0];
    has(lane, json!({"concurrency": 5, "threads": 2}));
}
