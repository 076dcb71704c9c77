//! Finds where the columns of a bar are in a file of text: what stands between them, which lines are its
//! header, which column is which field.
//!
//! Only the first rows are looked at. What they do not tell is refused or doubted, never guessed.

mod header;
mod headerless;
mod names;
mod separator;

use std::collections::BTreeMap;

use crate::dialect::{Dialect, Field, Separator};
use crate::error::{Doubt, ImportError};
use crate::number::{self, Decimal, Evidence};

pub use names::Names;

/// The first records of a file, each with its trimmed cells.
pub(crate) type Sample = Vec<Vec<Vec<u8>>>;

/// Where the columns of a bar are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    pub(crate) separator: Separator,
    pub(crate) decimal: Decimal,
    /// How many records come before the first row.
    pub(crate) header_records: usize,
    pub(crate) columns: Columns,
    /// The cells of a row. One more is taken if it is empty.
    pub(crate) width: usize,
    /// The names of the columns in the header; empty without one.
    pub(crate) headers: Vec<String>,
    /// The symbol of the columns, if they have one of their own.
    pub(crate) symbol_of_columns: Option<String>,
}

/// The column of each field, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) time: Time,
    /// Open, high, low, close.
    pub(crate) prices: [usize; 4],
    pub(crate) volume: Option<usize>,
    /// The column that counts changes of the price, which stands in for a volume that is all zero.
    pub(crate) tick_volume: Option<usize>,
    pub(crate) symbol: Option<usize>,
}

/// Where the times are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    One(usize),
    /// A date and a time of day.
    Two(usize, usize),
}

/// What is looked for.
pub(crate) struct Wanted<'a> {
    pub(crate) file: &'a str,
    pub(crate) symbol: &'a str,
    pub(crate) dialect: &'a Dialect,
    pub(crate) names: &'a Names,
    pub(crate) accepted: &'a [String],
}

impl Layout {
    /// Finds the layout of a text that begins with `head`.
    pub(crate) fn find(head: &[u8], wanted: &Wanted<'_>) -> Result<Self, ImportError> {
        let (separator, sample) = separator::find(head, wanted);
        let mut layout = match header::find(&sample, wanted)? {
            Some(found) => found,
            None => headerless::find(&sample, wanted)?,
        };
        layout.separator = separator;
        layout.decimal = layout.decimal_of(&sample, wanted)?;
        Ok(layout)
    }

    fn decimal_of(&self, sample: &Sample, wanted: &Wanted<'_>) -> Result<Decimal, ImportError> {
        if let Some(decimal) = wanted.dialect.decimal {
            return Ok(decimal.into());
        }
        let rows = || sample.iter().skip(self.header_records);
        let prices = Evidence::of(rows().flat_map(|row| {
            let cell = |place: usize| row.get(place).map(Vec::as_slice);
            self.columns.prices.into_iter().filter_map(cell)
        }));
        let volumes = rows().filter_map(|row| row.get(self.columns.volume?).map(Vec::as_slice));
        let (Time::One(date) | Time::Two(date, _)) = self.columns.time;
        let is_dotted = |row: &Vec<Vec<u8>>| {
            let points = row
                .get(date)
                .map(|cell| cell.iter().filter(|byte| **byte == b'.').count());
            points == Some(2)
        };
        let is_comma_likely = self.separator != Separator::Comma && rows().any(is_dotted);
        if let Some(decimal) = number::decimal_of(prices, Evidence::of(volumes), is_comma_likely) {
            return Ok(decimal);
        }
        let doubt = Doubt {
            code: "DECIMAL_AMBIGUOUS",
            message:
                "whether a comma or a point stands before the decimals or between thousands cannot be told"
                    .to_owned(),
            instead: "say decimal \".\" or \",\"".to_owned(),
        };
        match wanted.accepts(&doubt) {
            true => Ok(Decimal::Point),
            false => Err(wanted.doubtful(doubt)),
        }
    }

    /// The header of a column, or its number where there is none.
    fn name(&self, place: usize) -> String {
        match self.headers.get(place) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => format!("column {}", place + 1),
        }
    }

    /// The columns by their fields, as a report tells them and a request may say them.
    pub(crate) fn told(&self, volume: Option<usize>) -> BTreeMap<String, String> {
        let time = match self.columns.time {
            Time::One(place) => self.name(place),
            Time::Two(date, time) => format!("{} + {}", self.name(date), self.name(time)),
        };
        let mut told = BTreeMap::from([(Field::Timestamp.name().to_owned(), time)]);
        for (field, place) in Field::ALL[1..5].iter().zip(self.columns.prices) {
            told.insert(field.name().to_owned(), self.name(place));
        }
        if let Some(place) = volume {
            told.insert(Field::Volume.name().to_owned(), self.name(place));
        }
        told
    }

    /// The greatest column that is read.
    pub(crate) fn needed(&self) -> usize {
        let Columns {
            time,
            prices,
            volume,
            tick_volume,
            symbol,
        } = &self.columns;
        let times = match *time {
            Time::One(place) => [place, place],
            Time::Two(date, time) => [date, time],
        };
        let all = times
            .into_iter()
            .chain(*prices)
            .chain(*volume)
            .chain(*tick_volume)
            .chain(*symbol);
        all.max().unwrap_or_default()
    }
}

impl Wanted<'_> {
    /// Whether the request says that this doubt is none.
    pub(crate) fn accepts(&self, doubt: &Doubt) -> bool {
        self.accepted.iter().any(|code| code == doubt.code)
    }

    pub(crate) fn doubtful(&self, doubt: Doubt) -> ImportError {
        ImportError::Doubtful {
            file: self.file.to_owned(),
            doubts: vec![doubt],
        }
    }
}

/// Whether two symbols are the same one: case and what stands between two currencies do not count.
pub(crate) fn is_same_symbol(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        let kept = text
            .chars()
            .filter(|one| !matches!(one, '/' | '-' | '_' | ' '));
        kept.flat_map(char::to_lowercase).collect::<String>()
    };
    one == other || plain(one) == plain(other)
}

/// A cell as text for people and for comparisons, shortened.
pub(crate) fn text_of(cell: &[u8]) -> String {
    crate::records::shortened(cell)
}
