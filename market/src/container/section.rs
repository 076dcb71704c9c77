//! A part of a file that is read by position, so that several readers never disturb each other.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{ContainerError, Named};

/// Bytes of a file, from one place to another.
#[derive(Clone, Debug)]
pub(super) struct Section {
    file: Arc<File>,
    named: Named,
    start: u64,
    length: u64,
    read: Arc<AtomicU64>,
}

impl Section {
    /// All bytes that the file has now: one that grows while it is read is read up to here.
    pub(super) fn whole(file: Arc<File>, named: &Named) -> Result<Self, ContainerError> {
        let metadata = file.metadata().map_err(|error| named.unreadable(&error))?;
        let length = metadata.len();
        Ok(Self {
            file,
            named: named.clone(),
            start: 0,
            length,
            read: Arc::default(),
        })
    }

    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// Counts the bytes that were read.
    pub(super) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    /// The same bytes, for reading that is no progress.
    pub(super) fn uncounted(&self) -> Self {
        Self {
            read: Arc::default(),
            ..self.clone()
        }
    }

    /// The bytes from `start` on, `length` of them; none if they lie outside.
    pub(super) fn part(&self, start: u64, length: u64) -> Option<Self> {
        let end = start.checked_add(length)?;
        (end <= self.length).then(|| Self {
            start: self.start + start,
            length,
            ..self.clone()
        })
    }

    pub(super) fn reader(&self, position: u64) -> SectionReader {
        SectionReader {
            section: self.clone(),
            position,
        }
    }
}

/// Reads a section from a position of its own. Its errors are this module's, so that no decoder takes one for
/// damage.
#[derive(Debug)]
pub(super) struct SectionReader {
    section: Section,
    position: u64,
}

impl Read for SectionReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.section.length.saturating_sub(self.position);
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let Some(place) = buffer.get_mut(..most).filter(|place| !place.is_empty()) else {
            return Ok(0);
        };
        let read = self
            .section
            .file
            .read_at(place, self.section.start + self.position)
            .map_err(|error| self.section.named.unreadable(&error))?;
        self.position += read as u64;
        self.section.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Seek for SectionReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.section.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
