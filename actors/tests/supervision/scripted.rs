//! Stores whose commits, or reads, a test scripts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use impresario::rules::admission::Waiting;
use impresario::store::{
    Answer, Command, LastNumbers, MemoryStore, Outcome, Page, Query, Reader, Store, StoreError,
    StoredOperation,
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

    fn last_numbers(&self) -> Result<LastNumbers, StoreError> {
        self.store.last_numbers()
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
    /// What it says then.
    pub(crate) says: Says,
}

/// What a store says that blinks.
#[derive(Clone)]
pub(crate) enum Says {
    /// It cannot be reached.
    Nothing,
    /// There is no such operation.
    NotThere,
    /// The operation as it was.
    Old(Arc<OnceLock<Arc<StoredOperation>>>),
}

impl Store for Blinking {
    fn engine(&self) -> &'static str {
        "blinking"
    }

    fn commit(&mut self, batch: &[Command]) -> Result<Vec<Outcome>, StoreError> {
        self.store.commit(batch)
    }

    fn last_numbers(&self) -> Result<LastNumbers, StoreError> {
        self.store.last_numbers()
    }

    fn reader(&self) -> Arc<dyn Reader> {
        let (of, refuses) = (self.store.reader(), Arc::clone(&self.refuses));
        let says = self.says.clone();
        Arc::new(BlinkingReader { of, refuses, says })
    }
}

struct BlinkingReader {
    of: Arc<dyn Reader>,
    refuses: Arc<AtomicU32>,
    says: Says,
}

impl Reader for BlinkingReader {
    fn operation(&self, id: OperationId) -> Answer<'_, Option<Arc<StoredOperation>>> {
        let less = |left: u32| left.checked_sub(1);
        let (set, fetch) = (Ordering::AcqRel, Ordering::Acquire);
        if self.refuses.fetch_update(set, fetch, less).is_err() {
            return self.of.operation(id);
        }
        match &self.says {
            Says::Nothing => {
                Answer::awaited(async { Err(StoreError::Unavailable("it blinks".to_owned())) })
            }
            Says::NotThere => Answer::at_hand(Ok(None)),
            Says::Old(operation) => Answer::at_hand(Ok(operation.get().cloned())),
        }
    }

    fn page(&self, query: &Query) -> Answer<'_, Page> {
        self.of.page(query)
    }

    fn counts(&self) -> Answer<'_, BTreeMap<(String, Status), u64>> {
        self.of.counts()
    }

    fn events(
        &self,
        id: OperationId,
        since: u64,
        limit: usize,
        types: &[&str],
    ) -> Answer<'_, Vec<Arc<Event>>> {
        self.of.events(id, since, limit, types)
    }

    fn events_since_cursor(&self, since: u64, limit: usize) -> Answer<'_, Vec<Arc<Event>>> {
        self.of.events_since_cursor(since, limit)
    }

    fn cursor(&self) -> Answer<'_, u64> {
        self.of.cursor()
    }

    fn queue(&self, lane: &str, now: Timestamp) -> Answer<'_, Vec<OperationId>> {
        self.of.queue(lane, now)
    }

    fn oldest_due(&self, lane: &str, now: Timestamp) -> Answer<'_, Option<Timestamp>> {
        self.of.oldest_due(lane, now)
    }

    fn waiting(&self, lane: &str) -> Answer<'_, Waiting> {
        self.of.waiting(lane)
    }

    fn ended(&self, from: Timestamp, until: Timestamp) -> Answer<'_, BTreeMap<(i64, Status), u64>> {
        self.of.ended(from, until)
    }

    fn idempotent(&self, key: &str, since: Timestamp) -> Answer<'_, Option<(OperationId, u64)>> {
        self.of.idempotent(key, since)
    }

    fn size(&self) -> Answer<'_, (u64, u64)> {
        self.of.size()
    }
}

/// A store in memory whose next commit of a start is not answered.
pub(crate) struct Unanswered {
    pub(crate) store: MemoryStore,
    /// Set for one commit.
    pub(crate) loses: Arc<AtomicBool>,
    /// Whether it keeps what it does not answer.
    pub(crate) keeps: bool,
    pub(crate) kept: Option<Vec<Outcome>>,
    /// The lost commit is not settled yet.
    pub(crate) unsettled: bool,
    /// How often it was asked what it has kept; the first time it cannot say.
    pub(crate) asked: u32,
}

impl Store for Unanswered {
    fn engine(&self) -> &'static str {
        "unanswered"
    }

    fn commit(&mut self, batch: &[Command]) -> Result<Vec<Outcome>, StoreError> {
        assert!(!self.unsettled, "nothing is written before");
        let starts = |command: &Command| matches!(command, Command::Submit(_));
        if !batch.iter().any(starts) || !self.loses.swap(false, Ordering::AcqRel) {
            return self.store.commit(batch);
        }
        if self.keeps {
            self.kept = Some(self.store.commit(batch)?);
        }
        self.unsettled = true;
        Err(StoreError::Unknown("the line is cut".to_owned()))
    }

    fn settle(&mut self, batch: &[Command]) -> Result<Option<Vec<Outcome>>, StoreError> {
        assert!(!batch.is_empty(), "it is told what was lost");
        self.asked += 1;
        if self.asked == 1 {
            return Err(StoreError::Unavailable("the line is cut".to_owned()));
        }
        self.unsettled = false;
        Ok(self.kept.take())
    }

    fn last_numbers(&self) -> Result<LastNumbers, StoreError> {
        self.store.last_numbers()
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.store.reader()
    }
}
