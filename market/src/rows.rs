//! Reads the bars of a file, row by row.

use std::fs::File;
use std::sync::Arc;

use chrono::NaiveDate;
use impresario_api::{Bar, DroppedRows, QualityWarning, ReadAs, Timestamp};

use crate::bars;
use crate::container::{self, ContainerError, Text};
use crate::dialect::{Dialect, Field};
use crate::error::{BadRow, BadRows, ImportError, NAMED_ROWS};
use crate::layout::{Layout, Time};
use crate::notes::{Notes, Place};
use crate::number::Decimal;
use crate::records::{Broken, LONGEST_RECORD, Records, lines_at, shortened};
use crate::survey;
use crate::timeframe::Timeframe;
use crate::times::{Clock, Reading};

/// What to say where most rows have a time that came before.
pub const MOSTLY_DUPLICATES: &str = "each time once, and most rows have a time that came before; if the time of day is in another column, say columns {\"timestamp\": \"date + time\"} with the two names";

/// How a file is to be read.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// The symbol whose bars are wanted.
    pub symbol: String,
    /// How long a bar lasts.
    pub timeframe: Timeframe,
    /// The name of the dialect, for the report.
    pub dialect_name: String,
    /// What is known beforehand: what the request says, and its dialect where the request says nothing.
    pub dialect: Dialect,
    /// Whether rows that are no bars are left out; otherwise they are an error.
    pub skip_bad_rows: bool,
    /// Whether a last row without a line end is left out, because more may have been meant to come.
    pub leave_out_uncertain_end: bool,
    /// The codes of doubts that are none.
    pub accept_doubts: Vec<String>,
    /// The first and the last time of the dataset that the bars are added to.
    pub kept: Option<(Timestamp, Timestamp)>,
    /// Today, because no bar lies far in the future.
    pub today: NaiveDate,
}

/// Reads the bars of a file.
pub struct BarReader {
    pub(crate) source: Arc<File>,
    pub(crate) file: String,
    text: TextCounter,
    records: Records,
    row: RowReader,
    packed: Vec<&'static str>,
    dialect_name: String,
    skip_bad_rows: bool,
    leave_out_uncertain_end: bool,
    /// The row that was read last: whether it is the last one of the text is known after the next.
    pending: Option<Parsed>,
    rows: u64,
    other_symbols: u64,
    dropped_end: u64,
    bad: u64,
    bad_rows: Vec<(u64, BadRow)>,
    notes: Notes,
}

/// A step through the rows.
#[derive(Debug)]
pub enum Row {
    /// A bar, and the byte of the text at which its row begins.
    Bar(Bar, u64),
    /// The row was left out.
    LeftOut,
}

/// What was found out about a file by reading all of it.
#[derive(Debug)]
pub struct FileFacts {
    /// What it was taken for, without the order of its rows.
    pub read_as: ReadAs,
    /// Its rows.
    pub rows: u64,
    /// The rows that were left out while reading.
    pub dropped: Vec<DroppedRows>,
    /// What is remarkable.
    pub warnings: Vec<QualityWarning>,
}

/// A bar that was added to a dataset, and the one with the same time before it in the file, by the bytes at
/// which their rows begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The time of both.
    pub time: Timestamp,
    /// The first one.
    pub first: u64,
    /// The later one.
    pub later: u64,
}

/// The bytes of the file that were read, which the reader of the text counts.
struct TextCounter(Text);

struct Parsed {
    offset: u64,
    outcome: Result<Bar, Box<BadRow>>,
}

/// Makes a bar of a record.
pub(crate) struct RowReader {
    pub(crate) layout: Layout,
    pub(crate) clock: Clock,
    reading: Reading,
    pub(crate) decimal: Decimal,
    pub(crate) divisor: f64,
    /// The column of the volume that is read.
    pub(crate) volume: Option<usize>,
    /// The symbol of the rows that are read.
    pub(crate) symbol: Option<String>,
    least_width: usize,
    joined: Vec<u8>,
}

impl ReadOptions {
    /// Checks what can be checked without the file: the time zone and the format of the times.
    pub fn check(&self) -> Result<(), ImportError> {
        survey::check(self)
    }
}

