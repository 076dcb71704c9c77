//! Parquet as CSV text.
//!
//! A file is vetted before the crate sees it (`vet.rs`): the crate takes memory for what a file claims, and
//! what it claims may be absurd. It is read one row group at a time, in batches.

mod columns;
mod thrift;
mod vet;

use std::any::Any;
use std::io::{self, BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::error::{ContainerError, Named};
use super::section::{Section, SectionReader};

/// So many cells are in a batch, or so many rows if they are few columns.
const CELLS: usize = 64 << 10;
const ROWS: usize = 8 << 10;
/// So many bytes of text may a batch have: many times what bars take.
const BATCH_TEXT: usize = 64 << 20;

/// The rows of a Parquet file as CSV text, after a line with the names of its columns.
pub(super) struct ParquetText {
    section: Section,
    named: Named,
    metadata: ArrowReaderMetadata,
    groups: std::ops::Range<usize>,
    batches: Option<ParquetRecordBatchReader>,
    text: Vec<u8>,
    given: usize,
    header: bool,
}

impl ParquetText {
    /// Reads what the file says of itself.
    pub(super) fn open(section: Section, named: &Named) -> Result<Self, ContainerError> {
        vet::footer(&section, named)?;
        let source = Source(section.uncounted());
        let metadata = contained(named, || {
            let found = ArrowReaderMetadata::load(&source, ArrowReaderOptions::new())
                .map_err(|error| refusal(named, error))?;
            let schema = columns::readable(found.schema(), named)?;
            let options = ArrowReaderOptions::new().with_schema(schema);
            ArrowReaderMetadata::try_new(found.metadata().clone(), options)
                .map_err(|error| refusal(named, error))
        })?;
        let groups = metadata.metadata().row_groups();
        if groups.iter().all(|group| group.num_rows() == 0) {
            return Err(named.empty());
        }
        Ok(Self {
            groups: 0..groups.len(),
            section,
            named: named.clone(),
            metadata,
            batches: None,
            text: Vec::new(),
            given: 0,
            header: true,
        })
    }

    /// The next batch, of the next row group if that has come to its end.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ContainerError> {
        loop {
            let named = &self.named;
            if let Some(batches) = &mut self.batches
                && let Some(batch) = contained(named, || {
                    let next = batches.next().transpose();
                    next.map_err(|error| {
                        named.damaged(format!("its Parquet does not hold: {error}"))
                    })
                })?
            {
                return Ok(Some(batch));
            }
            let Some(index) = self.groups.next() else {
                return Ok(None);
            };
            let group = self.metadata.metadata().row_group(index);
            contained(named, || vet::row_group(group, &self.section, named))?;
            let columns = group.num_columns().max(1);
            let rows = (CELLS / columns).clamp(1, ROWS);
            let (source, metadata) = (Source(self.section.clone()), self.metadata.clone());
            let batches = contained(named, || {
                ParquetRecordBatchReaderBuilder::new_with_metadata(source, metadata)
                    .with_row_groups(vec![index])
                    .with_batch_size(rows)
                    .build()
                    .map_err(|error| refusal(named, error))
            })?;
            self.batches = Some(batches);
        }
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), ContainerError> {
        let named = &self.named;
        if !columns::texts_within(batch, BATCH_TEXT) {
            return Err(too_much_text(named));
        }
        self.text.clear();
        self.given = 0;
        let (text, header) = (&mut self.text, self.header);
        contained(named, || {
            let mut writer = arrow_csv::WriterBuilder::new()
                .with_header(header)
                .build(text);
            let written = writer.write(batch);
            written.map_err(|error| named.damaged(format!("its Parquet does not hold: {error}")))
        })?;
        self.header = false;
        Ok(())
    }
}

impl Read for ParquetText {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while self.given == self.text.len() {
            let Some(batch) = self.next_batch()? else {
                return Ok(0);
            };
            self.write(&batch)?;
        }
        let given = (&self.text[self.given..]).read(buffer)?;
        self.given += given;
        Ok(given)
    }
}

fn too_much_text(named: &Named) -> ContainerError {
    let most = BATCH_TEXT >> 20;
    named.too_large(format!(
        "the texts of some of its rows take more than {most} MiB, and bars have short ones"
    ))
}

fn refusal(named: &Named, error: ParquetError) -> ContainerError {
    if let ParquetError::External(inner) = &error
        && let Some(inner) = inner.downcast_ref::<io::Error>()
        && let Some(known) = ContainerError::of(inner)
    {
        return known.clone();
    }
    named.damaged(format!("its Parquet does not hold: {error}"))
}

/// Calls the crate. It indexes and asserts in places that a damaged file reaches, as `fuzzed.rs` of the tests
/// finds, and no file may end a program: a panic in it is damage of the file. Nothing that it may have left
/// half changed is used again, as the error stays (`Layer`).
fn contained<T>(
    named: &Named,
    call: impl FnOnce() -> Result<T, ContainerError>,
) -> Result<T, ContainerError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let why = said(panic.as_ref());
        Err(named.damaged(format!("its Parquet cannot be made sense of: {why}")))
    })
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no reason was given")
}

/// The bytes of the file for the crate. It never takes memory for bytes that are not there.
struct Source(Section);

impl Length for Source {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Source {
    type T = BufReader<SectionReader>;

    /// For the headers of pages, which are read once more where they are vetted: no progress.
    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::with_capacity(
            4 << 10,
            self.0.uncounted().reader(start),
        ))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let part = self.0.part(start, length as u64);
        let part = part.ok_or_else(|| ParquetError::EOF("bytes behind its end".to_owned()))?;
        let mut bytes = Vec::with_capacity(length);
        part.reader(0).read_to_end(&mut bytes)?;
        if bytes.len() == length {
            Ok(bytes.into())
        } else {
            Err(ParquetError::EOF("it became shorter".to_owned()))
        }
    }
}
