//! Big checkpoints: a folder beside the small state, one checkpoint together.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::context::{Context, Wanted};
use super::failure::{Failure, OrFail};
use super::run::Folders;
use crate::locks::lock;

/// Folders of an operation that are kept: the newest, and the one before it.
const KEPT: usize = 2;

impl Context {
    /// Gives a state together with a folder that `write` fills. Value and folder are one
    /// checkpoint.
    ///
    /// `write` runs only when it is worth it: when a checkpoint is due, when a stop is wanted, and
    /// in the outermost loop's last step. Pause and shutdown wait for the next call, at most one
    /// interval, so that they lose no finished step. The folder is written beside its place, synced
    /// and renamed, so that half of one is never seen.
    pub fn checkpoint_dir<S, E>(
        &self,
        state: &S,
        write: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), Failure>
    where
        S: Serialize,
        E: Into<Failure>,
    {
        if self.run.setup.folders == Folders::NotKept {
            return Ok(self.check()?);
        }
        self.keeps_folders.set(true);
        if self.is_virtual() {
            let _ = self.wanted(); // A test may ask for something here.
        }
        if self.run.is_due() || self.run.word().stops() || self.in_last_step() {
            self.run.no_longer_due();
            self.write_folder(state, write)?;
            // Also for a pause that was asked for meanwhile: here nothing is lost.
            self.folder_is_fresh.set(true);
        }
        if self.judge(self.run.word()) == Wanted::Stop {
            if !self.told.get() {
                self.step_is_whole();
            }
            return Err(self.tell().into());
        }
        // Work goes on: a later pause waits for a folder that has it.
        self.folder_is_fresh.set(false);
        Ok(())
    }

    /// The state and the folder that an earlier run gave last, if there was one.
    pub fn restored_dir<S: DeserializeOwned>(&self) -> Result<Option<(S, PathBuf)>, Failure> {
        self.keeps_folders
            .set(self.run.setup.folders != Folders::NotKept);
        let restored = self.run.setup.restored.as_ref();
        let Some(dir) = restored.and_then(|checkpoint| checkpoint.dir.clone()) else {
            return Ok(None);
        };
        if !dir.is_dir() {
            let message = format!("the checkpoint's folder {} is gone", dir.display());
            return Err(Failure::new("CHECKPOINT_UNREADABLE", message));
        }
        Ok(self.restored::<S>()?.map(|state| (state, dir)))
    }

    fn in_last_step(&self) -> bool {
        let outermost = &self.run.slot.levels[0];
        let (current, total) = (&outermost.current, &outermost.total);
        self.depth.get() > 0
            && current.load(Ordering::Relaxed).saturating_add(1) >= total.load(Ordering::Relaxed)
    }

    fn write_folder<S, E>(
        &self,
        state: &S,
        write: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), Failure>
    where
        S: Serialize,
        E: Into<Failure>,
    {
        let Folders::At(root) = &self.run.setup.folders else {
            let message = "no folder for checkpoints is configured";
            return Err(Failure::new("CHECKPOINT_NO_FOLDER", message));
        };
        self.keep(state)?;
        // Without its folder the state is no checkpoint: the one before it stays.
        self.state.borrow_mut().fresh = false;
        let number = {
            let mut kept = self.state.borrow_mut();
            kept.folders += 1;
            kept.folders
        };
        let name = format!("{:06}-{number:06}", self.run.setup.run);
        let (unfinished, folder) = (root.join(format!(".{name}")), root.join(&name));
        fs::create_dir_all(&unfinished).or_retry("CHECKPOINT_NOT_WRITTEN")?;
        let written = write(&unfinished).map_err(Into::into).and_then(|()| {
            let place = || -> io::Result<u64> {
                let bytes = sync(&unfinished)?;
                fs::rename(&unfinished, &folder)?;
                File::open(root)?.sync_all()?;
                Ok(bytes)
            };
            place().or_retry("CHECKPOINT_NOT_WRITTEN")
        });
        if written.is_err() {
            // What could not be written is no checkpoint; a failure to remove it is no second one.
            let _ = fs::remove_dir_all(&unfinished);
        }
        let written = written?;
        self.state.borrow_mut().fresh = true;
        let saved = self.saved(Some((folder, written)));
        *lock(&self.run.saved) = saved;
        remove_old(root);
        Ok(())
    }
}

/// Syncs every file of a folder, and says how many bytes they hold.
fn sync(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            bytes += sync(&entry.path())?;
        } else if kind.is_file() {
            let file = File::open(entry.path())?;
            file.sync_all()?;
            bytes += file.metadata()?.len();
        }
    }
    File::open(folder)?.sync_all()?;
    Ok(bytes)
}

/// Removes all but the newest folders; names order as their making.
fn remove_old(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else {
        return;
    };
    let mut folders: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.retain(|path| {
        !path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'))
    });
    folders.sort();
    let old = folders.len().saturating_sub(KEPT);
    for folder in &folders[..old] {
        if let Err(error) = fs::remove_dir_all(folder) {
            log::warn!("an old checkpoint stays at {}: {error}", folder.display());
        }
    }
}
