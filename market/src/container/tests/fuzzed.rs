//! Parquet files that are not what they say.

use std::io::Write;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{DictionaryArray, Float64Array, StringArray, TimestampMicrosecondArray};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::parquet::parquet_as;
use super::{read, refused, text};

/// A small file with all that a common one has.
fn small() -> Vec<u8> {
    let times = (0..12).map(|day| 1_704_153_600_000_000 + day * 86_400_000_000);
    let closes: Vec<_> = (0..12)
        .map(|row| (row != 5).then_some(f64::from(row) / 3.0))
        .collect();
    let symbols: DictionaryArray<Int32Type> = std::iter::repeat_n("A", 12).collect();
    let names: Vec<_> = (0..12).map(|row| format!("name {row}")).collect();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(8))
        .build();
    parquet_as(
        vec![
            (
                "time",
                Arc::new(
                    TimestampMicrosecondArray::from_iter_values(times).with_timezone("Asia/Tokyo"),
                ),
            ),
            ("close", Arc::new(Float64Array::from(closes))),
            ("symbol", Arc::new(symbols)),
            ("name", Arc::new(StringArray::from(names))),
        ],
        properties,
    )
}

#[test]
fn no_cut_and_no_changed_byte_makes_it_panic() {
    let whole = small();
    assert_eq!(text(&whole).0.lines().count(), 13);
    // What the crate's panics would print is no help.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = std::panic::catch_unwind(|| {
        for length in 4..whole.len() {
            let error = read(&whole[..length]).expect_err("cut short");
            assert_eq!(error.code(), "FILE_DAMAGED", "{length}: {error}");
        }
        for place in 0..whole.len() {
            for change in [1, 0x10, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[place] ^= change;
                if let Ok((text, _)) = read(&changed) {
                    assert!(text.len() < 1 << 20, "{place}");
                }
            }
        }
    });
    std::panic::set_hook(hook);
    assert!(outcome.is_ok());
}

/// Writes Thrift's compact protocol.
#[derive(Default)]
struct Thrift(Vec<u8>);

impl Thrift {
    fn varint(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }
    fn kind(mut self, delta: u8, kind: u8) -> Self {
        self.0.push(delta << 4 | kind);
        self
    }
    fn int(self, delta: u8, value: i64) -> Self {
        self.kind(delta, 5)
            .varint((value << 1 ^ value >> 63) as u64)
    }
    fn long(self, delta: u8, value: i64) -> Self {
        self.kind(delta, 6)
            .varint((value << 1 ^ value >> 63) as u64)
    }
    fn name(self, delta: u8, name: &str) -> Self {
        self.kind(delta, 8).text(name)
    }
    fn text(self, text: &str) -> Self {
        let mut this = self.varint(text.len() as u64);
        this.0.extend(text.as_bytes());
        this
    }
    fn list(self, delta: u8, kind: u8, count: u64) -> Self {
        let mut this = self.kind(delta, 9);
        this.0.push(0xf0 | kind);
        this.varint(count)
    }
    fn stop(mut self) -> Self {
        self.0.push(0);
        self
    }
}

/// A file with one column `t` of one page, and all that it claims.
#[derive(Clone)]
struct Crafted {
    page: Vec<u8>,
    unpacked: i64,
    values: i64,
    rows: i64,
    codec: i64,
    of: i64,
    encoding: i64,
}

const BOOLEAN: i64 = 0;
const INT64: i64 = 2;
const BYTE_ARRAY: i64 = 6;
const SNAPPY: i64 = 1;
const GZIP: i64 = 2;
const BROTLI: i64 = 4;
const LZ4: i64 = 5;

