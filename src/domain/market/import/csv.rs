//! Reads bars from a CSV file row by row, and checks each.

use std::fs::File;
use std::rc::Rc;
use std::sync::Arc;

use csv::{ByteRecord, Reader, ReaderBuilder};
use impresario_api::{Bar, Timestamp};

use super::Source;
use super::columns::{Columns, NAMES};
use super::lines::{Account, Bounded, LONGEST_RECORD, line_at, shortened};
use super::time::Times;
use crate::domain::market::bars;
use crate::domain::market::error::{BadRow, MarketError};

/// How many bytes are read from the file at a time.
const BUFFER: usize = 128 * 1024;

/// The bars of a file.
#[derive(Debug)]
pub(crate) struct Bars {
    reader: Reader<Bounded<Arc<File>>>,
    /// The same one, to say on which line something is wrong.
    file: Arc<File>,
    account: Rc<Account>,
    record: ByteRecord,
    columns: Columns,
    /// The file's name in the request.
    name: String,
    times: Times,
    rows: u64,
    last: Option<Timestamp>,
}

/// What is wrong with a row.
struct Wrong {
    field: &'static str,
    expected: String,
    got: String,
}

impl Bars {
    /// Reads the header.
    pub(crate) fn open(name: &str, source: Source) -> Result<Self, MarketError> {
        let opened = Arc::new(source.file);
        let (bounded, account) = Bounded::new(Arc::clone(&opened));
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER)
            .from_reader(bounded);
        let mut header = ByteRecord::new();
        let read = reader.read_byte_record(&mut header);
        let file = name.to_owned();
        match read {
            Ok(true) => {}
            Ok(false) => return Err(MarketError::FileEmpty { file }),
            Err(_) if account.exceeded() => {
                let got = format!("a line of more than {LONGEST_RECORD} bytes");
                let hint = "";
                return Err(MarketError::NoHeader { file, got, hint });
            }
            Err(error) => return Err(unreadable(file, error)),
        }
        account.whole_up_to(reader.position().byte());
        Ok(Self {
            columns: Columns::find(name, &header)?,
            reader,
            account,
            record: header,
            name: file,
            file: opened,
            times: Times::default(),
            rows: 0,
            last: None,
        })
    }

    /// The next bar, later than the one before; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Bar>, MarketError> {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Err(self.broken(error)),
        }
        self.account.whole_up_to(self.reader.position().byte());
        self.rows += 1;
        match self.bar() {
            Ok(bar) => {
                self.last = Some(bar.timestamp);
                Ok(Some(bar))
            }
            Err(wrong) => Err(self.bad_row(*wrong)),
        }
    }

    /// How many bytes of the file have been read.
    pub(crate) fn bytes(&self) -> u64 {
        self.reader.position().byte()
    }

    #[inline]
    fn bar(&mut self) -> Result<Bar, Box<Wrong>> {
        let (record, columns) = (&self.record, &self.columns);
        if record.len() != columns.width {
            return Err(Box::new(self.width()));
        }
        let field = |column: usize| {
            let place = columns.places[column];
            record.get(place).unwrap_or_default().trim_ascii()
        };
        let number = |column: usize| {
            // `nan` and `inf` are accepted here; the check of the whole bar refuses them.
            fast_float2::parse(field(column))
                .map_err(|_| Wrong::of(column, "a number", field(column)))
        };
        let time = self.times.parse(field(0));
        let timestamp = time.ok_or_else(|| Wrong::of(0, self.times.expected(), field(0)))?;
        let bar = Bar {
            timestamp,
            open: number(1)?,
            high: number(2)?,
            low: number(3)?,
            close: number(4)?,
            volume: number(5)?,
        };
        if let Some(last) = self.last
            && last >= timestamp
        {
            let expected = format!("a time after {last}, the row before");
            return Err(Wrong::of(0, &expected, field(0)));
        }
        bars::check(&bar).map_err(|fault| {
            let column = NAMES.iter().position(|name| *name == fault.field);
            Wrong::of(
                column.unwrap_or_default(),
                &fault.expected,
                field(column.unwrap_or_default()),
            )
        })?;
        Ok(bar)
    }

    #[cold]
    fn width(&self) -> Wrong {
        Wrong {
            field: "the row",
            expected: format!("{} fields, as the header has", self.columns.width),
            got: self.record.len().to_string(),
        }
    }

    #[cold]
    fn bad_row(&self, wrong: Wrong) -> MarketError {
        let byte = self.record.position().map_or(0, csv::Position::byte);
        MarketError::BadRow(Box::new(BadRow {
            file: self.name.clone(),
            row: self.rows,
            // The file could be read a moment ago. If it cannot any more, the row's number must suffice.
            line: line_at(&self.file, byte).unwrap_or(0),
            field: wrong.field,
            expected: wrong.expected,
            got: wrong.got,
        }))
    }

    #[cold]
    fn broken(&mut self, error: csv::Error) -> MarketError {
        if !self.account.exceeded() {
            return unreadable(self.name.clone(), error);
        }
        self.rows += 1;
        self.bad_row(Wrong {
            field: "the row",
            expected: format!("at most {LONGEST_RECORD} bytes"),
            got: "more; is a quote not closed?".to_owned(),
        })
    }
}

impl Wrong {
    #[cold]
    fn of(column: usize, expected: &str, got: &[u8]) -> Box<Self> {
        Box::new(Self {
            field: NAMES[column],
            expected: expected.to_owned(),
            got: format!("\"{}\"", shortened(got)),
        })
    }
}

fn unreadable(file: String, error: csv::Error) -> MarketError {
    MarketError::FileUnreadable {
        file,
        source: error.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    /// A number is refused, or read to the last bit, exactly as by the standard library.
    fn as_the_standard_library_does(text: &str) {
        let read = fast_float2::parse::<f64, _>(text).ok();
        let wanted = text.parse::<f64>().ok();
        assert_eq!(read.map(f64::to_bits), wanted.map(f64::to_bits), "{text}");
    }

    #[test]
    fn numbers_are_read_as_the_standard_library_reads_them() {
        let texts = "0|7|00012|1.5|1.|.5|0.1|100.34|22351900|999999999999999|99999999999999.9\
            |.999999999999999|0.00000000000001|9999999999999999|123456789.12345678|1e5|-1|-0|+2\
            |nan|inf|1e-400|0.1000000000000000055511151231257827\
            ||.|..|1.2.3|-|1 2|0x1|1_000|abc|1e|\u{662}";
        texts.split('|').for_each(as_the_standard_library_does);
    }

    proptest! {
        #[test]
        fn any_number_is_read_as_the_standard_library_reads_it(
            text in prop_oneof![
                "[0-9]{0,18}\\.?[0-9]{0,18}",
                "[-+]?[0-9.]{0,20}([eE][-+]?[0-9]{0,3})?",
                "[-+0-9.eE_ naift]{0,8}",
                any::<f64>().prop_map(|number| number.to_string()),
                any::<f64>().prop_map(|number| format!("{number:e}")),
            ],
        ) {
            as_the_standard_library_does(&text);
        }
    }
}
