//! What is refused, and that the refusal says what is meant.

use std::process::Output;

use serde_json::Value;

use crate::server::Server;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_refusal_among_several_ids_says_which() {
    let server = Server::start();
    let (first, second) = (server.sleeper(), server.sleeper());
    let ids = [&first[first.len() - 8..], "zzzz", "n!", &second];
    let asked = [&["ops", "resume"], &ids[..]].concat();
    let output = server.run(&asked);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with('✘')).collect();
    assert_eq!(lines.len(), ids.len(), "{text}");
    for (line, id) in lines.iter().zip(ids) {
        assert!(line.starts_with(&format!("✘ {id}: ")), "{line}");
    }
    let output = server.run(&[&["--json"], &asked[..]].concat());
    let lines: Vec<Value> = said(&output)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), ids.len());
    for (line, id) in lines.iter().zip(ids) {
        assert_eq!((&line["id"], &line["success"]), (&id.into(), &false.into()));
        assert!(line["error"]["code"].is_string(), "{line}");
    }
}

#[test]
fn what_is_named_twice_is_a_fault_of_usage() {
    let server = Server::start();
    for args in [
        &["dummy", "--label", "k=1", "--label", "k=2", "--detach"][..],
        &["dummy", "--label", "k=1", "--label", "k=1", "--detach"],
        &["start", "dummy", "--param", "k=1", "--param", "k=2"],
    ] {
        let output = server.run(args);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.contains("\"k\" twice"), "{text}");
    }
    assert_eq!(server.json(&["ops", "list"])["total_count"], 0);
    let both = ["dummy", "--label", "a=1", "--label", "b=1", "--detach"];
    server.says(0, &both);
}

#[test]
fn a_time_to_wait_may_have_a_fraction_and_is_a_number_of_the_servers_range() {
    let server = Server::start();
    let id = server.sleeper();
    server.says(0, &["ops", "pause", &id, "--wait", "0.2"]);
    server.says(0, &["ops", "cancel", &id, "--wait", "300"]);
    for wrong in ["inf", "nan", "-1", "300.1", "1e2", "", "x"] {
        let wait = format!("--wait={wrong}");
        let output = server.run(&["ops", "cancel", &id, &wait]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{wait}: {text}");
        assert!(text.contains("0 to 300"), "{wait}: {text}");
    }
}

#[test]
fn the_message_about_a_timeout_names_what_the_help_names() {
    let server = Server::start();
    let help = server.says(0, &["dummy", "--help"]);
    assert!(help.contains("such as 90 (seconds) or 1.5h"), "{help}");
    for wrong in ["inf", "x", "1y"] {
        let output = server.run(&["dummy", "--timeout", wrong]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("such as 90 (seconds) or 1.5h"), "{text}");
    }
    let args = ["dummy", "--iterations", "0", "--timeout"];
    for right in ["0.5", "90", "1.5h"] {
        server.says(0, &[&args[..], &[right]].concat());
    }
}

#[test]
fn the_help_names_the_variable_of_the_token_and_never_its_value() {
    let server = Server::start();
    let mut client = server.client();
    client.env("IMPRESARIO_TOKEN", "a-secret-of-27-characters-x");
    let output = client.arg("--help").output().expect("the client runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("IMPRESARIO_TOKEN"), "{text}");
    assert!(!text.contains("a-secret"), "{text}");
}