impl Crafted {
    fn numbers() -> Self {
        Self {
            page: [1_i64.to_le_bytes(), 2_i64.to_le_bytes()].concat(),
            unpacked: 16,
            values: 2,
            rows: 2,
            codec: 0,
            of: INT64,
            encoding: 0,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let header = Thrift::default()
            .int(1, 0)
            .int(1, self.unpacked)
            .int(1, self.page.len() as i64)
            .kind(2, 12)
            .int(1, self.values)
            .int(1, self.encoding)
            .int(1, 3)
            .int(1, 3)
            .stop()
            .stop();
        let length = (header.0.len() + self.page.len()) as i64;
        let footer = Thrift::default()
            .int(1, 1)
            .list(1, 12, 2)
            .name(4, "schema")
            .int(1, 1)
            .stop()
            .int(1, self.of)
            .int(2, 0)
            .name(1, "t")
            .stop()
            .long(1, self.rows)
            .list(1, 12, 1)
            .list(1, 12, 1)
            .long(2, 4)
            .kind(1, 12)
            .int(1, self.of)
            .list(1, 5, 1)
            .varint(0)
            .list(1, 8, 1)
            .text("t")
            .int(1, self.codec)
            .long(1, self.values)
            .long(1, self.unpacked)
            .long(1, length)
            .long(2, 4)
            .stop()
            .stop()
            .long(1, self.unpacked)
            .long(1, self.rows)
            .stop()
            .stop();
        with_footer(&[&header.0[..], &self.page].concat(), &footer.0)
    }
}

fn with_footer(pages: &[u8], footer: &[u8]) -> Vec<u8> {
    let length = (footer.len() as u32).to_le_bytes();
    [b"PAR1", pages, footer, &length, b"PAR1"].concat()
}

#[test]
fn a_page_is_held_against_what_it_says() {
    let honest = Crafted::numbers();
    assert_eq!(text(&honest.bytes()).0, "t\n1\n2\n");
    let most = i64::from(i32::MAX);
    for codec in [0, SNAPPY, LZ4, 7] {
        let claims = Crafted {
            codec,
            unpacked: most,
            ..honest.clone()
        };
        refused(&claims.bytes(), "ARCHIVE_TOO_LARGE", &["256 MiB"]);
    }
    let negative = Crafted {
        unpacked: -1,
        ..honest.clone()
    };
    refused(&negative.bytes(), "FILE_DAMAGED", &["below zero"]);
    for (values, rows) in [
        (most, most),
        (3, 3),
        (2, most),
        (most, 2),
        (-1, -1),
        (2, -2),
    ] {
        let claims = Crafted {
            values,
            rows,
            ..honest.clone()
        };
        refused(&claims.bytes(), "FILE_DAMAGED", &[]);
    }
    let brotli = Crafted {
        codec: BROTLI,
        ..honest.clone()
    };
    refused(
        &brotli.bytes(),
        "ARCHIVE_UNSUPPORTED",
        &["brotli", "snappy"],
    );
    // DELTA_LENGTH_BYTE_ARRAY, which claims 2^40 lengths.
    let page = Thrift::default()
        .varint(128)
        .varint(4)
        .varint(1 << 40)
        .varint(0)
        .0;
    let texts = Crafted {
        page,
        of: BYTE_ARRAY,
        encoding: 6,
        ..honest
    };
    refused(
        &texts.bytes(),
        "ARCHIVE_UNSUPPORTED",
        &["column t", "dictionary"],
    );
}

#[test]
fn a_bomb_within_a_page_is_stopped() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..100 {
        encoder.write_all(&vec![0; 1 << 20]).expect("packed");
    }
    let page = encoder.finish().expect("packed");
    let bomb = Crafted {
        page,
        codec: GZIP,
        ..Crafted::numbers()
    };
    refused(&bomb.bytes(), "FILE_DAMAGED", &["longer than it says"]);
    // One run of a hundred million rows.
    let rows = 100_000_000;
    let run = Thrift::default().varint(rows << 1).0;
    let page = [&(run.len() as u32 + 1).to_le_bytes()[..], &run, &[1]].concat();
    let (unpacked, rows) = (page.len() as i64, rows as i64);
    let of = BOOLEAN;
    let run = Crafted {
        page,
        unpacked,
        values: rows,
        rows,
        codec: 0,
        of,
        encoding: 3,
    };
    refused(&run.bytes(), "ARCHIVE_TOO_LARGE", &["64 MiB"]);
}

#[test]
fn a_footer_that_claims_much_is_refused() {
    let schema = |count| Thrift::default().int(1, 1).list(1, 12, count);
    let many = schema(i32::MAX as u64);
    refused(
        &with_footer(b"", &many.0),
        "FILE_DAMAGED",
        &["longer than the file"],
    );
    let mut deep = schema(500).name(4, "schema").int(1, 1).stop();
    for _ in 1..500 {
        deep = deep.name(4, "deep").int(1, 1).stop();
    }
    refused(&with_footer(b"", &deep.0), "COLUMNS_NESTED", &["deep"]);
    let mut wide = schema(2_000).name(4, "schema").int(1, 1_999).stop();
    for _ in 1..2_000 {
        wide = wide.int(1, INT64).int(2, 0).name(1, "c").stop();
    }
    refused(
        &with_footer(b"", &wide.0),
        "ARCHIVE_TOO_LARGE",
        &["1999 columns", "1000"],
    );
    // A list of two thousand million truth values that take no bytes, which the crate would walk through.
    let walk = Thrift::default().int(1, 1).list(9, 1, i32::MAX as u64);
    refused(&with_footer(b"", &walk.0), "FILE_DAMAGED", &["list"]);
    let mut within = Thrift::default().int(1, 1).kind(9, 12);
    for _ in 0..100_000 {
        within = within.kind(1, 12);
    }
    refused(&with_footer(b"", &within.0), "FILE_DAMAGED", &["too deep"]);
}
