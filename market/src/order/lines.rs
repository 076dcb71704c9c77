//! The lines of bars that came in order: as many distances as change, not as many as there are bars.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, Write};

use super::Scratch;

/// How many bytes are kept in memory before they are written.
const MOST: usize = 1 << 20;
/// Bytes of a piece: the distance of each of its lines from the one before, and how many there are.
const PIECE: usize = 16;

/// Remembers lines that ascend.
#[derive(Debug, Default)]
pub(super) struct Lines {
    last: u64,
    distance: u64,
    count: u64,
    pieces: Vec<u8>,
    file: Option<File>,
}

impl Lines {
    #[inline]
    pub(super) fn see(&mut self, line: u64, scratch: &Scratch) -> io::Result<()> {
        let distance = line.wrapping_sub(self.last);
        self.last = line;
        if distance == self.distance {
            self.count += 1;
            return Ok(());
        }
        self.end_piece();
        (self.distance, self.count) = (distance, 1);
        if self.pieces.len() < MOST {
            return Ok(());
        }
        self.write(scratch)
    }

    fn end_piece(&mut self) {
        self.pieces.extend_from_slice(&self.distance.to_le_bytes());
        self.pieces.extend_from_slice(&self.count.to_le_bytes());
    }

    #[cold]
    fn write(&mut self, scratch: &Scratch) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(scratch()?),
        };
        file.write_all(&self.pieces)?;
        self.pieces.clear();
        Ok(())
    }

    /// The lines from the first one on.
    pub(super) fn again(mut self) -> io::Result<LinesAgain> {
        self.end_piece();
        let rest = Cursor::new(self.pieces);
        let source: Box<dyn Read + Send> = match self.file {
            None => Box::new(rest),
            Some(mut file) => {
                file.rewind()?;
                Box::new(BufReader::new(file).chain(rest))
            }
        };
        Ok(LinesAgain {
            source,
            line: 0,
            distance: 0,
            left: 0,
        })
    }
}

/// Gives remembered lines again.
pub(super) struct LinesAgain {
    source: Box<dyn Read + Send>,
    line: u64,
    distance: u64,
    left: u64,
}

impl LinesAgain {
    pub(super) fn next(&mut self) -> io::Result<u64> {
        while self.left == 0 {
            let mut piece = [0; PIECE];
            self.source.read_exact(&mut piece)?;
            let (numbers, _) = piece.as_chunks::<8>();
            self.distance = u64::from_le_bytes(numbers[0]);
            self.left = u64::from_le_bytes(numbers[1]);
        }
        self.left -= 1;
        self.line = self.line.wrapping_add(self.distance);
        Ok(self.line)
    }
}
