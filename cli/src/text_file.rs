//! Text files as people write them.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// What a file of the user may be, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// A regular file of a few lines. To open a pipe that nobody writes to would wait for ever.
    Written,
    /// Data, which may also come through a pipe.
    Data,
}

impl Form {
    /// A device may have no end, so no more than this is read.
    const fn most_bytes(self) -> u64 {
        match self {
            Self::Written => 1 << 20,
            // As large as the largest answer, because an answer may have been kept in a file.
            Self::Data => crate::client::LARGEST_ANSWER,
        }
    }

    fn open(self, path: &Path) -> io::Result<File> {
        let Self::Written = self else {
            return File::open(path);
        };
        let file = rustix::fs::open(path, OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
        let file = File::from(file);
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::other("expected a regular file")),
        }
    }
}

/// What is in a file.
pub(crate) fn bytes(path: &Path, form: Form) -> io::Result<Vec<u8>> {
    let most = form.most_bytes();
    let mut bytes = Vec::new();
    let file = form.open(path)?;
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let why = format!("expected at most {most} bytes, and it has more");
        return Err(io::Error::new(ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// The text of a file, without the byte-order mark that some editors put before it.
pub(crate) fn read(path: &Path, form: Form) -> io::Result<String> {
    let text = String::from_utf8(bytes(path, form)?);
    let text =
        text.map_err(|_| io::Error::new(ErrorKind::InvalidData, "expected text in UTF-8"))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// The whole path of a file, as messages show it: what a relative one means depends on the folder where the
/// command was given.
pub(crate) fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::thread;

    use rustix::fs::{FileType, mknodat};

    use super::*;

    fn refused(path: &Path, form: Form) -> String {
        let error = read(path, form).expect_err("it is no such file");
        error.to_string()
    }

    #[test]
    fn no_file_is_read_without_end_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pipe = folder.path().join("pipe");
        let mode = Mode::from_raw_mode(0o600);
        mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, mode, 0).expect("a pipe");
        for other in [&pipe, Path::new("/dev/zero"), folder.path()] {
            assert_eq!(refused(other, Form::Written), "expected a regular file");
        }
        let zeros = refused(Path::new("/dev/zero"), Form::Data);
        assert_eq!(zeros, "expected at most 268435456 bytes, and it has more");
        let there = pipe.clone();
        let writer = thread::spawn(move || {
            let mut pipe = File::options().write(true).open(there)?;
            pipe.write_all(b"bars")
        });
        assert_eq!(read(&pipe, Form::Data).expect("it is text"), "bars");
        let wrote = writer.join().expect("the writer ends");
        wrote.expect("the pipe was read");
    }

    #[test]
    fn a_written_file_has_its_longest() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("token");
        let write = |length| std::fs::write(&path, vec![b'a'; length]).expect("it is ours");
        write(1 << 20);
        assert_eq!(read(&path, Form::Written).expect("it fits").len(), 1 << 20);
        write((1 << 20) + 1);
        let error = refused(&path, Form::Written);
        assert_eq!(error, "expected at most 1048576 bytes, and it has more");
        std::fs::write(&path, [0xff]).expect("it is ours");
        assert_eq!(refused(&path, Form::Written), "expected text in UTF-8");
    }
}
