//! What the columns of a Parquet file are read as.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::timezone::Tz;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::super::error::{ContainerError, Named};

/// The schema with types that become plain text, and whose values take no more memory than they have in the
/// file: texts as views of a page, which a crafted dictionary could otherwise multiply a thousand times.
pub(super) fn readable(schema: &Schema, named: &Named) -> Result<SchemaRef, ContainerError> {
    let nested: Vec<&str> = schema
        .fields()
        .iter()
        .filter(|field| plain(field.data_type()).is_nested())
        .take(10)
        .map(|field| field.name().as_str())
        .collect();
    if !nested.is_empty() {
        return Err(named.nested(&nested.join(", ")));
    }
    let fields = schema.fields().iter().map(|field| {
        let readable = plain(field.data_type());
        Arc::new(Field::new(field.name(), readable, field.is_nullable()))
    });
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

fn plain(found: &DataType) -> DataType {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Dictionary(_, values) => plain(values),
        // A zone that is not known, such as one of a program's own: the instant counts.
        DataType::Timestamp(unit, Some(zone)) if zone.parse::<Tz>().is_err() => {
            DataType::Timestamp(*unit, Some("+00:00".into()))
        }
        other => other.clone(),
    }
}

/// Whether all texts of a batch together take at most this many bytes.
pub(super) fn texts_within(batch: &RecordBatch, most: usize) -> bool {
    let lengths = batch.columns().iter().map(|column| {
        let length = |lengths: &mut dyn Iterator<Item = u32>| lengths.map(u64::from).sum::<u64>();
        match column.data_type() {
            DataType::Utf8View => length(&mut column.as_string_view().lengths()),
            // They are written in hexadecimal.
            DataType::BinaryView => 2 * length(&mut column.as_binary_view().lengths()),
            _ => 0,
        }
    });
    lengths.sum::<u64>() <= most as u64
}
