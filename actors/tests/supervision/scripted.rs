//! A store whose commits a test scripts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use impresario::store::{Command, MemoryStore, Outcome, Reader, Store, StoreError};

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
