//! A dataset's file: a header of 4,096 bytes, then its bars, 48 bytes each, ascending in time.
//!
//! The header is two lines of text, filled up with zeros. The first line is `impresario-bars 1 SHA256`
//! with the checksum of the second line. The second line is the dataset's view as JSON, which has the
//! checksum of all the bars. A bar is, little-endian, its time in milliseconds since 1970 (i64) and open,
//! high, low, close and volume (f64 each), bit by bit as they were read. All records have the same width,
//! so a time is found by binary search.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use impresario_api::text::hex;
use impresario_api::{Bar, DatasetView, Timestamp};
use sha2::{Digest, Sha256};

use super::bars;
use super::error::MarketError;

/// Bytes before the first bar.
pub(super) const HEADER: usize = 4_096;
/// Bytes of a bar.
pub(super) const RECORD: usize = 48;

const MAGIC: &str = "impresario-bars 1 ";

/// Writes the header of a dataset.
pub(super) fn header(view: &DatasetView) -> io::Result<[u8; HEADER]> {
    let json = serde_json::to_string(view)?;
    let text = format!("{MAGIC}{}\n{json}\n", hex(&Sha256::digest(&json)));
    let mut header = [0; HEADER];
    header
        .get_mut(..text.len())
        .ok_or_else(|| io::Error::other("the dataset's description is longer than the header"))?
        .copy_from_slice(text.as_bytes());
    Ok(header)
}

/// Reads the view in the header of `file`, and checks the file's length against it.
pub(super) fn view(file: &File, path: &Path) -> Result<DatasetView, MarketError> {
    let damaged = |why: &str| MarketError::Damaged {
        path: path.to_owned(),
        why: why.to_owned(),
    };
    let length = file
        .metadata()
        .map_err(MarketError::storage("read", path))?
        .len();
    if length < HEADER as u64 {
        return Err(damaged("it is shorter than its header"));
    }
    let mut header = [0; HEADER];
    file.read_exact_at(&mut header, 0)
        .map_err(MarketError::storage("read", path))?;
    let (sum, json) = parts(&header).ok_or_else(|| damaged("it has no header"))?;
    if hex(&Sha256::digest(json)) != sum {
        return Err(damaged("its header does not have its checksum"));
    }
    let view: DatasetView =
        serde_json::from_str(json).map_err(|error| damaged(&format!("its header: {error}")))?;
    let wanted = size(view.rows);
    if length != wanted {
        return Err(damaged(&format!(
            "expected {wanted} bytes for {} bars, got {length}",
            view.rows
        )));
    }
    Ok(view)
}

/// The checksum and the JSON of a header.
fn parts(header: &[u8]) -> Option<(&str, &str)> {
    let end = header.iter().position(|byte| *byte == 0)?;
    let text = std::str::from_utf8(header.get(..end)?).ok()?;
    text.strip_prefix(MAGIC)?
        .strip_suffix('\n')?
        .split_once('\n')
}

/// The size of a file with `rows` bars, in bytes.
pub(super) const fn size(rows: u64) -> u64 {
    (HEADER as u64).saturating_add(rows.saturating_mul(RECORD as u64))
}

/// The offset of the bar with this number, from 0.
pub(super) const fn offset(row: u64) -> u64 {
    size(row)
}

#[inline]
pub(super) fn encode(bar: &Bar) -> [u8; RECORD] {
    let numbers = [bar.open, bar.high, bar.low, bar.close, bar.volume];
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(&bar.timestamp.as_millis().to_le_bytes());
    for (place, number) in record[8..].chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    record
}

/// The bar of a record, or what is wrong with it.
pub(super) fn decode(record: &[u8; RECORD]) -> Result<Bar, String> {
    let (words, _) = record.as_chunks::<8>();
    let number = |place: usize| f64::from_le_bytes(words[place]);
    let bar = Bar {
        timestamp: Timestamp::from_millis(i64::from_le_bytes(words[0])),
        open: number(1),
        high: number(2),
        low: number(3),
        close: number(4),
        volume: number(5),
    };
    bars::check(&bar).map(|()| bar).map_err(|fault| {
        format!(
            "{}: expected {}, got {}",
            fault.field, fault.expected, fault.got
        )
    })
}
