//! Stores whose commits, or reads, a test scripts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use impresario::rules::admission::Waiting;
use impresario::store::{
    Command, MemoryStore, Operation, Outcome, Page, Query, Reader, Store, StoreError,
};
use impresario_api::{Event, OperationId, Status, Timestamp};

/// A store in memory, on a thread of its own, whose commits pass through a test's hands.
pub(crate) struct Scripted<F> {
    pub(crate) store: MemoryStore,
    pub(crate) script: F,
}

impl<F> Store for Scripted<F>
where
    F: FnMut(&mut MemoryStore, &[Command]) -> Result<Vec<Outcome>, StoreError> + Send + 'static,
{
    fn engine(&self) -> &'static str {
        "scripted"
    }

    fn commit(&mut self, batch: &[Command]) -> Result<Vec<Outcome>, StoreError> {
        (self.script)(&mut self.store, batch)
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.store.reader()
    }
}

/// A switch that cuts a store off, and a store that it cuts off.
pub(crate) fn cut() -> (Arc<AtomicBool>, impl Store) {
    let out = Arc::new(AtomicBool::new(false));
    let is_out = Arc::clone(&out);
    let script = move |store: &mut MemoryStore, batch: &[Command]| {
        if is_out.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable("the cable is out".to_owned()));
        }
        store.commit(batch)
    };
    let store = MemoryStore::new();
    (out, Scripted { store, script })
}

/// A store in memory that refuses so many reads of single operations.
pub(crate) struct Blinking {
    pub(crate) store: MemoryStore,
    pub(crate) refuses: Arc<AtomicU32>,
    /// Instead it says that they are not there.
    pub(crate) denies: bool,
}

impl Store for Blinking {
    fn engine(&self) -> &'static str {
        "blinking"
    }

    fn commit(&mut self, batch: &[Command]) -> Result<Vec<Outcome>, StoreError> {
        self.store.commit(batch)
    }

    fn reader(&self) -> Arc<dyn Reader> {
        let (of, refuses) = (self.store.reader(), Arc::clone(&self.refuses));
        let denies = self.denies;
        Arc::new(BlinkingReader {
            of,
            refuses,
            denies,
        })
    }
}

struct BlinkingReader {
    of: Arc<dyn Reader>,
    refuses: Arc<AtomicU32>,
    denies: bool,
}

impl Reader for BlinkingReader {
    fn operation(&self, id: OperationId) -> Result<Option<Arc<Operation>>, StoreError> {
        let less = |left: u32| left.checked_sub(1);
        let (set, fetch) = (Ordering::AcqRel, Ordering::Acquire);
        match self.refuses.fetch_update(set, fetch, less) {
            Ok(_) if self.denies => Ok(None),
            Ok(_) => Err(StoreError::Unavailable("it blinks".to_owned())),
            Err(_) => self.of.operation(id),
        }
    }

    fn page(&self, query: &Query) -> Result<Page, StoreError> {
        self.of.page(query)
    }

    fn counts(&self) -> Result<BTreeMap<(String, Status), u64>, StoreError> {
        self.of.counts()
    }

    fn events(
        &self,
        id: OperationId,
        since: u64,
        limit: usize,
        types: &[&str],
    ) -> Result<Vec<Arc<Event>>, StoreError> {
        self.of.events(id, since, limit, types)
    }

    fn events_since_cursor(&self, since: u64, limit: usize) -> Result<Vec<Arc<Event>>, StoreError> {
        self.of.events_since_cursor(since, limit)
    }

    fn latest(&self) -> Result<Option<Timestamp>, StoreError> {
        self.of.latest()
    }

    fn newest(&self) -> Result<Option<OperationId>, StoreError> {
        self.of.newest()
    }

    fn cursor(&self) -> Result<u64, StoreError> {
        self.of.cursor()
    }

    fn queue(&self, lane: &str, now: Timestamp) -> Result<Vec<OperationId>, StoreError> {
        self.of.queue(lane, now)
    }

    fn oldest_due(&self, lane: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.of.oldest_due(lane, now)
    }

    fn waiting(&self, lane: &str) -> Result<Waiting, StoreError> {
        self.of.waiting(lane)
    }

    fn ended(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeMap<(i64, Status), u64>, StoreError> {
        self.of.ended(from, until)
    }

    fn idempotent(
        &self,
        key: &str,
        since: Timestamp,
    ) -> Result<Option<(OperationId, u64)>, StoreError> {
        self.of.idempotent(key, since)
    }

    fn size(&self) -> Result<(u64, u64), StoreError> {
        self.of.size()
    }
}
