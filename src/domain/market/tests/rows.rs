//! The errors for a row that is not a bar.

use super::*;

/// A wrong third row: its text; the field that is named, what was expected, what came.
const WRONG: &[(&str, [&str; 3])] = &[
    ("2004-08-23,NaN,3,1,2,5", ["open", "finite", "NaN"]),
    ("2004-08-23,2,inf,1,2,5", ["high", "finite", "inf"]),
    (
        "2004-08-23,2,3,-Infinity,2,5",
        ["low", "finite", "-Infinity"],
    ),
    ("2004-08-23,2,3,1,2,nan", ["volume", "finite", "nan"]),
    ("2004-08-23,2,3,1,2,1e999", ["volume", "finite", "1e999"]),
    ("2004-08-23,2,3,1,abc,5", ["close", "a number", "\"abc\""]),
    ("2004-08-23,2,3,1,2,", ["volume", "a number", "\"\""]),
    (
        "2004-08-23,2,3,1,2,\"1,2,3\"",
        ["volume", "a number", "\"1,2,3\""],
    ),
    ("2004-08-23,0x2,3,1,2,5", ["open", "a number", "\"0x2\""]),
    ("2004-08-23,2 2,3,1,2,5", ["open", "a number", "\"2 2\""]),
    (
        "2004-08-23,2,3,1,\u{662},5",
        ["close", "a number", "\u{662}"],
    ),
    ("2004-08-23,2,3,1,2", ["the row", "6 fields", "5"]),
    ("2004-08-23,2,3,1,2,5,6", ["the row", "6 fields", "7"]),
    ("2004-08-23", ["the row", "6 fields", "1"]),
    (
        "2004-08-23,4,3,1,2,5",
        ["high", "at least the open, 4", "\"3\""],
    ),
    (
        "2004-08-23,2,3,1,3.5,5",
        ["high", "at least the close, 3.5", "\"3\""],
    ),
    (
        "2004-08-23,2,3,2.5,3,5",
        ["low", "at most the open, 2", "\"2.5\""],
    ),
    (
        "2004-08-23,3,3,2.5,2,5",
        ["low", "at most the close, 2", "\"2.5\""],
    ),
    ("2004-08-23,2,1,3,2,5", ["high", "at least the", "\"1\""]),
    ("2004-08-23,2,3,1,2,-1", ["volume", "0 or more", "\"-1\""]),
    (
        "23.08.2004,2,3,1,2,5",
        ["timestamp", "%Y-%m-%d", "\"23.08.2004\""],
    ),
    (
        "2004-02-30,2,3,1,2,5",
        ["timestamp", "%Y-%m-%d", "\"2004-02-30\""],
    ),
    (
        "1093219200000,2,3,1,2,5",
        ["timestamp", "%Y-%m-%d", "\"1093219200000\""],
    ),
    (",2,3,1,2,5", ["timestamp", "%Y-%m-%d", "\"\""]),
];

#[test]
fn a_row_that_is_no_bar_is_named_with_its_line_and_field() {
    for (row, [field, expected, got]) in WRONG {
        for (end, before) in [
            ("\n", ""),
            ("\r\n", ""),
            ("\n", "\n\n"),
            ("\r\n", "\r\n"),
            ("\r", ""),
        ] {
            let rows = [
                "2004-08-19,2,3,1,2,5",
                "2004-08-20,2,3,1,2,5",
                row,
                "2004-08-24,2,3,1,2,5",
            ];
            let text = format!(
                "{}{end}{}{end}",
                HEADER.trim_end(),
                rows.join(&format!("{end}{before}"))
            );
            let (code, message) = World::new(&text).fails();
            assert_eq!(code, "BAD_ROW", "{message}");
            // Blank lines come before each row but the first.
            let line = 4 + 2 * before.matches('\n').count();
            let start = format!("A_1d.csv: row 3 (line {line}), {field}: expected ");
            assert!(message.starts_with(&start), "{row:?} {end:?}: {message}");
            let (_, rest) = message.split_at(start.len());
            let (wanted, came) = rest.rsplit_once(", got ").expect("what came");
            assert!(wanted.contains(expected), "{row}: {message}");
            assert!(came.contains(got), "{row}: {message}");
        }
    }
}

#[test]
fn a_long_value_is_repeated_in_part() {
    let text = format!("{HEADER}2004-08-19,{},3,1,2,5\n", "é".repeat(10_000));
    let (_, message) = World::new(text).fails();
    assert!(
        message.ends_with(&format!("got \"{}…\"", "é".repeat(60))),
        "{message}"
    );
}

