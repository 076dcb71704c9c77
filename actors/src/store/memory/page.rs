//! Pages: a walk over ids from the newest down, which leaps from one match to the next.

use std::sync::Arc;

use impresario_api::OperationId;

use super::index::{Ids, Index};
use super::tables::Tables;
use crate::store::{Page, Query, StoredOperation};

/// Totals that take a walk are counted up to here.
const MOST_COUNTED: usize = 1_000;
/// More rows than these with a text are not collected first; they are met soon on the way.
const MOST_COLLECTED: usize = 10_000;

impl Tables {
    /// A page, newest first.
    pub(super) fn page(&self, query: &Query) -> Page {
        let newest = OperationId::from_u64(u64::MAX);
        let from = query.before.map_or(Some(newest), before);
        let mut walk = Walk::new(self, query, from);
        let operations: Vec<_> = walk.by_ref().take(query.limit).cloned().collect();
        let more = walk.next().is_some();
        let (total, total_is_exact) = self.total(query);
        let live = self.index.shelves();
        let live = live.filter(|(_, status, _)| !status.is_ended());
        Page {
            operations,
            more,
            total,
            total_is_exact,
            active: live.map(|(.., ids)| ids.len() as u64).sum(),
        }
    }

    /// How many match, and whether that is all of them.
    fn total(&self, query: &Query) -> (u64, bool) {
        if query.label.is_none() && text(query).is_none() {
            let sets = shelves(&self.index, query);
            return (sets.map(|ids| ids.len() as u64).sum(), true);
        }
        let newest = OperationId::from_u64(u64::MAX);
        let found = Walk::new(self, query, Some(newest));
        let found = found.take(MOST_COUNTED + 1).count();
        (found.min(MOST_COUNTED) as u64, found <= MOST_COUNTED)
    }
}

/// The sets that pass the filters by kind and by status.
fn shelves<'a>(index: &'a Index, query: &'a Query) -> impl Iterator<Item = &'a Ids> {
    let sets = index.shelves();
    let sets = sets.filter(|(kind, status, _)| query.passes(kind, *status));
    let scheduled = index.scheduled();
    let scheduled = scheduled.filter(|(kind, _)| query.passes_scheduled(kind));
    sets.map(|(.., ids)| ids)
        .chain(scheduled.map(|(_, ids)| ids))
}

/// An empty text asks for nothing.
fn text(query: &Query) -> Option<&str> {
    query.text.as_deref().filter(|text| !text.is_empty())
}

/// The next older id that there can be.
fn before(id: OperationId) -> Option<OperationId> {
    id.as_u64().checked_sub(1).map(OperationId::from_u64)
}

/// Operations that match, newest first.
struct Walk<'a> {
    tables: &'a Tables,
    shelves: Union<'a>,
    label: Option<Union<'a>>,
    text: Option<Text<'a>>,
    /// Where it goes on; `None` at the end.
    from: Option<OperationId>,
}

impl<'a> Walk<'a> {
    fn new(tables: &'a Tables, query: &'a Query, from: Option<OperationId>) -> Self {
        let label = query.label.as_ref();
        let label = label.map(|(key, value)| tables.index.labelled(key, value));
        Self {
            tables,
            shelves: Union::of(shelves(&tables.index, query)),
            label: label.map(|ids| Union::of(ids.into_iter())),
            text: text(query).map(|text| Text::new(tables, text)),
            from,
        }
    }

    /// The newest id at or below `id` that every condition may still hold for.
    fn leap(&mut self, id: OperationId) -> Option<OperationId> {
        let mut id = self.shelves.at_most(id)?;
        if let Some(label) = &mut self.label {
            id = label.at_most(id)?;
        }
        if let Some(text) = &mut self.text {
            id = text.at_most(id)?;
        }
        Some(id)
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = &'a Arc<StoredOperation>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(from) = self.from {
            let id = self.leap(from);
            self.from = id;
            if let Some(id) = id
                && (id == from || self.leap(id) == Some(id))
            {
                self.from = before(id);
                return self.tables.rows.get(&id).map(|row| &row.stored.operation);
            }
        }
        None
    }
}

/// Several sets as one, each with the newest of its ids that has not been passed.
struct Union<'a> {
    sets: Vec<(&'a Ids, Option<OperationId>)>,
}

impl<'a> Union<'a> {
    fn of(sets: impl Iterator<Item = &'a Ids>) -> Self {
        Self {
            sets: sets.map(|ids| (ids, ids.last().copied())).collect(),
        }
    }

    /// The newest id at or below `id`, which never grows from call to call.
    fn at_most(&mut self, id: OperationId) -> Option<OperationId> {
        let mut newest = None;
        for (ids, head) in &mut self.sets {
            if head.is_some_and(|head| head > id) {
                *head = ids.range(..=id).next_back().copied();
            }
            newest = newest.max(*head);
        }
        newest
    }
}

/// Operations that a text stands for: a kind, the end of an id, the start of a label's value.
struct Text<'a> {
    tables: &'a Tables,
    text: &'a str,
    kind: Union<'a>,
    /// Oldest first; `None` when they are too many to collect.
    others: Option<Vec<OperationId>>,
}

impl<'a> Text<'a> {
    fn new(tables: &'a Tables, text: &'a str) -> Self {
        let index = &tables.index;
        let kind = index.shelves().filter(|(kind, ..)| *kind == text);
        let others = index.ending_in(text).chain(index.with_value(text));
        let mut others: Vec<_> = others.take(MOST_COLLECTED + 1).collect();
        let few = others.len() <= MOST_COLLECTED;
        others.sort_unstable();
        Self {
            tables,
            text,
            kind: Union::of(kind.map(|(.., ids)| ids)),
            others: few.then_some(others),
        }
    }

    fn at_most(&mut self, id: OperationId) -> Option<OperationId> {
        let Some(others) = &self.others else {
            return if self.matches(id) {
                Some(id)
            } else {
                before(id)
            };
        };
        let older = others.partition_point(|other| *other <= id);
        let other = older.checked_sub(1).map(|at| others[at]);
        other.max(self.kind.at_most(id))
    }

    fn matches(&self, id: OperationId) -> bool {
        self.tables.rows.get(&id).is_some_and(|row| {
            let operation = &row.stored.operation;
            let mut values = operation.labels.values();
            operation.kind == self.text
                || values.any(|value| value.starts_with(self.text))
                || (self.text.len() >= 4 && id.digits().ends_with(self.text))
                || id.to_string() == self.text
        })
    }
}
