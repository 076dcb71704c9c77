//! The client's binary against the server's: exit codes, JSON, every verb.

#[cfg(target_os = "linux")] // It asks at a terminal, as keys are pressed at one.
mod deleting;
mod following;
mod forks;
#[cfg(target_os = "linux")] // setsid(1) gives a process a terminal of its own.
mod keys;
mod refusals;
mod server;
mod uploads;

use std::process::{Command, Stdio};

use serde_json::Value;

use server::Server;

#[test]
fn a_start_is_followed_to_its_end_with_exit_code_0() {
    let server = Server::start();
    let text = server.says(0, &["dummy", "--iterations", "3", "--step-ms", "1"]);
    assert!(text.contains("✔ dummy completed"), "{text}");
    assert!(
        !text.contains('\u{1b}'),
        "no escape codes where there is no terminal: {text:?}"
    );
    let view = server.json(&[
        "start",
        "dummy",
        "--param",
        "iterations=2",
        "--param",
        "step_ms=0",
    ]);
    assert_eq!(view["result_summary"]["iterations_completed"], 2);
}

#[test]
fn a_locale_without_utf_8_gets_ascii_alone() {
    let server = Server::start();
    let id = server.sleeper();
    server.says(
        0,
        &["ops", "cancel", &id, "--wait", "10", "--reason", "模型 → é"],
    );
    for args in [
        &["dummy", "--iterations", "3", "--step-ms", "1"][..],
        &["ops", "list"],
        &["ops", "show", &id],
        &["--json", "ops", "show", &id],
        &["ops", "metrics", &id],
        &["system"],
        &["kinds"],
        &["data", "list"],
        &["ops", "show", "!"],
        &["start", "nonsense"],
        &["train", "--help"],
    ] {
        let output = server.client().env("LC_ALL", "C").args(args).output();
        let output = output.expect("the client runs");
        for text in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(text);
            assert!(text.is_ascii(), "{args:?}: {text}");
        }
        if args[0] == "--json" {
            let view: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            assert_eq!(
                view["stop"]["reason"], "模型 → é",
                "it is the same document"
            );
        }
    }
}

#[test]
fn a_token_that_no_header_carries_is_a_fault_of_usage() {
    let server = Server::start();
    for token in ["t\u{f6}ken", "to\u{1}ken", "模型", "\u{a0}", "\u{a0}token"] {
        for args in [&["ops", "list"][..], &["dummy", "--iterations", "0"]] {
            let output = server
                .client()
                .env("IMPRESARIO_TOKEN", token)
                .args(args)
                .output();
            let output = output.expect("the client runs");
            let text = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{text}");
            assert!(
                text.contains("IMPRESARIO_TOKEN") && text.contains("ASCII"),
                "{text}"
            );
        }
    }
}

#[test]
fn a_failed_operation_ends_with_1() {
    let server = Server::start();
    let text = server.says(1, &["dummy", "--step-ms", "3600000", "--timeout", "0.05"]);
    assert!(text.contains("DEADLINE_EXCEEDED"), "{text}");
}

