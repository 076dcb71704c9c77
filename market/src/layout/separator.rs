//! Finds what stands between the columns.

use csv::{ByteRecord, ReaderBuilder};

use super::header;
use super::{Sample, Wanted};
use crate::dialect::Separator;
use crate::number::Decimal;

/// So many records are looked at.
const RECORDS: usize = 200;
/// A record has at most so many cells.
const CELLS: usize = 4_096;

/// The separator that was said, or the one with which the first records look most like bars; and these
/// records, split by it.
pub(super) fn find(head: &[u8], wanted: &Wanted<'_>) -> (Separator, Sample) {
    let said = wanted.dialect.separator.or_else(|| said_by_file(head));
    if let Some(separator) = said {
        return (separator, sample(head, separator));
    }
    let mut best = (Separator::Comma, Sample::new());
    let mut most = (0, 0);
    for separator in Separator::ALL {
        let sample = sample(head, separator);
        let likeness = (header::most_fields(&sample, wanted), clean_numbers(&sample));
        if likeness > most || best.1.is_empty() {
            (best, most) = ((separator, sample), likeness);
        }
    }
    best
}

/// Excel reads a first line `sep=;` as the separator of the file.
fn said_by_file(head: &[u8]) -> Option<Separator> {
    let line = head.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.trim_end_matches('\r');
    Separator::parse(line.strip_prefix("sep=")?)
}

/// The first records, with trimmed cells.
pub(super) fn sample(head: &[u8], separator: Separator) -> Sample {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator.byte())
        .from_reader(head);
    let mut sample = Sample::new();
    let mut record = ByteRecord::new();
    while sample.len() < RECORDS && matches!(reader.read_byte_record(&mut record), Ok(true)) {
        let cells = record.iter().map(<[u8]>::trim_ascii).take(CELLS);
        sample.push(match separator {
            Separator::Space => cells
                .filter(|cell| !cell.is_empty())
                .map(<[u8]>::to_vec)
                .collect(),
            _ => cells.map(<[u8]>::to_vec).collect(),
        });
    }
    sample
}

/// How many cells of rows with five or more are numbers.
fn clean_numbers(sample: &Sample) -> usize {
    let rows = sample.iter().filter(|row| row.len() >= 5);
    let is_number = |cell: &&Vec<u8>| {
        Decimal::Point.parse(cell).is_some() || Decimal::Comma.parse(cell).is_some()
    };
    rows.flatten().filter(is_number).count()
}
