//! Removes the folders of checkpoints that nobody needs any more, on a thread of its own: a big one
//! takes its time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use impresario_api::{OperationId, Status};

use crate::run::FolderName;
use crate::store::{Reader, SavedCheckpoint, StoredOperation};

/// The folders that may be removed.
enum Sweep {
    /// What the process before this one left: folders that were never finished, and those of
    /// operations that are no longer kept.
    Leftovers,
    /// Everything of an operation: it completed, is no longer kept, or has no checkpoint any more.
    All(OperationId),
    /// Folders older than this one, the oldest that is recorded.
    Before(OperationId, FolderName),
}

/// The way to the thread, which ends when the last one is dropped.
#[derive(Clone)]
pub(crate) struct Sweeper {
    /// `None` when no folders are kept.
    sender: Option<Sender<Sweep>>,
}

impl Sweeper {
    /// Starts it. `first` is older than every operation that this process records.
    pub(crate) fn start(
        root: Option<PathBuf>,
        reader: Arc<dyn Reader>,
        first: OperationId,
    ) -> io::Result<Self> {
        let Some(root) = root else {
            return Ok(Self { sender: None });
        };
        let (sender, receiver) = unbounded();
        let thread = std::thread::Builder::new().name("impresario-sweeper".to_owned());
        // It is not waited for: what a shutdown cuts short, the next start does.
        thread.spawn(move || sweep(&root, &*reader, first, &receiver))?;
        let sender = Some(sender);
        Ok(Self { sender })
    }

    /// What the process before this one left running is recorded as lost: what it left half written
    /// may go.
    pub(crate) fn recovered(&self) {
        if let Some(sender) = &self.sender {
            // The thread ends only when this handle does.
            let _ = sender.send(Sweep::Leftovers);
        }
    }

    /// An operation has changed: what its record no longer names may go.
    pub(crate) fn look(&self, operation: &StoredOperation) {
        let Some(sender) = &self.sender else { return };
        let mut folders = operation.checkpoints.iter().filter_map(name_of);
        let Some(oldest) = folders.next() else { return };
        let completed = operation.state.shown() == Status::Completed;
        let sweep = if completed {
            Sweep::All(operation.id)
        } else {
            Sweep::Before(operation.id, oldest)
        };
        // The thread ends only when this handle does.
        let _ = sender.send(sweep);
    }

    /// These, or their checkpoints, are no longer kept.
    pub(crate) fn forget(&self, ids: &[OperationId]) {
        for id in ids {
            if let Some(sender) = &self.sender {
                let _ = sender.send(Sweep::All(*id));
            }
        }
    }
}

fn name_of(checkpoint: &SavedCheckpoint) -> Option<FolderName> {
    let name = checkpoint.dir.as_deref()?.file_name()?.to_str()?;
    FolderName::parse(name).map(|(name, _)| name)
}

fn sweep(root: &Path, reader: &dyn Reader, first: OperationId, receiver: &Receiver<Sweep>) {
    while let Ok(sweep) = receiver.recv() {
        match sweep {
            Sweep::Leftovers => sweep_leftovers(root, reader, first),
            Sweep::All(id) => remove(&root.join(id.to_string())),
            Sweep::Before(id, oldest) => {
                remove_folders(&root.join(id.to_string()), |name, finished| {
                    finished && name < oldest
                });
            }
        }
    }
}

fn sweep_leftovers(root: &Path, reader: &dyn Reader, first: OperationId) {
    let Ok(entries) = fs::read_dir(root) else {
        return; // There is none yet.
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue; // Not made here.
        };
        match reader.operation(id).wait() {
            // A fork that will be recorded once the copy of its checkpoint is there.
            Ok(None) if id > first => {}
            Ok(None) => remove(&entry.path()),
            Ok(Some(operation)) if is_done_with(&operation) => remove(&entry.path()),
            Ok(Some(operation)) => {
                // A run of this process may be writing one of its own.
                let state = &operation.state;
                let running = state.shown().is_dispatched();
                remove_folders(&entry.path(), |name, finished| {
                    !finished && (name.run < state.run || (name.run == state.run && !running))
                });
            }
            Err(error) => log::warn!("{id}: leftovers of checkpoints stay: {error}"),
        }
    }
}

/// Whether its folders were to go, and a removal may have been cut short: nothing can go on from them.
fn is_done_with(operation: &StoredOperation) -> bool {
    match operation.state.shown() {
        Status::Completed => true,
        Status::Cancelled => !operation.state.has_checkpoint,
        _ => false,
    }
}

fn remove_folders(of: &Path, gone: impl Fn(FolderName, bool) -> bool) {
    let Ok(entries) = fs::read_dir(of) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let parsed = name.to_str().and_then(FolderName::parse);
        if parsed.is_some_and(|(name, finished)| gone(name, finished)) {
            remove(&entry.path());
        }
    }
}

fn remove(folder: &Path) {
    let removed = match fs::remove_dir_all(folder) {
        // Somebody has put a file there.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => fs::remove_file(folder),
        removed => removed,
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            log::warn!("{} stays: {error}", folder.display());
        }
        _ => {}
    }
}