impl BarReader {
    /// Finds out how the file is to be read.
    pub fn open(source: Arc<File>, file: &str, options: &ReadOptions) -> Result<Self, ImportError> {
        let found = survey::find(&source, file, options)?;
        let mut text = container::open(Arc::clone(&source), file)?;
        let reader = std::mem::replace(&mut text.reader, Box::new(std::io::empty()));
        let mut records = Records::new(reader, found.row.layout.separator);
        for _ in 0..found.row.layout.header_records {
            records.read().map_err(|broken| unreadable(file, broken))?;
        }
        Ok(Self {
            source,
            file: file.to_owned(),
            packed: text.packed.clone(),
            text: TextCounter(text),
            records,
            row: found.row,
            dialect_name: options.dialect_name.clone(),
            skip_bad_rows: options.skip_bad_rows,
            leave_out_uncertain_end: options.leave_out_uncertain_end,
            pending: None,
            rows: 0,
            other_symbols: 0,
            dropped_end: 0,
            bad: 0,
            bad_rows: Vec::new(),
            notes: found.notes,
        })
    }

    /// The next row; `None` at the end of the file.
    pub fn read(&mut self) -> Result<Option<Row>, ImportError> {
        let read = match self.records.read() {
            Ok(true) if self.records.has_rows_in_quotes() => {
                let row = BadRow {
                    row: Some(self.rows + 1),
                    line: 0,
                    field: "the row",
                    expected: "one line".to_owned(),
                    got: "several rows between two quotes; is a quote not closed?".to_owned(),
                };
                // Nobody knows how many rows are lost, so it is no row to be skipped.
                self.take_bad(self.records.offset(), row);
                return Err(self.bad_rows_error());
            }
            Ok(true) => self.parsed(),
            Ok(false) => {
                let last = self.pending.take();
                return Ok(last.map(|last| self.ended(last)));
            }
            Err(Broken::TooLong) => {
                let row = BadRow {
                    row: Some(self.rows + 1),
                    line: 0,
                    field: "the row",
                    expected: format!("at most {LONGEST_RECORD} bytes"),
                    got: "more; is a quote not closed?".to_owned(),
                };
                self.take_bad(self.records.next_offset(), row);
                return Err(self.bad_rows_error());
            }
            Err(broken) => return Err(unreadable(&self.file, broken)),
        };
        let Some(parsed) = read else {
            return Ok(Some(Row::LeftOut));
        };
        Ok(Some(match self.pending.replace(parsed) {
            Some(before) => self.step(before),
            None => Row::LeftOut,
        }))
    }

    /// How many bytes of the file were read.
    pub fn bytes(&self) -> u64 {
        match self.packed.is_empty() {
            true => self.records.next_offset(),
            // They are read ahead, as much as is unpacked at once.
            false => self.text.0.bytes(),
        }
    }

