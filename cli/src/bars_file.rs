//! Reads bars from a file of the user: JSON, or what the server loads, by the same rules.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;

use chrono::Utc;
use impresario_api::{Bar, BarPage, PredictRequest};
use impresario_market::dialect::{AUTO, Dialect};
use impresario_market::error::ImportError;
use impresario_market::rows::{BarReader, Duplicate, ReadOptions, Row};

use crate::error::Error;
use crate::text_file::{self, Form};

/// A file that was read, and not yet understood.
pub(crate) struct BarsFile<'a> {
    path: &'a Path,
    bytes: Vec<u8>,
}

impl<'a> BarsFile<'a> {
    /// Reads the file.
    pub(crate) fn open(path: &'a Path) -> Result<Self, Error> {
        match text_file::bytes(path, Form::Data) {
            Ok(bytes) => Ok(Self { path, bytes }),
            Err(error) => Err(wrong(path, &error.to_string())),
        }
    }

    /// Its bars, in the order of their times. They are those of `symbol` and `timeframe` if the file does not say
    /// otherwise.
    pub(crate) fn bars(&self, symbol: &str, timeframe: &str) -> Result<Vec<Bar>, Error> {
        let text = std::str::from_utf8(&self.bytes).ok();
        let text = text.map(|text| text.trim_start_matches('\u{feff}').trim_start());
        let bars = match text.filter(|text| text.starts_with(['[', '{'])) {
            Some(text) => json(text),
            None => rows(self.path, &self.bytes, symbol, timeframe),
        };
        let bars = bars.map_err(|why| wrong(self.path, &why))?;
        match bars.is_empty() {
            true => Err(wrong(self.path, "expected bars, got none")),
            false => Ok(bars),
        }
    }
}

fn wrong(path: &Path, why: &str) -> Error {
    let whole = text_file::whole(path);
    Error::usage(format!("--bars {}: {why}", whole.display()))
}

/// A list of bars, or a document that contains one: a predict request, or the output of `data show --json`.
fn json(text: &str) -> Result<Vec<Bar>, String> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    if let Ok(page) = serde_json::from_str::<BarPage>(text) {
        return Ok(page.bars);
    }
    let request: PredictRequest = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok(request.bars)
}

/// The bars of what is no JSON. A pipe is read as well as a file, so the bytes go into a file without a name.
fn rows(path: &Path, bytes: &[u8], symbol: &str, timeframe: &str) -> Result<Vec<Bar>, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let timeframe = timeframe.parse();
    let options = ReadOptions {
        symbol: symbol.to_owned(),
        timeframe: timeframe.map_err(|error| format!("timeframe: {error}"))?,
        dialect_name: AUTO.to_owned(),
        dialect: Dialect::default(),
        skip_bad_rows: false,
        leave_out_uncertain_end: false,
        accept_doubts: Vec::new(),
        kept: None,
        today: Utc::now().date_naive(),
    };
    let spooled = spooled(bytes).map_err(|error| error.to_string())?;
    parsed(Arc::new(spooled), &name, &options).map_err(|error| error.to_string())
}

fn spooled(bytes: &[u8]) -> std::io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

fn parsed(file: Arc<File>, name: &str, options: &ReadOptions) -> Result<Vec<Bar>, ImportError> {
    let mut reader = BarReader::open(file, name, options)?;
    let mut rows = Vec::new();
    while let Some(row) = reader.read()? {
        if let Row::Bar(bar, place) = row {
            rows.push((bar, place));
        }
    }
    rows.sort_by_key(|(bar, _)| bar.timestamp);
    let pairs = rows
        .windows(2)
        .filter(|pair| pair[0].0.timestamp == pair[1].0.timestamp);
    let again: Vec<_> = pairs
        .map(|pair| Duplicate {
            time: pair[1].0.timestamp,
            first: pair[0].1,
            later: pair[1].1,
        })
        .collect();
    reader.finish(&again, again.len() as u64)?;
    Ok(rows.into_iter().map(|(bar, _)| bar).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "\u{feff}Date,Close,Open,High,Low,Adj Close,Volume\r\n\
        2004-08-19,100.34,100,104.06,95.96,9,22351900\r\n\
        \"2004-08-20\",108.31,101.01,109.08,100.5,9,11428600\r\n";

    fn read(path: &Path) -> Result<Vec<Bar>, Error> {
        BarsFile::open(path)?.bars("GOOG", "1d")
    }

    fn read_as(name: &str, text: &str) -> Result<Vec<Bar>, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("the folder is ours");
        read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn the_same_bars_in_every_form() {
        let bars = read_as("a.CSV", CSV).expect("it is well formed");
        assert_eq!(
            (bars.len(), bars[0].close, bars[1].open),
            (2, 100.34, 101.01)
        );
        assert_eq!(bars[1].timestamp.to_string(), "2004-08-20T00:00:00.000Z");
        let list = serde_json::json!(bars);
        let page = serde_json::json!({"bars": list, "next_start": null, "dataset": {
            "symbol": "GOOG", "timeframe": "1d", "rows": 2, "start": bars[0].timestamp,
            "end": bars[1].timestamp, "bytes": 1, "sha256": "", "source": "",
            "loaded_at": bars[0].timestamp}});
        for json in [
            list.to_string(),
            page.to_string(),
            format!("{{\"bars\": {list}}}"),
        ] {
            assert_eq!(read_as("a.json", &json).as_ref(), Ok(&bars), "{json}");
        }
    }

    #[test]
    fn what_is_no_bar_is_named() {
        let header = "timestamp,open,high,low,close,volume\n";
        for (name, text, said) in [
            (
                "a.csv",
                "timestamp,open,high\n1,2,3\n".to_owned(),
                "low, close",
            ),
            ("a.csv", header.to_owned(), "expected rows of bars"),
            (
                "a.csv",
                format!("{header}2004-08-19,2,3,x,4,5\n"),
                "row 1 (line 2), low: expected a number, got \"x\"",
            ),
            (
                "a.csv",
                format!("{header}2004-08-19,2,3,NaN,2,5\n"),
                "row 1 (line 2), low",
            ),
            ("a.csv", format!("{header}2004-08-19,2,3\n"), "6 fields"),
            (
                "a.csv",
                format!("{header}2004-08-19,2,3,1,2,5\n2004-08-19,2,3,1,2,5\n"),
                "line 3, timestamp: expected each time once",
            ),
            (
                "a.csv",
                format!("{header}01/02/2004,2,3,1,2,5\n"),
                "DAY_MONTH_AMBIGUOUS",
            ),
            ("a.json", "{}".to_owned(), "missing field `bars`"),
            ("a.json", "[]".to_owned(), "expected bars, got none"),
            ("a.json", "[1]".to_owned(), "expected struct Bar"),
            ("passwd", "root:x:0:0".to_owned(), "expected a header"),
        ] {
            let error = read_as(name, &text).expect_err("it is no bars");
            assert!(
                error.contains(said) && error.contains(name),
                "{text}: {error}"
            );
        }
        assert!(read(Path::new("/nonexistent/a.csv")).is_err());
    }
}
