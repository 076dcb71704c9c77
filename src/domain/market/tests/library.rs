//! The library: what is written is read back, nothing half written is ever seen, damage is found.

use std::fs;

use impresario::operation::ErrorCode;
use impresario_api::{Bar, DatasetView, Timestamp};
use tempfile::TempDir;

use super::super::*;

fn bar(day: i64) -> Bar {
    Bar {
        timestamp: Timestamp::from_millis(day * 86_400_000),
        open: 10.0 + day as f64,
        high: 12.5 + day as f64,
        low: 9.0 + day as f64,
        close: 11.0 + day as f64,
        volume: 1_000.0,
    }
}

fn days(range: std::ops::Range<i64>) -> Vec<Bar> {
    range.map(bar).collect()
}

fn folder() -> (TempDir, Library) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = Library::new(folder.path().join("bars"))
        .open()
        .expect("it can be made");
    (folder, library)
}

fn write(library: &Library, symbol: &str, timeframe: &str, bars: &[Bar]) -> bool {
    let replaced = library.replace(symbol, timeframe, bars, "a.csv");
    let (view, replaced) = replaced.expect("it has bars");
    assert_eq!(library.find(symbol, timeframe).expect("it is there"), view);
    replaced
}

fn replacing(library: &Library) -> Loading {
    let loading = library.load("A", "1d", LoadMode::Replace, Duplicates::Fail);
    loading.expect("a name")
}

fn finish(loading: Loading, source: &str) -> Result<(DatasetView, bool), MarketError> {
    let ordered = loading.order(|_| Ok::<_, MarketError>(()))?;
    ordered.publish(source, None)
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path().join("bars")).expect("the folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<_> = entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_read_back_whole_and_in_pages() {
    let (_folder, library) = folder();
    assert_eq!(library.list().expect("an empty folder"), []);
    let bars = days(0..10_000);
    assert!(!write(&library, "GOOG", "1d", &bars));
    let dataset = library.read("GOOG", "1d").expect("it is whole");
    assert_eq!(dataset.bars, bars);
    assert_eq!(
        (dataset.view.rows, dataset.view.start, dataset.view.end),
        (10_000, bars[0].timestamp, bars[9_999].timestamp)
    );
    let mut start = None;
    let mut paged = Vec::new();
    loop {
        let page = library
            .page("GOOG", "1d", start, None, 3_000)
            .expect("a page");
        paged.extend(page.bars);
        start = page.next_start;
        if start.is_none() {
            break;
        }
    }
    assert_eq!(paged, bars);
}

#[test]
fn a_page_has_both_its_ends_and_nothing_beyond_them() {
    let (_folder, library) = folder();
    write(&library, "A", "1d", &days(10..20));
    let page = |start: i64, end: i64, limit| {
        let at = |half_days: i64| Some(Timestamp::from_millis(half_days * 43_200_000));
        let page = library
            .page("A", "1d", at(start), at(end), limit)
            .expect("a page");
        let days = |time: Timestamp| time.as_millis() / 86_400_000;
        let bars: Vec<_> = page.bars.iter().map(|bar| days(bar.timestamp)).collect();
        (bars, page.next_start.map(days))
    };
    assert_eq!(page(24, 28, 100), (vec![12, 13, 14], None));
    assert_eq!(page(23, 29, 100), (vec![12, 13, 14], None));
    assert_eq!(page(24, 28, 2), (vec![12, 13], Some(14)));
    assert_eq!(page(24, 28, 3), (vec![12, 13, 14], None));
    assert_eq!(page(0, 20, 100), (vec![10], None));
    assert_eq!(page(38, 1_000, 100), (vec![19], None));
    assert_eq!(page(39, 1_000, 100), (vec![], None));
    assert_eq!(page(0, 19, 100), (vec![], None));
    assert_eq!(page(28, 24, 100), (vec![], None));
}

#[test]
fn a_dropped_writer_leaves_what_was_there_and_nothing_else() {
    let (folder, library) = folder();
    write(&library, "A", "1d", &days(0..5));
    let mut writer = replacing(&library);
    for bar in days(0..9_000) {
        writer.push(&bar, 1).expect("it can be written");
    }
    assert_eq!(names(&folder).len(), 2);
    drop(writer);
    let empty = replacing(&library);
    finish(empty, "a.csv").expect_err("it has no bars");
    assert_eq!(names(&folder), ["A_1d.bars"]);
    assert_eq!(library.read("A", "1d").expect("as before").bars, days(0..5));
}

#[test]
fn of_two_writers_the_last_one_wins_whole() {
    let (folder, library) = folder();
    let mut one = replacing(&library);
    let mut two = replacing(&library);
    for day in 0..6_000 {
        one.push(&bar(day), 1).expect("it can be written");
        two.push(&bar(day + 1), 1).expect("it can be written");
    }
    assert!(!finish(two, "two.csv").expect("it has bars").1);
    assert!(finish(one, "one.csv").expect("it has bars").1);
    let dataset = library.read("A", "1d").expect("one of them");
    assert_eq!(
        (dataset.bars, dataset.view.source.as_str()),
        (days(0..6_000), "one.csv")
    );
    assert_eq!(names(&folder), ["A_1d.bars"]);
}