#[test]
fn usage_and_params_end_with_2_and_every_fault_is_named() {
    let server = Server::start();
    let output = server.run(&[
        "start",
        "dummy",
        "--param",
        "iterations=-1",
        "--param",
        "colour=1",
    ]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(
        text.contains("iterations") && text.contains("colour"),
        "{text}"
    );
    assert_eq!(server.run(&["start", "nonsense"]).status.code(), Some(2));
    assert_eq!(server.run(&["nonsense"]).status.code(), Some(2));
    assert_eq!(server.run(&["ops", "show", "!"]).status.code(), Some(2));
}

#[test]
fn an_address_in_the_environment_stands_in_no_usage_line() {
    let client = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_impresario"));
        command
            .env("IMPRESARIO_URL", "http://127.0.0.1:9")
            .args(args);
        let output = command.output().expect("the client runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), text)
    };
    let (code, text) = client(&["ops", "show"]);
    assert!(
        code == Some(2) && text.contains("Usage: impresario ops show <ID>"),
        "{text}"
    );
    let (code, text) = client(&["system"]);
    assert!(
        code == Some(3) && text.contains("http://127.0.0.1:9 "),
        "{text}"
    );
    let (code, text) = client(&["--url", "http://127.0.0.1:99999", "system"]);
    assert!(code == Some(2) && text.contains("1 to 65535"), "{text}");
}

#[test]
fn a_server_that_is_not_there_ends_with_3_and_the_text_says_what_to_do() {
    let output = Command::new(env!("CARGO_BIN_EXE_impresario"))
        // Port 9 (discard) of loopback: nothing listens there.
        .args(["--url", "http://127.0.0.1:9", "ops", "list"])
        .output()
        .expect("the client runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(
        text.contains("cannot reach") && text.contains("IMPRESARIO_URL"),
        "{text}"
    );
}

#[test]
fn one_that_is_cancelled_while_it_is_followed_ends_with_130() {
    let server = Server::start();
    let id = server.sleeper();
    let watching = server
        .client()
        .args(["ops", "watch", &id])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let watching = watching.expect("the client runs");
    server.says(0, &["ops", "cancel", &id, "--reason", "wrong symbol"]);
    let output = watching.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(130), "{text}");
    assert!(text.contains("wrong symbol"), "{text}");
}

#[test]
fn every_verb_does_what_it_says() {
    let server = Server::start();
    let id = server.sleeper();
    let short = &id[id.len() - 8..];
    server.says(0, &["ops", "pause", short, "--wait", "10"]);
    assert_eq!(server.json(&["ops", "show", short])["status"], "paused");
    server.says(0, &["ops", "resume", short]);
    let other = server.sleeper();
    server.says(0, &["ops", "finish", &other, "--wait", "10"]);
    assert_eq!(server.json(&["ops", "show", &other])["stopped_early"], true);
    server.says(0, &["ops", "cancel", short, "--wait", "10"]);
    let retried = server.json(&["ops", "retry", short]);
    let retried = retried["operation_id"]
        .as_str()
        .expect("a new one")
        .to_owned();
    assert_eq!(
        server.json(&["ops", "show", &retried])["retry_of"],
        Value::from(id.as_str())
    );
    server.says(0, &["ops", "cancel", &retried, "--wait", "10"]);
    // In a wrong status the code is 1, and the text says which verbs would have an effect.
    assert_eq!(server.run(&["ops", "pause", short]).status.code(), Some(1));
    server.says(0, &["ops", "logs", short]);
    server.says(0, &["ops", "prune", "--older-than", "0s"]);
    assert_eq!(
        server.json(&["ops", "list", "--all"])["operations"],
        Value::Array(vec![])
    );
}

#[test]
fn a_verb_that_changes_nothing_says_how_it_is_already() {
    let server = Server::start();
    let later = "dummy --not-before 2099-01-01T00:00:00Z --detach";
    let started = server.json(&later.split(' ').collect::<Vec<_>>());
    let id = started["operation_id"].as_str().expect("an id");
    let due = server.sleeper();
    for (verb, first, again) in [
        (
            "resume",
            "is already pending until 2099",
            "is already pending until 2099",
        ),
        ("pause", "pause asked, now paused", "is already paused"),
        ("cancel", "cancelled", "is already cancelled"),
    ] {
        for wanted in [first, again] {
            let text = server.says(0, &["ops", verb, id]);
            assert!(text.contains(wanted), "{verb}: {text}");
            assert_eq!(
                text.contains("already"),
                wanted.contains("already"),
                "{text}"
            );
        }
    }
    server.says(0, &["ops", "pause", &due, "--wait", "10"]);
    let text = server.says(0, &["ops", "pause", &due, "--wait", "10"]);
    assert!(text.contains("is already paused"), "{text}");
}

