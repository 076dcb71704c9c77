//! Turns answers of the server into text for people. No other module does.
//!
//! Everything but [`screen`] is pure: functions of a view and a [`Look`] that return lines.

pub(crate) mod bars;
mod canvas;
pub(crate) mod data;
pub(crate) mod deleting;
pub(crate) mod dialects;
pub(crate) mod end;
pub(crate) mod errors;
pub(crate) mod glyphs;
pub(crate) mod kinds;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod metrics;
pub(crate) mod model;
pub(crate) mod numbers;
pub(crate) mod plain;
pub(crate) mod quality;
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod screen;
pub(crate) mod show;
pub(crate) mod system;
mod table;
pub(crate) mod text;
pub(crate) mod upload;

use impresario_api::Status;

/// What a stream can show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) width: usize,
    /// Whether colours may be used in addition to signs and words.
    pub(crate) colour: bool,
}

/// A meaning that a colour emphasises. A sign or a word always expresses it too.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tone {
    Good,
    Bad,
    Warn,
    Active,
    Dim,
    Strong,
}

impl Look {
    /// The look of a file or a pipe: no colours, and nothing is cut or wrapped.
    pub(crate) const PLAIN: Self = Self {
        width: 100_000,
        colour: false,
    };

    /// `text` in the colour of its meaning, if colours may be used.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let style = console::Style::new().force_styling(true);
        let style = match tone {
            Tone::Good => style.green(),
            Tone::Bad => style.red(),
            Tone::Warn => style.yellow(),
            Tone::Active => style.cyan(),
            Tone::Dim => style.dim(),
            Tone::Strong => style.bold(),
        };
        style.apply_to(text).to_string()
    }

    pub(crate) fn sign(self, status: Status) -> String {
        self.paint(tone_of(status), &status.sign().to_string())
    }

    /// The line, cut to the width.
    pub(crate) fn fit(self, line: &str) -> String {
        text::cut(line.trim_end(), self.width)
    }
}

pub(crate) const fn tone_of(status: Status) -> Tone {
    match status {
        Status::Pending => Tone::Dim,
        Status::Running => Tone::Active,
        Status::Cancelling | Status::Pausing | Status::Paused | Status::Cancelled => Tone::Warn,
        Status::Completed => Tone::Good,
        Status::Failed => Tone::Bad,
    }
}