#[test]
fn opening_removes_what_a_crash_left_and_nothing_else() {
    let (folder, library) = folder();
    write(&library, "A.B_C", "1m", &days(0..5));
    let mut writer = replacing(&library);
    writer.push(&bar(1), 1).expect("it can be written");
    std::mem::forget(writer);
    for name in ["notes.partial", ".hidden", "stranger.bars"] {
        fs::write(folder.path().join("bars").join(name), "mine").expect("it can be written");
    }
    assert_eq!(names(&folder).len(), 5);
    let library = Library::new(folder.path().join("bars"))
        .open()
        .expect("it is there");
    assert_eq!(
        names(&folder),
        [".hidden", "A.B_C_1m.bars", "notes.partial", "stranger.bars"]
    );
    let listed = library.list().expect("the stranger is none of ours");
    assert_eq!((listed.len(), listed[0].symbol.as_str()), (1, "A.B_C"));
}

#[test]
fn the_list_is_by_symbol_then_length_of_a_bar() {
    let (_folder, library) = folder();
    for (symbol, timeframe) in [
        ("B", "1d"),
        ("A", "1w"),
        ("A", "15m"),
        ("A", "4h"),
        ("A", "5m"),
        ("A", "1mo"),
        ("A", "90m"),
        ("^X/Y", "1d"),
        ("a", "1d"),
    ] {
        write(&library, symbol, timeframe, &days(0..2));
    }
    let listed = library.list().expect("all of them are whole");
    let names: Vec<_> = listed
        .iter()
        .map(|view| (view.symbol.as_str(), view.timeframe.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("A", "5m"),
            ("A", "15m"),
            ("A", "90m"),
            ("A", "4h"),
            ("A", "1w"),
            ("A", "1mo"),
            ("B", "1d"),
            ("^X/Y", "1d"),
            ("a", "1d")
        ]
    );
}

#[test]
fn a_flipped_bit_anywhere_and_a_cut_are_told_as_damage() {
    let (folder, library) = folder();
    write(&library, "A", "1d", &days(0..20));
    let path = folder.path().join("bars/A_1d.bars");
    let whole = fs::read(&path).expect("the file");
    let text = whole
        .iter()
        .position(|byte| *byte == 0)
        .expect("a filled header");
    let damaged = |bytes: &[u8], how: &str| {
        fs::write(&path, bytes).expect("it can be written");
        let error = library.read("A", "1d").expect_err(how);
        assert_eq!(error.code(), "DATA_DAMAGED", "{how}: {error}");
        assert!(error.to_string().contains("A_1d.bars"), "{error}");
        let page = library.page("A", "1d", None, None, 1);
        let error = page.expect_err("a page of it, whichever bars are on it");
        assert_eq!(error.code(), "DATA_DAMAGED", "{how}: {error}");
    };
    for place in (0..text).step_by(7).chain(4_096..whole.len()) {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        damaged(&bytes, &format!("byte {place}"));
    }
    for length in [0, 1, 4_095, 4_096, whole.len() - 1] {
        damaged(&whole[..length], &format!("{length} bytes"));
    }
    damaged(&[&whole[..], &[0]].concat(), "a byte more");
    fs::write(&path, &whole).expect("it can be written");
    fs::rename(&path, folder.path().join("bars/B_1d.bars")).expect("it can be renamed");
    let error = library.find("B", "1d").expect_err("it is another's");
    assert_eq!(error.code(), "DATA_DAMAGED");
    write(&library, "C", "1d", &days(0..2));
    let listed = library.list().expect("a list");
    let symbols: Vec<_> = listed.iter().map(|view| view.symbol.as_str()).collect();
    assert_eq!(symbols, ["C"], "a damaged one hides no other");
}

#[test]
fn a_name_that_cannot_be_is_the_name_of_nothing() {
    let (_folder, library) = folder();
    let long = "A".repeat(300);
    let wide = "茅".repeat(40);
    let symbols = [
        "",
        ".",
        "..",
        "imports",
        "A~B",
        " A",
        "A ",
        "A\0",
        "A\n",
        "A\u{202e}",
        "\u{301}",
        &long,
        &wide,
    ];
    for symbol in symbols {
        assert_eq!(
            library.find(symbol, "1d").expect_err(symbol).code(),
            "DATA_NOT_FOUND"
        );
        assert_eq!(
            library
                .load(symbol, "1d", LoadMode::Replace, Duplicates::Fail)
                .expect_err(symbol)
                .code(),
            "DATA_NOT_FOUND"
        );
    }
    for timeframe in ["", "0d", "1D", "1d/..", "1", "13mo", "1y"] {
        let error = library.read("A", timeframe).expect_err(timeframe);
        assert_eq!(error.code(), "DATA_NOT_FOUND");
    }
}

