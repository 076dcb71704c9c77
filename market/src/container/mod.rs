//! What a file is packed in: from an opened file to a stream of CSV text.
//!
//! The first bytes of a file say what it is, never its name. A packing is taken off and what comes out is
//! looked at in the same way, at most three times. All that is unpacked is bounded before it is read.

mod error;
mod gzip;
mod layer;
#[cfg(feature = "parquet")]
mod parquet;
mod recognise;
mod section;
#[cfg(test)]
mod tests;
mod utf16;
mod zip;

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use error::ContainerError;
use error::Named;
use layer::{Layer, Limit};
use recognise::Found;
use section::Section;

/// How many packings may be around a text.
const MOST_PACKINGS: usize = 3;
/// So many bytes of the beginning decide what a file is.
const HEAD: usize = 8 << 10;
/// The byte-order mark in UTF-8.
const UTF_8_MARK: &[u8] = "\u{feff}".as_bytes();
/// What is read of a file at once.
const BUFFER: usize = 128 << 10;

/// A stream of CSV text, without a byte-order mark.
///
/// What is packed comes out as UTF-8. A plain file is passed on as it is, also in an older encoding such as
/// Windows-1252: numbers and times have the same bytes there, and only a header can look different.
///
/// A file that is damaged or too large is known only when the place is reached. It is then an error of
/// `read`, which [`ContainerError::of`] finds in the [`std::io::Error`], and it stays one.
pub struct Text {
    /// The text.
    pub reader: Box<dyn Read + Send>,
    /// What the text was packed in, the outermost first: `gzip`, `zip`, `parquet`, `utf-16`.
    pub packed: Vec<&'static str>,
    read: Arc<AtomicU64>,
    length: u64,
}

impl Text {
    /// How many bytes of the file itself were read, for progress.
    pub fn bytes(&self) -> u64 {
        self.read.load(Ordering::Relaxed).min(self.length)
    }
}

/// The CSV text of this file, whatever it is packed in.
///
/// `file` is read from its start, by position: clones of the `Arc` can be read again, also at the same time.
/// `name` is for messages.
///
/// # Errors
/// When the file is empty, unreadable, damaged, packed in something unknown, or holds no bars.
pub fn open(file: Arc<File>, name: &str) -> Result<Text, ContainerError> {
    let named = Named::new(name);
    let section = Section::whole(file, &named)?;
    let (read, length) = (section.counter(), section.len());
    let mut opening = Opening {
        limit: Limit::of(length),
        named,
        packed: Vec::new(),
    };
    let reader = opening.unpack(Source::Section(section))?;
    let packed = opening.packed;
    if name.to_ascii_lowercase().ends_with(".parquet") && !packed.contains(&"parquet") {
        let seems = "a text, though its name says Parquet: such a file begins with PAR1";
        return Err(Named::new(name).not_bars(seems));
    }
    Ok(Text {
        reader,
        packed,
        read,
        length,
    })
}

/// What is to be looked at next.
enum Source {
    /// Bytes of a file, in any order.
    Section(Section),
    /// Bytes that come one after the other.
    Stream(Box<dyn Read + Send>),
}

impl Source {
    /// The first bytes, and whether they are all. They are still to come afterwards.
    fn head(self, named: &Named) -> Result<(Vec<u8>, bool, Self), ContainerError> {
        let mut head = Vec::new();
        let most = HEAD as u64 + 1;
        let source = match self {
            Self::Section(section) => {
                let mut start = section.uncounted().reader(0).take(most);
                start
                    .read_to_end(&mut head)
                    .map_err(|error| named.unreadable(&error))?;
                Self::Section(section)
            }
            Self::Stream(mut stream) => {
                (&mut stream)
                    .take(most)
                    .read_to_end(&mut head)
                    .map_err(|error| named.unreadable(&error))?;
                Self::Stream(Box::new(Cursor::new(head.clone()).chain(stream)))
            }
        };
        let complete = head.len() <= HEAD;
        head.truncate(HEAD);
        Ok((head, complete, source))
    }

