//! The records of a text: bounded, so that a quote that is never closed cannot take all the memory; on which
//! line a byte is; and how a message repeats a value.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use csv::{ByteRecord, Reader, ReaderBuilder};

use crate::dialect::Separator;

/// The most bytes of one record.
pub(crate) const LONGEST_RECORD: u64 = 64 * 1024;
/// How many bytes are read at a time.
const BUFFER: usize = 128 * 1024;
/// The most characters of a value that a message repeats.
const SHOWN: usize = 60;

/// How many bytes were passed on, up to where these were whole records, and how the text ends.
#[derive(Debug, Default)]
struct Account {
    handed: Cell<u64>,
    whole: Cell<u64>,
    exceeded: Cell<bool>,
    last: Cell<u8>,
}

/// Reads on only while the present record is not too long. The caller must have used everything before it
/// asks for more, as a `BufReader` does.
struct Bounded {
    inner: Box<dyn Read + Send>,
    account: Rc<Account>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let account = &self.account;
        if account.handed.get() - account.whole.get() > LONGEST_RECORD {
            account.exceeded.set(true);
            return Err(io::Error::other("a record is too long"));
        }
        let read = self.inner.read(buffer)?;
        account.handed.set(account.handed.get() + read as u64);
        if let Some(last) = buffer[..read].last() {
            account.last.set(*last);
        }
        Ok(read)
    }
}

/// The records of a text, one after the other.
pub(crate) struct Records {
    reader: Reader<Bounded>,
    account: Rc<Account>,
    spaces: bool,
    separator: u8,
    raw: ByteRecord,
    pub(crate) record: ByteRecord,
}

/// Why there is no next record.
#[derive(Debug)]
pub(crate) enum Broken {
    /// It is longer than [`LONGEST_RECORD`].
    TooLong,
    Unreadable(io::Error),
}

impl Records {
    pub(crate) fn new(text: Box<dyn Read + Send>, separator: Separator) -> Self {
        let account = Rc::<Account>::default();
        let bounded = Bounded {
            inner: text,
            account: Rc::clone(&account),
        };
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator.byte())
            .buffer_capacity(BUFFER)
            .from_reader(bounded);
        Self {
            reader,
            account,
            spaces: separator == Separator::Space,
            separator: separator.byte(),
            raw: ByteRecord::new(),
            record: ByteRecord::new(),
        }
    }

    /// Reads the next record into `self.record`; false at the end of the text.
    #[inline]
    pub(crate) fn read(&mut self) -> Result<bool, Broken> {
        let record = if self.spaces {
            &mut self.raw
        } else {
            &mut self.record
        };
        match self.reader.read_byte_record(record) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(_) if self.account.exceeded.get() => return Err(Broken::TooLong),
            Err(error) => {
                return Err(Broken::Unreadable(match error.into_kind() {
                    csv::ErrorKind::Io(error) => error,
                    other => io::Error::other(format!("{other:?}")),
                }));
            }
        }
        self.account.whole.set(self.reader.position().byte());
        if self.spaces {
            // Several spaces are one.
            self.record.clear();
            self.raw
                .iter()
                .filter(|cell| !cell.is_empty())
                .for_each(|cell| self.record.push_field(cell));
            self.record.set_position(self.raw.position().cloned());
        }
        Ok(true)
    }

    /// The first byte of the present record, or of blank lines before it.
    pub(crate) fn offset(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::byte)
    }

    /// The first byte after the last whole record.
    pub(crate) fn next_offset(&self) -> u64 {
        self.account.whole.get()
    }

    /// Whether a field of the record has several lines that look like rows: then a quote is not closed, or
    /// stands in a wrong place, and rows would be lost in it.
    pub(crate) fn has_rows_in_quotes(&self) -> bool {
        let start = self.record.position().map_or(0, csv::Position::line);
        // Blank lines before the record count as well, so this is only where to look.
        self.reader.position().line() > start + 1 && self.has_rows_in_a_field()
    }

    #[cold]
    fn has_rows_in_a_field(&self) -> bool {
        let separator = self.separator;
        let is_row = |line: &[u8]| line.iter().filter(|byte| **byte == separator).count() >= 4;
        let is_long = |field: &[u8]| {
            let lines = field.split(|byte| *byte == b'\n');
            lines.clone().count() > 1 && lines.into_iter().any(is_row)
        };
        self.record.iter().any(is_long)
    }

    /// Whether the last line of the text has an end. True before anything was read.
    pub(crate) fn ends_with_line_end(&self) -> bool {
        matches!(self.account.last.get(), 0 | b'\n' | b'\r')
    }
}

/// The lines, from 1, of the first bytes at or after these ascending `offsets` that do not end a line. They
/// are counted only when somebody asks, so that good rows cost nothing.
pub(crate) fn lines_at(text: Box<dyn Read + Send>, offsets: &[u64]) -> io::Result<Vec<u64>> {
    let mut text = BufReader::with_capacity(BUFFER, text);
    let mut lines = Vec::with_capacity(offsets.len());
    let (mut line, mut place, mut after_return) = (1, 0, false);
    while lines.len() < offsets.len() {
        let chunk = text.fill_buf()?;
        if chunk.is_empty() {
            lines.resize(offsets.len(), line);
            break;
        }
        for &one in chunk {
            let ends = one == b'\n' || one == b'\r';
            while !ends
                && offsets
                    .get(lines.len())
                    .is_some_and(|offset| place >= *offset)
            {
                lines.push(line);
            }
            // CR LF is one end of a line.
            line += u64::from(ends && !(one == b'\n' && after_return));
            after_return = one == b'\r';
            place += 1;
        }
        let read = chunk.len();
        text.consume(read);
    }
    Ok(lines)
}

/// Text as people read it: UTF-8, or else Windows-1252, which older programs write.
pub(crate) fn decoded(text: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(text) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            encoding_rs::WINDOWS_1252
                .decode_without_bom_handling(text)
                .0
        }
    }
}

/// The beginning of a value, on one line.
pub(crate) fn shortened(text: &[u8]) -> String {
    let mut end = text.len().min(SHOWN * 4);
    // A cut within a character would make all of it look like another encoding.
    while end < text.len() && end > 0 && text[end] & 0b1100_0000 == 0b1000_0000 {
        end -= 1;
    }
    let mut shown: String = decoded(&text[..end])
        .chars()
        .map(|one| if one.is_control() { ' ' } else { one })
        .take(SHOWN + 1)
        .collect();
    if shown.chars().count() > SHOWN {
        shown.pop();
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_byte_is_found_whatever_ends_the_lines() {
        for text in ["a\nb\n\nc\n", "a\r\nb\r\n\r\nc", "a\rb\r\rc\r"] {
            let place = |letter: char| text.find(letter).expect("it is there") as u64;
            // The blank line before the last record belongs to where it begins.
            let offsets = [place('a'), place('b'), place('b') + 1, place('c')];
            let lines = lines_at(Box::new(text.as_bytes()), &offsets).expect("it is in memory");
            assert_eq!(lines, [1, 2, 4, 4], "{text:?}");
        }
    }

    #[test]
    fn several_spaces_are_one_separator() {
        let text = "  2021-01-04   1 2\n";
        let mut records = Records::new(Box::new(text.as_bytes()), Separator::Space);
        assert!(records.read().expect("it is in memory"));
        assert_eq!(
            records.record.iter().collect::<Vec<_>>(),
            [&b"2021-01-04"[..], b"1", b"2"]
        );
    }
}
