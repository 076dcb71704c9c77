//! Datasets are deleted by the client: it shows what refers to them, and asks.

use crate::BARS;
use crate::keys::Seat;
use crate::server::Server;

fn loaded() -> Server {
    let server = Server::with_files(&[("a.csv", BARS)]);
    for symbol in ["BTC/USDT", "GOOG"] {
        server.says(
            0,
            &[
                "data",
                "load",
                symbol,
                "--timeframe",
                "1d",
                "--file",
                "a.csv",
            ],
        );
    }
    server
}

/// A load that waits for a time that does not come.
fn waiting(server: &Server, symbol: &str) {
    let args = [
        "data",
        "load",
        symbol,
        "--timeframe",
        "1d",
        "--file",
        "a.csv",
    ];
    server.says(
        0,
        &[
            &args[..],
            &["--detach", "--not-before", "2099-01-01T00:00:00Z"],
        ]
        .concat(),
    );
}

fn listed(server: &Server) -> String {
    server.says(0, &["data", "list"])
}

#[test]
fn without_a_terminal_it_is_not_asked_and_nothing_is_deleted() {
    let server = loaded();
    for args in [
        &["data", "delete", "BTC/USDT", "1d"][..],
        &["--json", "data", "delete", "BTC/USDT", "1d"],
        &["models", "delete", "mdl_0000000000000"],
    ] {
        let output = server.run(args);
        let error =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains("--yes"), "{error}");
    }
    assert!(listed(&server).contains("BTC/USDT"));
}

#[test]
fn yes_deletes_at_once_and_says_what_referred_to_it() {
    let server = loaded();
    waiting(&server, "BTC/USDT");
    let text = server.says(0, &["data", "delete", "BTC/USDT", "1d", "--yes"]);
    assert!(text.contains("✔ BTC/USDT 1d deleted"), "{text}");
    assert!(
        text.contains("loads it") && text.contains("pending"),
        "{text}"
    );
    let answer = server.json(&["data", "delete", "GOOG", "1d", "--yes"]);
    assert_eq!(answer["deleted"], true);
    assert!(listed(&server).contains("no data here"));
    let output = server.run(&["data", "delete", "GOOG", "1d", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("DATA_NOT_FOUND") && error.contains("GOOG 1d"),
        "{error}"
    );
}

#[test]
fn at_a_terminal_it_is_shown_and_asked() {
    let server = loaded();
    waiting(&server, "BTC/USDT");
    for (answer, code, gone) in [("\n", 1, false), ("no\n", 1, false), ("yes\n", 0, true)] {
        let mut seat = Seat::new(&server, &["data", "delete", "BTC/USDT", "1d"]);
        let text = seat.until("Delete BTC/USDT 1d for good all the same? [y/N]");
        assert!(
            text.contains("these refer to BTC/USDT 1d:") && text.contains("loads it"),
            "{text}"
        );
        seat.press(answer.as_bytes());
        seat.until(if gone {
            "✔ BTC/USDT 1d deleted"
        } else {
            "nothing was deleted"
        });
        assert_eq!(seat.ends(), Some(code));
        assert_eq!(!listed(&server).contains("BTC/USDT"), gone);
    }
    let mut seat = Seat::new(&server, &["data", "delete", "GOOG", "1d"]);
    seat.until("Delete GOOG 1d for good? [y/N]");
    seat.press(b"y\n");
    seat.until("✔ GOOG 1d deleted");
    assert_eq!(seat.ends(), Some(0));
}
