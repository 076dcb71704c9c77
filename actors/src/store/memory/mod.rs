//! The store in memory: what a durable one would keep, gone with the process.
//!
//! Every question has an index, so no command and no page grows with what has ended: the rows by
//! id, the ids by kind and status (their sizes are the counters), by label, by the end of the id,
//! by the time of the end, and each lane's queue in the order of dispatch.

mod index;
mod keys;
mod lane;
mod load;
mod page;
mod reader;
mod tables;

use std::sync::{Arc, PoisonError, RwLock};

use self::reader::MemoryReader;
use self::tables::Tables;
use super::engine::{self, Needs};
use super::{Command, LastNumbers, Outcome, Reader, Store, StoreError};

/// Keeps everything in memory. A clone is another handle on the same memory, so that a second
/// orchestrator can be started on what the first one left.
///
/// ```
/// use impresario::operation::Kinds;
/// use impresario::store::MemoryStore;
/// use impresario::{Config, Orchestrator};
///
/// let store = MemoryStore::new();
/// let orchestrator = Orchestrator::start(Config::default(), Kinds::new(), store.clone())?;
/// # futures_executor::block_on(orchestrator.shutdown());
/// # Ok::<(), impresario::StartupError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    tables: Arc<RwLock<Tables>>,
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn engine(&self) -> &'static str {
        "memory"
    }

    fn commits_at_once(&self) -> bool {
        true
    }

    fn commit(&mut self, batch: &[Command]) -> Result<Vec<Outcome>, StoreError> {
        let mut tables = self.tables.write().map_err(torn)?;
        let mut outcomes = Vec::with_capacity(batch.len());
        for part in engine::parts(batch) {
            let set = tables.load(&Needs::of(part));
            let (decided, changes) = engine::decide(part, set);
            tables.write(changes);
            outcomes.extend(decided);
        }
        Ok(outcomes)
    }

    fn last_numbers(&self) -> Result<LastNumbers, StoreError> {
        let tables = self.tables.read().map_err(torn)?;
        Ok(LastNumbers {
            cursor: tables.cursor,
            newest: tables.newest,
            latest: tables.latest,
        })
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(MemoryReader::new(Arc::clone(&self.tables)))
    }
}

/// A panic in the middle of a commit leaves half a batch behind: nothing of it can be trusted.
fn torn<T>(_: PoisonError<T>) -> StoreError {
    StoreError::Fatal("a commit panicked half way".to_owned())
}
