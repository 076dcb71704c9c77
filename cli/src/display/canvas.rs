//! The terminal for indicatif, which leaves the cursor directly after the last line's text.
//!
//! Indicatif fills the last line with spaces up to the edge. A terminal echoes `^C` at the cursor, which at
//! the edge would begin a new line, and the next redraw would miss the first line.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use console::Term;
use indicatif::TermLike;

use super::glyphs;

#[derive(Debug)]
pub(super) struct Canvas {
    term: Term,
    /// The number of spaces that are written only when more text follows.
    owed: AtomicUsize,
}

impl Canvas {
    /// Standard error, shown at each flush.
    pub(super) fn new() -> Self {
        Self {
            term: Term::buffered_stderr(),
            owed: AtomicUsize::new(0),
        }
    }
}

impl TermLike for Canvas {
    fn width(&self) -> u16 {
        self.term.size().1
    }

    fn height(&self) -> u16 {
        self.term.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.term.write_line("")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        if !text.is_empty() && text.bytes().all(|byte| byte == b' ') {
            self.owed.fetch_add(text.len(), Ordering::Relaxed);
            return Ok(());
        }
        let owed = self.owed.swap(0, Ordering::Relaxed);
        self.term.write_str(&" ".repeat(owed))?;
        self.term.write_str(&glyphs::shown(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.term.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.owed.store(0, Ordering::Relaxed);
        self.term.flush()
    }
}