#[test]
fn every_name_that_people_write_has_a_dataset_of_its_own() {
    let (folder, library) = folder();
    let (long, wide) = ("^".repeat(64), "Ж".repeat(33));
    let symbols = [
        "../A",
        "A/B",
        "A B",
        "goog",
        "GOOG",
        "Goog",
        "ГУГЛ",
        "-A",
        "^A",
        "A\\B",
        "ES=F",
        "ES%3DF",
        "100%",
        "...",
        ".A",
        "A_1d.bars",
        "CON",
        "M&M.NS",
        "0700.HK",
        "\"$(x)\"",
        "'",
        &long,
        &wide,
    ];
    for (place, symbol) in symbols.iter().enumerate() {
        let bars = days(0..place as i64 + 1);
        assert!(!write(&library, symbol, "31536000s", &bars), "{symbol}");
        assert!(!write(&library, symbol, "1mo", &bars), "{symbol}");
    }
    for (place, symbol) in symbols.iter().enumerate() {
        let bars = library.read(symbol, "1mo").expect(symbol).bars;
        assert_eq!(bars.len(), place + 1, "{symbol}");
    }
    let listed = library.list().expect("a list");
    let mut listed: Vec<_> = listed.iter().map(|view| &*view.symbol).collect();
    listed.dedup();
    let mut sorted = symbols.to_vec();
    sorted.sort_unstable();
    assert_eq!(listed, sorted);
    let names = names(&folder);
    let folded: std::collections::BTreeSet<_> =
        names.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(
        folded.len(),
        2 * symbols.len(),
        "also where case is ignored"
    );
    let outside = fs::read_dir(folder.path()).expect("the folder");
    assert_eq!(outside.count(), 1, "nothing is written outside");
}

#[test]
fn datasets_of_an_earlier_version_are_renamed_once() {
    let (folder, library) = folder();
    let bars = |name: &str| folder.path().join("bars").join(name);
    for symbol in ["ES=F", "A^B", "C=D", "E=F"] {
        write(&library, symbol, "1d", &days(0..3));
        let old = bars(&format!("{symbol}_1d.bars"));
        fs::rename(bars(&format!("{}_1d.bars", symbol::in_file(symbol))), old)
            .expect("it is there");
    }
    // One was loaded again since; another file is none of ours; one has another's header.
    write(&library, "C=D", "1d", &days(0..9));
    fs::write(bars("X=Y_1d.bars"), "mine").expect("writable");
    fs::rename(bars("E=F_1d.bars"), bars("G=H_1d.bars")).expect("it is there");
    for _ in 0..2 {
        let library = Library::new(folder.path().join("bars"))
            .open()
            .expect("it is there");
        assert_eq!(
            names(&folder),
            [
                "A%5EB_1d.bars",
                "C%3DD_1d.bars",
                "C=D_1d.bars",
                "ES%3DF_1d.bars",
                "G=H_1d.bars",
                "X=Y_1d.bars"
            ]
        );
        assert_eq!(
            library.read("ES=F", "1d").expect("renamed").bars,
            days(0..3)
        );
        assert_eq!(library.read("A^B", "1d").expect("renamed").bars, days(0..3));
        assert_eq!(
            library.read("C=D", "1d").expect("the newer one").bars,
            days(0..9)
        );
        let listed = library.list().expect("a list");
        let symbols: Vec<_> = listed.iter().map(|view| &*view.symbol).collect();
        assert_eq!(symbols, ["A^B", "C=D", "ES=F"]);
    }
}

#[test]
fn a_reader_goes_on_with_what_was_deleted_and_a_writer_publishes_after_it() {
    let (folder, library) = folder();
    write(&library, "A", "1d", &days(0..10));
    let replace = (LoadMode::Replace, Duplicates::Fail);
    let mut loading = library
        .load("A", "1d", replace.0, replace.1)
        .expect("a name");
    loading.push(&bar(1), 1).expect("it can be written");
    let mut reader = library.opened("A", "1d").expect("it is there");
    assert_eq!(names(&folder).len(), 2);
    library.exists("A", "1d").expect("it is there");
    library.delete("A", "1d").expect("it was there");
    for gone in [
        library.delete("A", "1d"),
        library.exists("A", "1d"),
        library.delete("~", "1d"),
    ] {
        assert_eq!(gone.expect_err("it is gone").code(), "DATA_NOT_FOUND");
    }
    assert_eq!(reader.all().expect("the open file"), days(0..10));
    let ordered = loading
        .order(|_| Ok::<_, MarketError>(()))
        .expect("one bar");
    let (_, replaced) = ordered.publish("b.csv", None).expect("it has a bar");
    assert!(!replaced);
    assert_eq!(library.read("A", "1d").expect("it is new").bars, [bar(1)]);
    assert_eq!(names(&folder), ["A_1d.bars"]);
}
