//! What is no file of bars is named.

use super::super::open;
use super::{BARS, Member, deflated, file, gzip, read, refused, stored, utf16, zip};

#[test]
fn an_empty_file_is_empty_whatever_it_is_packed_in() {
    for bytes in [
        &b""[..],
        b"\xef\xbb\xbf",
        b"\n\r\n\n",
        b" \t\n",
        b"\xff\xfe",
    ] {
        refused(bytes, "FILE_EMPTY", &["empty", "expected"]);
    }
    refused(&gzip(b""), "FILE_EMPTY", &[]);
    refused(
        &zip(&[stored("a.csv", b"")]),
        "FILE_EMPTY",
        &["a.csv in bars.csv"],
    );
    refused(&utf16("\n", false, true), "FILE_EMPTY", &[]);
}

#[test]
fn pages_and_messages_are_quoted() {
    let cases: &[(&str, &[&str])] = &[
        (
            "<!DOCTYPE html>\n<html><body>Not\tfound</body>",
            &["HTML", "Not found"],
        ),
        ("\n  <html><head><title>403</title>", &["HTML", "403"]),
        (
            "<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>",
            &["XML", "NoSuchKey"],
        ),
        (
            "<Error><Code>AccessDenied</Code></Error>",
            &["AccessDenied"],
        ),
        ("<p> <b>no</b> data</p>", &["no"]),
        (
            "{\"Error Message\": \"Invalid API call\u{7}.\"}",
            &["JSON object", "Invalid API call"],
        ),
        (
            "\u{feff}{\"code\":-1121,\"msg\":\"Invalid symbol.\"}",
            &["Invalid symbol."],
        ),
        (
            "{\n  \"Note\": \"5 calls\"\n}",
            &["{ \"Note\": \"5 calls\" }"],
        ),
        ("[]", &["JSON array"]),
        (
            "[[1499040000000,\"0.016\"]]",
            &["JSON array", "1499040000000"],
        ),
        ("[{\"t\":1}]", &["JSON array"]),
        ("[null]", &["JSON array"]),
    ];
    for (page, words) in cases {
        for bytes in [
            page.as_bytes().to_vec(),
            gzip(page.as_bytes()),
            utf16(page, true, true),
        ] {
            refused(&bytes, "NOT_BARS", words);
            refused(&bytes, "NOT_BARS", &["expected", "CSV"]);
        }
    }
    refused(
        format!("{{\"a\":\"{}\"}}", "x\u{202e}".repeat(9_000)).as_bytes(),
        "NOT_BARS",
        &["xxx…"],
    );
}

#[test]
fn other_files_are_named() {
    let mut tar = vec![b'a'; 600];
    tar[257..262].copy_from_slice(b"ustar");
    let cases: &[(&[u8], &str)] = &[
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "Excel"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "7z"),
        (b"Rar!\x1a\x07\x01\0", "RAR"),
        (b"\xfd7zXZ\0\0\x04", "xz"),
        (b"\x28\xb5\x2f\xfd\x04", "zstd"),
        (b"BZh91AY&SY\0", "bzip2"),
        (b"SQLite format 3\0\x10", "SQLite"),
        (b"\x89HDF\r\n\x1a\n\0", "HDF5"),
        (b"ARROW1\0\0", "Feather"),
        (b"PAREabcdefgh", "encrypted Parquet"),
        (b"\xff\xfe\0\0t\0\0\0", "UTF-32"),
        (b"time,open\n2024\0\x01\x02", "zero bytes"),
        (b"\0\0\0\0\0\0\0\0", "zero bytes"),
        (&tar, "tar"),
    ];
    for (bytes, what) in cases {
        refused(bytes, "NOT_BARS", &[what, "expected"]);
        refused(&gzip(bytes), "NOT_BARS", &[what, "expected"]);
    }
    // Texts that begin like something else are texts.
    for text in [
        "BZh,open\n",
        "PARK,open\n",
        "ORCL,1\n",
        "PK,open\n",
        "Obj,1\n",
    ] {
        assert_eq!(read(text.as_bytes()).expect("read").0, text.as_bytes());
    }
}

