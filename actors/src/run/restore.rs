//! From which checkpoint a run goes on: the newest that is whole and its own.

use impresario_api::{EventBody, RestoredData};
use serde::de::IgnoredAny;

use super::control::Folders;
use super::manifest::Fault;
use super::{Run, SavedCheckpoint, manifest};
use crate::operation::Failure;

impl Run {
    /// The checkpoint that this run goes on from. The first call looks, on the function's own
    /// thread, for a folder may be large; what is skipped is told by a warning.
    pub(crate) fn restored(&self) -> Option<&SavedCheckpoint> {
        self.restored.get_or_init(|| self.choose()).as_ref()
    }

    fn choose(&self) -> Option<SavedCheckpoint> {
        for checkpoint in self.setup.checkpoints.iter().rev() {
            let mut checkpoint = checkpoint.clone();
            self.find_folder(&mut checkpoint);
            match self.fault(&checkpoint) {
                None => {
                    self.report(EventBody::Restored(RestoredData {
                        run: self.setup.run,
                        from_step: checkpoint.step.clone(),
                        metrics: checkpoint.metrics.clone(),
                    }));
                    return Some(checkpoint);
                }
                Some(Fault::Damaged(fault)) => {
                    let at = checkpoint.at;
                    let message = format!("the checkpoint of {at} is skipped: {fault}");
                    self.warn("CHECKPOINT_DAMAGED".to_owned(), message);
                }
                Some(Fault::Foreign(fault)) => {
                    let why = format!(
                        "the checkpoint of {} is not this operation's: {fault}; put its own folder back, or retry, which begins a new operation",
                        checkpoint.at
                    );
                    // It is looked for once.
                    let _ = self.no_way_on.set(("CHECKPOINT_FOREIGN", why));
                    return None;
                }
            }
        }
        if self.setup.operation.forked_from.is_some() && !self.setup.checkpoints.is_empty() {
            let why = "no checkpoint of this fork is whole, and without one it would be another operation: fork the original once more";
            let _ = self.no_way_on.set(("CHECKPOINT_DAMAGED", why.to_owned()));
        }
        None
    }

    /// Why the run must not begin. Where its checkpoint should be there is another's, which tells that
    /// somebody has moved folders, and another one of them may be wrong as well; or it is a fork that would
    /// begin anew.
    pub(crate) fn no_way_on(&self) -> Option<Failure> {
        self.restored();
        let (code, why) = self.no_way_on.get()?;
        Some(Failure::new(*code, why))
    }

    /// The data folder may have been moved since: folders lie where this run's lie.
    fn find_folder(&self, checkpoint: &mut SavedCheckpoint) {
        if let (Folders::At(root), Some(dir)) = (&self.setup.folders, &mut checkpoint.dir)
            && let Some(name) = dir.file_name()
        {
            *dir = root.join(name);
        }
    }

    fn fault(&self, checkpoint: &SavedCheckpoint) -> Option<Fault> {
        if let Err(error) = rmp_serde::from_slice::<IgnoredAny>(&checkpoint.value) {
            let fault = format!("its state cannot be decoded: {error}");
            return Some(Fault::Damaged(fault));
        }
        let dir = checkpoint.dir.as_deref()?;
        manifest::fault(dir, &self.setup.origin, &checkpoint.value)
    }
}
