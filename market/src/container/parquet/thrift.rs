//! As much of Thrift's compact protocol as it takes to see what a Parquet file claims, in time and memory that
//! its own length bounds.

use std::io::{self, Read};

/// Deeper than anything in a Parquet file.
const DEEPEST: u32 = 16;

/// The types of values.
pub(super) mod kind {
    pub(crate) const STOP: u8 = 0;
    pub(crate) const TRUE: u8 = 1;
    pub(crate) const FALSE: u8 = 2;
    pub(crate) const BYTE: u8 = 3;
    pub(crate) const I16: u8 = 4;
    pub(crate) const I32: u8 = 5;
    pub(crate) const I64: u8 = 6;
    pub(crate) const DOUBLE: u8 = 7;
    pub(crate) const BINARY: u8 = 8;
    pub(crate) const LIST: u8 = 9;
    pub(crate) const SET: u8 = 10;
    pub(crate) const MAP: u8 = 11;
    pub(crate) const STRUCT: u8 = 12;
    pub(crate) const UUID: u8 = 13;
}

/// Reads values, and never more than `left` bytes.
pub(super) struct Thrift<R> {
    input: R,
    left: u64,
}

pub(super) fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl<R: Read> Thrift<R> {
    pub(super) fn new(input: R, left: u64) -> Self {
        Self { input, left }
    }

    /// How many bytes may still be read.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// What the values are read from.
    pub(super) fn input(&mut self) -> &mut R {
        &mut self.input
    }

    /// The fields of a struct, one after the other. `kinds` has what those from 1 on are, and `field` reads the
    /// value of one that it knows and answers whether it did.
    ///
    /// It is strict: the crate takes a field for what it should be, whatever it says that it is, and a file
    /// could show one thing here and another one there.
    pub(super) fn fields(
        &mut self,
        kinds: &[u8],
        mut field: impl FnMut(&mut Self, i16) -> io::Result<bool>,
    ) -> io::Result<()> {
        let mut last = 0_i16;
        while let Some((id, kind)) = self.field(last)? {
            if id <= last {
                return Err(wrong("its fields are out of order"));
            }
            let index = usize::try_from(id - 1).ok();
            let expected = index.and_then(|index| kinds.get(index)).copied();
            let truth = kind == kind::FALSE && expected == Some(kind::TRUE);
            if expected.is_some_and(|expected| expected != kind && !truth) {
                return Err(wrong(&format!("its field {id} is of another type")));
            }
            if !field(self, id)? {
                self.skip(kind, DEEPEST)?;
            }
            last = id;
        }
        Ok(())
    }

    fn field(&mut self, last: i16) -> io::Result<Option<(i16, u8)>> {
        let byte = self.byte()?;
        let (delta, kind) = (i16::from(byte >> 4), byte & 0xf);
        if kind == kind::STOP {
            return Ok(None);
        }
        let id = match delta {
            0 => i16::try_from(self.int()?).ok(),
            delta => last.checked_add(delta),
        };
        let id = id.ok_or_else(|| wrong("a field has an impossible number"))?;
        Ok(Some((id, kind)))
    }

    /// The kind and the number of a list's items. Each takes at least a byte: there are no more than bytes.
    pub(super) fn list(&mut self) -> io::Result<(u8, u64)> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        self.items(byte & 0xf, count)?;
        Ok((byte & 0xf, count))
    }

    fn items(&self, kind: u8, count: u64) -> io::Result<()> {
        // Some writers give an empty list no kind. Nothing that describes a file has a list of truth values,
        // and readers differ in how long one is.
        if count > 0 && matches!(kind, kind::STOP | kind::TRUE | kind::FALSE) {
            return Err(wrong("a list holds what no Parquet file has in one"));
        }
        if count > self.left {
            return Err(wrong("a list says that it is longer than the file"));
        }
        Ok(())
    }

    pub(super) fn int(&mut self) -> io::Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A text or bytes, of which at most `most` are kept.
    pub(super) fn binary(&mut self, most: u64) -> io::Result<Vec<u8>> {
        let length = self.varint()?;
        let kept = length.min(most);
        if length > self.left {
            return Err(wrong("a text says that it is longer than the file"));
        }
        let mut bytes = Vec::new();
        (&mut self.input).take(kept).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != kept {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= kept;
        self.pass(length - kept)?;
        Ok(bytes)
    }

    fn skip(&mut self, kind: u8, depth: u32) -> io::Result<()> {
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| wrong("values lie too deep within each other"))?;
        match kind {
            kind::TRUE | kind::FALSE => Ok(()),
            kind::BYTE => self.byte().map(drop),
            kind::I16 | kind::I32 | kind::I64 => self.varint().map(drop),
            kind::DOUBLE => self.pass(8),
            kind::UUID => self.pass(16),
            kind::BINARY => self.binary(0).map(drop),
            kind::LIST | kind::SET => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip(kind, depth))
            }
            kind::MAP => {
                let count = self.varint()?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                self.items(kinds >> 4, count)?;
                self.items(kinds & 0xf, count)?;
                (0..count).try_for_each(|_| {
                    self.skip(kinds >> 4, depth)?;
                    self.skip(kinds & 0xf, depth)
                })
            }
            kind::STRUCT => {
                let mut last = 0;
                while let Some((id, kind)) = self.field(last)? {
                    self.skip(kind, depth)?;
                    last = id;
                }
                Ok(())
            }
            _ => Err(wrong("a value is of no known type")),
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.take(1)?;
        self.input.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(wrong("a number is too long"))
    }

    fn pass(&mut self, bytes: u64) -> io::Result<()> {
        self.take(bytes)?;
        let passed = io::copy(&mut (&mut self.input).take(bytes), &mut io::sink())?;
        if passed == bytes {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    pub(super) fn take(&mut self, bytes: u64) -> io::Result<()> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(())
    }
}
