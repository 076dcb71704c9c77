//! `ops fork`: a new operation from a checkpoint of another one.

use serde_json::json;

use crate::server::Server;

/// A dummy that has completed three steps: its id.
fn original(server: &Server) -> String {
    let line = "dummy --iterations 3 --step-ms 0 --label team=blue";
    let view = server.json(&line.split(' ').collect::<Vec<_>>());
    view["operation_id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_fork_says_from_where_it_goes_on_and_is_shown_with_it() {
    let server = Server::start();
    let old = original(&server);
    let short = &old[old.len() - 8..];
    let text = server.says(
        0,
        &[
            "ops",
            "fork",
            short,
            "--param",
            "iterations=4",
            "--wait",
            "10",
        ],
    );
    let first = text.lines().next().expect("a line");
    assert!(
        first.contains(&format!("{short} forked at iteration 3 as ")),
        "{text}"
    );
    assert!(first.ends_with("completed"), "{text}");
    assert!(text.contains("next  impresario ops show "), "{text}");
    let list = server.json(&["ops", "list", "--limit", "1"]);
    let new = list["operations"][0]["operation_id"]
        .as_str()
        .expect("an id");
    let view = server.json(&["ops", "show", new]);
    assert_eq!(view["params"], json!({"iterations": 4, "step_ms": 0}));
    assert_eq!(view["labels"], json!({"team": "blue"}));
    let shown = server.says(0, &["ops", "show", new]);
    assert!(
        shown.contains(&format!("forked from   {old} at iteration 3, ")),
        "{shown}"
    );
}

#[test]
fn a_checkpoint_a_key_and_options_are_sent_and_the_answer_is_json() {
    let server = Server::start();
    let old = original(&server);
    let line = format!(
        "ops fork {old} --checkpoint iteration=3 --params-json {{\"iterations\":9}} --param iterations=5 \
         --priority 4 --label team=red --idempotency-key k --not-before 2099-01-01T00:00:00Z"
    );
    let line: Vec<_> = line.split_whitespace().collect();
    let answer = server.json(&line);
    assert_eq!(answer["forked_from"]["step"], json!({"iteration": 3}));
    assert_eq!(
        server.json(&line)["operation_id"],
        answer["operation_id"],
        "the same key"
    );
    let view = server.json(&[
        "ops",
        "show",
        answer["operation_id"].as_str().expect("an id"),
    ]);
    assert_eq!(
        (&view["priority"], &view["labels"]),
        (&json!(4), &json!({"team": "red"}))
    );
    assert_eq!(view["params"]["iterations"], 5);
}

#[test]
fn what_cannot_be_forked_says_why() {
    let server = Server::start();
    let old = original(&server);
    for (args, code, told) in [
        (
            &["--param", "colour=1"][..],
            2,
            "colour  expected a param that a fork may change",
        ),
        (&["--checkpoint", "7"], 1, "it keeps one at iteration 3"),
        (
            &["--checkpoint", "newest"],
            2,
            "expected latest, a number, or a step",
        ),
    ] {
        let output = server.run(&[&["ops", "fork", &old], args].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        assert!(text.contains(told), "{args:?}: {text}");
    }
}

#[test]
fn a_fork_or_a_retry_that_is_waited_for_has_the_exit_code_of_its_end() {
    let server = Server::start();
    let old = original(&server);
    let fork = format!(
        "ops fork {old} --param iterations=9 --param step_ms=3600000 --timeout 0.1 --wait 30"
    );
    let failed = server.says(1, &fork.split(' ').collect::<Vec<_>>());
    assert!(failed.contains("DEADLINE_EXCEEDED"), "{failed}");
    let list = server.json(&["ops", "list", "--limit", "1"]);
    let id = list["operations"][0]["operation_id"]
        .as_str()
        .expect("an id");
    // A retry has the options of what failed, and its params.
    let failed = server.says(1, &["ops", "retry", id, "--wait", "30"]);
    assert!(failed.contains("DEADLINE_EXCEEDED"), "{failed}");
    server.says(0, &["ops", "retry", &old, "--wait", "30"]);
}

#[test]
fn the_end_of_a_cancelled_one_says_how_it_is_forked() {
    let server = Server::start();
    let id = server.sleeper();
    server.says(0, &["ops", "cancel", &id, "--wait", "10"]);
    let watched = |id: &str| {
        let output = server.run(&["ops", "watch", id]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(!watched(&id).contains("ops fork"), "it has no checkpoint");
    let old = original(&server);
    let line = format!("ops fork {old} --param iterations=9 --param step_ms=3600000");
    let fork = server.json(&line.split(' ').collect::<Vec<_>>());
    let fork = fork["operation_id"].as_str().expect("an id");
    server.says(0, &["ops", "cancel", fork, "--wait", "10"]);
    let told = watched(fork);
    assert!(
        told.contains("impresario ops fork ") && told.contains("--param KEY=VALUE"),
        "{told}"
    );
}
