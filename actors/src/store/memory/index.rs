//! By what operations are found, newest first: kind and status, label, and text.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Bound, RangeInclusive};

use impresario_api::{OperationId, Status};

use crate::store::StoredOperation;

/// Ids, oldest first.
pub(super) type Ids = BTreeSet<OperationId>;

/// The ids of one kind by shown status, in the order of [`Status::ALL`].
pub(super) type Shelf = [Ids; Status::ALL.len()];

/// Every index that a page may be found by.
#[derive(Debug, Default)]
pub(super) struct Index {
    kinds: BTreeMap<String, Shelf>,
    /// Pending ones whose time has not come, as of the last promotion, by kind.
    scheduled: BTreeMap<String, Ids>,
    labels: HashMap<String, BTreeMap<String, Ids>>,
    /// Of labels, whatever their key.
    values: BTreeMap<String, Ids>,
    /// Ids by their digits from the last to the first: those with one ending are neighbours.
    endings: BTreeSet<u64>,
}

impl Index {
    /// What never changes of an operation.
    pub(super) fn add(&mut self, operation: &StoredOperation) {
        self.endings.insert(turned(operation.id));
        for (key, value) in &operation.labels {
            let values = self.labels.entry(key.clone()).or_default();
            for index in [values, &mut self.values] {
                let ids = index.entry(value.clone()).or_default();
                ids.insert(operation.id);
            }
        }
    }

    /// Takes away what [`Self::add`] added.
    pub(super) fn forget(&mut self, operation: &StoredOperation) {
        self.endings.remove(&turned(operation.id));
        for (key, value) in &operation.labels {
            forget_value(&mut self.values, value, operation.id);
            if let Some(values) = self.labels.get_mut(key) {
                forget_value(values, value, operation.id);
                if values.is_empty() {
                    self.labels.remove(key);
                }
            }
        }
    }

    pub(super) fn insert(&mut self, kind: &str, status: Status, id: OperationId) {
        if let Some(shelf) = self.kinds.get_mut(kind) {
            shelf[status as usize].insert(id);
        } else {
            let shelf = self.kinds.entry(kind.to_owned()).or_default();
            shelf[status as usize].insert(id);
        }
    }

    pub(super) fn remove(&mut self, kind: &str, status: Status, id: OperationId) {
        if let Some(shelf) = self.kinds.get_mut(kind) {
            shelf[status as usize].remove(&id);
        }
    }

    /// Every set of one kind and one status that is not empty.
    pub(super) fn shelves(&self) -> impl Iterator<Item = (&str, Status, &Ids)> {
        self.kinds.iter().flat_map(|(kind, shelf)| {
            let sets = Status::ALL.iter().zip(shelf);
            let sets = sets.filter(|(_, ids)| !ids.is_empty());
            sets.map(move |(status, ids)| (kind.as_str(), *status, ids))
        })
    }

    /// One waits for its time.
    pub(super) fn schedule(&mut self, operation: &StoredOperation) {
        let ids = self.scheduled.entry(operation.kind.clone()).or_default();
        ids.insert(operation.id);
    }

    /// One waits for its time no more.
    pub(super) fn promote(&mut self, operation: &StoredOperation) {
        if let Some(ids) = self.scheduled.get_mut(&operation.kind) {
            ids.remove(&operation.id);
        }
    }

    /// Those that wait for their time, by kind.
    pub(super) fn scheduled(&self) -> impl Iterator<Item = (&str, &Ids)> {
        let kinds = self.scheduled.iter();
        kinds.map(|(kind, ids)| (kind.as_str(), ids))
    }

    /// The ids that have a label.
    pub(super) fn labelled(&self, key: &str, value: &str) -> Option<&Ids> {
        self.labels.get(key)?.get(value)
    }

    /// Ids with a label whose value starts with `text`, in no order that matters.
    pub(super) fn with_value(&self, text: &str) -> impl Iterator<Item = OperationId> {
        let from = (Bound::Included(text), Bound::Unbounded);
        let values = self.values.range::<str, _>(from);
        let values = values.take_while(move |(value, _)| value.starts_with(text));
        values.flat_map(|(_, ids)| ids.iter().copied())
    }

    /// Ids that end in `text`, in no order that matters.
    pub(super) fn ending_in(&self, text: &str) -> impl Iterator<Item = OperationId> {
        let range = ending(text).map(|range| self.endings.range(range));
        range
            .into_iter()
            .flatten()
            .map(|turned| turned_back(*turned))
    }
}

fn forget_value(values: &mut BTreeMap<String, Ids>, value: &str, id: OperationId) {
    if let Some(ids) = values.get_mut(value) {
        ids.remove(&id);
        if ids.is_empty() {
            values.remove(value);
        }
    }
}

/// Whole digits of 5 bits below the first one, which has 3.
const WHOLE_DIGITS: u32 = 12;
const BITS: u32 = 63;

/// The digits of an id in turned order, as an integer of as many bits.
fn turned(id: OperationId) -> u64 {
    let digit = |place: u32| id.as_u64() >> (5 * place) & 31;
    let low = (0..WHOLE_DIGITS).fold(0, |turned, place| turned << 5 | digit(place));
    low << 3 | digit(WHOLE_DIGITS)
}

fn turned_back(turned: u64) -> OperationId {
    let digit = |place: u32| turned >> (3 + 5 * place) & 31;
    let low = (0..WHOLE_DIGITS).fold(0, |id, place| {
        id | digit(place) << (5 * (WHOLE_DIGITS - 1 - place))
    });
    OperationId::from_u64((turned & 7) << 60 | low)
}

/// Where the ids that end in `text` stand; `None` when no id can.
fn ending(text: &str) -> Option<RangeInclusive<u64>> {
    let whole = text.strip_prefix("op_");
    let digits = whole.unwrap_or(text);
    if digits.len() < 4 || (whole.is_some() && digits.len() < 13) {
        return None;
    }
    let id: OperationId = format!("op_{digits:0>13}").parse().ok()?;
    let open = BITS.saturating_sub(5 * digits.len() as u32);
    let from = turned(id) >> open << open;
    Some(from..=from | ((1 << open) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turned_digits_come_back() {
        for value in [0, 1, 31, 1 << 62, 0x0123_4567_89ab_cdef, u64::MAX >> 1] {
            let id = OperationId::from_u64(value);
            assert_eq!(turned_back(turned(id)), id);
        }
    }

    #[test]
    fn an_ending_holds_the_ids_that_end_so() {
        let id = OperationId::from_u64(0x0123_4567_89ab_cdef);
        let other = OperationId::from_u64(0x0123_4567_89ab_cdee);
        for from in 0..=9 {
            let range = ending(&id.digits()[from..]).expect("digits of an id");
            assert!(range.contains(&turned(id)) && !range.contains(&turned(other)));
        }
        assert_eq!(ending(&id.to_string()), Some(turned(id)..=turned(id)));
        for text in ["", "0", "abc", "loud", "op_abcd", "01234567890123"] {
            assert_eq!(ending(text), None, "{text}");
        }
    }
}
