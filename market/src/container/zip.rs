//! zip with one file in it.
//!
//! The crate reads the directory; the member itself is read here, so that it can be passed on as a stream
//! that owns what it reads.

use std::io::{self, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::error::{ContainerError, Named};
use super::layer::Limit;
use super::section::{Section, SectionReader};

/// So much of an archive is read for its directory, which is more than a thousand members need.
const DIRECTORY: u64 = 1 << 20;
/// So many members are named.
const NAMED: usize = 5;
/// So many characters of a member's name are shown.
const NAME_SHOWN: usize = 60;

struct Entry {
    index: usize,
    name: String,
    folder: bool,
}

/// The one file in an archive, and its name.
pub(super) fn member(
    section: &Section,
    named: &Named,
    limit: Limit,
) -> Result<(Member, Named), ContainerError> {
    let directory = Directory {
        reader: section.uncounted().reader(0),
        left: DIRECTORY,
        named: named.clone(),
    };
    let wrong = |error: zip::result::ZipError| match error {
        zip::result::ZipError::Io(error) if ContainerError::of(&error).is_some() => {
            named.unreadable(&error)
        }
        error => named.damaged(format!("its zip directory does not hold: {error}")),
    };
    let mut archive = ZipArchive::new(directory).map_err(wrong)?;
    if archive.has_duplicate_names() {
        return Err(named.unsupported(
            "two members of the zip archive have the same name; one file was expected",
        ));
    }
    if archive.offset() != 0 {
        return Err(named
            .unsupported("other bytes lie before the zip archive; only an archive was expected"));
    }
    let mut entries = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(wrong)?;
        entries.push(Entry {
            index,
            name: String::from_utf8_lossy(entry.name_raw()).into_owned(),
            folder: entry.is_dir(),
        });
    }
    let index = only(&entries, named)?;
    let name = entries.into_iter().find(|entry| entry.index == index);
    let inside = name.map_or_else(|| named.clone(), |entry| named.inside(&entry.name));
    let entry = archive.by_index_raw(index).map_err(wrong)?;
    let member = Member::new(&entry, section, &inside, limit)?;
    Ok((member, inside))
}

/// The one member that is a file of somebody, and not what a Mac adds.
fn only(entries: &[Entry], named: &Named) -> Result<usize, ContainerError> {
    let counts = |entry: &&Entry| {
        let base = entry.name.rsplit('/').next().unwrap_or_default();
        !entry.folder && !entry.name.starts_with("__MACOSX/") && base != ".DS_Store"
    };
    let files: Vec<&Entry> = entries.iter().filter(counts).collect();
    let any = |wanted: fn(&str) -> bool| files.iter().any(|file| wanted(&file.name));
    if any(|name| name == "[Content_Types].xml") {
        let excel = any(|name| name.starts_with("xl/"));
        return Err(named.not_bars(if excel {
            "an Excel workbook: save it as CSV"
        } else {
            "an Office document"
        }));
    }
    if any(|name| name == "content.xml") && any(|name| name == "mimetype") {
        return Err(named.not_bars("a document of LibreOffice: save it as CSV"));
    }
    match files.as_slice() {
        [file] => Ok(file.index),
        [] => Err(named.unsupported("there is no file in the zip archive; one was expected")),
        several => {
            let mut names: Vec<_> = several
                .iter()
                .take(NAMED)
                .map(|file| super::recognise::one_line(&file.name, NAME_SHOWN))
                .collect();
            if several.len() > NAMED {
                names.push(format!("{} more", several.len() - NAMED));
            }
            let (count, names) = (several.len(), names.join(", "));
            Err(named.unsupported(format!(
                "there are {count} files in the zip archive ({names}); one was expected"
            )))
        }
    }
}

/// The file in an archive, unpacked and held against its length and its checksum.
pub(super) struct Member {
    unpacked: Unpacked,
    crc: Crc,
    left: u64,
    sum: u32,
}

enum Unpacked {
    Stored(io::BufReader<SectionReader>),
    Deflated(DeflateDecoder<io::BufReader<SectionReader>>),
}

impl Member {
    fn new<R: Read>(
        entry: &zip::read::ZipFile<'_, R>,
        section: &Section,
        named: &Named,
        limit: Limit,
    ) -> Result<Self, ContainerError> {
        if entry.encrypted() {
            return Err(
                named.unsupported("it is encrypted; a file without a password was expected")
            );
        }
        if entry.is_symlink() {
            return Err(named.unsupported("it is a link; a file was expected"));
        }
        if !limit.allows(entry.size()) {
            return Err(named.too_large(limit.reason()));
        }
        let start = entry.data_start();
        let packed = start.and_then(|start| section.part(start, entry.compressed_size()));
        let packed = packed.ok_or_else(|| named.damaged("its bytes would lie behind the end"))?;
        let packed = io::BufReader::with_capacity(super::BUFFER, packed.reader(0));
        let unpacked = match entry.compression() {
            CompressionMethod::Stored => Unpacked::Stored(packed),
            CompressionMethod::DEFLATE => Unpacked::Deflated(DeflateDecoder::new(packed)),
            other => {
                let method = format!("{other:?}");
                let method = super::recognise::one_line(&method, NAME_SHOWN);
                return Err(named.unsupported(format!(
                    "it is packed by the method {method}; stored and deflate are read"
                )));
            }
        };
        Ok(Self {
            unpacked,
            crc: Crc::new(),
            left: entry.size(),
            sum: entry.crc32(),
        })
    }
}

impl Read for Member {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.unpacked {
            Unpacked::Stored(packed) => packed.read(buffer)?,
            Unpacked::Deflated(packed) => packed.read(buffer)?,
        };
        let wrong = |wrong| Err(io::Error::new(io::ErrorKind::InvalidData, wrong));
        self.crc.update(&buffer[..read]);
        match self.left.checked_sub(read as u64) {
            None => return wrong("more comes out than it says"),
            Some(left) => self.left = left,
        }
        if read == 0 && self.left > 0 {
            return wrong("less comes out than it says");
        }
        if read == 0 && self.crc.sum() != self.sum {
            return wrong("the checksum is another one");
        }
        Ok(read)
    }
}

/// Reads an archive for its directory, and not more than a directory may take.
struct Directory {
    reader: SectionReader,
    left: u64,
    named: Named,
}

impl Read for Directory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                let why = format!(
                    "the directory of the zip archive takes more than {} KiB; one file was expected",
                    DIRECTORY >> 10
                );
                return Err(self.named.unsupported(why).into());
            }
        }
        Ok(read)
    }
}

impl Seek for Directory {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.reader.seek(to)
    }
}
