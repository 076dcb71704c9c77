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
        "2004-08-23,2,3,1,2,\"1,000\"",
        ["volume", "a number", "\"1,000\""],
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
    ("   ", ["the row", "6 fields", "1"]),
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
        "2004-08-20,2,3,1,2,5",
        [
            "timestamp",
            "after 2004-08-20T00:00:00.000Z",
            "\"2004-08-20\"",
        ],
    ),
    (
        "2004-08-19,2,3,1,2,5",
        [
            "timestamp",
            "after 2004-08-20T00:00:00.000Z",
            "\"2004-08-19\"",
        ],
    ),
    (
        "23.08.2004,2,3,1,2,5",
        ["timestamp", "an ISO date", "\"23.08.2004\""],
    ),
    (
        "2004-02-30,2,3,1,2,5",
        ["timestamp", "an ISO date", "\"2004-02-30\""],
    ),
    (
        "1093219200000,2,3,1,2,5",
        ["timestamp", "seconds", "\"1093219200000\""],
    ),
    (",2,3,1,2,5", ["timestamp", "an ISO date", "\"\""]),
    (
        "2004-08-23,2,3,1,2,\"5",
        ["volume", "a number", "2004-08-24"],
    ),
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
        "NO_HEADER"
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
    let text = format!("{HEADER}20040819,2,3,1,2,5\n1092960000,2,3,1,2,5\n");
    let (code, message) = World::new(text).fails();
    assert_eq!(code, "BAD_ROW");
    assert!(message.contains("a date such as 20040819"), "{message}");
}