#[test]
fn only_verbs_that_wait_take_a_wait() {
    let server = Server::start();
    for verb in ["resume", "start-now"] {
        let output = server.run(&["ops", verb, "0000", "--wait", "1"]);
        assert_eq!(output.status.code(), Some(2), "{verb}");
        assert!(!server.says(0, &["ops", verb, "--help"]).contains("--wait"));
    }
}

#[test]
fn one_that_waits_for_its_time_is_listed_says_until_when_and_starts_now() {
    let server = Server::start();
    let later = "dummy --iterations 1 --step-ms 0 --not-before 2099-01-01T00:00:00Z --detach";
    let started = server.json(&later.split(' ').collect::<Vec<_>>());
    let id = started["operation_id"].as_str().expect("an id");
    server.says(0, &["ops", "pause", id, "--wait", "10"]);
    let text = server.says(0, &["ops", "resume", id]);
    assert!(text.contains("now pending until 2099-01-01"), "{text}");
    let listed = |status| server.json(&["ops", "list", "--status", status])["total_count"].clone();
    assert_eq!(
        (listed("scheduled"), listed("pending")),
        (1.into(), 1.into())
    );
    assert!(server.says(0, &["system"]).contains("1 for later"));
    let text = server.says(0, &["ops", "start-now", id, "--reason", "the data is here"]);
    assert!(text.contains("start-now asked"), "{text}");
    server.says(0, &["ops", "watch", id]);
    assert_eq!(server.json(&["ops", "show", id])["status"], "completed");
    assert_eq!(listed("scheduled"), 0);
    assert_eq!(server.run(&["ops", "start-now", id]).status.code(), Some(1));
}

#[test]
fn lists_kinds_and_the_system_are_shown() {
    let server = Server::start();
    let id = server.sleeper();
    let list = server.says(0, &["ops", "list"]);
    assert!(
        list.contains(&id[id.len() - 8..]) && list.contains("running"),
        "{list}"
    );
    assert!(server.says(0, &["kinds"]).contains("iterations"));
    assert!(server.says(0, &["system"]).contains("lane default"));
    assert_eq!(server.json(&["system"])["lanes"][0]["concurrency"], 2);
}

pub(crate) const BARS: &str = "Date,Open,High,Low,Close,Adj Close,Volume\n\
    2010-01-04,626.95,629.51,624.24,626.75,0,1956200\n\
    2010-01-05,627.18,627.84,621.54,623.99,0,3004700\n\
    2010-01-06,625.86,625.86,606.36,608.26,0,3978700\n";

