//! Forks: a new operation goes on from a checkpoint of another one.

use std::path::PathBuf;
use std::sync::Arc;

use impresario_api::{CheckpointChoice, ForkedFrom, OperationId};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::options::Predecessor;
use super::{Options, Orchestrator, Started};
use crate::Error;
use crate::locks::lock;
use crate::rules::forking;
use crate::rules::lifecycle::Recorded;
use crate::run::copy::{NotCopied, copy_folder};
use crate::run::{Origin, SavedCheckpoint};
use crate::store::{Fork, StoredOperation};
use crate::supervision::sweeper::Sweeper;

/// How often a checkpoint is chosen anew because newer ones have replaced it while it was copied.
const TRIES: u32 = 5;

impl Orchestrator {
    /// Starts a new operation that goes on from a kept checkpoint of another one, which stays as it is,
    /// with some of its params changed. Judged as a start is; the kind says which params may change
    /// ([`Policy::fork_may_change`](crate::operation::Policy::fork_may_change)). Options that are left out
    /// are those of the original.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// use impresario::api::CheckpointChoice;
    /// use impresario::serde_json::Map;
    ///
    /// let id = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?.id;
    /// # orchestrator.wait_until(id, impresario::Until::Ended, std::time::Duration::from_secs(60)).await?;
    /// let further = Map::from_iter([("n".to_owned(), 5.into())]);
    /// let fork = orchestrator.fork(id, CheckpointChoice::Latest, further, Options::default()).await?;
    /// assert_eq!(fork.forked_from.map(|from| from.operation_id), Some(id));
    /// # orchestrator.wait_until(fork.id, impresario::Until::Ended, std::time::Duration::from_secs(60)).await?;
    /// assert_eq!(orchestrator.result(fork.id).await?, 5);
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn fork(
        &self,
        id: OperationId,
        checkpoint: CheckpointChoice,
        params: Map<String, Value>,
        options: Options,
    ) -> Result<Started, Error> {
        let original = self.operation(id).await?;
        let kind = Arc::clone(self.kind(&original.kind)?);
        let may_change = &kind.policy().fork_may_change;
        let params = forking::changed(&original.params, params, may_change);
        let params = self
            .checked(&kind, params.map_err(Error::InvalidParams)?)
            .await?;
        options.check()?;
        let options = options.like(&original);
        let of = Predecessor::Forked { of: id, checkpoint };
        self.submit(&kind, params, options, Some(of)).await
    }

    /// A kept checkpoint as the first one of the operation `id`, which is not recorded yet.
    pub(super) async fn forked_checkpoint(
        &self,
        of: OperationId,
        choice: &CheckpointChoice,
        id: OperationId,
        params: &Arc<Value>,
    ) -> Result<(Fork, CopiedFolder), Error> {
        let sweeper = lock(&self.0.sweeper).clone().ok_or_else(|| self.gone())?;
        let mut folder = CopiedFolder {
            of: id,
            sweeper,
            is_needed: false,
        };
        let mut original = self.operation(of).await?;
        let mut tries = TRIES;
        loop {
            let kept = original.kept_checkpoints();
            let candidates = forking::candidates(&kept, choice);
            if candidates.is_empty() {
                return Err(no_checkpoint(&original, choice));
            }
            let candidates: Vec<_> = candidates.into_iter().cloned().collect();
            let copying = Copying {
                root: self.0.config.checkpoint_dir.clone(),
                original: Arc::clone(&original),
                id,
                params: Arc::clone(params),
            };
            // It goes along, so that nothing stays if nobody waits for the copy any more.
            let copy = move || (copying.first_whole(&candidates), folder);
            let (copied, back) = self.0.blocking.run(copy).await?;
            folder = back;
            let fault = match copied {
                Ok(fork) => return Ok((fork, folder)),
                Err(NotCopied::Copy(error)) => {
                    return Err(Error::CheckpointNotWritten(error.to_string()));
                }
                Err(NotCopied::Foreign(fault)) => return Err(Error::CheckpointForeign(fault)),
                Err(NotCopied::Source(fault)) => fault,
            };
            tries -= 1;
            let newer = self.operation(of).await?;
            if tries == 0 || newer.kept_checkpoints() == original.kept_checkpoints() {
                return Err(Error::CheckpointDamaged(fault));
            }
            original = newer;
        }
    }
}

