//! Which forms a file may have, and the errors for a file that has no table of bars.

use super::*;

/// The two bars of most files here.
fn two() -> Vec<Bar> {
    vec![
        bar(
            1_092_873_600_000,
            [100.0, 104.06, 95.96, 100.34, 22_351_900.0],
        ),
        bar(
            1_092_960_000_000,
            [101.01, 109.08, 100.5, 108.31, 11_428_600.0],
        ),
    ]
}

#[test]
fn a_file_may_be_written_in_many_ways() {
    let rows = "2004-08-19,100,104.06,95.96,100.34,22351900\n2004-08-20,101.01,109.08,100.5,108.31,11428600\n";
    let plain = format!("{HEADER}{rows}");
    for (how, text) in [
        ("plain", plain.clone()),
        ("no line end at the end", plain.trim_end().to_owned()),
        ("a byte-order mark", format!("\u{feff}{plain}")),
        ("CRLF", plain.replace('\n', "\r\n")),
        ("CR alone", plain.replace('\n', "\r")),
        (
            "CRLF and a mark",
            format!("\u{feff}{}", plain.replace('\n', "\r\n")),
        ),
        ("blank lines", plain.replace('\n', "\n\n")),
        ("blank lines with CRLF", plain.replace('\n', "\r\n\r\n")),
        (
            "quotes",
            format!(
                "{HEADER}{}",
                rows.replace(',', "\",\"")
                    .replace("2004", "\"2004")
                    .replace("00\n", "00\"\n")
            ),
        ),
        (
            "quoted names",
            plain
                .replace("open", "\"open\"")
                .replace("timestamp", "\"timestamp\""),
        ),
        ("spaces", plain.replace(',', " , ")),
        (
            "other case",
            plain.replace("timestamp,open", "TimeStamp,OPEN"),
        ),
        ("a column named date", plain.replace("timestamp", "Date")),
        ("a column named time", plain.replace("timestamp", "time")),
        (
            "a column named datetime",
            plain.replace("timestamp", "DATETIME"),
        ),
        (
            "seconds",
            plain
                .replace("2004-08-19", "1092873600")
                .replace("2004-08-20", "1092960000.0"),
        ),
        (
            "date-times",
            plain
                .replace("2004-08-19", "2004-08-19T02:00:00+02:00")
                .replace("2004-08-20", "2004-08-20 00:00:00"),
        ),
        (
            "exponents",
            plain
                .replace("22351900", "2.23519e7")
                .replace("100.5", "+1005e-1"),
        ),
    ] {
        assert_eq!(loaded(&text), two(), "{how}: {text}");
    }
    let wide = "volume,note,Adj Close,low,close,high,open,date\n22351900,\"a, \"\"b\"\"\nc\",1,95.96,100.34,104.06,100,2004-08-19\n11428600,,,100.5,108.31,109.08,101.01,2004-08-20\n";
    assert_eq!(loaded(wide), two());
}

#[test]
fn a_file_that_is_no_table_of_bars_is_told_apart() {
    let names = |columns: &str| format!("{columns}\n2004-08-19,1,1,1,1,1\n");
    let long = format!("{},1\n", "x".repeat(200_000));
    for (text, code, words) in [
        ("".to_owned(), "FILE_EMPTY", vec!["A_1d.csv", "empty"]),
        ("\u{feff}".to_owned(), "FILE_EMPTY", vec!["empty"]),
        ("\n\r\n\n".to_owned(), "FILE_EMPTY", vec!["empty"]),
        (HEADER.to_owned(), "NO_ROWS", vec!["A_1d.csv", "header"]),
        (
            names("one,two,three,four,five,six"),
            "NO_HEADER",
            vec!["A_1d.csv", "line 1", "timestamp,open", "one,two"],
        ),
        (names("a"), "NO_HEADER", vec!["\"a\""]),
        (long, "NO_HEADER", vec!["65536 bytes"]),
        (
            names("date,open,high,low,close"),
            "BAD_ROW",
            vec!["A_1d.csv", "the row", "5 fields"],
        ),
        (
            names("date,oo,hh,low,close,volume"),
            "COLUMN_MISSING",
            vec!["open, high"],
        ),
        (
            "x,open,high,low,close,volume\nA,1,1,1,1,1\n".to_owned(),
            "COLUMN_MISSING",
            vec!["timestamp"],
        ),
        (
            names("date,open,high,low,close,Open,volume"),
            "COLUMN_TWICE",
            vec!["A_1d.csv", "one column for the open", "\"Open\""],
        ),
        (
            names("date,time,open,high,low,close,volume"),
            "DATA_DOUBTFUL",
            vec!["TIME_AMBIGUOUS"],
        ),
    ] {
        let (got, message) = World::new(&text).fails();
        assert_eq!(got, code, "{message}");
        for word in words {
            assert!(
                message.contains(word),
                "\"{word}\" is missing in: {message}"
            );
        }
    }
}
