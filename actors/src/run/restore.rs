//! From which checkpoint a run goes on: the newest that is whole and its own.

use impresario_api::{EventBody, RestoredData};
use serde::de::IgnoredAny;

use super::control::Folders;
use super::{Run, SavedCheckpoint, manifest};

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
            let Some(fault) = self.fault(&checkpoint) else {
                self.report(EventBody::Restored(RestoredData {
                    run: self.setup.run,
                    from_step: checkpoint.step.clone(),
                    metrics: checkpoint.metrics.clone(),
                }));
                return Some(checkpoint);
            };
            self.warn(
                "CHECKPOINT_DAMAGED".to_owned(),
                format!("the checkpoint of {} is skipped: {fault}", checkpoint.at),
            );
        }
        None
    }

    /// The data folder may have been moved since: folders lie where this run's lie.
    fn find_folder(&self, checkpoint: &mut SavedCheckpoint) {
        if let (Folders::At(root), Some(dir)) = (&self.setup.folders, &mut checkpoint.dir)
            && let Some(name) = dir.file_name()
        {
            *dir = root.join(name);
        }
    }

    fn fault(&self, checkpoint: &SavedCheckpoint) -> Option<String> {
        if let Err(error) = rmp_serde::from_slice::<IgnoredAny>(&checkpoint.value) {
            return Some(format!("its state cannot be decoded: {error}"));
        }
        let dir = checkpoint.dir.as_deref()?;
        manifest::fault(dir, &self.setup.origin, &checkpoint.value)
    }
}
