//! State from which a later run goes on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use impresario_api::{StepCounts, Timestamp};
use serde::{Deserialize, Serialize};

/// A checkpoint as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedCheckpoint {
    /// When it was taken.
    pub at: Timestamp,
    /// The run that took it.
    pub run: u32,
    /// How many of each step were complete, outermost first.
    pub step: StepCounts,
    /// The name of the outermost loop that was open.
    #[serde(default)]
    pub outermost: Option<String>,
    /// The function's state, MessagePack with field names.
    pub value: Arc<[u8]>,
    /// The folder that belongs to it.
    pub dir: Option<PathBuf>,
    /// Value and folder together.
    pub bytes: u64,
    /// The last step of each metric reported when it was taken.
    pub metrics: BTreeMap<String, u64>,
}

impl SavedCheckpoint {
    /// How many steps of the outermost loop were complete. One that was kept before that loop's name was
    /// recorded says so where it has a single loop.
    pub(crate) fn outermost_steps(&self) -> Option<u64> {
        match &self.outermost {
            Some(name) => self.step.get(name).copied(),
            None if self.step.len() == 1 => self.step.values().next().copied(),
            None => None,
        }
    }
}
