//! Reads the times of a column in the one way that fits them.
//!
//! A [`Survey`] looks at the values and keeps every reading in which all of them lie between 1900 and the end
//! of next year and their most common spacing is that of the timeframe. One that is left is a [`Reading`];
//! none or several are a [`Doubt`]. A [`Clock`] then reads value by value.
//!
//! The forms are those of [ISO 8601](https://www.iso.org/iso-8601-date-and-time-format.html),
//! [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339), numbers since 1970, and what exchanges, brokers,
//! spreadsheets and programming languages write; `docs/DATA.md` lists them. What somebody says is read by
//! [strftime](https://docs.rs/chrono/latest/chrono/format/strftime/index.html).

mod asked;
mod clock;
mod form;
mod number;
mod sample;
mod scan;
mod survey;
#[cfg(test)]
mod tests;
mod zone;

use impresario_api::Timestamp;

pub use clock::{Clock, Facts, TimeFault};
pub use number::Unit;
pub use survey::{Decision, Doubt, Reading, Survey};
pub use zone::Zone;

/// What the request or the dialect says of the times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// A format of strftime; `%s` for numbers since 1970, and `%s%3f`, `%s%6f`, `%s%9f` if they count
    /// milliseconds, microseconds or nanoseconds.
    pub format: Option<String>,
    /// What numbers since 1970 count. Without it the values decide, unless the format does.
    pub unit: Option<Unit>,
    /// The zone of times that have none written behind them.
    pub zone: Option<Zone>,
}

/// The dataset that the rows are added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its first time.
    pub first: Timestamp,
    /// Its last time.
    pub last: Timestamp,
}

/// What was said of the times cannot be, or does not fit them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TimesFault {
    /// The parameter: `time_format`, `time_unit` or `time_zone`.
    pub field: &'static str,
    /// What is wrong with it, and what was expected.
    pub message: String,
}
