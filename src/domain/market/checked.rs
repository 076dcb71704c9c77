//! Remembers which files of the library have passed their checksum, so that each is checked once and not
//! for every page.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::MarketError;

/// Identifies one state of a file: device, inode, size, and time of the last change.
pub(super) type Stamp = (u64, u64, u64, i64, i64);

/// The last state of each file that has passed. Clones share it. There is one entry for each dataset.
#[derive(Clone, Debug, Default)]
pub(super) struct Checked(Arc<Mutex<HashMap<PathBuf, Stamp>>>);

impl Checked {
    /// Runs `check` unless this state of the file has passed it. Two callers at once may both run it.
    pub(super) fn once(
        &self,
        file: &File,
        path: &Path,
        check: impl FnOnce() -> Result<(), MarketError>,
    ) -> Result<(), MarketError> {
        let stamp = stamp(file, path)?;
        if self.known().get(path) == Some(&stamp) {
            return Ok(());
        }
        check()?;
        self.known().insert(path.to_owned(), stamp);
        Ok(())
    }

    /// Forgets a file that is no more.
    pub(super) fn forget(&self, path: &Path) {
        self.known().remove(path);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<PathBuf, Stamp>> {
        // A panic elsewhere cannot leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of an open file.
pub(super) fn stamp(file: &File, path: &Path) -> Result<Stamp, MarketError> {
    let facts = file
        .metadata()
        .map_err(MarketError::storage("read", path))?;
    // The time of the inode's last change, because nobody can set it back.
    let (changed, nanos) = (facts.ctime(), facts.ctime_nsec());
    Ok((facts.dev(), facts.ino(), facts.size(), changed, nanos))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn each_state_of_a_file_is_checked_until_it_passes_and_then_no_more() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a");
        std::fs::write(&path, "1").expect("the folder is ours");
        let (checked, runs) = (Checked::default(), Cell::new(0));
        let ask = |is_whole: bool| {
            let file = File::open(&path).expect("it is there");
            let check = || {
                runs.set(runs.get() + 1);
                let why = String::new();
                let path = path.clone();
                is_whole
                    .then_some(())
                    .ok_or(MarketError::Damaged { path, why })
            };
            checked.once(&file, &path, check).is_ok()
        };
        assert!(!ask(false) && !ask(false) && ask(true));
        assert_eq!(runs.get(), 3);
        assert!(ask(false), "it is known to be whole");
        assert_eq!(runs.get(), 3);
        std::fs::write(&path, "22").expect("the folder is ours");
        assert!(!ask(false));
        assert_eq!(runs.get(), 4);
    }
}
