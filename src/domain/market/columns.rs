//! Which column is which, by the names in the header.

use csv::ByteRecord;

use super::csv::shortened;
use super::error::MarketError;

/// Names that the column of times may have.
const TIMES: [&str; 4] = ["timestamp", "time", "date", "datetime"];
const ONE_TIME: &str = "one of timestamp, time, date and datetime";
/// The columns of a bar, in its order.
pub(super) const NAMES: [&str; 6] = ["timestamp", "open", "high", "low", "close", "volume"];

/// Where the columns of a bar are.
#[derive(Debug)]
pub(super) struct Columns {
    /// In the order of [`NAMES`].
    pub(super) places: [usize; 6],
    /// How many there are, with those that are not needed.
    pub(super) width: usize,
}

impl Columns {
    /// From the header of `file`.
    pub(super) fn find(file: &str, header: &ByteRecord) -> Result<Self, MarketError> {
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
            6 => Err(MarketError::NoHeader { file, got }),
            _ => Err(MarketError::ColumnMissing { file, missing, got }),
        }
    }
}

/// The number of the column with this name.
fn column(name: &[u8]) -> Option<usize> {
    let name = name.trim_ascii();
    let is = |one: &&str| name.eq_ignore_ascii_case(one.as_bytes());
    if TIMES.iter().any(is) {
        return Some(0);
    }
    NAMES.iter().position(is)
}
