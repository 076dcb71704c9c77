//! Looks at a file before it is read: where its columns are, how its times are read, whose bars they are.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use csv::ByteRecord;

use crate::container;
use crate::dialect::{Dialect, Field};
use crate::error::{Doubt, ImportError};
use crate::layout::{Layout, Names, Time, Wanted, is_same_symbol};
use crate::notes::Notes;
use crate::records::{Records, shortened};
use crate::rows::{ReadOptions, RowReader, time_of, unreadable};
use crate::times::{Asked, Decision, Kept, Reading, Survey, TimesFault, Zone};

/// So many bytes at the beginning tell where the columns are.
const HEAD: u64 = 256 << 10;
/// So many rows are looked at. If they leave something open, all are.
const ROWS: u64 = 1 << 16;
/// So many symbols are told.
const SYMBOLS: usize = 10;

/// How a file is to be read.
pub(crate) struct Found {
    pub(crate) row: RowReader,
    pub(crate) notes: Notes,
}

/// Finds out how `source` is to be read.
pub(crate) fn find(
    source: &Arc<File>,
    file: &str,
    options: &ReadOptions,
) -> Result<Found, ImportError> {
    let mut head = Vec::new();
    let text = container::open(Arc::clone(source), file)?;
    let read = text.reader.take(HEAD).read_to_end(&mut head);
    read.map_err(|error| unreadable(file, crate::records::Broken::Unreadable(error)))?;
    let names = Names::shipped();
    let wanted = Wanted {
        file,
        symbol: &options.symbol,
        dialect: &options.dialect,
        names: &names,
        accepted: &options.accept_doubts,
    };
    let layout = Layout::find(&head, &wanted)?;
    let mut look = Look::new(layout, options)?;
    look.at_rows(source, file)?;
    look.end(file)
}

/// Checks what is said of the times.
pub(crate) fn check(options: &ReadOptions) -> Result<(), ImportError> {
    survey(options, None).map(drop)
}

fn survey(options: &ReadOptions, of_header: Option<Zone>) -> Result<Survey, ImportError> {
    let asked = asked(&options.dialect)?;
    let kept = options.kept.map(|(first, last)| Kept { first, last });
    let survey = Survey::new(&asked, options.timeframe, kept, options.today, of_header);
    survey.map_err(said)
}

/// What is gathered of the rows.
struct Look<'a> {
    time: Time,
    layout: Layout,
    options: &'a ReadOptions,
    joined: Vec<u8>,
    /// The times of the rows of the symbol that was asked for, or of all where there is no column of symbols.
    wanted: Times,
    /// The times of the rows of the file's first symbol, if that is another one.
    first: Option<Times>,
    symbols: Vec<String>,
    more_symbols: bool,
    rows: u64,
    volume_is_zero: bool,
    volume_is_empty: bool,
}

/// The times of one symbol.
struct Times {
    symbol: Option<String>,
    survey: Survey,
    rows: u64,
}

impl<'a> Look<'a> {
    fn new(layout: Layout, options: &'a ReadOptions) -> Result<Self, ImportError> {
        Ok(Self {
            time: layout.columns.time,
            wanted: Times::new(&layout, options)?,
            layout,
            options,
            joined: Vec::new(),
            first: None,
            symbols: Vec::new(),
            more_symbols: false,
            rows: 0,
            volume_is_zero: true,
            volume_is_empty: true,
        })
    }

    fn at_rows(&mut self, source: &Arc<File>, file: &str) -> Result<(), ImportError> {
        let text = container::open(Arc::clone(source), file)?;
        let mut records = Records::new(text.reader, self.layout.separator);
        let mut skipped = 0;
        // A text that cannot be read on is told when it is read in earnest, with what came before.
        while let Ok(true) = records.read() {
            if skipped < self.layout.header_records {
                skipped += 1;
                continue;
            }
            self.at_row(&records.record)?;
            if self.rows.is_multiple_of(ROWS) && self.is_decided() {
                break;
            }
        }
        Ok(())
    }

