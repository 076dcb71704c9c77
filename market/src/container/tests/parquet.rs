//! Parquet becomes the text that the same bars would have in a CSV file.

use std::sync::Arc;

use arrow_array::types::{Int32Type, TimestampSecondType};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Date64Array, Decimal128Array, DictionaryArray,
    Float32Array, Float64Array, Int64Array, LargeStringArray, ListArray, PrimitiveArray,
    RecordBatch, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, UInt64Array,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use proptest::prelude::*;

use super::{deflated, gzip, read, refused, text, zip};

/// A file with these columns.
pub(super) fn parquet_as(columns: Vec<(&str, ArrayRef)>, properties: WriterProperties) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )
    .expect("a batch");
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).expect("written");
    writer.into_inner().expect("written")
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    parquet_as(columns, WriterProperties::default())
}

/// The text of a file with one column `t`, without its header.
fn column(column: impl arrow_array::Array + 'static) -> String {
    let (text, packed) = text(&parquet(vec![("t", Arc::new(column))]));
    assert_eq!(packed, ["parquet"]);
    text.strip_prefix("t\n").expect("the header").to_owned()
}

#[test]
fn times_are_iso_text_of_their_zone() {
    // 2024-03-10 12:30:00 UTC.
    let seconds = 1_710_073_800_i64;
    let second = PrimitiveArray::<TimestampSecondType>::from(vec![seconds]);
    let milli = TimestampMillisecondArray::from(vec![seconds * 1_000 + 5]);
    let micro = TimestampMicrosecondArray::from(vec![seconds * 1_000_000]);
    let nano = TimestampNanosecondArray::from(vec![Some(seconds * 1_000_000_000 + 7), None]);
    assert_eq!(column(second.clone()), "2024-03-10T12:30:00\n");
    assert_eq!(column(milli.clone()), "2024-03-10T12:30:00.005\n");
    assert_eq!(column(micro.clone()), "2024-03-10T12:30:00\n");
    assert_eq!(
        column(nano.clone()),
        "2024-03-10T12:30:00.000000007\n\"\"\n"
    );
    for (zone, shown) in [
        ("UTC", "2024-03-10T12:30:00Z"),
        ("Asia/Tokyo", "2024-03-10T21:30:00+09:00"),
        ("America/New_York", "2024-03-10T08:30:00-04:00"),
        ("+05:30", "2024-03-10T18:00:00+05:30"),
        ("pytz.FixedOffset(60)", "2024-03-10T12:30:00Z"),
    ] {
        assert_eq!(
            column(micro.clone().with_timezone(zone)),
            format!("{shown}\n"),
            "{zone}"
        );
        assert_eq!(
            column(second.clone().with_timezone(zone)),
            format!("{shown}\n"),
            "{zone}"
        );
    }
    assert_eq!(
        column(Date32Array::from(vec![19_792, -1])),
        "2024-03-10\n1969-12-31\n"
    );
    assert_eq!(
        column(Date64Array::from(vec![19_792 * 86_400_000])),
        "2024-03-10T00:00:00\n"
    );
}

#[test]
fn other_columns_are_plain_text() {
    let decimal = Decimal128Array::from(vec![12_345, -5]).with_precision_and_scale(20, 3);
    assert_eq!(column(decimal.expect("a decimal")), "12.345\n-0.005\n");
    assert_eq!(
        column(UInt64Array::from(vec![u64::MAX])),
        "18446744073709551615\n"
    );
    assert_eq!(
        column(BooleanArray::from(vec![true, false])),
        "true\nfalse\n"
    );
    let symbols: DictionaryArray<Int32Type> = ["A,B", "\"q\"", "A,B"].into_iter().collect();
    assert_eq!(column(symbols), "\"A,B\"\n\"\"\"q\"\"\"\n\"A,B\"\n");
    assert_eq!(column(LargeStringArray::from(vec!["ü", "€"])), "ü\n€\n");
}

#[test]
fn an_index_is_a_column_and_nulls_are_empty() {
    let bytes = parquet(vec![
        ("close", Arc::new(Float64Array::from(vec![Some(1.5), None]))),
        ("symbol", Arc::new(StringArray::from(vec![None, Some("A")]))),
        (
            "__index_level_0__",
            Arc::new(Int64Array::from(vec![10, 20])),
        ),
    ]);
    let expected = "close,symbol,__index_level_0__\n1.5,,10\n,A,20\n";
    assert_eq!(text(&bytes), (expected.to_owned(), vec!["parquet"]));
    assert_eq!(text(&gzip(&bytes)).1, ["gzip", "parquet"]);
    let zipped = zip(&[deflated("bars.parquet", &gzip(&bytes))]);
    assert_eq!(
        text(&zipped),
        (expected.to_owned(), vec!["zip", "gzip", "parquet"])
    );
}

