//! A dataset's file: a header of 4,096 bytes, then its bars, 48 bytes each, ascending in time, then the report
//! of the load.
//!
//! The header is two lines of text, filled up with zeros. The first line is `impresario-bars 2 SHA256`
//! with the checksum of the second line. The second line is the dataset's view as JSON, which has the
//! checksum of all the bars, and the length and the checksum of the report. A bar is, little-endian, its time
//! in milliseconds since 1970 (i64) and open, high, low, close and volume (f64 each), bit by bit as they were
//! read. All records have the same width, so a time is found by binary search. The report is JSON. Files of
//! version 1 have none, and are read all the same.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use impresario_api::text::hex;
use impresario_api::{Bar, DatasetView, QualityReport, Timestamp};
use impresario_market::bars;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::MarketError;

/// Bytes before the first bar.
pub(super) const HEADER: usize = 4_096;
/// How many bars are read at a time: 192 KiB.
pub(super) const CHUNK: usize = 4_096;
/// Bytes of a bar.
pub(super) const RECORD: usize = 48;

/// The most bytes of a report: each of its parts is bounded, and all together are far smaller.
const LONGEST_REPORT: usize = 1 << 20;

const MAGIC: &str = "impresario-bars 2 ";
const MAGIC_1: &str = "impresario-bars 1 ";

/// What the header says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    #[serde(flatten)]
    pub(super) view: DatasetView,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<ReportSum>,
}

/// The length and the checksum of a report.
#[derive(Debug, Serialize, Deserialize)]
struct ReportSum {
    bytes: u64,
    sha256: String,
}

/// A report as it is written; no bytes for none.
pub(super) fn report_json(report: Option<&QualityReport>) -> io::Result<Vec<u8>> {
    let Some(report) = report else {
        return Ok(Vec::new());
    };
    let json = serde_json::to_vec(report)?;
    if json.len() > LONGEST_REPORT {
        return Err(io::Error::other("the report of the load is too long"));
    }
    Ok(json)
}

/// Writes the header of a dataset with this report.
pub(super) fn header(view: &DatasetView, report: &[u8]) -> io::Result<[u8; HEADER]> {
    let json = serde_json::to_string(&Header {
        view: view.clone(),
        report: (!report.is_empty()).then(|| ReportSum {
            bytes: report.len() as u64,
            sha256: hex(&Sha256::digest(report)),
        }),
    })?;
    let text = format!("{MAGIC}{}\n{json}\n", hex(&Sha256::digest(&json)));
    let mut header = [0; HEADER];
    header
        .get_mut(..text.len())
        .ok_or_else(|| io::Error::other("the dataset's description is longer than the header"))?
        .copy_from_slice(text.as_bytes());
    Ok(header)
}

/// Reads the header of `file`, and checks the file's length against it.
pub(super) fn read_header(file: &File, path: &Path) -> Result<Header, MarketError> {
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
    let header: Header =
        serde_json::from_str(json).map_err(|error| damaged(&format!("its header: {error}")))?;
    let (rows, report) = (header.view.rows, header.report_bytes());
    let wanted = size(rows).saturating_add(report);
    if length != wanted {
        return Err(damaged(&format!(
            "expected {wanted} bytes for {rows} bars and a report of {report}, got {length}"
        )));
    }
    Ok(header)
}

impl Header {
    fn report_bytes(&self) -> u64 {
        self.report.as_ref().map_or(0, |report| report.bytes)
    }

    /// Reads the report behind the bars, and checks it.
    pub(super) fn report(
        &self,
        file: &File,
        path: &Path,
    ) -> Result<Option<QualityReport>, MarketError> {
        let Some(sum) = &self.report else {
            return Ok(None);
        };
        let damaged = |why: String| MarketError::Damaged {
            path: path.to_owned(),
            why,
        };
        // The file is that long, but a report never is.
        if sum.bytes > LONGEST_REPORT as u64 {
            return Err(damaged(format!("its report has {} bytes", sum.bytes)));
        }
        let mut json = vec![0; sum.bytes as usize];
        file.read_exact_at(&mut json, size(self.view.rows))
            .map_err(MarketError::storage("read", path))?;
        if hex(&Sha256::digest(&json)) != sum.sha256 {
            return Err(damaged("its report does not have its checksum".to_owned()));
        }
        let report = serde_json::from_slice(&json);
        report
            .map(Some)
            .map_err(|error| damaged(format!("its report: {error}")))
    }
}

/// The checksum and the JSON of a header.
fn parts(header: &[u8]) -> Option<(&str, &str)> {
    let end = header.iter().position(|byte| *byte == 0)?;
    let text = std::str::from_utf8(header.get(..end)?).ok()?;
    text.strip_prefix(MAGIC)
        .or_else(|| text.strip_prefix(MAGIC_1))?
        .strip_suffix('\n')?
        .split_once('\n')
}

/// The size of a file with `rows` bars and no report, in bytes.
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

/// The bars of these rows of a file.
pub(super) fn bars(file: &File, path: &Path, rows: Range<u64>) -> Result<Vec<Bar>, MarketError> {
    let count = rows.end.saturating_sub(rows.start) as usize;
    let mut records = vec![0; count * RECORD];
    file.read_exact_at(&mut records, offset(rows.start))
        .map_err(MarketError::storage("read", path))?;
    let mut bars = Vec::with_capacity(count);
    decode_into(&mut bars, &records, path)?;
    Ok(bars)
}

/// Decodes records. Times that do not ascend and impossible bars are damage that is found without the
/// checksum.
pub(super) fn decode_into(
    bars: &mut Vec<Bar>,
    records: &[u8],
    path: &Path,
) -> Result<(), MarketError> {
    let damaged = |why| MarketError::Damaged {
        path: path.to_owned(),
        why,
    };
    let (records, _) = records.as_chunks::<RECORD>();
    for record in records {
        let bar = decode(record).map_err(damaged)?;
        if bars
            .last()
            .is_some_and(|last| last.timestamp >= bar.timestamp)
        {
            return Err(damaged(format!(
                "the bar of {} is out of order",
                bar.timestamp
            )));
        }
        bars.push(bar);
    }
    Ok(())
}

/// The bars of an unfinished file, which this process has just written.
#[derive(Debug)]
pub(super) struct Records {
    file: File,
    rows: Range<u64>,
    read: Vec<u8>,
    used: usize,
}

impl Records {
    /// The first `rows` bars of `file`.
    pub(super) const fn new(file: File, rows: u64) -> Self {
        Self {
            file,
            rows: 0..rows,
            read: Vec::new(),
            used: 0,
        }
    }

    fn read(&mut self) -> io::Result<bool> {
        let count = (self.rows.end - self.rows.start).min(CHUNK as u64);
        self.read.resize(count as usize * RECORD, 0);
        self.file
            .read_exact_at(&mut self.read, offset(self.rows.start))?;
        self.rows.start += count;
        self.used = 0;
        Ok(count > 0)
    }

    /// The bytes that were read last.
    fn record(&mut self) -> io::Result<Option<&[u8; RECORD]>> {
        if self.used == self.read.len() && !self.read()? {
            return Ok(None);
        }
        let start = self.used;
        self.used += RECORD;
        Ok(self.read[start..].first_chunk())
    }
}

impl Iterator for Records {
    type Item = io::Result<Bar>;

    fn next(&mut self) -> Option<io::Result<Bar>> {
        let record = self.record().transpose()?;
        Some(record.and_then(|record| decode(record).map_err(io::Error::other)))
    }
}
