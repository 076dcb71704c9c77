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
                Some(Fault::Damaged(fault)) => self.warn(
                    "CHECKPOINT_DAMAGED".to_owned(),
                    format!("the checkpoint of {} is skipped: {fault}", checkpoint.at),
                ),
                Some(Fault::Foreign(fault)) => {
                    // It is looked for once.
                    let _ = self.foreign_checkpoint.set(format!(
                        "the checkpoint of {} is not this operation's: {fault}; put its own folder back, or retry, which begins a new operation",
                        checkpoint.at
                    ));
                    return None;
                }
            }
        }
        None
    }

    /// Why the run must not begin: where its checkpoint should be there is another's, which tells that
    /// somebody has moved folders, and another one of them may be wrong as well.
    pub(crate) fn foreign_checkpoint(&self) -> Option<Failure> {
        self.restored();
        let why = self.foreign_checkpoint.get()?;
        Some(Failure::new("CHECKPOINT_FOREIGN", why))
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
