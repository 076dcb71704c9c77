//! What the CSV reader reads from: bounded, so that a quote that is never closed cannot take all
//! the memory; and which line a byte is on.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::rc::Rc;

/// The most bytes of one record.
pub(crate) const LONGEST_RECORD: u64 = 64 * 1024;

/// How much was handed on, and up to where that was whole records.
#[derive(Debug, Default)]
pub(crate) struct Account {
    handed: Cell<u64>,
    whole: Cell<u64>,
    exceeded: Cell<bool>,
}

impl Account {
    /// Everything before this byte belongs to whole records.
    pub(crate) fn whole_up_to(&self, byte: u64) {
        self.whole.set(byte);
    }

    /// Whether reading ended because a record was too long.
    pub(crate) fn exceeded(&self) -> bool {
        self.exceeded.get()
    }
}

/// Reads on only while the record that is being read is not too long. Who reads from it must have
/// used up everything before asking for more, as a `BufReader` has.
#[derive(Debug)]
pub(crate) struct Bounded<R> {
    inner: R,
    account: Rc<Account>,
}

impl<R> Bounded<R> {
    pub(crate) fn new(inner: R) -> (Self, Rc<Account>) {
        let account = Rc::<Account>::default();
        let bounded = Self {
            inner,
            account: Rc::clone(&account),
        };
        (bounded, account)
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let account = &self.account;
        if account.handed.get() - account.whole.get() > LONGEST_RECORD {
            account.exceeded.set(true);
            return Err(io::Error::other("a record is too long"));
        }
        let read = self.inner.read(buffer)?;
        account.handed.set(account.handed.get() + read as u64);
        Ok(read)
    }
}

/// The line, from 1, of the first byte at or after `byte` that ends no line. Read only when
/// something is wrong there, so that the rows before pay nothing for it.
pub(crate) fn line_at(file: &File, byte: u64) -> io::Result<u64> {
    let mut chunk = vec![0; 1 << 16];
    let (mut line, mut place, mut after_return) = (1, 0, false);
    loop {
        let read = file.read_at(&mut chunk, place)?;
        if read == 0 {
            return Ok(line);
        }
        for &one in &chunk[..read] {
            let ends = one == b'\n' || one == b'\r';
            if place >= byte && !ends {
                return Ok(line);
            }
            // CR LF is one end.
            line += u64::from(ends && !(one == b'\n' && after_return));
            after_return = one == b'\r';
            place += 1;
        }
    }
}
