//! Idempotency keys, each kept for as long as the starts say.

use std::collections::{HashMap, VecDeque};

use impresario_api::{OperationId, Timestamp};

use crate::store::Idempotency;

/// Old keys that one start with a key takes away: more than it adds, so they cannot pile up.
const PURGED_AT_ONCE: usize = 4;

/// What a key stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) id: OperationId,
    pub(super) fingerprint: u64,
    at: Timestamp,
}

/// The keys, and the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Keys {
    by_text: HashMap<String, Key>,
    by_age: VecDeque<(Timestamp, String)>,
}

impl Keys {
    /// What it stands for, if it was recorded after `since`.
    pub(super) fn get(&self, text: &str, since: Timestamp) -> Option<Key> {
        let key = self.by_text.get(text).copied();
        key.filter(|key| key.at > since)
    }

    pub(super) fn insert(&mut self, given: &Idempotency, id: OperationId, at: Timestamp) {
        let key = Key {
            id,
            fingerprint: given.fingerprint,
            at,
        };
        self.by_text.insert(given.key.clone(), key);
        self.by_age.push_back((at, given.key.clone()));
    }

    /// Takes away a few of those that were recorded at `since` or before it.
    pub(super) fn purge(&mut self, since: Timestamp) {
        for _ in 0..PURGED_AT_ONCE {
            let Some((at, text)) = self.by_age.pop_front_if(|(at, _)| *at <= since) else {
                return;
            };
            // It may have been given again since, to another operation.
            if self.by_text.get(&text).is_some_and(|key| key.at == at) {
                self.by_text.remove(&text);
            }
        }
    }
}
