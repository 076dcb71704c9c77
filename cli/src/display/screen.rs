//! Draws: bars on a terminal, lines elsewhere, nothing with `--json`.

use std::time::Instant;

use impresario_api::OperationView;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Look;
use super::canvas::Canvas;
use super::live::{self, Keys};
use super::metrics::Metrics;
use super::plain::Plain;
use super::text;
use crate::out::Out;

/// How an operation is shown while it is live.
pub(crate) struct Screen<'a> {
    out: &'a Out,
    way: Way,
}

enum Way {
    /// One bar of indicatif whose message is the whole picture, so that it is drawn at once.
    Picture(ProgressBar),
    Lines {
        plain: Plain,
        since: Instant,
    },
    /// Nothing is shown; standard error has only errors.
    Silent,
}

impl<'a> Screen<'a> {
    /// The screen that fits standard error.
    pub(crate) fn new(out: &'a Out) -> Self {
        let way = match (out.json, out.err_is_terminal) {
            (true, _) => Way::Silent,
            (false, false) => Way::Lines {
                plain: Plain::default(),
                since: Instant::now(),
            },
            (false, true) => Way::Picture(drawn_bar()),
        };
        Self { out, way }
    }

    /// Whether anything is shown.
    pub(crate) const fn is_seen(&self) -> bool {
        !matches!(self.way, Way::Silent)
    }

    /// Whether the picture is drawn, so that keys can be shown.
    pub(crate) const fn is_picture(&self) -> bool {
        matches!(self.way, Way::Picture(_))
    }

    /// Shows the operation as it is now.
    pub(crate) fn show(
        &mut self,
        view: &OperationView,
        metrics: &Metrics,
        items: &str,
        keys: Keys,
    ) {
        match &mut self.way {
            Way::Silent => {}
            Way::Lines { plain, since } => {
                if let Some(line) = plain.line(view, metrics, since.elapsed().as_secs_f64()) {
                    self.out.note(&[line]);
                }
            }
            Way::Picture(bar) => {
                let look = current(self.out.err_look);
                bar.set_message(live::picture(view, metrics, items, keys, look).join("\n"));
            }
        }
    }

    /// Shows a note once, beside the operation.
    pub(crate) fn note(&self, line: &str) {
        match &self.way {
            Way::Silent => {}
            Way::Lines { .. } => self.out.note(&[line]),
            Way::Picture(bar) => {
                let lines = text::wrap("", line, current(self.out.err_look).width);
                bar.suspend(|| self.out.note(&lines));
            }
        }
    }

    /// Removes the picture, so that other output can follow.
    pub(crate) fn close(&self) {
        if let Way::Picture(bar) = &self.way {
            bar.finish_and_clear();
        }
    }
}

/// A line about something that takes a while before there is an operation.
pub(crate) struct StatusLine<'a> {
    out: &'a Out,
    bar: Option<ProgressBar>,
}

impl<'a> StatusLine<'a> {
    /// A line that is drawn again and again on a terminal, and said once elsewhere.
    pub(crate) fn new(out: &'a Out) -> Self {
        let drawn = !out.json && out.err_is_terminal;
        Self {
            out,
            bar: drawn.then(drawn_bar),
        }
    }

    /// Says what begins.
    pub(crate) fn begin(&self, line: &str) {
        match &self.bar {
            Some(_) => self.show(line),
            None if self.out.json => {}
            None => self.out.note(&[line]),
        }
    }

    /// Draws the line as it is now.
    pub(crate) fn show(&self, line: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(current(self.out.err_look).fit(line));
        }
    }

    /// Removes the line, so that other output can follow.
    pub(crate) fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn drawn_bar() -> ProgressBar {
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(Canvas::new()), 20);
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        bar.set_style(style);
    }
    bar
}

/// The look with the terminal's present width, because it may have been resized.
fn current(look: Look) -> Look {
    let columns = console::Term::stderr()
        .size_checked()
        .map(|(_, columns)| usize::from(columns));
    Look {
        width: columns.unwrap_or(look.width).max(20),
        ..look
    }
}
