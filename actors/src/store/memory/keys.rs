//! Idempotency keys, each kept for a day.

use std::collections::{HashMap, VecDeque};

use impresario_api::{OperationId, Timestamp};

/// A caller that has not asked again within a day has given up.
const KEPT_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// Old keys that one start takes away: more than it adds, so they cannot pile up.
const PURGED_AT_ONCE: usize = 4;

/// What a key stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) id: OperationId,
    pub(super) fingerprint: u64,
    since: Timestamp,
}

/// The keys, and the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Keys {
    by_text: HashMap<String, Key>,
    by_age: VecDeque<(Timestamp, String)>,
}

impl Keys {
    /// What it stands for, however old it is.
    pub(super) fn get(&self, text: &str) -> Option<Key> {
        self.by_text.get(text).copied()
    }

    /// What it stands for, unless it is too old.
    pub(super) fn valid(&self, text: &str, now: Timestamp) -> Option<Key> {
        self.get(text).filter(|key| !is_old(key.since, now))
    }

    pub(super) fn insert(&mut self, text: &str, id: OperationId, fingerprint: u64, now: Timestamp) {
        let key = Key {
            id,
            fingerprint,
            since: now,
        };
        self.by_text.insert(text.to_owned(), key);
        self.by_age.push_back((now, text.to_owned()));
    }

    /// Takes a few of the oldest away.
    pub(super) fn purge(&mut self, now: Timestamp) {
        for _ in 0..PURGED_AT_ONCE {
            match self.by_age.pop_front_if(|(since, _)| is_old(*since, now)) {
                Some((since, text)) if self.get(&text).is_some_and(|key| key.since == since) => {
                    self.by_text.remove(&text);
                }
                Some(_) => {}
                None => return,
            }
        }
    }
}

fn is_old(since: Timestamp, now: Timestamp) -> bool {
    since.plus_millis(KEPT_MILLIS) <= now
}
