//! Idempotency keys, each kept for as long as the starts say, and no longer than its operation.

use std::collections::{BTreeMap, HashMap};

use impresario_api::{OperationId, Timestamp};

use crate::store::Idempotency;
use crate::store::engine::KnownKey;

/// Old keys that one start with a key takes away: more than it adds, so they cannot pile up.
const PURGED_AT_ONCE: usize = 4;

/// The keys, and how old they are: a clock that was set may have given the first ones the latest times.
#[derive(Debug, Default)]
pub(super) struct Keys {
    by_text: HashMap<String, KnownKey>,
    by_age: BTreeMap<(Timestamp, OperationId), String>,
}

impl Keys {
    /// What it stands for.
    pub(super) fn get(&self, text: &str) -> Option<KnownKey> {
        self.by_text.get(text).copied()
    }

    pub(super) fn insert(&mut self, given: &Idempotency, id: OperationId, at: Timestamp) {
        let key = KnownKey {
            id,
            fingerprint: given.fingerprint,
            at,
        };
        self.by_text.insert(given.key.clone(), key);
        self.by_age.insert((at, id), given.key.clone());
    }

    /// Takes away a few of those that were recorded at `since` or before it.
    pub(super) fn purge(&mut self, since: Timestamp) {
        for _ in 0..PURGED_AT_ONCE {
            let oldest = self.by_age.first_key_value();
            let Some((&age, _)) = oldest.filter(|((at, _), _)| *at <= since) else {
                return;
            };
            self.forget(age);
        }
    }

    /// The key of an operation that was recorded then goes, if it has one.
    pub(super) fn forget(&mut self, (at, id): (Timestamp, OperationId)) {
        let Some(text) = self.by_age.remove(&(at, id)) else {
            return;
        };
        // It may have been given again since, to another operation.
        if self.by_text.get(&text).is_some_and(|key| key.id == id) {
            self.by_text.remove(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn id(number: u64) -> OperationId {
        OperationId::from_u64(number)
    }

    fn give(keys: &mut Keys, text: &str, number: u64) {
        let given = Idempotency {
            key: text.to_owned(),
            fingerprint: 7,
            since: at(0),
        };
        keys.insert(&given, id(number), at(10 * number.cast_signed()));
    }

    #[test]
    fn a_key_goes_with_its_operation_however_young_it_is_and_with_no_other() {
        let mut keys = Keys::default();
        for number in 1..=100 {
            give(&mut keys, &number.to_string(), number);
        }
        // Given again, since the first one's operation is not kept.
        give(&mut keys, "1", 101);
        for number in 1..=100 {
            keys.forget((at(10 * number), id(number.cast_unsigned())));
        }
        assert_eq!(keys.get("1").map(|key| key.id), Some(id(101)));
        assert_eq!((keys.by_text.len(), keys.by_age.len()), (1, 1));
        keys.forget((at(1_010), id(101)));
        assert_eq!((keys.by_text.len(), keys.by_age.len()), (0, 0));
    }
}
