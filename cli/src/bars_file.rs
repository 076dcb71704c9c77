//! Reads bars from a file of the user: CSV with a header, or JSON.

use std::path::Path;

use impresario_api::{Bar, BarPage, PredictRequest, Timestamp};

use crate::error::Error;
use crate::text_file::{self, Form};

/// The columns of a bar in order; the first may have other names.
const NAMES: [&str; 6] = ["timestamp", "open", "high", "low", "close", "volume"];
/// Other names of the column of times, the same as in the server.
const TIMES: [&str; 3] = ["time", "date", "datetime"];

/// Reads `path` as CSV if its name ends in `.csv`, otherwise as JSON.
pub(crate) fn read(path: &Path) -> Result<Vec<Bar>, Error> {
    let whole = text_file::whole(path);
    let wrong = |why: String| Error::usage(format!("--bars {}: {why}", whole.display()));
    let text = text_file::read(path, Form::Data).map_err(|error| wrong(error.to_string()))?;
    let text = text.as_str();
    let is_csv = path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let bars = match is_csv {
        true => csv(text),
        false => json(text)
            .map_err(|error| format!("expected JSON, or CSV in a file named *.csv: {error}")),
    };
    let bars = bars.map_err(wrong)?;
    match bars.is_empty() {
        true => Err(wrong("expected bars, got none".to_owned())),
        false => Ok(bars),
    }
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

fn csv(text: &str) -> Result<Vec<Bar>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?;
    let is_time = |name: &str| TIMES.iter().any(|one| name.eq_ignore_ascii_case(one));
    let mut places = [0; 6];
    for (place, name) in places.iter_mut().zip(NAMES) {
        let fits = |one: &str| one.eq_ignore_ascii_case(name) || (name == NAMES[0] && is_time(one));
        *place = header
            .iter()
            .position(fits)
            .ok_or_else(|| format!("header: expected a column {name}"))?;
    }
    let rows = reader.records().enumerate();
    rows.map(|(at, row)| bar(&row.map_err(|error| error.to_string())?, &places, at + 1))
        .collect()
}

fn bar(row: &csv::StringRecord, places: &[usize; 6], at: usize) -> Result<Bar, String> {
    let field = |column: usize| row.get(places[column]).unwrap_or_default();
    let wrong = |column: usize, expected: &str| {
        let (name, got) = (NAMES[column], field(column));
        format!("row {at}, {name}: expected {expected}, got \"{got}\"")
    };
    let number = |column| {
        let number: Result<f64, _> = field(column).parse();
        let number = number.ok().filter(|number| number.is_finite());
        number.ok_or_else(|| wrong(column, "a number"))
    };
    let expected =
        "a time such as 2004-08-19, 20040819, 2004-08-19T13:30:00Z or seconds since 1970";
    Ok(Bar {
        timestamp: time(field(0)).ok_or_else(|| wrong(0, expected))?,
        open: number(1)?,
        high: number(2)?,
        low: number(3)?,
        close: number(4)?,
        volume: number(5)?,
    })
}

/// A date, a date-time (in UTC if it has no offset) or seconds since 1970.
fn time(text: &str) -> Option<Timestamp> {
    if let Some(date) = basic_date(text) {
        return Some(date);
    }
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1_000).map(Timestamp::from_millis);
    }
    let text = text.replacen(' ', "T", 1);
    let complete = ["", "Z", ":00Z", "T00:00:00Z"];
    complete
        .iter()
        .find_map(|rest| format!("{text}{rest}").parse().ok())
}

/// `20040819`, in the years in which the server takes eight digits for a date.
fn basic_date(text: &str) -> Option<Timestamp> {
    let is_date = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (year, rest) = text.split_at_checked(4).filter(|_| is_date)?;
    let (month, day) = rest.split_at(2);
    let fits = ("1800"..="2200").contains(&year);
    let whole = format!("{year}-{month}-{day}T00:00:00Z");
    whole.parse().ok().filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "\u{feff}Date,Close,Open,High,Low,Adj Close,Volume\r\n\
        2004-08-19,100.34,100,104.06,95.96,9,22351900\r\n\
        \"2004-08-20\",108.31,101.01,109.08,100.5,9,11428600\r\n";

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
    fn times_are_dates_date_times_and_seconds() {
        for text in [
            "2004-08-19",
            "2004-08-19 00:00",
            "2004-08-19 00:00:00",
            "2004-08-19T00:00:00Z",
            "2004-08-19T02:00:00+02:00",
            "1092873600",
            "20040819",
        ] {
            let time = time(text).map(Timestamp::as_millis);
            assert_eq!(time, Some(1_092_873_600_000), "{text}");
        }
        for seconds in ["20040832", "17991231", "22010101", "2004081"] {
            let time = time(seconds).map(|time| time.as_millis() / 1_000);
            assert_eq!(time, seconds.parse().ok(), "{seconds}");
        }
        for text in ["", "yesterday", "2004-13-01", "99999999999999999999"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_bar_is_named() {
        let header = "timestamp,open,high,low,close,volume\n";
        for (name, text, said) in [
            ("a.csv", "timestamp,open\n1,2\n".to_owned(), "a column high"),
            ("a.csv", header.to_owned(), "expected bars, got none"),
            (
                "a.csv",
                format!("{header}1,2,3,x,4,5\n"),
                "row 1, low: expected a number, got \"x\"",
            ),
            ("a.csv", format!("{header}1,2,3,NaN,4,5\n"), "row 1, low"),
            (
                "a.csv",
                format!("{header}soon,2,3,1,4,5\n"),
                "row 1, timestamp",
            ),
            (
                "a.csv",
                format!("{header}1,2,3\n"),
                "found record with 3 fields",
            ),
            ("a.json", "{}".to_owned(), "missing field `bars`"),
            ("a.json", "[]".to_owned(), "expected bars, got none"),
            ("a.json", "nonsense".to_owned(), "expected ident"),
            (
                "passwd",
                "root:x:0:0".to_owned(),
                "expected JSON, or CSV in a file named *.csv: expected value at line 1",
            ),
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