    #[inline]
    fn parsed(&mut self) -> Option<Parsed> {
        let record = &self.records.record;
        if !self.row.is_wanted(record) {
            let is_blank = record.iter().all(<[u8]>::is_empty);
            self.rows += u64::from(!is_blank);
            self.other_symbols += u64::from(!is_blank);
            return None;
        }
        let offset = self.records.offset();
        let mixed = self.row.clock.facts().mixed_zones;
        let read = self.row.read(record);
        if read.is_err() && record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            // Spreadsheets leave rows of separators behind.
            return None;
        }
        self.rows += 1;
        if self.row.clock.facts().mixed_zones > mixed {
            let time = read.as_ref().ok().map(|(bar, _)| bar.timestamp);
            let text = shortened(self.row.time(record));
            self.notes.note_place(
                "MIXED_ZONES",
                "the times have several zones, or only some of them have one",
                || Place {
                    offset: Some(offset),
                    time,
                    text,
                },
            );
        }
        let outcome = match read {
            Ok((bar, None)) => Ok(bar),
            Ok((bar, Some(was))) => {
                self.notes.note_place(
                    "ROUNDED",
                    "a high was below a price, or a low above one, by less than rounding does; it was set to that price",
                    || Place { offset: Some(offset), time: Some(bar.timestamp), text: was },
                );
                Ok(bar)
            }
            Err(mut bad) => {
                bad.row = Some(self.rows);
                Err(bad)
            }
        };
        Some(Parsed { offset, outcome })
    }

    #[inline]
    fn step(&mut self, parsed: Parsed) -> Row {
        match parsed.outcome {
            Ok(bar) => Row::Bar(bar, parsed.offset),
            Err(bad) => {
                self.take_bad(parsed.offset, *bad);
                Row::LeftOut
            }
        }
    }

    /// The last row of the file.
    fn ended(&mut self, last: Parsed) -> Row {
        if self.records.ends_with_line_end() {
            return self.step(last);
        }
        let left_out = self.leave_out_uncertain_end;
        let message = match left_out {
            true => {
                "the last line has no end, so the file may have been cut within it; it was left out"
            }
            false => {
                "the last line has no end, so the file may have been cut within it; it was taken as it is"
            }
        };
        let time = last.outcome.as_ref().ok().map(|bar| bar.timestamp);
        let text = "the last line".to_owned();
        let offset = Some(last.offset);
        self.notes
            .note_place("FILE_END_UNCERTAIN", message, || Place {
                offset,
                time,
                text,
            });
        match left_out {
            true => {
                self.dropped_end += 1;
                Row::LeftOut
            }
            false => self.step(last),
        }
    }

    fn take_bad(&mut self, offset: u64, row: BadRow) {
        self.bad += 1;
        if self.bad_rows.len() < NAMED_ROWS {
            self.bad_rows.push((offset, row));
        }
    }

    /// Ends the reading. `duplicates` are rows that came again although each time must come once: as many as
    /// are named, and how many there are. Bad rows are an error unless they are skipped.
    pub fn finish(
        mut self,
        duplicates: &[Duplicate],
        all_duplicates: u64,
    ) -> Result<FileFacts, ImportError> {
        for duplicate in duplicates {
            let row = BadRow {
                row: None,
                line: 0,
                field: "timestamp",
                expected: match all_duplicates * 2 > self.rows {
                    true => MOSTLY_DUPLICATES.to_owned(),
                    false => "each time once; say duplicates first or last to keep one of them"
                        .to_owned(),
                },
                got: format!("{} again", duplicate.time),
            };
            self.bad_rows.push((duplicate.later, row));
        }
        self.bad_rows.sort_by_key(|(offset, _)| *offset);
        self.bad_rows.truncate(NAMED_ROWS);
        if all_duplicates > 0 || (self.bad > 0 && !self.skip_bad_rows) {
            self.bad += all_duplicates;
            return Err(self.bad_rows_error());
        }
        let taken = self.rows - self.bad - self.other_symbols - self.dropped_end;
        if taken == 0 {
            return Err(ImportError::NoRows {
                file: self.file,
                dropped: self.rows,
            });
        }
        let facts = self.row.clock.facts();
        if facts.zone_assumed {
            self.notes.note("ZONE_ASSUMED", "the times name no time zone, so they were taken for UTC; time_zone says another one");
        }
        if facts.off_date > 0 {
            self.notes.note(
                "OFF_DATE",
                format!(
                    "{} times have a time of day, of which only the date was kept",
                    facts.off_date
                ),
            );
        }
        let dropped = [
            ("bad_row", self.bad),
            ("other_symbol", self.other_symbols),
            ("file_end", self.dropped_end),
        ];
        let dropped = dropped.into_iter().filter(|(_, count)| *count > 0);
        let dropped = dropped
            .map(|(why, count)| DroppedRows {
                why: why.to_owned(),
                count,
            })
            .collect();
        if self.bad > 0 {
            for (offset, row) in std::mem::take(&mut self.bad_rows) {
                let text = format!("{}: expected {}, got {}", row.field, row.expected, row.got);
                let place = || Place {
                    offset: Some(offset),
                    time: None,
                    text,
                };
                self.notes.note_place(
                    "BAD_ROWS_SKIPPED",
                    "rows that are no bars were left out",
                    place,
                );
            }
        }
        let mut offsets: Vec<_> = self.notes.offsets().collect();
        let lines = self.lines(&mut offsets);
        let line_of = |offset: u64| {
            lines
                .as_ref()
                .and_then(|lines| line(&offsets, lines, offset))
        };
        let mut warnings = std::mem::take(&mut self.notes).warnings(line_of);
        for warning in &mut warnings {
            if warning.code == "BAD_ROWS_SKIPPED" {
                warning.count = self.bad;
            }
        }
        Ok(FileFacts {
            read_as: self.read_as(),
            rows: self.rows,
            dropped,
            warnings,
        })
    }

    /// The lines of these bytes, for warnings of others. `None` where the file cannot be read any more.
    pub fn lines_of(&self, offsets: &[u64]) -> Option<Vec<u64>> {
        let mut sorted = offsets.to_vec();
        let lines = self.lines(&mut sorted)?;
        offsets
            .iter()
            .map(|offset| line(&sorted, &lines, *offset))
            .collect()
    }

    fn lines(&self, offsets: &mut Vec<u64>) -> Option<Vec<u64>> {
        offsets.sort_unstable();
        offsets.dedup();
        if offsets.is_empty() {
            return Some(Vec::new());
        }
        let text = container::open(Arc::clone(&self.source), &self.file).ok()?;
        lines_at(text.reader, offsets).ok()
    }

    fn read_as(&self) -> ReadAs {
        let (layout, reading) = (&self.row.layout, &self.row.reading);
        ReadAs {
            packed: self.packed.iter().map(|one| (*one).to_owned()).collect(),
            dialect: self.dialect_name.clone(),
            separator: layout.separator.name().to_owned(),
            decimal: layout.decimal.name().to_owned(),
            columns: layout.told(self.row.volume),
            time_format: reading.format().to_owned(),
            time_unit: reading.unit().map(|unit| unit.name().to_owned()),
            time_zone: reading.zone().to_owned(),
            order: String::new(),
        }
    }

    fn bad_rows_error(&mut self) -> ImportError {
        let mut offsets: Vec<_> = self.bad_rows.iter().map(|(offset, _)| *offset).collect();
        let lines = self.lines(&mut offsets);
        let mut rows = Vec::new();
        for (offset, mut row) in std::mem::take(&mut self.bad_rows) {
            row.line = lines
                .as_ref()
                .and_then(|lines| line(&offsets, lines, offset))
                .unwrap_or(0);
            rows.push(row);
        }
        ImportError::BadRows(Box::new(BadRows {
            file: self.file.clone(),
            count: self.bad,
            rows,
        }))
    }
}

