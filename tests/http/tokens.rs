//! Who may call, as a file says it: which files are taken, and what happens to those who guess.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::{ANNA, BEN, Server, comes, command, token_file, tokens};

/// What the server says of a token file that it does not take.
fn refused(text: &str, mode: u32) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let set = token_file(&folder, text);
    let path = folder.path().join("tokens");
    fs::set_permissions(&path, Permissions::from_mode(mode)).expect("it is ours");
    let output = command(&folder, &["--set", &set])
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains(&*path.to_string_lossy()), "{told}");
    told
}

#[test]
fn a_file_that_cannot_be_trusted_is_refused_by_its_line_and_no_token_is_told() {
    for (text, mode, wanted) in [
        ("anna ANNA\n", 0o640, "run chmod 600"),
        ("anna ANNA\n", 0o604, "run chmod 600"),
        ("anna ANNA\n", 0o620, "run chmod 600"),
        (
            "anna short\n",
            0o600,
            "line 1: expected a token of at least 24",
        ),
        ("\nanna ANNA x\n", 0o600, "line 2: expected \"name token\""),
        (
            "anna ANNA\nanna BEN\n",
            0o600,
            "line 2: its name stands on line 1",
        ),
        (
            "anna ANNA\nben ANNA\n",
            0o600,
            "line 2: its token stands on line 1",
        ),
        ("anna ANNA\n\u{feff}# ben\n", 0o600, "line 2: expected"),
        ("# nobody\n", 0o600, "holds no tokens"),
    ] {
        let told = refused(&text.replace("ANNA", ANNA).replace("BEN", BEN), mode);
        assert!(told.contains(wanted), "{text:?}: {told}");
        assert!(!told.contains(ANNA) && !told.contains(BEN), "{told}");
    }
}

#[test]
fn a_byte_order_mark_makes_no_token_of_a_comment() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let comment = "comment-of-more-than-24-characters";
    let text = format!("\u{feff}# {comment}\r\nanna {ANNA}\r\n");
    let server = Server::set(&[&token_file(&folder, &text)]);
    for (token, status) in [(comment, 401), (ANNA, 200)] {
        let header = format!("Bearer {token}");
        let reply = server.send("GET", "/api/v1/kinds", &[("authorization", &header)], None);
        assert_eq!(reply.status, status, "{token}");
    }
}

#[test]
fn who_sends_wrong_tokens_waits_and_nobody_else_does() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let proxy = "http.trusted_proxies=[\"127.0.0.1\"]";
    let server = Server::set(&[&tokens(&folder), proxy]);
    let right = format!("Bearer {ANNA}");
    let ask = |from: &str, token: &str| {
        let headers = [("x-forwarded-for", from), ("authorization", token)];
        server.send("GET", "/api/v1/kinds", &headers, None)
    };
    for _ in 0..5 {
        ask("192.0.2.7", "Bearer wrong").fails(401, "UNAUTHENTICATED");
    }
    for token in ["Bearer wrong", &right] {
        let reply = ask("192.0.2.7", token);
        reply.fails(429, "TOO_MANY_REFUSALS");
        let wait: u64 = reply.header("retry-after").parse().expect("seconds");
        assert!((1..=60).contains(&wait), "{wait}");
    }
    let forwarded = [("x-forwarded-for", "192.0.2.7")];
    server.send("GET", "/healthz", &forwarded, None).data(200);
    let reply = server.send("GET", "/api/v1/kinds", &forwarded, None);
    reply.fails(401, "UNAUTHENTICATED");
    ask("192.0.2.8", &right).data(200);
    // The proxy itself, which every other client would suffer for.
    let own = |token: &str| server.send("GET", "/api/v1/kinds", &[("authorization", token)], None);
    for _ in 0..20 {
        own("Bearer wrong").fails(401, "UNAUTHENTICATED");
    }
    own(&right).data(200);
}

#[test]
fn refused_tokens_and_prunes_are_in_the_log_with_who_and_without_the_token() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log");
    let script = format!("exec \"$0\" \"$@\" 2>{}", log.display());
    let data = format!("data_dir={}/data", folder.path().display());
    let server = Server::by_shell(&script, &["--set", &data, "--set", &tokens(&folder)]);
    let wrong = "a-secret-that-nobody-may-read";
    let header = format!("Bearer {wrong}");
    for _ in 0..100 {
        let path = "/api/v1/system?token=also-secret";
        let reply = server.send("GET", path, &[("authorization", &header)], None);
        reply.fails(401, "UNAUTHENTICATED");
    }
    let anna = format!("Bearer {ANNA}");
    let headers = [("authorization", anna.as_str())];
    let prune = json!({"older_than_seconds": 3600, "dry_run": false});
    server
        .post_as("/api/v1/operations/prune", &prune, &headers)
        .data(200);
    let read = || fs::read_to_string(&log).expect("a log");
    comes("its last line", || {
        read().contains("prune: anna: 0 operations")
    });
    let text = read();
    let told = text
        .matches("refused a token from 127.0.0.1 for /api/v1/system\n")
        .count();
    assert!((1..=20).contains(&told), "{told} lines: {text}");
    assert!(
        !text.contains(wrong) && !text.contains("also-secret"),
        "{text}"
    );
}
