//! Big checkpoints: a folder beside the small state, one checkpoint together.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::control::Folders;
use super::files::open_patiently;
use super::manifest;
use crate::locks::lock;
use crate::operation::context::{Context, Wanted};
use crate::operation::failure::{Failure, OrFail};

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
        self.run.wait_for_checkpoint();
        if self.is_virtual() {
            let _ = self.wanted(); // A test may ask for something here.
        }
        if self.run.is_due() || self.run.word().stops() || self.in_last_step() {
            self.run.no_longer_due();
            self.write_folder(state, |files| write(files).map_err(Into::into))?;
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
        if self.run.setup.folders != Folders::NotKept {
            self.keeps_folders.set(true);
            self.run.wait_for_checkpoint();
        }
        let restored = self.run.restored();
        let Some(dir) = restored.and_then(|checkpoint| checkpoint.dir.as_deref()) else {
            return Ok(None);
        };
        let files = manifest::files_in(dir);
        Ok(self.restored::<S>()?.map(|state| (state, files)))
    }

    fn in_last_step(&self) -> bool {
        let outermost = &self.run.counters.levels[0];
        let (current, total) = (&outermost.current, &outermost.total);
        self.depth.get() > 0
            && current.load(Ordering::Relaxed).saturating_add(1) >= total.load(Ordering::Relaxed)
    }

    fn write_folder(
        &self,
        state: &impl Serialize,
        write: impl FnOnce(&Path) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
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
        let name = Name {
            run: self.run.setup.run,
            number,
        };
        let (unfinished, folder) = (root.join(name.unfinished()), root.join(name.finished()));
        let files = manifest::files_in(&unfinished);
        fs::create_dir_all(&files).or_retry("CHECKPOINT_NOT_WRITTEN")?;
        let written = write(&files).and_then(|()| {
            let rename = || -> io::Result<u64> {
                let state = self.state.borrow();
                let bytes = manifest::seal(&unfinished, &self.run.setup.origin, &state.value)?;
                fs::rename(&unfinished, &folder)?;
                open_patiently(|| File::open(root))?.sync_all()?;
                Ok(bytes)
            };
            rename().or_retry("CHECKPOINT_NOT_WRITTEN")
        });
        if written.is_err() {
            // What could not be written is no checkpoint; a failure to remove it is no second one.
            let _ = fs::remove_dir_all(&unfinished);
        }
        let written = written?;
        self.state.borrow_mut().fresh = true;
        let saved = self.saved(Some((folder, written)));
        *lock(&self.run.saved) = saved;
        Ok(())
    }
}

/// A folder's name: the run that wrote it, and which of its folders it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) run: u32,
    pub(crate) number: u32,
}

impl Name {
    /// While it is written.
    fn unfinished(self) -> String {
        format!(".{}", self.finished())
    }

    fn finished(self) -> String {
        format!("{:06}-{:06}", self.run, self.number)
    }

    /// What a folder's name says, and whether it was written to its end.
    pub(crate) fn parse(name: &str) -> Option<(Self, bool)> {
        let (run, number) = name.strip_prefix('.').unwrap_or(name).split_once('-')?;
        let (run, number) = (run.parse().ok()?, number.parse().ok()?);
        Some((Self { run, number }, !name.starts_with('.')))
    }
}
