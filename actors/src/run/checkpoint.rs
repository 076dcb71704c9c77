//! State from which a later run goes on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use impresario_api::Timestamp;
use serde::{Deserialize, Serialize};

/// A checkpoint as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedCheckpoint {
    /// When it was taken.
    pub at: Timestamp,
    /// The run that took it.
    pub run: u32,
    /// How many of each step were complete.
    pub step: BTreeMap<String, u64>,
    /// The function's state, MessagePack with field names.
    pub value: Arc<[u8]>,
    /// The folder that belongs to it.
    pub dir: Option<PathBuf>,
    /// Value and folder together.
    pub bytes: u64,
    /// The last step of each metric reported when it was taken.
    pub metrics: BTreeMap<String, u64>,
}
