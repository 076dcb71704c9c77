//! Standard output and standard error, and what each of them can show.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use serde_json::Value;

use crate::display::{Look, errors, glyphs, text};
use crate::error::Error;

/// The two streams, and whether a program reads them.
pub(crate) struct Out {
    /// Whether to print one JSON document per line instead of text.
    pub(crate) json: bool,
    /// What standard output can show.
    pub(crate) look: Look,
    /// What standard error can show.
    pub(crate) err_look: Look,
    /// Whether standard error can redraw.
    pub(crate) err_is_terminal: bool,
}

impl Out {
    /// The streams of this process.
    pub(crate) fn new(json: bool) -> Self {
        let (out, err) = (console::Term::stdout(), console::Term::stderr());
        let err_is_terminal = io::stderr().is_terminal() && !is_dumb();
        Self {
            json,
            look: look_of(&out, io::stdout().is_terminal()),
            err_look: look_of(&err, io::stderr().is_terminal()),
            err_is_terminal,
        }
    }

    /// Writes one line to standard output.
    pub(crate) fn line(&self, line: &str) -> Result<(), Error> {
        self.lines(&[line])
    }

    /// Writes lines to standard output.
    pub(crate) fn lines<S: AsRef<str>>(&self, lines: &[S]) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        for line in lines {
            writeln!(out, "{}", glyphs::shown(line.as_ref()))?;
        }
        Ok(out.flush()?)
    }

    /// Writes one JSON document as a line to standard output.
    pub(crate) fn document(&self, value: &Value) -> Result<(), Error> {
        self.line(&text::json(value))
    }

    /// Writes lines to standard error. If that is closed too, nothing can be done.
    pub(crate) fn note<S: AsRef<str>>(&self, lines: &[S]) {
        let mut err = io::stderr().lock();
        for line in lines {
            if writeln!(err, "{}", glyphs::shown(line.as_ref())).is_err() {
                return;
            }
        }
    }

    /// Says that the server does not answer and that the client tries again; nothing with `--json`.
    pub(crate) fn lost(&self, error: &Error, patience: Duration) {
        if !self.json {
            self.note(&[lost(error, patience)]);
        }
    }

    /// Writes an error, as text or as JSON.
    pub(crate) fn error(&self, error: &Error) {
        self.tell(error, None, None);
    }

    /// The same of what was asked of one of those whose ids were typed. A program hears each time which
    /// one it was, a person where there are several.
    pub(crate) fn error_of(&self, id: &str, one_of_several: bool, error: &Error) {
        self.tell(error, Some(id), one_of_several.then_some(id));
    }

    fn tell(&self, error: &Error, id: Option<&str>, shown: Option<&str>) {
        if error.is_broken_pipe() {
            return;
        }
        if self.json {
            let mut value = serde_json::to_value(error.envelope()).unwrap_or(Value::Null);
            if let (Some(id), Some(value)) = (id, value.as_object_mut()) {
                value.insert("id".to_owned(), id.into());
            }
            self.note(&[text::json(&value)]);
        } else {
            self.note(&errors::error(error, shown, self.err_look));
        }
    }
}

/// The text that the server does not answer and that the client tries again.
pub(crate) fn lost(error: &Error, patience: Duration) -> String {
    let why = text::clean(&error.to_string());
    format!("{why}; trying again for {} s", patience.as_secs())
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

fn look_of(term: &console::Term, is_terminal: bool) -> Look {
    if !is_terminal {
        return Look::PLAIN;
    }
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Look {
        width: usize::from(term.size_checked().map_or(80, |(_, columns)| columns)).max(20),
        colour: !no_color && !is_dumb(),
    }
}
