//! What carries a run: the word by which it is controlled, its counts and reports, its checkpoints and
//! folders, and how its thread yields the core.

pub(crate) mod checkpoint;
pub(crate) mod control;
pub(crate) mod copy;
pub(crate) mod execute;
pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod manifest;
pub(crate) mod progress_counters;
pub(crate) mod reports;
mod restore;
pub(crate) mod texts;
pub(crate) mod yielding;

pub use checkpoint::SavedCheckpoint;
pub(crate) use control::{Folders, Run, RunSetup};
pub(crate) use execute::{Finished, execute};
pub(crate) use folder::Name as FolderName;
pub(crate) use manifest::Origin;
