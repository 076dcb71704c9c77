//! The one place that turns what the server says into text for people.
//!
//! Everything but [`screen`] is pure: a view and a [`Look`] in, lines out.

pub(crate) mod bars;
mod canvas;
pub(crate) mod data;
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
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod screen;
pub(crate) mod show;
pub(crate) mod system;
mod table;
pub(crate) mod text;

use impresario_api::Status;

/// What a stream can show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Columns.
    pub(crate) width: usize,
    /// Whether colours may go beside the signs and words.
    pub(crate) colour: bool,
}

/// A meaning that a colour may underline; a sign or a word always carries it too.
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
    /// A file or a pipe: no colours, and nothing is cut or wrapped.
    pub(crate) const PLAIN: Self = Self {
        width: 100_000,
        colour: false,
    };

    /// `text` with its meaning underlined, where colours may be.
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

    /// The status's sign.
    pub(crate) fn sign(self, status: Status) -> String {
        self.paint(tone_of(status), &status.sign().to_string())
    }

    /// Cut to the width.
    pub(crate) fn fit(self, line: &str) -> String {
        text::cut(line.trim_end(), self.width)
    }
}

/// What a status feels like.
pub(crate) const fn tone_of(status: Status) -> Tone {
    match status {
        Status::Pending => Tone::Dim,
        Status::Running => Tone::Active,
        Status::Cancelling | Status::Pausing | Status::Paused | Status::Cancelled => Tone::Warn,
        Status::Completed => Tone::Good,
        Status::Failed => Tone::Bad,
    }
}
