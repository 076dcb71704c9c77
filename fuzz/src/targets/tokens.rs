//! Token files.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use impresario_server::config::{Args, Settings};

use crate::Target;

/// Writes a file that only its owner may read.
pub(crate) fn write(file: &Path, bytes: &[u8]) {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options
        .open(file)
        .and_then(|mut file| file.write_all(bytes));
    written.expect("a writable folder");
}

/// An accepted file has names and tokens that can be sent in a header, none of them twice. A refusal names the
/// file and the line, and does not repeat its contents.
pub(crate) fn target() -> Target {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("tokens");
    let set = vec![format!("http.token_file={file:?}")];
    let args = Args {
        set,
        ..Args::default()
    };
    let http = Settings::load(&args).expect("settings").http;
    Box::new(move |bytes| {
        let file = folder.path().join("tokens");
        write(&file, bytes);
        match http.tokens() {
            Ok(tokens) => {
                let tokens = tokens.expect("there is a file").0;
                let (mut names, mut secrets) = (HashSet::new(), HashSet::new());
                let mut lines = String::new();
                for token in &tokens {
                    check(&token.name, &token.secret);
                    assert!(names.insert(token.name.clone()), "{} twice", token.name);
                    assert!(secrets.insert(token.secret.clone()), "a token twice");
                    lines += &format!("{} {}\n", token.name, token.secret);
                }
                write(&file, lines.as_bytes());
                let back = http
                    .tokens()
                    .expect("it was taken before")
                    .expect("a file")
                    .0;
                let pair = |token: &impresario_server::config::Token| {
                    (token.name.clone(), token.secret.clone())
                };
                let pairs = |all: &[_]| all.iter().map(pair).collect::<Vec<_>>();
                assert_eq!(pairs(&back), pairs(&tokens));
            }
            Err(error) => refused(&error.to_string(), &file, bytes),
        }
        let _ = fs::remove_file(&file);
    })
}

fn check(name: &str, secret: &str) {
    assert!((1..=100).contains(&name.chars().count()), "{name}");
    assert!(
        !name.contains(|one: char| one.is_whitespace() || one.is_control()),
        "{name}"
    );
    assert!(!name.starts_with(['#', '\u{feff}']), "{name}");
    assert!(secret.len() >= 24, "a token of {} bytes", secret.len());
    assert!(
        secret.bytes().all(|byte| byte.is_ascii_graphic()),
        "a token that no header can carry"
    );
}

fn refused(error: &str, file: &Path, bytes: &[u8]) {
    let file = file.display().to_string();
    assert!(error.contains(&file), "{error}");
    assert!(error.len() < file.len() + 500, "{} bytes", error.len());
    let rest = error.replace(&file, "");
    let words = String::from_utf8_lossy(bytes);
    for secret in words.split_whitespace().filter(|word| word.len() >= 24) {
        assert!(!rest.contains(secret), "{error}");
    }
}
