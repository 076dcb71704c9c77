//! Sends a file to the server's import folder, and says how far it is.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use impresario_api::ImportAnswer;

use crate::client::Client;
use crate::display::screen::StatusLine;
use crate::display::upload::{sending, sent};
use crate::error::Error;
use crate::out::Out;
use crate::terminal::Terminal;
use crate::text_file::whole;

/// How often the line is drawn anew.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// The longest name of a file in the import folder, in bytes.
const LONGEST_NAME: usize = 255;

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file on this machine, or something else that can be read.
    File(PathBuf),
    /// Standard input.
    Input,
}

/// What happens while a file is sent.
enum Signal {
    Answered(Result<ImportAnswer, Error>),
    CtrlC,
}

impl Source {
    /// The name that it has on the server unless another one is said.
    pub(crate) fn name(&self) -> Result<String, Error> {
        let Self::File(path) = self else {
            return Err(Error::usage(
                "standard input has no name: say under which one the server keeps it, as in --file NAME.csv",
            ));
        };
        let file = path.file_name().and_then(|name| name.to_str());
        let name = file.filter(|name| is_name(name) && path.is_file());
        name.map(str::to_owned).ok_or_else(|| {
            Error::usage(format!(
                "{}: say under which name the server keeps it, as in --file NAME.csv",
                whole(path).display()
            ))
        })
    }

    /// What can be read, and how long it is, if that is known.
    fn open(&self) -> Result<(Box<dyn Read + Send>, Option<u64>), Error> {
        let Self::File(path) = self else {
            return Ok((Box::new(io::stdin()), None));
        };
        let wrong = |why: &dyn std::fmt::Display| {
            let path = whole(path);
            Error::usage(format!("{}: {why}", path.display()))
        };
        // Opening a pipe waits for who writes to it, as it does for every program that is given one.
        let file = File::open(path).map_err(|error| wrong(&error))?;
        let metadata = file.metadata().map_err(|error| wrong(&error))?;
        if metadata.is_dir() {
            return Err(wrong(&"expected a file, got a folder"));
        }
        if !metadata.is_file() {
            return Ok((Box::new(file), None));
        }
        // What is added to it meanwhile is left out: its length has been announced.
        let length = metadata.len();
        Ok((Box::new(file.take(length)), Some(length)))
    }
}

/// Whether the server takes a file of this name.
pub(crate) fn is_name(name: &str) -> bool {
    let strange = |one: char| matches!(one, '/' | '\\') || one.is_control();
    (1..=LONGEST_NAME).contains(&name.len()) && !name.starts_with('.') && !name.contains(strange)
}

/// Whether text names a file rather than a symbol: by how it is written, or because there is one.
pub(crate) fn looks_like_a_file(text: &str) -> bool {
    const BEGINNINGS: [&str; 4] = ["/", "./", "../", "~/"];
    const ENDINGS: [&str; 12] = [
        "csv", "tsv", "txt", "tab", "dat", "prn", "gz", "zip", "parquet", "json", "xls", "xlsx",
    ];
    let path = Path::new(text);
    let ending = path.extension().and_then(|ending| ending.to_str());
    let is_known = |ending: &str| ENDINGS.iter().any(|one| ending.eq_ignore_ascii_case(one));
    text == "-"
        || BEGINNINGS.iter().any(|start| text.starts_with(start))
        || ending.is_some_and(is_known)
        || path.is_file()
}

/// Sends it, and returns when the server has it. Ctrl-C ends it, and then the server keeps nothing.
pub(crate) fn upload(
    client: &Arc<Client>,
    out: &Out,
    source: &Source,
    name: &str,
) -> Result<(), Error> {
    let (reader, length) = source.open()?;
    let passed = Arc::new(AtomicU64::new(0));
    let (tell, hear) = mpsc::channel();
    let to_us = tell.clone();
    let _terminal = Terminal::listen(false, move |_| to_us.send(Signal::CtrlC).is_ok());
    let (sender, named) = (Arc::clone(client), name.to_owned());
    let counted = Counted {
        reader,
        passed: Arc::clone(&passed),
    };
    // On a thread of its own: a server that takes nothing more must not keep Ctrl-C waiting.
    thread::spawn(move || {
        let answer = sender.put_import(&named, counted, length);
        // If nobody listens any more, the client ends.
        let _ = tell.send(Signal::Answered(answer));
    });
    let (line, began) = (StatusLine::new(out), Instant::now());
    line.begin(&sending(name, 0, length, 0.0));
    let end = loop {
        match hear.recv_timeout(DRAW_EVERY) {
            Ok(signal) => break signal,
            Err(RecvTimeoutError::Timeout) => {
                let passed = passed.load(Ordering::Relaxed);
                line.show(&sending(
                    name,
                    passed,
                    length,
                    began.elapsed().as_secs_f64(),
                ));
            }
            // The sender has panicked.
            Err(RecvTimeoutError::Disconnected) => {
                break Signal::Answered(Err(Error::Garbled("the upload ended".to_owned())));
            }
        }
    };
    line.close();
    match end {
        Signal::CtrlC => Err(Error::Aborted {
            name: name.to_owned(),
        }),
        Signal::Answered(answer) => {
            let answer = answer?;
            if !out.json {
                out.note(&[out.err_look.fit(&sent(&answer))]);
            }
            Ok(())
        }
    }
}

/// A reader that counts what it gives.
struct Counted {
    reader: Box<dyn Read + Send>,
    passed: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.passed.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_from_a_symbol_by_how_it_is_written() {
        for file in [
            "-",
            "./AAPL",
            "../a",
            "/tmp/x",
            "~/a",
            "a.csv",
            "a.CSV.GZ",
            "dir/a.parquet",
            "x.txt",
        ] {
            assert!(looks_like_a_file(file), "{file}");
        }
        for symbol in [
            "GOOG", "BRK.B", "BTC/USDT", "0700.HK", "^GSPC", "M&M.NS", "eurusd", "a.b.c",
        ] {
            assert!(!looks_like_a_file(symbol), "{symbol}");
        }
    }

    #[test]
    fn a_file_has_its_own_name_if_the_server_takes_that() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let name = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, "x").expect("the folder is ours");
            Source::File(path).name()
        };
        assert_eq!(name("a b.csv").ok().as_deref(), Some("a b.csv"));
        for strange in [".hidden", "a\\b", "a\nb"] {
            let error = name(strange).expect_err("the server takes no such name");
            assert!(error.to_string().contains("--file NAME"), "{error}");
        }
        for unnamed in [Source::Input, Source::File("/dev/null".into())] {
            assert!(unnamed.name().is_err(), "{unnamed:?}");
        }
    }
}
