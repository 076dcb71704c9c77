//! What a Parquet file claims, before the crate that reads it takes memory for it.

use std::io::{self, BufReader, Read};

use parquet::basic::{Compression, Type};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::super::error::{ContainerError, Named};
use super::super::recognise::one_line;
use super::super::section::{Section, SectionReader};
use super::thrift::{Thrift, kind, wrong};

const MAGIC: &[u8; 4] = b"PAR1";
/// The length of the footer and the magic number, at the end.
const TAIL: u64 = 8;
/// A file of bars with ten thousand row groups has a smaller footer.
const FOOTER: u64 = 8 << 20;
const COLUMNS: u64 = 1_000;
/// Wider than any decimal, UUID or number.
const WIDEST: i64 = 64;
/// A row group's pages that are in memory at the same time.
const IN_MEMORY: u64 = 256 << 20;
const MUCH_AT_ONCE: &str = "pages of one of its row groups take more than 256 MiB at the same time; smaller row \
                            groups or pages are expected";
/// How many times as large as its input LZ4 can be.
const LZ4_RATIO: u64 = 255;

fn refused(named: &Named, error: &io::Error) -> ContainerError {
    match ContainerError::of(error) {
        Some(known) => known.clone(),
        None => named.damaged(format!("its Parquet does not hold: {error}")),
    }
}

