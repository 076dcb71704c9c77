//! Bars in sorted runs: all but the last one in a temporary file.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use impresario_api::{Bar, Timestamp};

use super::{NumberedBar, Scratch};

/// Bytes of a bar in the file.
const RECORD: usize = 56;
/// How many bars are encoded before they are written.
const WRITTEN: usize = 1_024;
/// How many bars all runs together have in memory while they are merged: 14 MiB.
const IN_MEMORY: usize = 1 << 18;

/// Sorted runs.
#[derive(Debug)]
pub(super) struct Runs {
    chunk: usize,
    gathered: Vec<NumberedBar>,
    file: Option<File>,
    /// The number of bars of each run in the file.
    lengths: Vec<u64>,
}

impl Runs {
    pub(super) const fn new(chunk: usize) -> Self {
        Self {
            chunk,
            gathered: Vec::new(),
            file: None,
            lengths: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, bar: NumberedBar, scratch: &Scratch) -> io::Result<()> {
        self.gathered.push(bar);
        if self.gathered.len() < self.chunk {
            return Ok(());
        }
        self.write(scratch)
    }

    fn sort(&mut self) {
        let key = |one: &NumberedBar| (one.bar.timestamp, one.line);
        self.gathered.sort_unstable_by_key(key);
    }

    fn write(&mut self, scratch: &Scratch) -> io::Result<()> {
        self.sort();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(scratch()?),
        };
        let mut bytes = Vec::with_capacity(WRITTEN * RECORD);
        for some in self.gathered.chunks(WRITTEN) {
            bytes.clear();
            bytes.extend(some.iter().flat_map(encode));
            file.write_all(&bytes)?;
        }
        self.lengths.push(self.gathered.len() as u64);
        self.gathered.clear();
        Ok(())
    }

    /// The runs, in the order in which their bars came.
    pub(super) fn again(mut self) -> io::Result<Vec<Run>> {
        self.sort();
        let most = (IN_MEMORY / self.lengths.len().max(1)).clamp(64, 4_096);
        let mut start = 0;
        let mut runs = Vec::with_capacity(self.lengths.len() + 1);
        for length in self.lengths {
            let file = self.file.as_ref().map(File::try_clone).transpose()?;
            runs.push(Run {
                file,
                next: start,
                end: start + length,
                most: most as u64,
                read: Vec::new().into_iter(),
            });
            start += length;
        }
        runs.push(Run {
            file: None,
            next: 0,
            end: 0,
            most: 0,
            read: self.gathered.into_iter(),
        });
        Ok(runs)
    }
}

/// A run that is read.
#[derive(Debug)]
pub(super) struct Run {
    file: Option<File>,
    next: u64,
    end: u64,
    most: u64,
    read: std::vec::IntoIter<NumberedBar>,
}

impl Run {
    pub(super) fn next(&mut self) -> io::Result<Option<NumberedBar>> {
        if let Some(bar) = self.read.next() {
            return Ok(Some(bar));
        }
        let Some(file) = self.file.as_ref().filter(|_| self.next < self.end) else {
            return Ok(None);
        };
        let count = self.most.min(self.end - self.next);
        let mut bytes = vec![0; count as usize * RECORD];
        file.read_exact_at(&mut bytes, self.next * RECORD as u64)?;
        self.next += count;
        let (records, _) = bytes.as_chunks::<RECORD>();
        self.read = records.iter().map(decode).collect::<Vec<_>>().into_iter();
        Ok(self.read.next())
    }
}

fn encode(one: &NumberedBar) -> [u8; RECORD] {
    let bar = &one.bar;
    let numbers = [bar.open, bar.high, bar.low, bar.close, bar.volume].map(f64::to_bits);
    let time = bar.timestamp.as_millis().cast_unsigned();
    let mut record = [0; RECORD];
    let words = [time].into_iter().chain(numbers).chain([one.line]);
    for (place, word) in record.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    record
}

fn decode(record: &[u8; RECORD]) -> NumberedBar {
    let (words, _) = record.as_chunks::<8>();
    let number = |place: usize| f64::from_le_bytes(words[place]);
    NumberedBar {
        bar: Bar {
            timestamp: Timestamp::from_millis(i64::from_le_bytes(words[0])),
            open: number(1),
            high: number(2),
            low: number(3),
            close: number(4),
            volume: number(5),
        },
        line: u64::from_le_bytes(words[6]),
    }
}
