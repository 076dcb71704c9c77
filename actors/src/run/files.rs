//! How files are opened: with patience where the process, or the system, has too many open; and those
//! that somebody else may have put there, without waiting for them or being led elsewhere.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open, openat};
use rustix::io::Errno;

/// For how long a file is tried again.
const RETRY_FOR: Duration = Duration::from_secs(5);
/// The time between two tries.
const PAUSE: Duration = Duration::from_millis(20);
/// ENFILE and EMFILE, which have these numbers on every Unix.
const TOO_MANY: [i32; 2] = [23, 24];

/// Opens a file. When there are too many open files, which says nothing of this one, it is tried
/// again for a few seconds: other work closes its own meanwhile. The last error is given after that.
///
/// ```
/// use impresario::operation::open_patiently;
///
/// let opened = open_patiently(|| std::fs::File::open("no such file"));
/// assert_eq!(opened.unwrap_err().kind(), std::io::ErrorKind::NotFound);
/// ```
pub fn open_patiently<T>(open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    open_within(RETRY_FOR, open)
}

/// Opens the regular file at `path` below `folder` for reading; `None` where there is anything else (a
/// pipe that nobody writes to, a device, a folder), or where a symbolic link stands at any part of
/// `path`. It never waits, and it is the open file that is looked at: whoever exchanges what lies there
/// at the same time makes it fail, and cannot lead it out of the folder. `folder` itself may be a link.
///
/// ```
/// use impresario::operation::{open_regular, read_at_most};
/// use std::path::Path;
///
/// # let folder = std::env::temp_dir().join(format!("impresario-regular-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// std::fs::write(folder.join("rows.csv"), "1,2")?;
/// let file = open_regular(&folder, Path::new("rows.csv"))?.expect("it is a regular file");
/// assert_eq!(read_at_most(&file, 1_000)?, b"1,2");
/// assert!(open_regular(&folder, Path::new("../rows.csv"))?.is_none());
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn open_regular(folder: &Path, path: &Path) -> io::Result<Option<File>> {
    open_patiently(|| open_below(folder, path))
}

fn open_below(folder: &Path, path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut at = open(folder, flags | FOLDER, Mode::empty())?;
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next() {
        let name = match part {
            Component::Normal(name) => name,
            Component::CurDir => continue,
            _ => return Ok(None),
        };
        let what = match parts.peek() {
            Some(_) => FOLDER,
            None => OFlags::RDONLY,
        };
        let flags = flags | what | OFlags::NOFOLLOW;
        at = match openat(&at, name, flags, Mode::empty()) {
            Err(Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => return Ok(None),
            opened => opened?,
        };
    }
    let file = File::from(at);
    Ok(file.metadata()?.is_file().then_some(file))
}

/// A folder on the way to a file: going through it is enough, where the system can tell that apart.
#[cfg(target_os = "linux")]
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::PATH);
#[cfg(not(target_os = "linux"))]
const FOLDER: OFlags = OFlags::DIRECTORY;

/// Reads all of an open file, unless it has more than `most` bytes.
///
/// ```
/// # let path = std::env::temp_dir().join(format!("impresario-most-{}", std::process::id()));
/// std::fs::write(&path, "12345")?;
/// let long = impresario::operation::read_at_most(&std::fs::File::open(&path)?, 4);
/// assert_eq!(long.unwrap_err().kind(), std::io::ErrorKind::FileTooLarge);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_at_most(file: &File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let why = format!("it has more than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// Whether a file could not be opened because there are too many open files.
///
/// ```
/// use impresario::operation::too_many_open_files;
///
/// let missing = std::fs::File::open("no such file").unwrap_err();
/// assert!(!too_many_open_files(&missing));
/// ```
pub fn too_many_open_files(error: &io::Error) -> bool {
    error
        .raw_os_error()
        .is_some_and(|number| TOO_MANY.contains(&number))
}

fn open_within<T>(limit: Duration, mut open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut until = None;
    loop {
        let result = open();
        match &result {
            Err(error) if too_many_open_files(error) => {
                let until = *until.get_or_insert_with(|| Instant::now() + limit);
                if Instant::now() >= until {
                    return result;
                }
                thread::sleep(PAUSE);
            }
            _ => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_open_files_are_waited_out_and_nothing_else_is() {
        for number in TOO_MANY {
            let mut tries = 0;
            let opened = open_patiently(|| {
                tries += 1;
                match tries {
                    1..=3 => Err(io::Error::from_raw_os_error(number)),
                    _ => Ok("opened"),
                }
            });
            assert_eq!((opened.ok(), tries), (Some("opened"), 4));
        }
        let mut tries = 0;
        let missing = open_patiently(|| {
            tries += 1;
            Err::<(), _>(io::ErrorKind::NotFound.into())
        });
        assert_eq!(tries, 1);
        assert!(missing.is_err_and(|error| !too_many_open_files(&error)));
    }

    #[test]
    fn it_is_given_up_in_the_end() {
        let error = open_within(Duration::ZERO, || {
            Err::<(), _>(io::Error::from_raw_os_error(TOO_MANY[0]))
        });
        assert!(error.is_err_and(|error| too_many_open_files(&error)));
    }

    #[test]
    fn only_a_regular_file_below_the_folder_is_opened_and_nothing_is_waited_for() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let folder = home.path().join("folder");
        std::fs::create_dir_all(folder.join("deep")).expect("writable");
        std::fs::write(folder.join("deep/file"), "12345").expect("writable");
        std::fs::write(home.path().join("outside"), "").expect("writable");
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(to, folder.join(name)).expect("a link");
        };
        link("deep/file", "link");
        link("deep", "way");
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.join("pipe"), Mode::RUSR).expect("a pipe");
        link("../..", "deep/up");
        for other in [
            "link",
            "way/file",
            "pipe",
            "deep",
            ".",
            "",
            "../outside",
            "deep/up/outside",
            "deep/file/x",
            "/dev/zero",
        ] {
            let opened = open_regular(&folder, Path::new(other)).expect("it is there");
            assert!(opened.is_none(), "{other}");
        }
        let missing = open_regular(&folder, Path::new("none")).expect_err("it is not there");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let open = || open_regular(&folder, Path::new("./deep/file"));
        let file = open().expect("it is there").expect("it is regular");
        assert_eq!(read_at_most(&file, 5).expect("it is short"), b"12345");
        let file = open().expect("it is there").expect("it is regular");
        let long = read_at_most(&file, 4).expect_err("it is too long");
        assert_eq!(long.kind(), io::ErrorKind::FileTooLarge);
    }
}
