//! What is packed comes out.

use std::io::Read;
use std::sync::Arc;

use super::super::open;
use super::{BARS, deflated, file, gzip, read, stored, text, utf16, zip};

fn comes_out(bytes: &[u8], packed: &[&str]) {
    assert_eq!(text(bytes), (BARS.to_owned(), packed.to_vec()));
}

#[test]
fn plain_text_comes_as_it_is() {
    comes_out(BARS.as_bytes(), &[]);
    comes_out(format!("\u{feff}{BARS}").as_bytes(), &[]);
    // No UTF-8, but Windows-1252: the bytes are passed on.
    let old = b"Datum;Er\xf6ffnung\n02.01.2024;1,5\n";
    assert_eq!(read(old).expect("read"), (old.to_vec(), vec![]));
}

#[test]
fn gzip_comes_out_whatever_its_members_are() {
    comes_out(&gzip(BARS.as_bytes()), &["gzip"]);
    let (first, second) = BARS.as_bytes().split_at(20);
    let members = [gzip(first), gzip(b""), gzip(second)].concat();
    comes_out(&members, &["gzip"]);
    comes_out(&[members, vec![0; 3000]].concat(), &["gzip"]);
    let padded = [gzip(first), vec![0; 512], gzip(second)].concat();
    comes_out(&padded, &["gzip"]);
    comes_out(&gzip(format!("\u{feff}{BARS}").as_bytes()), &["gzip"]);
}

#[test]
fn a_zip_with_one_file_comes_out() {
    let bars = BARS.as_bytes();
    comes_out(&zip(&[stored("bars.csv", bars)]), &["zip"]);
    comes_out(&zip(&[deflated("bars.csv", bars)]), &["zip"]);
    comes_out(
        &zip(&[
            stored("data/", b""),
            deflated("data/ü.csv", bars),
            stored("__MACOSX/data/._ü.csv", b"\0\x05\x16\x07"),
            stored("data/.DS_Store", b"\0\0\0\x01Bud1"),
        ]),
        &["zip"],
    );
}

#[test]
fn utf_16_comes_out_with_a_mark_and_without_one() {
    for little in [true, false] {
        for mark in [true, false] {
            comes_out(&utf16(BARS, little, mark), &["utf-16"]);
        }
    }
    let other = "时间,开盘,最高,最低,收盘,成交量,😀\n2024-01-02,1.5,2,1,1.75,100,\n".repeat(9_000);
    for little in [true, false] {
        assert_eq!(text(&utf16(&other, little, true)).0, other);
        assert_eq!(text(&utf16(&other, little, false)).0, other);
    }
}

#[test]
fn packings_within_each_other_come_out() {
    let bars = BARS.as_bytes();
    comes_out(&gzip(&utf16(BARS, true, true)), &["gzip", "utf-16"]);
    comes_out(&zip(&[deflated("a.gz", &gzip(bars))]), &["zip", "gzip"]);
    comes_out(&zip(&[stored("a.gz", &gzip(bars))]), &["zip", "gzip"]);
    comes_out(&gzip(&zip(&[deflated("a.csv", bars)])), &["gzip", "zip"]);
    comes_out(&gzip(&gzip(&gzip(bars))), &["gzip"; 3]);
    let of_zip = zip(&[deflated(
        "b.zip",
        &zip(&[deflated("a.csv", &utf16(BARS, false, false))]),
    )]);
    comes_out(&of_zip, &["zip", "zip", "utf-16"]);
}

#[test]
fn headers_in_brackets_are_no_page() {
    for header in [
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n2024.01.02\t",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\r\nA.US,D,2024",
        "<Date>;<Open Price>;<Close>\n",
        "<DATE> <CLOSE>\n",
        "<DATE>,<CLOSE>,\r\n",
        "[Date],[Open],[Close]\n2024-01-02,1,2\n",
        "[time];[null price];[true range]\n",
    ] {
        assert_eq!(text(header.as_bytes()), (header.to_owned(), vec![]));
    }
}

#[test]
fn a_file_is_read_twice_and_at_the_same_time() {
    let long = BARS.repeat(50_000);
    for bytes in [
        long.as_bytes().to_vec(),
        gzip(long.as_bytes()),
        utf16(&long, true, true),
    ] {
        let file = file(&bytes);
        let mut first = open(Arc::clone(&file), "a").expect("open").reader;
        let mut start = vec![0; 300_000];
        first.read_exact(&mut start).expect("read");
        let mut second = open(file, "a").expect("open").reader;
        let mut whole = String::new();
        second.read_to_string(&mut whole).expect("read");
        assert!(whole == long);
        let mut rest = Vec::new();
        first.read_to_end(&mut rest).expect("read");
        assert!([start, rest].concat() == long.as_bytes());
    }
}

#[test]
fn progress_counts_the_bytes_of_the_file() {
    let long = BARS.repeat(50_000);
    for bytes in [
        long.as_bytes().to_vec(),
        gzip(long.as_bytes()),
        zip(&[deflated("a", long.as_bytes())]),
    ] {
        let mut text = open(file(&bytes), "a").expect("open");
        assert!(text.bytes() <= 300_000, "{}", text.bytes());
        std::io::copy(&mut text.reader, &mut std::io::sink()).expect("read");
        assert!(
            text.bytes() * 100 >= bytes.len() as u64 * 98,
            "{}",
            text.bytes()
        );
        assert!(text.bytes() <= bytes.len() as u64);
    }
}
