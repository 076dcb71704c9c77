//! Finds the columns by the names in the header.

use csv::ByteRecord;

use super::lines::shortened;
use crate::domain::market::error::MarketError;

/// Names that the column of times may have.
const TIMES: [&str; 4] = ["timestamp", "time", "date", "datetime"];
const ONE_TIME: &str = "one of timestamp, time, date and datetime";
/// The columns of a bar, in order.
pub(crate) const NAMES: [&str; 6] = ["timestamp", "open", "high", "low", "close", "volume"];

/// Where the columns of a bar are.
#[derive(Debug)]
pub(crate) struct Columns {
    /// The place of each column, in the order of [`NAMES`].
    pub(crate) places: [usize; 6],
    /// The number of all columns, also of those that are not needed.
    pub(crate) width: usize,
}

impl Columns {
    /// Finds the columns in the header of `file`.
    pub(crate) fn find(file: &str, header: &ByteRecord) -> Result<Self, MarketError> {
        let mut found: [Option<usize>; 6] = [None; 6];
        for (place, name) in header.iter().enumerate() {
            let Some(column) = column(name) else { continue };
            if let Some(first) = found[column].replace(place) {
                let shown = |place: usize| shortened(header.get(place).unwrap_or_default());
                return Err(MarketError::ColumnTwice {
                    file: file.to_owned(),
                    expected: if column == 0 { ONE_TIME } else { NAMES[column] },
                    first: shown(first),
                    second: shown(place),
                });
            }
        }
        let names = NAMES.iter().zip(found);
        let missing: Vec<_> = names
            .filter(|(_, at)| at.is_none())
            .map(|(name, _)| *name)
            .collect();
        let (file, got) = (
            file.to_owned(),
            shortened(&header.iter().collect::<Vec<_>>().join(&b',')),
        );
        match missing.len() {
            0 => Ok(Self {
                places: found.map(Option::unwrap_or_default),
                width: header.len(),
            }),
            6 => Err(MarketError::NoHeader {
                file,
                got,
                hint: other_separator(header),
            }),
            _ => Err(MarketError::ColumnMissing { file, missing, got }),
        }
    }
}

/// A hint for a header that has the columns of a bar with another separator.
fn other_separator(header: &ByteRecord) -> &'static str {
    const OTHERS: [(u8, &str); 3] = [
        (
            b';',
            ": semicolons stand between its columns, expected commas",
        ),
        (b'\t', ": tabs stand between its columns, expected commas"),
        (
            b'|',
            ": bars (|) stand between its columns, expected commas",
        ),
    ];
    let names = |separator: u8| {
        let fields = header
            .iter()
            .flat_map(|field| field.split(|byte| *byte == separator));
        fields.filter(|name| column(name).is_some()).count()
    };
    let found = OTHERS.iter().find(|(separator, _)| names(*separator) > 1);
    found.map_or("", |(_, hint)| hint)
}

/// The place in [`NAMES`] of the column with this name.
fn column(name: &[u8]) -> Option<usize> {
    let name = name.trim_ascii();
    let is = |one: &&str| name.eq_ignore_ascii_case(one.as_bytes());
    if TIMES.iter().any(is) {
        return Some(0);
    }
    NAMES.iter().position(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_separator_is_named() {
        for (header, named) in [
            ("timestamp;open;high;low;close;volume", "semicolons"),
            ("Date\tOpen\tHigh\tLow\tClose\tVolume", "tabs"),
            ("time|open", "bars (|)"),
        ] {
            let error = Columns::find("a.csv", &ByteRecord::from(vec![header]));
            let text = error.expect_err("it is one column").to_string();
            assert!(
                text.contains(named) && text.contains("expected commas"),
                "{text}"
            );
        }
        for header in ["a;b;c", "open", "10;11;12"] {
            let error = Columns::find("a.csv", &ByteRecord::from(vec![header]));
            let text = error.expect_err("it lacks columns").to_string();
            assert!(!text.contains("expected commas"), "{text}");
        }
    }
}
