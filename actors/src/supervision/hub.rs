//! Who hears of what.
//!
//! The manager publishes what was committed; each listener has a bounded mailbox. One that
//! overflows is emptied and marked as lagging: its owner then reads what it missed from the store,
//! so a slow listener costs bounded memory, delays nobody and loses nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, Weak};

use impresario_api::{Event, EventBody, OperationId, Progress, Timestamp};
use tokio::sync::Notify;

use crate::locks::lock;
use crate::store::{Done, Operation};

/// The most events that wait in one mailbox.
const MOST_EVENTS: usize = 1_024;
/// The most operations whose newest progress waits in one mailbox.
const MOST_PROGRESS: usize = 4_096;

/// Whom a listener wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interest {
    /// One operation.
    Operation(OperationId),
    /// All operations of these kinds (all kinds, when empty) that have the label (if one is given).
    Matching {
        /// Kinds.
        kinds: Vec<String>,
        /// Key and value.
        label: Option<(String, String)>,
    },
}

impl Interest {
    /// Whether whatever is read for it is meant: nothing has to be asked.
    pub(crate) fn is_of_all(&self) -> bool {
        match self {
            Self::Operation(_) => true,
            Self::Matching { kinds, label } => kinds.is_empty() && label.is_none(),
        }
    }

    /// Whether `operation` is meant. Kinds and labels never change, so it is for life.
    pub(crate) fn includes(&self, operation: &Operation) -> bool {
        match self {
            Self::Operation(id) => *id == operation.id,
            Self::Matching { kinds, label } => {
                (kinds.is_empty() || kinds.contains(&operation.kind))
                    && label
                        .as_ref()
                        .is_none_or(|(key, value)| operation.labels.get(key) == Some(value))
            }
        }
    }
}

/// What waits for a listener.
#[derive(Default)]
struct Waiting {
    /// Events, and before one that ends a run its last progress.
    events: VecDeque<Post>,
    progress: HashMap<OperationId, (Timestamp, Progress)>,
    lagging: bool,
    closed: bool,
}

/// A listener's mailbox.
pub(crate) struct Mailbox {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

/// What a mailbox gives.
pub(crate) enum Post {
    /// The next event.
    Event(Arc<Event>),
    /// The newest progress of an operation.
    Progress(OperationId, Timestamp, Progress),
    /// Something was dropped: read the store.
    Lagging,
    /// Nothing will come any more.
    Closed,
}

impl Mailbox {
    fn new(lagging: bool) -> Arc<Self> {
        let waiting = Waiting {
            lagging,
            ..Waiting::default()
        };
        Arc::new(Self {
            waiting: Mutex::new(waiting),
            wake: Notify::new(),
        })
    }

    /// What comes next; events before progress.
    pub(crate) async fn next(&self) -> Post {
        loop {
            if let Some(post) = self.try_next() {
                return post;
            }
            // One listener a mailbox: a permit given meanwhile is kept by Notify.
            self.wake.notified().await;
        }
    }

    fn try_next(&self) -> Option<Post> {
        let mut waiting = lock(&self.waiting);
        if std::mem::take(&mut waiting.lagging) {
            waiting.events.clear();
            return Some(Post::Lagging);
        }
        if let Some(event) = waiting.events.pop_front() {
            return Some(event);
        }
        let id = waiting.progress.keys().next().copied();
        if let Some((id, (at, progress))) = id.and_then(|id| waiting.progress.remove_entry(&id)) {
            return Some(Post::Progress(id, at, progress));
        }
        waiting.closed.then_some(Post::Closed)
    }

    fn event(&self, event: &Arc<Event>) {
        let mut waiting = lock(&self.waiting);
        if waiting.events.len() >= MOST_EVENTS {
            waiting.events.clear();
            waiting.lagging = true;
        }
        let id = event.operation_id;
        let ends = matches!(&event.body, EventBody::Status(it) if !it.status.is_dispatched());
        // Also of one that lags: no progress may come after the end.
        let last = ends.then(|| waiting.progress.remove(&id)).flatten();
        if !waiting.lagging {
            if let Some((at, last)) = last {
                waiting.events.push_back(Post::Progress(id, at, last));
            }
            waiting.events.push_back(Post::Event(Arc::clone(event)));
        }
        drop(waiting);
        self.wake.notify_one();
    }