/// Whether the footer can be read: its length, its structure, and a schema without columns in columns.
pub(super) fn footer(section: &Section, named: &Named) -> Result<(), ContainerError> {
    let section = section.uncounted();
    let cut = || named.damaged("it does not end with the footer of a Parquet file");
    let before_tail = section.len().checked_sub(TAIL).ok_or_else(cut)?;
    let mut tail = [0; TAIL as usize];
    let read = section.reader(before_tail).read_exact(&mut tail);
    read.map_err(|error| refused(named, &error))?;
    let [a, b, c, d, magic @ ..] = tail;
    if magic == *b"PARE" {
        return Err(named.not_bars("an encrypted Parquet file"));
    }
    if magic != *MAGIC {
        return Err(cut());
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if length > FOOTER {
        let most = FOOTER >> 20;
        let why = format!(
            "its footer says that it takes {length} bytes, and at most {most} MiB are read"
        );
        return Err(named.too_large(why));
    }
    let start = before_tail.checked_sub(length).ok_or_else(cut)?;
    let reader = BufReader::new(section.reader(start));
    let checked = metadata(&mut Thrift::new(reader, length), named);
    checked.map_err(|error| refused(named, &error))
}

type Values = Thrift<BufReader<SectionReader>>;

fn metadata(footer: &mut Values, named: &Named) -> io::Result<()> {
    const SCHEMA: i16 = 2;
    let kinds = {
        use kind::{BINARY, I32, I64, LIST};
        [I32, LIST, I64, LIST, LIST, BINARY, LIST]
    };
    footer.fields(&kinds, |footer, id| {
        if id != SCHEMA {
            return Ok(false);
        }
        let (of, count) = footer.list()?;
        if of != kind::STRUCT || count < 2 {
            return Err(wrong("it has no columns"));
        }
        if count > COLUMNS + 1 {
            let columns = count - 1;
            let why = format!("it has {columns} columns, and at most {COLUMNS} are read");
            return Err(named.too_large(why).into());
        }
        let (_, of_root) = schema_element(footer)?;
        for _ in 1..count {
            let (name, children) = schema_element(footer)?;
            if children != 0 {
                return Err(named.nested(&String::from_utf8_lossy(&name)).into());
            }
        }
        if u64::try_from(of_root).ok() != Some(count - 1) {
            return Err(wrong("its schema is not whole"));
        }
        Ok(true)
    })
}

/// The name and the number of children of a column.
fn schema_element(footer: &mut Values) -> io::Result<(Vec<u8>, i64)> {
    const LENGTH: i16 = 2;
    const NAME: i16 = 4;
    const CHILDREN: i16 = 5;
    let kinds = {
        use kind::{BINARY, I32, STRUCT};
        [I32, I32, I32, BINARY, I32, I32, I32, I32, I32, STRUCT]
    };
    let (mut name, mut children) = (Vec::new(), 0);
    footer.fields(&kinds, |footer, id| {
        match id {
            LENGTH => {
                let length = footer.int()?;
                if !(0..=WIDEST).contains(&length) {
                    let what = format!(
                        "a column's values take {length} bytes, and at most {WIDEST} are read"
                    );
                    return Err(wrong(&what));
                }
            }
            NAME => name = footer.binary(256)?,
            CHILDREN => children = footer.int()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok((name, children))
}

/// Whether the pages of a row group are what they say, and do not take more memory than there is for them.
pub(super) fn row_group(
    group: &RowGroupMetaData,
    section: &Section,
    named: &Named,
) -> Result<(), ContainerError> {
    let section = section.uncounted();
    let mut in_memory = 0_u64;
    for column in group.columns() {
        let chunk = Chunk::new(column, &section, named);
        let pages = chunk.and_then(|chunk| chunk.pages(group.num_rows()));
        in_memory = in_memory.saturating_add(pages.map_err(|error| refused(named, &error))?);
        if in_memory > IN_MEMORY {
            return Err(named.too_large(MUCH_AT_ONCE));
        }
    }
    Ok(())
}

/// The bytes of a column in a row group.
struct Chunk<'a> {
    column: &'a ColumnChunkMetaData,
    section: &'a Section,
    named: &'a Named,
    start: u64,
    length: u64,
}

#[derive(Default)]
struct Page {
    dictionary: bool,
    unpacked: u64,
    packed: u64,
    values: i64,
    encoding: i64,
    /// Before what is packed.
    levels: u64,
}

impl<'a> Chunk<'a> {
    fn new(
        column: &'a ColumnChunkMetaData,
        section: &'a Section,
        named: &'a Named,
    ) -> io::Result<Self> {
        let start = column
            .dictionary_page_offset()
            .unwrap_or(column.data_page_offset());
        let range = u64::try_from(start)
            .ok()
            .zip(u64::try_from(column.compressed_size()).ok());
        let range = range.filter(|(start, length)| section.part(*start, *length).is_some());
        let (start, length) = range.ok_or_else(|| wrong("the bytes of a column lie outside it"))?;
        Ok(Self {
            column,
            section,
            named,
            start,
            length,
        })
    }

    /// Walks over all pages; how many bytes of them may be in memory at the same time.
    fn pages(&self, rows: i64) -> io::Result<u64> {
        let reader = BufReader::new(self.section.reader(self.start));
        let mut headers = Thrift::new(reader, self.length);
        let (mut values, mut largest, mut all) = (0_i64, 0_u64, 0_u64);
        let mut dictionary = 0_u64;
        while headers.left() > 0 {
            let page = page_header(&mut headers)?;
            let at = self.start + self.length - headers.left();
            headers.take(page.packed)?;
            let distance = i64::try_from(page.packed).map_err(|_| wrong("a page is too long"))?;
            headers.input().seek_relative(distance)?;
            self.check(&page, at)?;
            let size = page.packed.saturating_add(page.unpacked);
            if page.dictionary {
                dictionary = dictionary.saturating_add(size);
                continue;
            }
            values = values.saturating_add(page.values);
            largest = largest.max(size);
            all = all.saturating_add(page.unpacked);
        }
        if values != rows {
            return Err(wrong(&format!(
                "a column has {values} values in a row group of {rows} rows"
            )));
        }
        // Texts are views of the pages that they stand in.
        let pages = if self.is_text() {
            all.max(largest)
        } else {
            largest
        };
        Ok(pages.saturating_add(dictionary))
    }

    fn is_text(&self) -> bool {
        self.column.column_type() == Type::BYTE_ARRAY
    }

    /// Whether the crate takes no more memory for this page than it says.
    fn check(&self, page: &Page, at: u64) -> io::Result<()> {
        const PLAIN: i64 = 0;
        const PLAIN_DICTIONARY: i64 = 2;
        const RLE_DICTIONARY: i64 = 8;
        // The other encodings of texts claim their number and build on each other: a few bytes become
        // gigabytes.
        if self.is_text() && ![PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY].contains(&page.encoding) {
            let name = self.column.column_path().string();
            let name = one_line(&name, 100);
            return Err(self
                .named
                .unsupported(format!(
                    "the texts of its column {name} are in an encoding of version 2 of Parquet; plain ones or a \
                     dictionary are expected"
                ))
                .into());
        }
        let much = || Err(self.named.too_large(MUCH_AT_ONCE).into());
        match self.column.compression() {
            Compression::BROTLI(_) | Compression::LZO => {
                let why = "its columns are packed by brotli or LZO; plain ones, snappy, gzip, zstd and lz4 are read";
                Err(self.named.unsupported(why).into())
            }
            _ if page.unpacked.max(page.packed) > IN_MEMORY => much(),
            // These two unpack it all before the size is looked at.
            Compression::GZIP(_) => self.unpack(page, at),
            Compression::LZ4 if page.packed.saturating_mul(LZ4_RATIO) > IN_MEMORY => much(),
            _ => Ok(()),
        }
    }

    /// Whether no more comes out of a page in gzip than it says.
    fn unpack(&self, page: &Page, at: u64) -> io::Result<()> {
        let length = page.packed.checked_sub(page.levels);
        let packed = length.and_then(|length| self.section.part(at + page.levels, length));
        let packed = packed.ok_or_else(|| wrong("a page lies outside it"))?;
        let mut unpacked =
            flate2::read::MultiGzDecoder::new(packed.reader(0)).take(page.unpacked + 1);
        match io::copy(&mut unpacked, &mut io::sink()) {
            Ok(length) if length > page.unpacked => Err(wrong("a page is longer than it says")),
            // Levels before the packed part, or damage: the crate tells which.
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// The header of a page.
fn page_header(headers: &mut Values) -> io::Result<Page> {
    const KIND: i16 = 1;
    const UNPACKED: i16 = 2;
    const PACKED: i16 = 3;
    const DATA: i16 = 5;
    const DICTIONARY: i16 = 7;
    const DATA_2: i16 = 8;
    const OF_DICTIONARY: i64 = 2;
    let (outer, data, dictionary, data_2) = {
        use kind::{I32, STRUCT, TRUE};
        (
            [I32, I32, I32, I32, STRUCT, STRUCT, STRUCT, STRUCT],
            [I32, I32, I32, I32, STRUCT],
            [I32, I32, TRUE],
            [I32, I32, I32, I32, I32, I32, TRUE, STRUCT],
        )
    };
    let mut page = Page::default();
    headers.fields(&outer, |headers, id| {
        match id {
            KIND => page.dictionary = headers.int()? == OF_DICTIONARY,
            UNPACKED => page.unpacked = size(headers)?,
            PACKED => page.packed = size(headers)?,
            DATA => values(headers, &data, &mut page, 2)?,
            DICTIONARY => values(headers, &dictionary, &mut page, 2)?,
            DATA_2 => values(headers, &data_2, &mut page, 4)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(page)
}

fn size(headers: &mut Values) -> io::Result<u64> {
    u64::try_from(headers.int()?).map_err(|_| wrong("a page has a size below zero"))
}

/// The number of values in a page, and the encoding, which has this number as a field.
fn values(headers: &mut Values, kinds: &[u8], page: &mut Page, encoding: i16) -> io::Result<()> {
    const OF_VERSION_2: i16 = 4;
    headers.fields(kinds, |headers, id| {
        match id {
            1 => page.values = headers.int()?,
            id if id == encoding => page.encoding = headers.int()?,
            5 | 6 if encoding == OF_VERSION_2 => page.levels += size(headers)?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}
