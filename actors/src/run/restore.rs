//! From which checkpoint a run goes on: the newest that is whole and its own.

use impresario_api::{EventBody, RestoredData};
use serde::de::IgnoredAny;

use super::control::Folders;
use super::manifest::{Fault, Unusable};
use super::{Run, SavedCheckpoint, manifest};

/// Why a run must not begin.
#[derive(Debug)]
pub(crate) enum NoWayOn {
    /// It fails with this code, for this reason. Where its checkpoint should be there is another's, which tells
    /// that somebody has moved folders, and another one of them may be wrong as well; or it is a fork that
    /// would begin anew.
    Failed(&'static str, String),
    /// It was asked to stop while its checkpoint was read, which takes as long as that is large.
    Stopped,
}

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
            match self.check(&checkpoint) {
                Ok(()) => {
                    self.report(EventBody::Restored(RestoredData {
                        run: self.setup.run,
                        from_step: checkpoint.step.clone(),
                        metrics: checkpoint.metrics.clone(),
                    }));
                    return Some(checkpoint);
                }
                Err(Unusable::Fault(Fault::Damaged(fault))) => {
                    let at = checkpoint.at;
                    let message = format!("the checkpoint of {at} is skipped: {fault}");
                    self.warn("CHECKPOINT_DAMAGED".to_owned(), message);
                }
                Err(Unusable::Fault(Fault::Foreign(fault))) => {
                    let why = format!(
                        "the checkpoint of {} is not this operation's: {fault}; put its own folder back, or retry, which begins a new operation",
                        checkpoint.at
                    );
                    // It is looked for once.
                    let _ = self
                        .no_way_on
                        .set(NoWayOn::Failed("CHECKPOINT_FOREIGN", why));
                    return None;
                }
                Err(Unusable::NotRead) => {
                    let _ = self.no_way_on.set(NoWayOn::Stopped);
                    return None;
                }
            }
        }
        if self.setup.operation.forked_from.is_some() && !self.setup.checkpoints.is_empty() {
            let why = "no checkpoint of this fork is whole, and without one it would be another operation: fork the original once more";
            let _ = self
                .no_way_on
                .set(NoWayOn::Failed("CHECKPOINT_DAMAGED", why.to_owned()));
        }
        None
    }

    /// Why the run must not begin, if it must not.
    pub(crate) fn no_way_on(&self) -> Option<&NoWayOn> {
        self.restored();
        self.no_way_on.get()
    }

    /// The data folder may have been moved since: folders lie where this run's lie.
    fn find_folder(&self, checkpoint: &mut SavedCheckpoint) {
        if let (Folders::At(root), Some(dir)) = (&self.setup.folders, &mut checkpoint.dir)
            && let Some(name) = dir.file_name()
        {
            *dir = root.join(name);
        }
    }

    fn check(&self, checkpoint: &SavedCheckpoint) -> Result<(), Unusable> {
        if let Err(error) = rmp_serde::from_slice::<IgnoredAny>(&checkpoint.value) {
            let fault = format!("its state cannot be decoded: {error}");
            return Err(Fault::Damaged(fault).into());
        }
        let Some(dir) = checkpoint.dir.as_deref() else {
            return Ok(());
        };
        let is_asked_to_stop = || self.word().is_urgent() || self.word().rests();
        let origin = &self.setup.origin;
        manifest::check(dir, origin, &checkpoint.value, is_asked_to_stop)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;
    use std::sync::Arc;
    use std::time::Duration;

    use impresario_api::{StepCounts, StopVerb, Timestamp};
    use serde_json::Value;

    use super::*;
    use crate::LiveCount;
    use crate::operation::{Context, OperationInfo, RunEnd};
    use crate::rules::checkpoints::CheckpointTiming;
    use crate::run::control::RunSetup;
    use crate::run::execute::execute_in;
    use crate::run::manifest::Origin;
    use crate::supervision::metrics::CheckpointCosts;

    /// A run that goes on from a checkpoint with a folder in `root`.
    fn run(root: &std::path::Path) -> Arc<Run> {
        let origin = Origin {
            kind: "count".to_owned(),
            params: Arc::default(),
        };
        let folder = root.join("000001-000001");
        let value = rmp_serde::to_vec(&3).expect("encoded");
        fs::create_dir_all(manifest::files_in(&folder)).expect("writable");
        fs::write(manifest::files_in(&folder).join("large"), [7; 100]).expect("writable");
        manifest::seal(&folder, &origin, &value).expect("sealed");
        Run::new(RunSetup {
            operation: OperationInfo::unrecorded("a test"),
            run: 2,
            waiting: LiveCount::default(),
            threads: 1,
            checkpoint_timing: CheckpointTiming {
                every: Duration::from_secs(5),
                share: None,
            },
            checkpoint_costs: CheckpointCosts::default(),
            checkpoints: vec![SavedCheckpoint {
                at: Timestamp::default(),
                run: 1,
                step: StepCounts::new(),
                outermost: None,
                value: value.into(),
                dir: Some(folder),
                bytes: 100,
                metrics: std::collections::BTreeMap::new(),
            }],
            origin,
            finish_kept: false,
            folders: Folders::At(root.to_owned()),
        })
    }

    /// How a run ends that was asked for this before it began, and whether its function was called.
    fn ended(ask: impl Fn(&Run)) -> (RunEnd, bool) {
        let root = tempfile::tempdir().expect("a temporary folder");
        let run = run(root.path());
        ask(&run);
        let called = Cell::new(false);
        let ctx = Context::new(run);
        let finished = execute_in(&ctx, |_| {
            called.set(true);
            Ok(Value::Null)
        });
        assert_eq!(finished.checkpoint, None, "what is kept stays");
        (finished.end, called.get())
    }

    #[test]
    fn a_stop_is_heard_while_the_checkpoint_is_read_and_a_finish_waits() {
        for verb in [StopVerb::Cancel, StopVerb::Deadline, StopVerb::Pause] {
            let told = ended(|run| run.ask(verb));
            assert_eq!(told, (RunEnd::Stopped, false), "{verb:?}");
        }
        assert_eq!(ended(Run::shut_down), (RunEnd::Stopped, false));
        assert_eq!(ended(|_| {}), (RunEnd::Returned, true));
        let finish = ended(|run| run.ask(StopVerb::Finish));
        assert_eq!(finish, (RunEnd::Returned, true));
    }
}
