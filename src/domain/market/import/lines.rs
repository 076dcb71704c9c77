//! What the CSV reader reads from: bounded, so that a quote that is never closed cannot take all
//! the memory; which line a byte is on; and how a message repeats a value.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::rc::Rc;

/// The most bytes of one record.
pub(crate) const LONGEST_RECORD: u64 = 64 * 1024;
/// The most characters of a value that a message repeats.
const SHOWN: usize = 60;

/// How many bytes were passed on, and up to where these were whole records.
#[derive(Debug, Default)]
pub(crate) struct Account {
    handed: Cell<u64>,
    whole: Cell<u64>,
    exceeded: Cell<bool>,
}

impl Account {
    /// Notes that everything before this byte belongs to whole records.
    pub(crate) fn whole_up_to(&self, byte: u64) {
        self.whole.set(byte);
    }

    /// Whether reading ended because a record was too long.
    pub(crate) fn exceeded(&self) -> bool {
        self.exceeded.get()
    }
}

/// Reads on only while the present record is not too long. The caller must have used everything before it
/// asks for more, as a `BufReader` does.
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

/// The line, from 1, of the first byte at or after `byte` that does not end a line. The lines are counted
/// only after an error, so that good rows cost nothing.
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
            // CR LF is one end of a line.
            line += u64::from(ends && !(one == b'\n' && after_return));
            after_return = one == b'\r';
            place += 1;
        }
    }
}

/// The beginning of a value, on one line.
pub(crate) fn shortened(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(SHOWN * 4)]);
    let mut shown: String = text
        .chars()
        .map(|one| if one.is_control() { ' ' } else { one })
        .take(SHOWN + 1)
        .collect();
    if shown.chars().count() > SHOWN {
        shown.pop();
        shown.push('…');
    }
    shown
}