    /// The bytes one after the other, without the first ones.
    fn stream(self, skipped: usize) -> std::io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Section(section) => {
                let reader = section.reader(skipped as u64);
                Box::new(BufReader::with_capacity(BUFFER, reader))
            }
            Self::Stream(mut stream) => {
                let skipped = skipped as u64;
                std::io::copy(&mut (&mut stream).take(skipped), &mut std::io::sink())?;
                stream
            }
        })
    }

    /// The bytes in any order. A stream is written to a file without a name first, which is gone when it is
    /// closed; it is as bounded as the stream.
    fn section(self, named: &Named) -> Result<Section, ContainerError> {
        match self {
            Self::Section(section) => Ok(section),
            Self::Stream(mut stream) => {
                let spool = tempfile::tempfile().and_then(|mut spool| {
                    std::io::copy(&mut stream, &mut spool)?;
                    Ok(spool)
                });
                let spool = spool.map_err(|error| named.unreadable(&error))?;
                Section::whole(Arc::new(spool), named)
            }
        }
    }
}

struct Opening {
    named: Named,
    limit: Limit,
    packed: Vec<&'static str>,
}

impl Opening {
    fn unpack(&mut self, mut source: Source) -> Result<Box<dyn Read + Send>, ContainerError> {
        loop {
            let (head, complete, whole) = source.head(&self.named)?;
            source = match recognise::container(&head, complete) {
                Found::Gzip => {
                    self.enter("gzip")?;
                    let stream = self.stream(whole, 0)?;
                    self.layer("gzip", gzip::Gunzip::new(stream))
                }
                Found::Zip => {
                    self.enter("zip")?;
                    let section = whole.section(&self.named)?;
                    let (member, inside) = zip::member(&section, &self.named, self.limit)?;
                    self.named = inside;
                    self.layer("zip", member)
                }
                Found::Utf16(endianness, mark) => {
                    self.enter("utf-16")?;
                    let decoder = utf16::Utf16::new(self.stream(whole, mark)?, endianness);
                    // Decoding makes a text at most half as large again: it needs no limit.
                    let decoded = Layer::new(decoder, "utf-16", &self.named, Limit::none());
                    let (head, complete, decoded) =
                        Source::Stream(Box::new(decoded)).head(&self.named)?;
                    return self.text(&head, complete, decoded);
                }
                Found::Parquet => {
                    self.enter("parquet")?;
                    return self.parquet(whole);
                }
                Found::Text => return self.text(&head, complete, whole),
                Found::Other(seems) => return Err(self.named.not_bars(seems)),
            };
        }
    }

    fn enter(&mut self, packing: &'static str) -> Result<(), ContainerError> {
        if self.packed.len() == MOST_PACKINGS {
            let outer = self.packed.join(" of ");
            let why =
                format!("it is {outer} of {packing}, and at most {MOST_PACKINGS} are taken off");
            return Err(self.named.unsupported(why));
        }
        self.packed.push(packing);
        Ok(())
    }

    fn stream(
        &self,
        source: Source,
        skipped: usize,
    ) -> Result<Box<dyn Read + Send>, ContainerError> {
        let stream = source.stream(skipped);
        stream.map_err(|error| self.named.unreadable(&error))
    }

    fn layer(&self, packing: &'static str, unpacked: impl Read + Send + 'static) -> Source {
        let layer = Layer::new(unpacked, packing, &self.named, self.limit);
        Source::Stream(Box::new(layer))
    }

    fn text(
        &self,
        head: &[u8],
        complete: bool,
        source: Source,
    ) -> Result<Box<dyn Read + Send>, ContainerError> {
        let mark = if head.starts_with(UTF_8_MARK) {
            UTF_8_MARK.len()
        } else {
            0
        };
        recognise::text(head.get(mark..).unwrap_or_default(), complete, &self.named)?;
        self.stream(source, mark)
    }

    #[cfg(feature = "parquet")]
    fn parquet(&self, source: Source) -> Result<Box<dyn Read + Send>, ContainerError> {
        let section = source.section(&self.named)?;
        let text = parquet::ParquetText::open(section, &self.named)?;
        Ok(Box::new(Layer::new(
            text,
            "parquet",
            &self.named,
            self.limit,
        )))
    }

    #[cfg(not(feature = "parquet"))]
    fn parquet(&self, _: Source) -> Result<Box<dyn Read + Send>, ContainerError> {
        Err(self
            .named
            .not_bars("a Parquet file, which this build does not read"))
    }
}
