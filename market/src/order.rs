//! Puts bars into order, in memory that is bounded however many there are.
//!
//! Bars that come in order are handed straight on. From the first one that does not, bars are gathered in
//! chunks; each chunk is sorted, and all but the last are kept in a temporary file. At the end what was
//! handed on and the chunks are merged.

use std::collections::BinaryHeap;
use std::fs::File;
use std::io;

use impresario_api::{Bar, QualityPlace, QualityWarning, Timestamp};

mod lines;
mod merge;
mod runs;

use lines::Lines;
pub use merge::Merged;
use runs::Runs;

/// How many bars are sorted at a time: 56 MiB.
const CHUNK: usize = 1 << 20;
/// How many duplicates are named.
const NAMED: usize = 20;
/// How many places of a warning are named.
const PLACES: usize = 10;

/// A bar, and the line of the file from which it was read, from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumberedBar {
    /// The bar.
    pub bar: Bar,
    /// The line.
    pub line: u64,
}

/// The order in which bars came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// No bar was earlier than the one before it.
    Ascending,
    /// No bar was later than the one before it.
    Descending,
    /// Neither.
    Unordered,
}

impl Order {
    /// Its name in a report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ascending => "ascending",
            Self::Descending => "descending",
            Self::Unordered => "unordered",
        }
    }
}

/// Which bar is taken of several with one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The first one in the file.
    First,
    /// The last one in the file.
    Last,
}

/// A row whose time an earlier row of the file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplicateRow {
    /// The time of both.
    pub time: Timestamp,
    /// The line of the first row with this time.
    pub first_line: u64,
    /// The line of this row.
    pub line: u64,
}

/// The rows of a file whose times earlier rows have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DuplicateRows {
    /// How many there are.
    pub count: u64,
    /// The first twenty of them, by line.
    pub first: Vec<DuplicateRow>,
}

/// Collects [`DuplicateRows`]: the rows with the lowest lines are kept.
#[derive(Debug, Default)]
struct Duplicated {
    count: u64,
    /// Line, first line and time.
    lowest: BinaryHeap<(u64, u64, i64)>,
}

impl Duplicated {
    fn see(&mut self, first: &NumberedBar, again: &NumberedBar) {
        self.count += 1;
        let time = again.bar.timestamp.as_millis();
        self.lowest.push((again.line, first.line, time));
        if self.lowest.len() > NAMED {
            self.lowest.pop();
        }
    }

    fn rows(self) -> DuplicateRows {
        let row = |(line, first_line, time)| DuplicateRow {
            time: Timestamp::from_millis(time),
            first_line,
            line,
        };
        let sorted = self.lowest.into_sorted_vec();
        DuplicateRows {
            count: self.count,
            first: sorted.into_iter().map(row).collect(),
        }
    }
}

/// Makes an empty temporary file that can be read and written, and that vanishes when it is closed.
pub type Scratch = Box<dyn Fn() -> io::Result<File> + Send>;

/// Takes bars in any order.
pub struct Orderer {
    scratch: Scratch,
    /// The time of the bar before, or less than any.
    last: i64,
    /// How many bars were in order from the first one on, and their lines.
    straight: u64,
    lines: Lines,
    /// The other bars, once there is one.
    runs: Option<Runs>,
    chunk: usize,
    ascents: bool,
    /// How many bars were earlier than the one before, and the first of them.
    descents: u64,
    places: Vec<QualityPlace>,
}

impl std::fmt::Debug for Orderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Orderer").finish_non_exhaustive()
    }
}

impl Orderer {
    /// One that has seen no bar.
    pub fn new(scratch: Scratch) -> Self {
        Self::with_chunk(scratch, CHUNK)
    }

    fn with_chunk(scratch: Scratch, chunk: usize) -> Self {
        Self {
            scratch,
            last: i64::MIN,
            straight: 0,
            lines: Lines::default(),
            runs: None,
            chunk,
            ascents: false,
            descents: 0,
            places: Vec::new(),
        }
    }

    /// Takes the next bar, of a line after that of the bar before.
    ///
    /// If this is true, all bars so far came in order, and the caller keeps this one. If it is false, this one
    /// is kept here.
    #[inline]
    pub fn push(&mut self, bar: &Bar, line: u64) -> io::Result<bool> {
        let time = bar.timestamp.as_millis();
        if time <= self.last || self.runs.is_some() {
            return self.keep(bar, line).map(|()| false);
        }
        self.last = time;
        self.straight += 1;
        self.lines.see(line, &self.scratch).map(|()| true)
    }

    #[cold]
    fn keep(&mut self, bar: &Bar, line: u64) -> io::Result<()> {
        let time = bar.timestamp.as_millis();
        self.ascents |= self.straight > 1 || time > self.last;
        if time < self.last {
            self.descents += 1;
            self.descended(bar, line);
        }
        self.last = time;
        let runs = self.runs.get_or_insert_with(|| Runs::new(self.chunk));
        runs.push(NumberedBar { bar: *bar, line }, &self.scratch)
    }

    fn descended(&mut self, bar: &Bar, line: u64) {
        if self.places.len() < PLACES {
            let before = Timestamp::from_millis(self.last);
            self.places.push(QualityPlace {
                line: Some(line),
                time: Some(bar.timestamp),
                text: format!("after {before}"),
            });
        }
    }

    /// Whether every bar was later than the one before. Then the caller has them all, as they should be.
    pub const fn is_straight(&self) -> bool {
        self.runs.is_none()
    }

    /// The order in which the bars came.
    pub const fn order(&self) -> Order {
        match (self.ascents, self.descents) {
            (_, 0) => Order::Ascending,
            (false, _) => Order::Descending,
            (true, _) => Order::Unordered,
        }
    }

    /// What a report says of bars that did not come in ascending order.
    pub fn warning(&self) -> Option<QualityWarning> {
        let message = match self.order() {
            Order::Ascending => return None,
            Order::Descending => "The rows were newest first; they were put into order.".to_owned(),
            Order::Unordered => format!(
                "{} rows were earlier than the row before them; all were put into order.",
                self.descents
            ),
        };
        Some(QualityWarning {
            code: "ORDER_CHANGED".to_owned(),
            message,
            count: self.descents,
            places: self.places.clone(),
        })
    }

    /// All bars in order, one for each time. `straight` gives again the bars that the caller has kept.
    pub fn merged<S>(self, straight: S, taken: Taken) -> io::Result<Merged<S>>
    where
        S: Iterator<Item = io::Result<Bar>>,
    {
        let lines = self.lines.again()?;
        Merged::new(straight, lines, self.runs, taken)
    }
}

#[cfg(test)]
mod tests;
