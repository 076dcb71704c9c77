//! Big checkpoints: a folder beside the small state, one checkpoint together.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::control::Folders;
use super::files::open_patiently;
use super::manifest;
use crate::locks::lock;
use crate::operation::context::{Context, NOT_WRITTEN};
use crate::operation::failure::{Failure, OrFail};

impl Context {
    /// Gives a state together with a folder that `write` fills. Value and folder are one
    /// checkpoint.
    ///
    /// `write` runs only when it is worth it: when a checkpoint is due, when a stop is wanted, and
    /// in the outermost loop's last step, but there not with
    /// [`Policy::checkpoint_share`](crate::operation::Policy::checkpoint_share). Pause and shutdown wait
    /// for the next call, at most [`Policy::checkpoint_every`](crate::operation::Policy::checkpoint_every),
    /// so that they lose no finished step. The folder is written beside its place, synced
    /// and renamed, so that half of one is never seen.
    ///
    /// A folder that cannot be written for a reason that may pass (the disk is full, or `write` returns
    /// any failure that is retryable: `.or_retry("CODE")?`) ends no run. The work goes on, the checkpoint
    /// before it stays, and a warning `CHECKPOINT_NOT_WRITTEN` says so, once until one is written again.
    /// A run that is asked to stop stops then as well, with the one before. Any other failure of `write` is
    /// returned.
    ///
    /// Where no folder for checkpoints is configured, the first call fails as `CHECKPOINT_NO_FOLDER`,
    /// and so does the first [`Self::restored_dir`].
    ///
    /// ```
    /// # use impresario::operation::{Context, Failure, Operation, OrFail, Policy};
    /// # struct Fit;
    /// # impl Operation for Fit {
    /// #     const KIND: &'static str = "fit";
    /// #     type Params = ();
    /// #     type Output = Vec<u8>;
    /// #     fn policy(&self) -> Policy { Policy::lane("default").pausable() }
    /// fn run(&self, (): (), ctx: &Context) -> Result<Vec<u8>, Failure> {
    ///     let (done, mut weights) = match ctx.restored_dir::<u32>()? {
    ///         Some((done, dir)) => (done, std::fs::read(dir.join("weights")).or_fail("UNREADABLE")?),
    ///         None => (0, Vec::new()),
    ///     };
    ///     for epoch in ctx.steps("epoch", done..10) {
    ///         let epoch = epoch?;
    ///         weights.push(epoch as u8);
    ///         ctx.checkpoint_dir(&(epoch + 1), |dir| {
    ///             std::fs::write(dir.join("weights"), &weights).or_retry("UNWRITABLE")
    ///         })?;
    ///     }
    ///     Ok(weights)
    /// }
    /// # }
    /// # use impresario::testing;
    /// # let paused = testing::run(&Fit, ()).stop_at("epoch", 4, impresario_api::Verb::Pause).end();
    /// # let whole = paused.resume(&Fit).end();
    /// # assert_eq!(whole.output().unwrap()[..], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    /// ```
    pub fn checkpoint_dir<S, E>(
        &self,
        state: &S,
        write: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), Failure>
    where
        S: Serialize,
        E: Into<Failure>,
    {
        let Some(root) = self.folders()? else {
            return Ok(self.check()?);
        };
        self.give_if_worth_it(|| {
            self.write_folder(root, state, |files| write(files).map_err(Into::into))
        })
    }

    /// The state and the folder that an earlier run gave last, if there was one; see the example of
    /// [`Self::checkpoint_dir`].
    pub fn restored_dir<S: DeserializeOwned>(&self) -> Result<Option<(S, PathBuf)>, Failure> {
        if self.folders()?.is_none() {
            return Ok(None);
        }
        let restored = self.run.restored();
        let Some(dir) = restored.and_then(|checkpoint| checkpoint.dir.as_deref()) else {
            return Ok(None);
        };
        let files = manifest::files_in(dir);
        Ok(self.restored::<S>()?.map(|state| (state, files)))
    }

    /// Where this run keeps its folders, from now on; `None` if nothing is kept of it at all.
    fn folders(&self) -> Result<Option<&Path>, Failure> {
        match &self.run.setup.folders {
            Folders::At(root) => {
                self.here().keeps_folders.set(true);
                self.run.wait_for_checkpoint();
                Ok(Some(root))
            }
            Folders::NotKept => Ok(None),
            // Before the work, not when the first checkpoint is due, which may be an hour later.
            Folders::NotConfigured => Err(Failure::new(
                "CHECKPOINT_NO_FOLDER",
                "this kind keeps folders, and no folder for checkpoints is configured: set `Config::checkpoint_dir`",
            )),
        }
    }

    fn write_folder(
        &self,
        root: &Path,
        state: &impl Serialize,
        write: impl FnOnce(&Path) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.keep(state)?;
        // Without its folder the state is no checkpoint: the one before it stays.
        self.here().state.borrow_mut().fresh = false;
        let number = {
            let mut kept = self.here().state.borrow_mut();
            kept.folders += 1;
            kept.folders
        };
        let name = Name {
            run: self.run.setup.run,
            number,
        };
        let (unfinished, folder) = (root.join(name.unfinished()), root.join(name.finished()));
        let files = manifest::files_in(&unfinished);
        let made = fs::create_dir_all(&files).or_retry(NOT_WRITTEN);
        let written = made.and_then(|()| write(&files)).and_then(|()| {
            let rename = || -> io::Result<u64> {
                let state = self.here().state.borrow();
                let bytes = manifest::seal(&unfinished, &self.run.setup.origin, &state.value)?;
                fs::rename(&unfinished, &folder)?;
                open_patiently(|| File::open(root))?.sync_all()?;
                Ok(bytes)
            };
            rename().or_retry(NOT_WRITTEN)
        });
        if written.is_err() {
            // What could not be written is no checkpoint, and takes room that the next one needs; a
            // failure to remove it is no second one.
            let _ = fs::remove_dir_all(&unfinished);
            let _ = fs::remove_dir_all(&folder);
        }
        let written = written?;
        self.here().state.borrow_mut().fresh = true;
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
    pub(super) fn unfinished(self) -> String {
        format!(".{}", self.finished())
    }

    pub(super) fn finished(self) -> String {
        format!("{:06}-{:06}", self.run, self.number)
    }

    /// What a folder's name says, and whether it was written to its end.
    pub(crate) fn parse(name: &str) -> Option<(Self, bool)> {
        let (run, number) = name.strip_prefix('.').unwrap_or(name).split_once('-')?;
        let (run, number) = (run.parse().ok()?, number.parse().ok()?);
        Some((Self { run, number }, !name.starts_with('.')))
    }
}