fn no_checkpoint(original: &StoredOperation, choice: &CheckpointChoice) -> Error {
    let kept = original.kept_checkpoints();
    let completed = original.state.status == Recorded::Completed;
    let removed = completed && kept.is_empty() && !original.checkpoints.is_empty();
    Error::NoCheckpoint {
        message: forking::nothing(&kept, choice, removed),
        kept: kept.iter().rev().map(|one| one.step.clone()).collect(),
    }
}

/// What makes a checkpoint of one operation that of a new one.
struct Copying {
    /// Where the folders of all operations are kept.
    root: Option<PathBuf>,
    original: Arc<StoredOperation>,
    /// The new operation.
    id: OperationId,
    params: Arc<Value>,
}

impl Copying {
    /// The first of these checkpoints that is whole; or what is wrong with every one.
    fn first_whole(&self, candidates: &[SavedCheckpoint]) -> Result<Fork, NotCopied> {
        let mut faults = Vec::new();
        for checkpoint in candidates {
            match self.copied(checkpoint) {
                Ok(dir) => return Ok(self.fork(checkpoint, dir)),
                Err(NotCopied::Source(fault)) => faults.push(fault),
                Err(failure) => return Err(failure),
            }
        }
        Err(NotCopied::Source(faults.join("; ")))
    }

    /// Where the copy of its folder lies, if it has one.
    fn copied(&self, checkpoint: &SavedCheckpoint) -> Result<Option<PathBuf>, NotCopied> {
        if let Err(error) = rmp_serde::from_slice::<IgnoredAny>(&checkpoint.value) {
            return Err(NotCopied::Source(format!(
                "its state cannot be decoded: {error}"
            )));
        }
        let Some(dir) = &checkpoint.dir else {
            return Ok(None);
        };
        let (Some(root), Some(name)) = (&self.root, dir.file_name()) else {
            let fault = "no folder for checkpoints is configured, so that its files cannot be read";
            return Err(NotCopied::Source(fault.to_owned()));
        };
        let origin = |params: &Arc<Value>| Origin {
            kind: self.original.kind.clone(),
            params: Arc::clone(params),
        };
        let of = |id: OperationId| root.join(id.to_string());
        let folder = of(self.original.id).join(name);
        let (from, to) = (origin(&self.original.params), origin(&self.params));
        copy_folder(&folder, &from, &of(self.id), &to, &checkpoint.value).map(Some)
    }

    fn fork(&self, checkpoint: &SavedCheckpoint, dir: Option<PathBuf>) -> Fork {
        Fork {
            from: ForkedFrom {
                operation_id: self.original.id,
                step: checkpoint.step.clone(),
                at: checkpoint.at,
                run: checkpoint.run,
            },
            checkpoint: SavedCheckpoint {
                run: 0,
                dir,
                ..checkpoint.clone()
            },
        }
    }
}

/// The folder of an operation that may not come to be recorded. It is removed with this value unless it is
/// needed.
pub(super) struct CopiedFolder {
    of: OperationId,
    sweeper: Sweeper,
    is_needed: bool,
}

impl CopiedFolder {
    /// The start is on its way to the store. Where nobody hears what came of it, the folder stays; if the
    /// operation was not recorded, the next process removes it.
    pub(super) fn may_be_needed(&mut self) {
        self.is_needed = true;
    }

    /// The start was not recorded.
    pub(super) fn not_needed(mut self) {
        self.is_needed = false;
    }
}

impl Drop for CopiedFolder {
    fn drop(&mut self) {
        if !self.is_needed {
            self.sweeper.forget(&[self.of]);
        }
    }
}
