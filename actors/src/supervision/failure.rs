//! How it is heard that the orchestrator has failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Tells that the orchestrator ended by a fault of its own. The first report counts.
#[derive(Clone)]
pub(crate) struct Failure {
    why: Arc<watch::Sender<Option<String>>>,
    admitting: Arc<AtomicBool>,
}

impl Failure {
    pub(crate) fn new(admitting: Arc<AtomicBool>) -> Self {
        let why = Arc::new(watch::Sender::new(None));
        Self { why, admitting }
    }

    /// Nothing is admitted from here on, and only then anyone hears of it.
    pub(crate) fn report(&self, why: String) {
        self.admitting.store(false, Ordering::Release);
        log::error!("the orchestrator failed: {why}");
        self.why.send_if_modified(|first| {
            let news = first.is_none();
            first.get_or_insert(why);
            news
        });
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Option<String>> {
        self.why.subscribe()
    }

    pub(crate) fn is_reported(&self) -> bool {
        self.why.borrow().is_some()
    }
}
