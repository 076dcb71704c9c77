//! The terminal client of impresariod. It does everything through the API.

mod args;
mod bars_file;
mod client;
mod commands;
mod display;
mod error;
mod feed;
mod follower;
mod handlers;
mod ids;
mod keys;
mod out;
mod runner;
mod start_args;
mod terminal;
mod text_file;
mod upload;
mod values;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use args::{Asked, Global};
use client::Client;
use commands::App;
use error::Error;
use out::Out;
use runner::OperationRunner;
use text_file::Form;

fn main() -> ExitCode {
    let (global, asked) = args::read();
    let out = Out::new(global.json);
    let client = token(&global).and_then(|token| Client::new(&global.url(), token));
    let client = match client {
        Ok(client) => Arc::new(client),
        Err(error) => {
            out.error(&error);
            return ExitCode::from(error.exit_code());
        }
    };
    let app = App { client, out };
    match run(&app, asked) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            app.out.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(app: &App, asked: Asked) -> Result<u8, Error> {
    match asked {
        Asked::Other(command) => commands::run(app, command),
        Asked::Start(handler, arguments) => {
            let params = handler.resolve(&app.client, handler.params(&arguments)?)?;
            let start = start_args::start(&arguments)?;
            handler.prepare(&app.client, &app.out, &arguments)?;
            let runner = OperationRunner::new(&app.client, &app.out);
            runner.start(handler.as_ref(), params, start)
        }
    }
}

/// The token of `--token-file`, or else of the environment.
fn token(global: &Global) -> Result<Option<String>, Error> {
    if let Some(path) = &global.token_file {
        return read_token(path).map(Some);
    }
    let Some(token) = std::env::var_os("IMPRESARIO_TOKEN") else {
        return Ok(None);
    };
    match token.to_string_lossy().trim_ascii() {
        "" => Ok(None),
        token => sendable(token, "IMPRESARIO_TOKEN").map(Some),
    }
}

/// Reads the first line that is not a comment: a token, or a name and a token, as in the server's own file.
fn read_token(path: &Path) -> Result<String, Error> {
    let shown = format!("--token-file {}", text_file::whole(path).display());
    let text = text_file::read(path, Form::Written)
        .map_err(|error| Error::usage(format!("{shown}: {error}")))?;
    let mut lines = text.lines().map(str::trim_ascii);
    let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    let line = line.unwrap_or_default();
    match line.split_ascii_whitespace().collect::<Vec<_>>().as_slice() {
        [token] | [_, token] => sendable(token, &shown),
        _ => Err(Error::usage(format!(
            "{shown}: expected a token, or a name and a token, on its first line that is no comment"
        ))),
    }
}

/// Checks that a token has only visible ASCII characters, as headers and the server's tokens must.
fn sendable(token: &str, from: &str) -> Result<String, Error> {
    if token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(token.to_owned());
    }
    Err(Error::usage(format!(
        "{from}: a token is of visible ASCII characters, and this one has another; is it the right one?"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_alone_or_behind_a_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("token");
        for (text, token) in [
            ("abc\n", Some("abc")),
            ("me abc\nyou def\n", Some("abc")),
            ("\u{feff}abc\r\n", Some("abc")),
            ("me \u{e9}bc", None),
            ("ab\u{1}c", None),
            ("", None),
            ("a b c", None),
            ("me\u{a0}abc", None),
            ("abc\u{a0}", None),
            ("\u{feff}abc", Some("abc")),
            ("\u{feff}# mine\n\n me abc\n", Some("abc")),
            ("# nobody\n", None),
        ] {
            std::fs::write(&path, text).expect("the folder is ours");
            assert_eq!(read_token(&path).ok().as_deref(), token, "{text:?}");
        }
        assert!(read_token(&folder.path().join("none")).is_err());
    }

    #[test]
    fn a_file_that_is_named_without_its_folder_is_told_with_it() {
        let name = Path::new("nowhere-to-be-found");
        let folder = std::env::current_dir().expect("a folder");
        let shown = folder.join(name).display().to_string();
        let token = read_token(name).err().map(|error| error.to_string());
        let bars = bars_file::BarsFile::open(name)
            .err()
            .map(|error| error.to_string());
        for error in [token, bars] {
            assert!(error.is_some_and(|text| text.contains(&shown)));
        }
    }
}