fn line(offsets: &[u64], lines: &[u64], offset: u64) -> Option<u64> {
    let at = offsets.binary_search(&offset).ok()?;
    lines.get(at).copied()
}

/// The error of a text that cannot be read on.
pub(crate) fn unreadable(file: &str, broken: Broken) -> ImportError {
    let source = match broken {
        Broken::TooLong => {
            std::io::Error::other(format!("a line has more than {LONGEST_RECORD} bytes"))
        }
        Broken::Unreadable(error) => error,
    };
    match ContainerError::of(&source) {
        Some(error) => ImportError::Container(error.clone()),
        None => ImportError::Unreadable {
            file: file.to_owned(),
            source,
        },
    }
}

impl RowReader {
    pub(crate) fn new(
        layout: Layout,
        reading: Reading,
        timeframe: Timeframe,
        divisor: u32,
        volume: Option<usize>,
        symbol: Option<String>,
    ) -> Self {
        let has_empty_end = layout.headers.last().is_some_and(String::is_empty);
        Self {
            least_width: layout.width - usize::from(has_empty_end),
            decimal: layout.decimal,
            divisor: f64::from(divisor),
            layout,
            clock: Clock::new(reading.clone(), timeframe),
            reading,
            volume,
            symbol,
            joined: Vec::new(),
        }
    }