    fn progress(&self, id: OperationId, at: Timestamp, progress: &Progress) {
        let mut waiting = lock(&self.waiting);
        if waiting.progress.len() < MOST_PROGRESS || waiting.progress.contains_key(&id) {
            waiting.progress.insert(id, (at, progress.clone()));
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// Makes the owner look into the store.
    pub(crate) fn look(&self) {
        lock(&self.waiting).lagging = true;
        self.wake.notify_one();
    }

    fn close(&self) {
        lock(&self.waiting).closed = true;
        self.wake.notify_one();
    }
}

#[derive(Default)]
struct Listeners {
    by_operation: HashMap<OperationId, Vec<Weak<Mailbox>>>,
    matching: Vec<(Interest, Weak<Mailbox>)>,
    closed: bool,
}

/// The hub.
#[derive(Default)]
pub(crate) struct Hub(Mutex<Listeners>);

impl Hub {
    /// A mailbox for what is published from now on. With `lagging` it begins by saying so, for a
    /// listener that has something to catch up with.
    pub(crate) fn listen(&self, interest: &Interest, lagging: bool) -> Arc<Mailbox> {
        let mailbox = Mailbox::new(lagging);
        let mut listeners = lock(&self.0);
        if listeners.closed {
            mailbox.close();
        }
        match interest {
            Interest::Operation(id) => {
                let those = listeners.by_operation.entry(*id).or_default();
                those.retain(|one| one.strong_count() > 0);
                those.push(Arc::downgrade(&mailbox));
            }
            Interest::Matching { .. } => {
                listeners.matching.retain(|(_, one)| one.strong_count() > 0);
                listeners
                    .matching
                    .push((interest.clone(), Arc::downgrade(&mailbox)));
            }
        }
        mailbox
    }

    /// Forgets mailboxes of an operation that nobody holds any more.
    pub(crate) fn forget(&self, interest: &Interest) {
        if let Interest::Operation(id) = interest {
            let mut listeners = lock(&self.0);
            if let Some(those) = listeners.by_operation.get_mut(id) {
                those.retain(|one| one.strong_count() > 0);
                if those.is_empty() {
                    listeners.by_operation.remove(id);
                }
            }
        }
    }

    /// Tells what was committed.
    pub(crate) fn publish(&self, done: &Done) {
        self.each(&done.operation, |mailbox| {
            for event in &done.events {
                mailbox.event(event);
            }
        });
    }

    /// Tells how far an operation has come.
    pub(crate) fn publish_progress(
        &self,
        operation: &Operation,
        at: Timestamp,
        progress: &Progress,
    ) {
        self.each(operation, |mailbox| {
            mailbox.progress(operation.id, at, progress)
        });
    }

    /// Tells everyone that nothing will come any more.
    pub(crate) fn close(&self) {
        let mut listeners = lock(&self.0);
        listeners.closed = true;
        let all = listeners.by_operation.values().flatten();
        for mailbox in all.chain(listeners.matching.iter().map(|(_, one)| one)) {
            if let Some(mailbox) = mailbox.upgrade() {
                mailbox.close();
            }
        }
    }

    /// How many listen.
    pub(crate) fn count(&self) -> u64 {
        let listeners = lock(&self.0);
        let all = listeners.by_operation.values().flatten();
        let all = all.chain(listeners.matching.iter().map(|(_, one)| one));
        all.filter(|one| one.strong_count() > 0).count() as u64
    }

    fn each(&self, operation: &Operation, tell: impl Fn(&Mailbox)) {
        let listeners = lock(&self.0);
        let matching = listeners
            .matching
            .iter()
            .filter(|(interest, _)| interest.includes(operation));
        let those = listeners
            .by_operation
            .get(&operation.id)
            .into_iter()
            .flatten();
        for mailbox in those
            .chain(matching.map(|(_, one)| one))
            .filter_map(Weak::upgrade)
        {
            tell(&mailbox);
        }
    }
}

#[cfg(test)]
mod tests;
