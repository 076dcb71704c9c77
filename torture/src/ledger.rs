//! What the server said, kept outside of it.

use std::collections::BTreeMap;

use serde_json::Value;

/// What is known of one operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// The start was acknowledged.
    pub(crate) acknowledged: bool,
    /// What it was started with, and by which key.
    pub(crate) iterations: u64,
    pub(crate) key: Option<(String, Value)>,
    /// Its events, as they were read last.
    pub(crate) events: Vec<Value>,
    /// The most complete checkpoint that was told.
    pub(crate) checkpoint: u64,
    /// A cancel was acknowledged as durable, and nobody has asked for a resume since.
    pub(crate) cancelled: bool,
    /// Somebody asked for a resume; it may have come through.
    pub(crate) resumed: bool,
}

/// All of them, by id.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) operations: BTreeMap<String, Known>,
    /// Starts with a key that were never answered: they may have been recorded.
    pub(crate) unanswered: Vec<(String, Value)>,
    /// Ids that this round has touched.
    pub(crate) touched: Vec<String>,
    pub(crate) acknowledged: u64,
    pub(crate) verbs: u64,
    pub(crate) replays: u64,
}

impl Ledger {
    pub(crate) fn touch(&mut self, id: &str) -> &mut Known {
        if !self.touched.iter().any(|one| one == id) {
            self.touched.push(id.to_owned());
        }
        self.operations.entry(id.to_owned()).or_default()
    }

    /// Any id, by chance.
    pub(crate) fn any(&self, random: &mut fastrand::Rng) -> Option<String> {
        // Mostly young ones: the others have long ended.
        let count = self.operations.len();
        let among = if random.u8(..4) == 0 {
            count
        } else {
            count.min(40)
        };
        if among == 0 {
            return None;
        }
        let place = count - 1 - random.usize(..among);
        self.operations.keys().nth(place).cloned()
    }
}