#[test]
fn a_record_without_end_takes_no_memory_to_speak_of() {
    for start in ["\"", "", "2004-08-23,2,3,1,2,"] {
        let text = format!(
            "{HEADER}2004-08-19,2,3,1,2,5\n{start}{}",
            "7".repeat(3 << 20)
        );
        let (code, message) = World::new(text).fails();
        assert_eq!(code, "BAD_ROW");
        assert!(
            message.contains("row 2 (line 3)") && message.contains("65536 bytes"),
            "{message}"
        );
    }
}

#[test]
fn bytes_that_are_no_text_are_no_bars() {
    let (code, message) =
        World::new([HEADER.as_bytes(), b"2004-08-19,\xff\xfe,3,1,2,5\n"].concat()).fails();
    assert_eq!(code, "BAD_ROW");
    assert!(message.contains("open: expected a number"), "{message}");
    let utf16: Vec<u8> = HEADER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(
        World::new([&b"\xff\xfe"[..], &utf16].concat()).fails().0,
        "NO_ROWS"
    );
}

#[test]
fn the_details_are_for_programs() {
    let world = World::new(format!("{HEADER}2004-08-19,2,3,1,2,x\n"));
    let ended = world.ended();
    let error = ended.error().expect("it failed");
    let details = error.details.as_ref().expect("it has details");
    assert_eq!(
        (&details["row"], &details["line"], &details["field"]),
        (&1.into(), &2.into(), &"volume".into())
    );
    assert!(!error.retryable);
}

#[test]
fn dates_without_hyphens_are_the_dates_with_them() {
    let rows = |[first, second]: [&str; 2]| {
        let text = format!("{HEADER}{first},2,3,1,2,5\n{second},2,3,1,2,5\n");
        let world = World::new(text);
        let ended = world.ended();
        assert!(ended.warnings().is_empty(), "{:?}", ended.warnings());
        world.bars()
    };
    assert_eq!(
        rows(["20040819", "20040820"]),
        rows(["2004-08-19", "2004-08-20"])
    );
    let rows = "20040819,2,3,1,2,5\n20040820,2,3,1,2,5\n20040821,2,3,1,2,5\n";
    let text = format!("{HEADER}{rows}1092960000,2,3,1,2,5\n");
    let (code, message) = World::new(text).fails();
    assert_eq!(code, "DATA_DOUBTFUL", "{message}");
}

#[test]
fn a_time_that_comes_again_is_named_with_both_and_dropped_as_asked() {
    let text =
        format!("{HEADER}2004-08-19,2,3,1,2,5\n2004-08-20,2,3,1,2,5\n2004-08-19,2,4,1,2,5\n");
    let (code, message) = World::new(&text).fails();
    assert_eq!(code, "BAD_ROW");
    assert!(
        message.starts_with("A_1d.csv: line 4, timestamp: expected each time once"),
        "{message}"
    );
    for (duplicates, high) in [(Duplicates::First, 3.0), (Duplicates::Last, 4.0)] {
        let world = World::new(&text);
        let params = DataLoadParams {
            duplicates,
            ..params(None)
        };
        let ended = testing::run(&world.load, params).end();
        let report = ended.output().expect("it was loaded").report.clone();
        assert_eq!((world.bars()[0].high, world.bars().len()), (high, 2));
        let dropped: Vec<_> = report
            .rows
            .dropped
            .iter()
            .map(|one| (&*one.why, one.count))
            .collect();
        assert_eq!(
            (report.rows.read, report.rows.added, dropped),
            (3, 2, vec![("duplicate", 1)])
        );
    }
}

#[test]
fn every_bad_row_is_counted_and_the_first_twenty_are_named() {
    let mut text = HEADER.to_owned();
    for day in 1..=28 {
        text += &format!("2004-08-{day:02},2,3,1,x{day},5\n2004-09-{day:02},2,3,1,2,5\n");
    }
    let world = World::new(&text);
    let ended = world.ended();
    let error = ended.error().expect("it failed");
    assert!(
        error.message.ends_with("27 more rows are no bars"),
        "{}",
        error.message
    );
    let details = error.details.as_ref().expect("it has details");
    assert_eq!(details["count"], 28);
    let rows = details["rows"].as_array().expect("rows");
    assert_eq!(
        (rows.len(), &rows[19]["line"], &rows[19]["got"]),
        (20, &40.into(), &"\"x20\"".into())
    );
    let skip = DataLoadParams {
        bad_rows: BadRowPolicy::Skip,
        ..params(None)
    };
    let ended = testing::run(&world.load, skip).end();
    let report = ended.output().expect("it was loaded").report.clone();
    assert_eq!(report.rows.dropped[0].count, 28);
    let told = report
        .warnings
        .iter()
        .find(|one| one.code == "BAD_ROWS_SKIPPED")
        .expect("it is told");
    assert_eq!(
        (told.count, told.places.len(), told.places[9].line),
        (28, 10, Some(20))
    );
}
