//! Reads from any thread, each under the lock for as long as it takes.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock, RwLockReadGuard};

use impresario_api::{Event, OperationId, Status, Timestamp};

use super::lane::Lane;
use super::tables::Tables;
use super::torn;
use crate::rules::admission::Waiting;
use crate::store::{LAST_PLACE, Operation, Page, Query, Reader, StoreError};

/// A handle for reading.
#[derive(Debug)]
pub(super) struct MemoryReader {
    tables: Arc<RwLock<Tables>>,
}

impl MemoryReader {
    pub(super) const fn new(tables: Arc<RwLock<Tables>>) -> Self {
        Self { tables }
    }

    fn tables(&self) -> Result<RwLockReadGuard<'_, Tables>, StoreError> {
        self.tables.read().map_err(torn)
    }
}

impl Reader for MemoryReader {
    fn operation(&self, id: OperationId) -> Result<Option<Arc<Operation>>, StoreError> {
        let tables = self.tables()?;
        Ok(tables
            .rows
            .get(&id)
            .map(|row| Arc::clone(&row.stored.operation)))
    }

    fn page(&self, query: &Query) -> Result<Page, StoreError> {
        Ok(self.tables()?.page(query))
    }

    fn counts(&self) -> Result<BTreeMap<(String, Status), u64>, StoreError> {
        let tables = self.tables()?;
        let sets = tables.index.shelves();
        Ok(sets
            .map(|(kind, status, ids)| ((kind.to_owned(), status), ids.len() as u64))
            .collect())
    }

    fn events(
        &self,
        id: OperationId,
        since: u64,
        limit: usize,
        types: &[&str],
    ) -> Result<Vec<Arc<Event>>, StoreError> {
        let tables = self.tables()?;
        let events = tables.rows.get(&id).map(|row| row.events.as_slice());
        let events = events.unwrap_or_default().iter();
        let since = usize::try_from(since).unwrap_or(usize::MAX);
        let asked =
            |event: &&Arc<Event>| types.is_empty() || types.contains(&event.body.type_name());
        Ok(events
            .skip(since)
            .filter(asked)
            .take(limit)
            .cloned()
            .collect())
    }

    fn events_since_cursor(&self, since: u64, limit: usize) -> Result<Vec<Arc<Event>>, StoreError> {
        let tables = self.tables()?;
        let events = tables.log.range(since.saturating_add(1)..);
        Ok(events
            .take(limit)
            .map(|(_, event)| Arc::clone(event))
            .collect())
    }

    fn latest(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.tables()?.latest)
    }

    fn newest(&self) -> Result<Option<OperationId>, StoreError> {
        Ok(self.tables()?.newest)
    }

    fn cursor(&self) -> Result<u64, StoreError> {
        Ok(self.tables()?.cursor)
    }

    fn queue(&self, lane: &str, now: Timestamp) -> Result<Vec<OperationId>, StoreError> {
        let tables = self.tables()?;
        let lane = tables.lanes.get(lane);
        Ok(lane.map_or_else(Vec::new, |lane| lane.queue(now, LAST_PLACE)))
    }

    fn oldest_due(&self, lane: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let tables = self.tables()?;
        Ok(tables.lanes.get(lane).and_then(|lane| lane.oldest_due(now)))
    }

    fn waiting(&self, lane: &str) -> Result<Waiting, StoreError> {
        let tables = self.tables()?;
        let lane = tables.lanes.get(lane);
        Ok(lane.map_or_else(Waiting::default, Lane::waiting))
    }

    fn ended(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeMap<(i64, Status), u64>, StoreError> {
        let tables = self.tables()?;
        let first = OperationId::from_u64(0);
        let mut counts = BTreeMap::new();
        for (at, id) in tables.ended.range((from, first)..(until, first)) {
            if let Some(row) = tables.rows.get(id) {
                let status = row.stored.operation.state.shown();
                *counts.entry((at.minute(), status)).or_default() += 1;
            }
        }
        Ok(counts)
    }

    fn idempotent(
        &self,
        key: &str,
        since: Timestamp,
    ) -> Result<Option<(OperationId, u64)>, StoreError> {
        let tables = self.tables()?;
        let known = tables.keys.get(key).filter(|known| known.at > since);
        let known = known.filter(|known| tables.rows.contains_key(&known.id));
        Ok(known.map(|known| (known.id, known.fingerprint)))
    }

    fn size(&self) -> Result<(u64, u64), StoreError> {
        let tables = self.tables()?;
        Ok((tables.rows.len() as u64, tables.bytes))
    }
}