#[test]
fn a_zip_holds_one_file() {
    let bars = BARS.as_bytes();
    let several = zip(&[stored("a.csv", bars), stored("b\n.csv", bars)]);
    refused(
        &several,
        "ARCHIVE_UNSUPPORTED",
        &["2 files", "a.csv, b .csv", "one was expected"],
    );
    let name = "n".repeat(5_000);
    let names: Vec<_> = (0..150).map(|number| format!("{number}{name}")).collect();
    let many: Vec<_> = names.iter().map(|name| stored(name, b"")).collect();
    refused(
        &zip(&many),
        "ARCHIVE_UNSUPPORTED",
        &["150 files", "145 more"],
    );
    let more: Vec<_> = names
        .iter()
        .cycle()
        .take(300)
        .map(|name| stored(name, b""))
        .collect();
    refused(
        &zip(&more),
        "ARCHIVE_UNSUPPORTED",
        &["directory", "1024 KiB"],
    );
    refused(&zip(&[]), "ARCHIVE_UNSUPPORTED", &["no file"]);
    refused(
        &zip(&[stored("a/", b"")]),
        "ARCHIVE_UNSUPPORTED",
        &["no file"],
    );
    let twice = zip(&[stored("a.csv", bars), stored("a.csv", b"other")]);
    refused(&twice, "ARCHIVE_UNSUPPORTED", &["same name"]);
    let joined = [zip(&[stored("a.csv", bars)]), zip(&[stored("b.csv", bars)])].concat();
    refused(&joined, "ARCHIVE_UNSUPPORTED", &["before the zip archive"]);
}

#[test]
fn a_zip_is_of_a_kind_that_is_read() {
    let bars = BARS.as_bytes();
    let secret = Member {
        flags: 1,
        ..stored("a.csv", bars)
    };
    refused(
        &zip(&[secret]),
        "ARCHIVE_UNSUPPORTED",
        &["a.csv in bars.csv", "encrypted"],
    );
    for (method, name) in [(12, "12"), (14, "14"), (93, "93"), (9, "9"), (77, "77")] {
        let other = Member {
            method,
            ..stored("a.csv", bars)
        };
        refused(
            &zip(&[other]),
            "ARCHIVE_UNSUPPORTED",
            &["method", name, "deflate"],
        );
    }
    let excel = [
        stored("[Content_Types].xml", b"<"),
        stored("xl/workbook.xml", b"<"),
    ];
    refused(
        &zip(&excel),
        "NOT_BARS",
        &["Excel workbook", "save it as CSV"],
    );
    let libre = [stored("mimetype", b"a"), stored("content.xml", b"<")];
    refused(&zip(&libre), "NOT_BARS", &["LibreOffice", "CSV"]);
}

#[test]
fn at_most_three_packings_are_taken_off() {
    let mut bytes = BARS.as_bytes().to_vec();
    for _ in 0..4 {
        bytes = gzip(&bytes);
    }
    refused(
        &bytes,
        "ARCHIVE_UNSUPPORTED",
        &["gzip of gzip of gzip of gzip", "at most 3"],
    );
}

#[test]
fn a_name_that_says_parquet_is_held_to_it() {
    let error = open(file(BARS.as_bytes()), "bars.Parquet")
        .err()
        .expect("refused");
    assert_eq!(error.code(), "NOT_BARS");
    assert!(error.to_string().contains("PAR1"), "{error}");
}

#[test]
fn names_are_shown_on_one_line_and_bounded() {
    let name = format!("a\n\u{1b}[2J{}", "b".repeat(500));
    let error = open(file(b""), &name).err().expect("refused");
    assert!(error.to_string().starts_with("a [2Jbbb"), "{error}");
    assert!(error.to_string().len() < 300, "{error}");
}

#[test]
fn bombs_are_stopped() {
    // 64 MiB come always out of a small file, and not a byte more.
    let zeros = |length: usize| {
        let mut text = BARS.as_bytes().to_vec();
        text.resize(length, b'1');
        text
    };
    let most = 64 << 20;
    let (fits, over) = (zeros(most), zeros(most + 1));
    assert_eq!(read(&gzip(&fits)).expect("read").0.len(), most);
    let words = ["at most 64 MiB", "100 times"];
    refused(&gzip(&over), "ARCHIVE_TOO_LARGE", &words);
    refused(&zip(&[deflated("a", &over)]), "ARCHIVE_TOO_LARGE", &words);
    refused(&gzip(&gzip(&over)), "ARCHIVE_TOO_LARGE", &words);
    // Told before a byte of it is unpacked.
    let claims = Member {
        length: Some(u32::MAX),
        ..deflated("a", BARS.as_bytes())
    };
    let error = open(file(&zip(&[claims])), "a").err().expect("refused");
    assert_eq!(error.code(), "ARCHIVE_TOO_LARGE");
}