    fn at_row(&mut self, record: &ByteRecord) -> Result<(), ImportError> {
        let cell = |place: usize| record.get(place).unwrap_or_default().trim_ascii();
        self.rows += 1;
        if let Some(place) = self.layout.columns.volume {
            let cell = cell(place);
            self.volume_is_empty &= is_nothing(cell);
            self.volume_is_zero &= self
                .layout
                .decimal
                .parse(cell)
                .is_none_or(|volume| volume == 0.0);
        }
        let text = time_of(record, self.time, &mut self.joined);
        let Some(place) = self.layout.columns.symbol else {
            self.wanted.see(text);
            return Ok(());
        };
        // A footer is the row of no symbol.
        let Some(symbol) = record.get(place).map(<[u8]>::trim_ascii) else {
            return Ok(());
        };
        // The very symbol wins over one that is written otherwise.
        if symbol == self.options.symbol.as_bytes() {
            self.wanted
                .symbol
                .get_or_insert_with(|| self.options.symbol.clone());
            self.wanted.see(text);
        } else {
            self.other_symbol(record, symbol)?;
        }
        Ok(())
    }

    fn other_symbol(&mut self, record: &ByteRecord, symbol: &[u8]) -> Result<(), ImportError> {
        let name = String::from_utf8_lossy(symbol);
        if !self.symbols.iter().any(|known| *known == name) {
            match self.symbols.len() < SYMBOLS {
                true => self.symbols.push(name.clone().into_owned()),
                false => self.more_symbols = true,
            }
        }
        let is_similar = |name: &str| is_same_symbol(name, &self.options.symbol);
        let known = self
            .first
            .as_ref()
            .and_then(|first| first.symbol.as_deref());
        let is_nearer = known.is_none_or(|known| is_similar(&name) && !is_similar(known));
        if is_nearer {
            let mut times = Times::new(&self.layout, self.options)?;
            times.symbol = Some(name.into_owned());
            self.first = Some(times);
        }
        if let Some(first) = &mut self.first
            && first.is_of(symbol)
        {
            first.see(time_of(record, self.time, &mut self.joined));
        }
        Ok(())
    }

    /// Whether more rows could change nothing.
    fn is_decided(&self) -> bool {
        let is_tick = self.layout.columns.tick_volume.is_some();
        let volume = !is_tick || !self.volume_is_zero;
        let symbol = self.layout.columns.symbol.is_none() || self.wanted.rows > 0;
        volume && symbol && self.wanted.survey.is_decided()
    }

    fn end(self, file: &str) -> Result<Found, ImportError> {
        let mut notes = Notes::default();
        let Self {
            layout,
            options,
            wanted,
            first,
            symbols,
            more_symbols,
            ..
        } = self;
        let has_column = layout.columns.symbol.is_some();
        let times = match (wanted.rows, first) {
            (0, Some(only)) if symbols.len() == 1 && !more_symbols => {
                differs(&mut notes, &symbols[0], &options.symbol);
                only
            }
            (0, Some(first)) => {
                let similar = symbols
                    .iter()
                    .filter(|one| is_same_symbol(one, &options.symbol));
                let is_first = first
                    .symbol
                    .as_ref()
                    .is_some_and(|one| is_same_symbol(one, &options.symbol));
                if !is_first || similar.count() != 1 || more_symbols {
                    return Err(ImportError::SymbolNotFound {
                        file: file.to_owned(),
                        symbol: options.symbol.clone(),
                        found: symbols,
                    });
                }
                differs(
                    &mut notes,
                    first.symbol.as_deref().unwrap_or_default(),
                    &options.symbol,
                );
                first
            }
            _ => wanted,
        };
        if times.rows == 0 {
            return Err(ImportError::NoRows {
                file: file.to_owned(),
                dropped: 0,
            });
        }
        if let Some(of_columns) = &layout.symbol_of_columns {
            differs(&mut notes, of_columns, &options.symbol);
        }
        let volume = volume_of(
            &layout,
            self.volume_is_zero,
            self.volume_is_empty,
            &mut notes,
        );
        let symbol = times.symbol.filter(|_| has_column);
        let reading = reading(times.survey.decide(), file, options, &mut notes)?;
        let divisor = options.dialect.price_divisor.unwrap_or(1);
        Ok(Found {
            row: RowReader::new(layout, reading, options.timeframe, divisor, volume, symbol),
            notes,
        })
    }
}