#[test]
fn all_common_ways_to_write_it_are_read() {
    let rows = 30_000;
    let closes: Vec<f64> = (0..rows).map(|row| f64::from(row) / 7.0).collect();
    let expected: Vec<_> = closes.iter().map(|close| format!("{close:?},A")).collect();
    for codec in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
        Compression::LZ4,
    ] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = WriterProperties::builder()
                .set_compression(codec)
                .set_writer_version(version)
                .set_max_row_group_row_count(Some(9_000))
                .build();
            let bytes = parquet_as(
                vec![
                    ("close", Arc::new(Float64Array::from(closes.clone()))),
                    (
                        "symbol",
                        Arc::new(StringArray::from(vec!["A"; rows as usize])),
                    ),
                ],
                properties,
            );
            let read = text(&bytes).0;
            assert!(
                read.lines().skip(1).eq(expected.iter().map(String::as_str)),
                "{codec:?}"
            );
        }
    }
}

#[test]
fn nested_columns_no_rows_and_what_is_none_are_refused() {
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    let nested = parquet(vec![
        ("close", Arc::new(Int64Array::from(vec![1]))),
        ("a list", Arc::new(lists)),
    ]);
    refused(&nested, "COLUMNS_NESTED", &["a list", "plain values"]);
    let none = parquet(vec![(
        "close",
        Arc::new(Int64Array::from(Vec::<i64>::new())),
    )]);
    refused(&none, "FILE_EMPTY", &["expected"]);
    refused(b"PAR1", "FILE_DAMAGED", &["footer of a Parquet file"]);
    refused(
        b"PAR1 is no Parquet file",
        "FILE_DAMAGED",
        &["footer of a Parquet file"],
    );
    refused(b"PAR1\x00\x00\x00\x00PAR1", "FILE_DAMAGED", &[]);
    refused(
        b"PAR1\xff\xff\xff\xffPAR1",
        "ARCHIVE_TOO_LARGE",
        &["footer"],
    );
    refused(b"PAR1\xff\xff\x00\x00PARE", "NOT_BARS", &["encrypted"]);
}

#[test]
fn a_text_that_a_dictionary_repeats_is_bounded() {
    let long = "x".repeat(100 << 10);
    let texts: DictionaryArray<Int32Type> = std::iter::repeat_n(long.as_str(), 9_000).collect();
    let bytes = parquet(vec![("t", Arc::new(texts))]);
    refused(&bytes, "ARCHIVE_TOO_LARGE", &["texts", "64 MiB"]);
}

proptest! {
    #[test]
    fn floats_come_back_to_the_bit(
        doubles in prop::collection::vec(any::<u64>().prop_map(f64::from_bits), 1..50),
        singles in prop::collection::vec(any::<u32>().prop_map(f32::from_bits), 1..50),
    ) {
        let doubles: Vec<_> = doubles.into_iter().filter(|number| number.is_finite()).collect();
        let singles: Vec<_> = singles.into_iter().filter(|number| number.is_finite()).collect();
        if !doubles.is_empty() {
            let text = column(Float64Array::from(doubles.clone()));
            let read: Vec<u64> = text.lines().map(|line| line.parse::<f64>().expect("a number").to_bits()).collect();
            prop_assert_eq!(read, doubles.iter().map(|number| number.to_bits()).collect::<Vec<_>>());
        }
        if !singles.is_empty() {
            let text = column(Float32Array::from(singles.clone()));
            let read: Vec<u32> = text.lines().map(|line| line.parse::<f32>().expect("a number").to_bits()).collect();
            prop_assert_eq!(read, singles.iter().map(|number| number.to_bits()).collect::<Vec<_>>());
        }
    }
}

#[test]
fn many_rows_are_read_in_batches() {
    let rows = 100_000_i64;
    let bytes = parquet(vec![("n", Arc::new(Int64Array::from_iter_values(0..rows)))]);
    let (text, _) = read(&bytes).expect("read");
    let expected: String = (0..rows).map(|row| format!("{row}\n")).collect();
    assert!(text == format!("n\n{expected}").into_bytes());
}
