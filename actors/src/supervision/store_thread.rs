//! The one thread that writes.
//!
//! It blocks for the first command, drains what waits, writes one transaction, answers everyone
//! who waits for an outcome, and then tells the manager. There is no delay window: while one
//! batch is written the next one gathers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use actix::Recipient;
use crossbeam_channel::{Receiver, Sender};
use tokio::sync::oneshot;

use super::commands::{Committed, NotCommitted};
use super::stats::Durations;
use super::system::Failure;
use crate::locks::{lock, panic_message};
use crate::store::{Command, Outcome, Store, StoreError};

/// The most commands in one transaction.
const MOST: usize = 2_048;

/// Who waits for an outcome.
pub(crate) type Reply = oneshot::Sender<Result<Outcome, StoreError>>;

/// A command, and who waits for what comes of it.
pub(crate) struct Entry {
    command: Command,
    reply: Option<Reply>,
}

impl Entry {
    pub(crate) const fn silent(command: Command) -> Self {
        Self {
            command,
            reply: None,
        }
    }

    pub(crate) const fn answered(command: Command, reply: Reply) -> Self {
        Self {
            command,
            reply: Some(reply),
        }
    }
}

/// The way to the store's thread. The thread ends when the last one is dropped.
#[derive(Clone)]
pub(crate) struct StoreLink {
    sender: Sender<Vec<Entry>>,
    gauge: Arc<StoreGauge>,
}

/// What there is to see of the store's thread.
#[derive(Default)]
pub(crate) struct StoreGauge {
    /// Commands that wait.
    pub(crate) queue: AtomicU64,
    /// Commits.
    pub(crate) commits: Mutex<Durations>,
}

impl StoreLink {
    pub(crate) fn new() -> (Self, Receiver<Vec<Entry>>) {
        let (sender, receiver) = crossbeam_channel::unbounded();
        (
            Self {
                sender,
                gauge: Arc::default(),
            },
            receiver,
        )
    }

    /// Entries that share a commit, in this order. If the thread is gone, they are dropped, and
    /// who waits hears of it by that.
    pub(crate) fn send(&self, entries: Vec<Entry>) {
        self.gauge
            .queue
            .fetch_add(entries.len() as u64, Ordering::Relaxed);
        let _ = self.sender.send(entries);
    }

    pub(crate) fn gauge(&self) -> &Arc<StoreGauge> {
        &self.gauge
    }
}

/// Whom the thread tells.
pub(crate) struct Listeners {
    pub(crate) committed: Recipient<Committed>,
    pub(crate) not_committed: Recipient<NotCommitted>,
    pub(crate) failure: Failure,
}

/// Starts the thread. It ends when all links are gone, or when the store fails for good.
pub(crate) fn start(
    mut store: Box<dyn Store>,
    queue: Receiver<Vec<Entry>>,
    gauge: Arc<StoreGauge>,
    listeners: Listeners,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new()
        .name("impresario-store".to_owned())
        .spawn(move || {
            let work = AssertUnwindSafe(|| serve(&mut *store, &queue, &gauge, &listeners));
            if let Err(payload) = catch_unwind(work) {
                listeners.failure.report(format!(
                    "the store's thread panicked: {}",
                    panic_message(&*payload)
                ));
            }
        })
}

fn serve(
    store: &mut dyn Store,
    queue: &Receiver<Vec<Entry>>,
    gauge: &StoreGauge,
    listeners: &Listeners,
) {
    while let Ok(first) = queue.recv() {
        let mut entries = first;
        while entries.len() < MOST {
            let Ok(more) = queue.try_recv() else { break };
            entries.extend(more);
        }
        gauge
            .queue
            .fetch_sub(entries.len() as u64, Ordering::Relaxed);
        let (commands, replies): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .map(|entry| (entry.command, entry.reply))
            .unzip();
        let began = Instant::now();
        let result = store.commit(&commands);
        lock(&gauge.commits).record(began.elapsed());
        match result {
            Ok(outcomes) => tell(outcomes, replies, listeners),
            Err(StoreError::Fatal(why)) => {
                listeners
                    .failure
                    .report(format!("the store failed for good: {why}"));
                return;
            }
            Err(error) => {
                for reply in replies.into_iter().flatten() {
                    let _ = reply.send(Err(error.clone()));
                }
                listeners
                    .not_committed
                    .do_send(NotCommitted { commands, error });
            }
        }
    }
}

fn tell(outcomes: Vec<Outcome>, replies: Vec<Option<Reply>>, listeners: &Listeners) {
    for (reply, outcome) in replies.into_iter().zip(&outcomes) {
        if let Some(reply) = reply {
            // Who asked may have gone; what was recorded stays.
            let _ = reply.send(Ok(outcome.clone()));
        }
    }
    listeners.committed.do_send(Committed(outcomes));
}