#[test]
fn bars_are_loaded_listed_and_shown() {
    let server = Server::with_files(&[("GOOG_1d.csv", BARS), ("other.csv", BARS)]);
    assert!(server.says(0, &["data", "list"]).contains("no data here"));
    let text = server.says(0, &["data", "load", "GOOG", "--timeframe", "1d"]);
    assert!(text.contains("✔ data_load completed"), "{text}");
    assert!(
        text.contains("3 bars, 2010-01-04 to 2010-01-06")
            && text.contains("impresario data show GOOG 1d"),
        "{text}"
    );
    // This symbol has to be escaped in a path.
    let line = "data load BRK.B^X=F --timeframe 1d --file other.csv";
    let view = server.json(&line.split(' ').collect::<Vec<_>>());
    assert_eq!(view["result_summary"]["replaced"], false);
    let args = [
        "data",
        "load",
        "btc/usdt &",
        "--timeframe",
        "12h",
        "--file",
        "other.csv",
    ];
    let text = server.says(0, &args);
    assert!(
        text.contains("impresario data show 'btc/usdt &' 12h"),
        "{text}"
    );

    let list = server.json(&["data", "list"]);
    let symbols: Vec<_> = (0..3).map(|at| &list["datasets"][at]["symbol"]).collect();
    assert_eq!(symbols, ["BRK.B^X=F", "GOOG", "btc/usdt &"]);
    let text = server.says(0, &["data", "show", "btc/usdt &", "12h"]);
    assert!(text.contains("btc/usdt & 12h  3 bars"), "{text}");
    let output = server.run(&["data", "load", "A~B", "--timeframe", "1d"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("symbol  expected 1 to 64 printable characters but ~"),
        "{text}"
    );
    assert!(server.says(0, &["data", "list"]).contains("other.csv"));

    let text = server.says(0, &["data", "show", "BRK.B^X=F", "1d"]);
    assert!(text.contains("BRK.B^X=F 1d  3 bars"), "{text}");
    assert!(text.contains("627.18  627.84  621.54  623.99"), "{text}");
    let text = server.says(0, &["data", "show", "GOOG", "1d", "--start", "2010-01-06"]);
    assert!(text.contains("here    1 bar,"), "{text}");
    let page = server.json(&["data", "show", "GOOG", "1d", "--limit", "2"]);
    assert_eq!(page["bars"][1]["close"], 623.99);
    assert_eq!(page["next_start"], "2010-01-06T00:00:00.000Z");
}

#[test]
fn a_range_of_many_pages_is_shown_as_one() {
    let row = |minute: u32| {
        let at = 1_700_000_100 + minute * 300;
        format!("{at},1,2,0.5,1.5,{minute}\n")
    };
    let header = "timestamp,open,high,low,close,volume\n".to_owned();
    let text: String = std::iter::once(header)
        .chain((0..25_000).map(row))
        .collect();
    let server = Server::with_files(&[("A_5m.csv", &text)]);
    server.says(0, &["data", "load", "A", "--timeframe", "5m"]);
    let text = server.says(0, &["data", "show", "A", "5m"]);
    assert!(text.contains("⋮  24,990 more"), "{text}");
    assert!(
        text.lines()
            .last()
            .is_some_and(|line| line.ends_with("24,999")),
        "{text}"
    );
    let page = server.json(&["data", "show", "A", "5m", "--limit", "20001"]);
    let bars = page["bars"].as_array().expect("bars");
    assert_eq!(bars.len(), 20_001);
    assert!((0..20_001).all(|at| bars[at]["volume"] == at as f64));
    assert!(page["next_start"].is_string());
}

#[test]
fn data_that_is_not_there_and_files_that_are_no_bars_say_what_to_do() {
    let server = Server::with_files(&[("BAD_1d.csv", "Date,Open,High,Low\n2010-01-04,1,1,1\n")]);
    let output = server.run(&["data", "show", "GOOG", "1d"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let tip = "impresario data load GOOG --timeframe 1d";
    assert!(
        text.contains("DATA_NOT_FOUND") && text.contains(tip),
        "{text}"
    );
    let text = server.says(1, &["data", "load", "BAD", "--timeframe", "1d"]);
    assert!(
        text.contains("✘ data_load failed") && text.contains("COLUMN_MISSING"),
        "{text}"
    );
    for (code, args) in [
        (1, ["data", "load", "GOOG", "--timeframe", "1d"]),
        (2, ["data", "load", "GOOG", "--timeframe", "1y"]),
        (2, ["data", "show", "GOOG", "1d", "--start=soon"]),
    ] {
        assert_eq!(server.run(&args).status.code(), Some(code), "{args:?}");
    }
}

/// Prices that go up and down, so that both classes occur.
fn waves() -> String {
    let row = |day: i64| {
        let close = 100.0 + 10.0 * (day as f64 / 3.0).sin() + (day * 7 % 5) as f64;
        let at = 1_000_000_800 + day * 86_400;
        format!(
            "{at},{close},{},{},{close},{}\n",
            close + 1.0,
            close - 1.0,
            1_000 + day % 17
        )
    };
    let header = "timestamp,open,high,low,close,volume\n".to_owned();
    std::iter::once(header).chain((0..400).map(row)).collect()
}

/// The defaults in the help of a command are those of the server.
fn the_help_names_the_servers_defaults(server: &Server, command: &str, kind: &Value) {
    let help = server.says(0, &[command, "--help"]);
    let properties = kind["params_schema"]["properties"].as_object();
    for (name, schema) in properties.expect("params") {
        let Some(default) = schema.get("default") else {
            continue;
        };
        let default = default.to_string();
        let default = default.trim_matches(['[', ']', '"']);
        let flag = format!("--{} ", name.replace('_', "-"));
        let said = help
            .lines()
            .skip_while(|line| !line.contains(&flag))
            .take(2);
        let said: String = said.collect();
        assert!(
            said.contains(&format!("[default: {default}]")),
            "{flag}: {said}"
        );
    }
}

#[test]
fn the_help_of_the_reference_kind_names_its_defaults() {
    let server = Server::start();
    let kinds = server.json(&["kinds"]);
    let mut kinds = kinds.as_array().expect("kinds").iter();
    let dummy = kinds
        .find(|kind| kind["kind"] == "dummy")
        .expect("it is built in");
    the_help_names_the_servers_defaults(&server, "dummy", dummy);
}

/// If the server was built without the feature `training`, there is nothing to test here.
#[test]
fn a_training_leaves_a_model_that_is_listed_shown_and_asked() {
    let server = Server::with_files(&[("A_1d.csv", &waves())]);
    let kinds = server.json(&["kinds"]);
    let kinds = kinds["kinds"]
        .as_array()
        .or(kinds.as_array())
        .expect("kinds");
    let Some(training) = kinds.iter().find(|kind| kind["kind"] == "training") else {
        return;
    };
    the_help_names_the_servers_defaults(&server, "train", training);

    let line = "train A --timeframe 1d --epochs 2 --label experiment=waves";
    let line: Vec<_> = line.split(' ').collect();
    let output = server.run(&line);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("impresario data load A --timeframe 1d"),
        "{text}"
    );
    server.says(0, &["data", "load", "A", "--timeframe", "1d"]);
    let text = server.says(0, &line);
    assert!(
        text.contains("test accuracy") && text.contains("better baseline"),
        "{text}"
    );
    assert!(text.contains("of 2, every epoch was run"), "{text}");

    let list = server.json(&["models", "list"]);
    let id = list["models"][0]["model_id"].as_str().expect("a model");
    let short = &id[id.len() - 8..];
    assert!(
        text.contains(&format!("impresario models show {short}")),
        "{text}"
    );
    let card = server.says(0, &["models", "show", short]);
    assert!(
        card.contains(id) && card.contains("13 → 64 → 32 → 2"),
        "{card}"
    );
    for fact in ["started by cli", "experiment=waves", " run 1\n", "revision"] {
        assert!(card.contains(fact), "{fact}: {card}");
    }
    assert!(
        card.contains(&format!("impresario models verify {short}")),
        "{card}"
    );
    a_model_is_verified(&server, id);
    let answer = server.json(&["models", "predict", short]);
    let share = |class: &str| answer["probabilities"][class].as_f64().expect("a number");
    assert!(
        (share("up") + share("not_up") - 1.0).abs() < 1e-6,
        "{answer}"
    );
}

/// The machine is that of the training, so its bits are promised.
fn a_model_is_verified(server: &Server, id: &str) {
    let short = &id[id.len() - 8..];
    let text = server.says(0, &["models", "verify", short]);
    assert!(
        text.contains("✔ model_verify completed") && text.contains("have the same bits"),
        "{text}"
    );
    assert!(
        text.contains(&format!("impresario models show {short}")),
        "{text}"
    );
    let view = server.json(&["models", "verify", id, "--label", "a=b"]);
    assert_eq!(view["result_summary"]["identical"], true);
    assert_eq!(view["labels"]["a"], "b");
    let started = server.json(&["models", "verify", short, "--detach"]);
    let watched = started["operation_id"].as_str().expect("an id");
    server.says(0, &["ops", "watch", watched]);

    for (id, code, said) in [
        ("zzzz", 1, "impresario models list"),
        ("mdl_0000000000000", 1, "MODEL_NOT_FOUND"),
        ("!", 2, "mdl_ and 13 characters"),
    ] {
        let output = server.run(&["models", "verify", id]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{id}: {text}");
        assert!(text.contains(said), "{id}: {text}");
    }
}
