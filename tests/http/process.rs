//! The process: its command line, how it comes up, how it goes, and its exit codes.

use serde_json::json;

use crate::support::{Server, command};

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
        (
            &["--set", "lanes.default.colour=red"],
            "unknown key lanes.default.colour",
        ),
        (
            &["--set", "lanes.default.queue_limit=many"],
            "lanes.default.queue_limit",
        ),
        (&["--set", "http.workers"], "KEY=VALUE"),
        (&["--config", "/does/not/exist.toml"], "cannot read"),
        (&["--set", "http.token_file=/does/not/exist"], "cannot read"),
        (&["--colour"], "--colour"),
        (&["--set", "http.listen=0.0.0.0:0"], "http.token_file"),
    ] {
        let (code, text) = refused(args);
        assert_eq!(code, Some(2), "{args:?}: {text}");
        assert!(text.contains(wanted), "{args:?}: {text}");
    }
}

#[test]
fn a_public_address_is_listened_on_with_tokens_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("tokens");
    std::fs::write(&file, "anna s3cret\n").expect("it can be written");
    let tokens = format!("http.token_file={}", file.display());
    let server = Server::set(&["http.listen=0.0.0.0:0", &tokens]);
    assert!(server.address.starts_with("0.0.0.0:"));
    let reply = server.send(
        "GET",
        "/api/v1/kinds",
        &[("host", "localhost"), ("authorization", "Bearer s3cret")],
        None,
    );
    reply.data(200);
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
fn a_data_folder_has_one_server() {
    let server = Server::start();
    let output = command(&server.folder, &[])
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&output.stderr).contains("in use"));
}

#[test]
fn both_signals_end_it_in_order_with_work_under_way() {
    for signal in ["TERM", "INT"] {
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
    assert_eq!(
        (&lane["concurrency"], &lane["threads"]),
        (&json!(5), &json!(2))
    );
}
