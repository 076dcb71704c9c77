//! Reads from any thread, each under the lock for as long as it takes.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use impresario_api::{Event, OperationId, Status, Timestamp};

use super::lane::Lane;
use super::tables::Tables;
use super::torn;
use crate::rules::admission::Waiting;
use crate::store::{Answer, LAST_PLACE, Page, Query, Reader, StoredOperation};

/// A handle for reading.
#[derive(Debug)]
pub(super) struct MemoryReader {
    tables: Arc<RwLock<Tables>>,
}

impl MemoryReader {
    pub(super) const fn new(tables: Arc<RwLock<Tables>>) -> Self {
        Self { tables }
    }

    /// Reads under the lock.
    fn read<T>(&self, read: impl FnOnce(&Tables) -> T) -> Answer<'_, T> {
        let tables = self.tables.read().map_err(torn);
        Answer::at_hand(tables.map(|tables| read(&tables)))
    }
}

impl Reader for MemoryReader {
    fn operation(&self, id: OperationId) -> Answer<'_, Option<Arc<StoredOperation>>> {
        self.read(|tables| {
            let row = tables.rows.get(&id);
            row.map(|row| Arc::clone(&row.stored.operation))
        })
    }

    fn page(&self, query: &Query) -> Answer<'_, Page> {
        self.read(|tables| tables.page(query))
    }

    fn counts(&self) -> Answer<'_, BTreeMap<(String, Status), u64>> {
        self.read(|tables| {
            let sets = tables.index.shelves();
            sets.map(|(kind, status, ids)| ((kind.to_owned(), status), ids.len() as u64))
                .collect()
        })
    }

    fn events(
        &self,
        id: OperationId,
        since: u64,
        limit: usize,
        types: &[&str],
    ) -> Answer<'_, Vec<Arc<Event>>> {
        self.read(|tables| {
            let events = tables.rows.get(&id).map(|row| row.events.as_slice());
            let events = events.unwrap_or_default().iter();
            let since = usize::try_from(since).unwrap_or(usize::MAX);
            let asked =
                |event: &&Arc<Event>| types.is_empty() || types.contains(&event.body.type_name());
            let events = events.skip(since).filter(asked);
            events.take(limit).cloned().collect()
        })
    }

    fn events_since_cursor(&self, since: u64, limit: usize) -> Answer<'_, Vec<Arc<Event>>> {
        self.read(|tables| {
            let events = tables.log.range(since.saturating_add(1)..);
            let events = events.map(|(_, event)| Arc::clone(event));
            events.take(limit).collect()
        })
    }

    fn cursor(&self) -> Answer<'_, u64> {
        self.read(|tables| tables.cursor)
    }

    fn queue(&self, lane: &str, now: Timestamp) -> Answer<'_, Vec<OperationId>> {
        self.read(|tables| {
            let lane = tables.lanes.get(lane);
            lane.map_or_else(Vec::new, |lane| lane.queue(now, LAST_PLACE))
        })
    }

    fn oldest_due(&self, lane: &str, now: Timestamp) -> Answer<'_, Option<Timestamp>> {
        self.read(|tables| tables.lanes.get(lane).and_then(|lane| lane.oldest_due(now)))
    }

    fn waiting(&self, lane: &str) -> Answer<'_, Waiting> {
        self.read(|tables| {
            let lane = tables.lanes.get(lane);
            lane.map_or_else(Waiting::default, Lane::waiting)
        })
    }

    fn ended(&self, from: Timestamp, until: Timestamp) -> Answer<'_, BTreeMap<(i64, Status), u64>> {
        self.read(|tables| {
            let first = OperationId::from_u64(0);
            let mut counts = BTreeMap::new();
            for (at, id) in tables.ended.range((from, first)..(until, first)) {
                if let Some(row) = tables.rows.get(id) {
                    let status = row.stored.operation.state.shown();
                    *counts.entry((at.minute(), status)).or_default() += 1;
                }
            }
            counts
        })
    }

    fn idempotent(&self, key: &str, since: Timestamp) -> Answer<'_, Option<(OperationId, u64)>> {
        self.read(|tables| {
            let known = tables.keys.get(key).filter(|known| known.at > since)?;
            let is_kept = tables.rows.contains_key(&known.id);
            is_kept.then_some((known.id, known.fingerprint))
        })
    }

    fn size(&self) -> Answer<'_, (u64, u64)> {
        self.read(|tables| (tables.rows.len() as u64, tables.bytes))
    }
}
