//! Files that cannot be opened because the process, or the system, has too many open.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// For how long a file is tried again.
const RETRY_FOR: Duration = Duration::from_secs(5);
/// The time between two tries.
const PAUSE: Duration = Duration::from_millis(20);
/// ENFILE and EMFILE, which have these numbers on every Unix.
const TOO_MANY: [i32; 2] = [23, 24];

/// Opens a file. When there are too many open files, which says nothing of this one, it is tried
/// again for a few seconds: other work closes its own meanwhile. The last error is given after that.
pub fn open_patiently<T>(open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    open_within(RETRY_FOR, open)
}

/// Whether a file could not be opened because there are too many open files.
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
}