    /// Whether the row is one of the symbol's. A row that has no such column is none of another symbol: it is bad.
    #[inline]
    fn is_wanted(&self, record: &csv::ByteRecord) -> bool {
        let (Some(symbol), Some(place)) = (&self.symbol, self.layout.columns.symbol) else {
            return true;
        };
        let cell = record.get(place);
        cell.is_none_or(|cell| cell.trim_ascii() == symbol.as_bytes())
    }

    /// The text of the time.
    fn time<'a>(&'a mut self, record: &'a csv::ByteRecord) -> &'a [u8] {
        time_of(record, self.layout.columns.time, &mut self.joined)
    }

    /// The bar of a record, and what it was before rounding was mended.
    #[inline]
    fn read(&mut self, record: &csv::ByteRecord) -> Result<(Bar, Option<String>), Box<BadRow>> {
        let width = record.len();
        let is_wide =
            width == self.layout.width + 1 && record.get(width - 1).is_some_and(<[u8]>::is_empty);
        if !(self.least_width..=self.layout.width).contains(&width) && !is_wide {
            return Err(self.width(width));
        }
        let cell = |place: usize| record.get(place).unwrap_or_default().trim_ascii();
        let number = |field: Field, place: usize| {
            // `nan` and `inf` are accepted here; the check of the whole bar refuses them.
            self.decimal
                .parse(cell(place))
                .ok_or_else(|| bad(field, "a number".to_owned(), cell(place)))
        };
        let [open, high, low, close] = self.layout.columns.prices;
        let prices = [
            number(Field::Open, open)?,
            number(Field::High, high)?,
            number(Field::Low, low)?,
            number(Field::Close, close)?,
        ];
        let volume = match self.volume {
            Some(place) => number(Field::Volume, place)?,
            None => 0.0,
        };
        let [open, high, low, close] = match self.divisor {
            1.0 => prices,
            divisor => prices.map(|price| price / divisor),
        };
        let text = time_of(record, self.layout.columns.time, &mut self.joined);
        let timestamp = self
            .clock
            .read(text)
            .map_err(|fault| bad(Field::Timestamp, fault.expected, text))?;
        let mut bar = Bar {
            timestamp,
            open,
            high,
            low,
            close,
            volume,
        };
        match bars::mend(&mut bar) {
            Ok(false) => Ok((bar, None)),
            Ok(true) => Ok((
                bar,
                Some(format!(
                    "open {open}, high {high}, low {low}, close {close}"
                )),
            )),
            Err(fault) => {
                let field = Field::parse(fault.field).unwrap_or(Field::Close);
                Err(bad(field, fault.expected, cell(self.place(field))))
            }
        }
    }

    fn place(&self, field: Field) -> usize {
        let at = Field::ALL
            .iter()
            .position(|one| *one == field)
            .unwrap_or_default();
        match at {
            1..=4 => self.layout.columns.prices[at - 1],
            _ => self.volume.unwrap_or_default(),
        }
    }

    #[cold]
    fn width(&self, width: usize) -> Box<BadRow> {
        let what = if self.layout.headers.is_empty() {
            "as the first row has"
        } else {
            "as the header has"
        };
        Box::new(BadRow {
            row: None,
            line: 0,
            field: "the row",
            expected: format!("{} fields, {what}", self.layout.width),
            got: width.to_string(),
        })
    }
}

/// The text of a time, joined from two columns where it lies in two.
pub(crate) fn time_of<'a>(
    record: &'a csv::ByteRecord,
    time: Time,
    joined: &'a mut Vec<u8>,
) -> &'a [u8] {
    let cell = |place: usize| record.get(place).unwrap_or_default().trim_ascii();
    match time {
        Time::One(place) => cell(place),
        Time::Two(date, time) => {
            joined.clear();
            joined.extend_from_slice(cell(date));
            joined.push(b' ');
            joined.extend_from_slice(cell(time));
            joined
        }
    }
}

#[cold]
fn bad(field: Field, expected: String, got: &[u8]) -> Box<BadRow> {
    Box::new(BadRow {
        row: None,
        line: 0,
        field: field.name(),
        expected,
        got: format!("\"{}\"", shortened(got)),
    })
}
