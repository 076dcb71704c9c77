//! What a run in place leaves, and whose it is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::operation::SavedCheckpoint;

/// A checkpoint of a run in place, and whose it is: only a run of the same kind with the same params goes on
/// from it. It can be kept in a file.
///
/// ```
/// # use impresario::operation::SyncCheckpoint;
/// use impresario::serde_json;
///
/// fn keep(checkpoint: &SyncCheckpoint, file: &std::path::Path) -> std::io::Result<()> {
///     // A rename, so that the file is always a whole one.
///     let newer = file.with_extension("newer");
///     std::fs::write(&newer, serde_json::to_vec(checkpoint)?)?;
///     std::fs::rename(newer, file)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SyncCheckpoint {
    /// The kind of the run that left it.
    pub kind: String,
    /// The params of that run, with defaults filled in.
    pub params: Arc<Value>,
    /// What a later run goes on from.
    pub saved: SavedCheckpoint,
}

/// Whose the checkpoints of a run are.
pub(super) struct Of {
    pub(super) kind: &'static str,
    pub(super) params: Arc<Value>,
}

impl Of {
    pub(super) fn checkpoint(&self, saved: SavedCheckpoint) -> SyncCheckpoint {
        SyncCheckpoint {
            kind: self.kind.to_owned(),
            params: Arc::clone(&self.params),
            saved,
        }
    }

    /// Why a checkpoint is that of another, if it is.
    pub(super) fn foreign(&self, checkpoint: &SyncCheckpoint) -> Option<String> {
        if checkpoint.kind != self.kind {
            return Some(format!(
                "the checkpoint is one of the kind {:?}, not of {:?}",
                checkpoint.kind, self.kind
            ));
        }
        if checkpoint.params == self.params {
            return None;
        }
        let differ = differing(&checkpoint.params, &self.params);
        let which = match differ.as_slice() {
            [] => String::new(),
            names => format!(": {} had another value", names.join(", ")),
        };
        let kind = self.kind;
        Some(format!(
            "the checkpoint is one of {kind:?} with other params{which}"
        ))
    }
}

/// The names of the params that differ.
fn differing(one: &Value, other: &Value) -> Vec<String> {
    let (Value::Object(one), Value::Object(other)) = (one, other) else {
        return Vec::new();
    };
    let added = other.keys().filter(|name| !one.contains_key(*name));
    let names = one.keys().chain(added);
    let differ = names.filter(|name| one.get(*name) != other.get(*name));
    differ.cloned().collect()
}