impl Times {
    fn new(layout: &Layout, options: &ReadOptions) -> Result<Self, ImportError> {
        let survey = survey(options, zone_of_header(layout))?;
        Ok(Self {
            symbol: None,
            survey,
            rows: 0,
        })
    }

    fn see(&mut self, text: &[u8]) {
        self.rows += 1;
        self.survey.see(text);
    }

    fn is_of(&self, symbol: &[u8]) -> bool {
        self.symbol
            .as_ref()
            .is_some_and(|own| own.as_bytes() == symbol)
    }
}

fn asked(dialect: &Dialect) -> Result<Asked, ImportError> {
    let zone = dialect.time_zone.as_deref().map(Zone::parse).transpose();
    Ok(Asked {
        format: dialect.time_format.clone(),
        unit: None,
        zone: zone.map_err(said)?,
    })
}

fn said(fault: TimesFault) -> ImportError {
    ImportError::TimesDoNotFit {
        field: fault.field,
        message: fault.message,
    }
}

/// A zone that the header of the times names, as `Gmt time` or `Date (America/New_York)` do.
fn zone_of_header(layout: &Layout) -> Option<Zone> {
    let (Time::One(place) | Time::Two(place, _)) = layout.columns.time;
    let header = layout.headers.get(place)?.to_lowercase();
    let mut words = header.split(|one: char| !one.is_alphanumeric());
    if words.any(|word| word == "gmt" || word == "utc") {
        return Zone::parse("UTC").ok();
    }
    let header = layout.headers.get(place)?;
    let (_, inside) = header.split_once('(')?;
    Zone::parse(inside.trim_end().strip_suffix(')')?).ok()
}

fn reading(
    decision: Decision,
    file: &str,
    options: &ReadOptions,
    notes: &mut Notes,
) -> Result<Reading, ImportError> {
    let doubt = match decision {
        Decision::Fits(reading) => return Ok(reading),
        Decision::Refused(fault) => return Err(said(fault)),
        Decision::Doubt(doubt) => doubt,
    };
    let is_accepted = options.accept_doubts.iter().any(|code| code == doubt.code);
    match doubt.accepted.filter(|_| is_accepted) {
        Some(reading) => {
            notes.note(
                doubt.code,
                format!("{}; the doubt was accepted", doubt.message),
            );
            Ok(reading)
        }
        None => Err(ImportError::Doubtful {
            file: file.to_owned(),
            doubts: vec![Doubt {
                code: doubt.code,
                message: doubt.message,
                instead: doubt.instead,
            }],
        }),
    }
}

/// What stands in a cell where nothing is known.
fn is_nothing(cell: &[u8]) -> bool {
    const WORDS: [&str; 8] = ["", "-", "--", "na", "n/a", "nan", "null", "#n/a"];
    WORDS
        .iter()
        .any(|word| cell.eq_ignore_ascii_case(word.as_bytes()))
}

fn differs(notes: &mut Notes, found: &str, asked: &str) {
    // What stands between two currencies makes no other symbol.
    let bare = |text: &str| text.replace(['/', '-', '_', ' '], "");
    if bare(found) == bare(asked) {
        return;
    }
    let found = shortened(found.as_bytes());
    let message = format!("the file has bars of {found}; they were taken for those of {asked}");
    notes.note("SYMBOL_DIFFERS", message);
}

/// The column that is read as the volume.
fn volume_of(layout: &Layout, is_zero: bool, is_empty: bool, notes: &mut Notes) -> Option<usize> {
    let columns = &layout.columns;
    match (columns.volume, columns.tick_volume) {
        (_, Some(tick)) if is_zero => {
            notes.note(
                "TICK_VOLUME",
                "the volume is the number of changes of the price, because no other is known",
            );
            Some(tick)
        }
        (Some(volume), _) if !is_empty => Some(volume),
        _ => {
            let missing = Field::Volume.name();
            notes.note(
                "VOLUME_MISSING",
                format!("no column is known to have the {missing}; it was taken for 0, and columns says which it is"),
            );
            None
        }
    }
}
