//! Who hears of what.
//!
//! The manager publishes what was committed. All who share an interest share a bounded queue, in
//! which each has its position. One that falls out of it lags: its owner then reads what it missed from
//! the store, so a slow listener costs bounded memory, delays nobody and loses nothing.

mod cursor;
mod interest;
mod topic;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use impresario_api::{Event, OperationId, Progress, Timestamp};

use crate::locks::lock;
use crate::store::{Done, StoredOperation};

pub(crate) use self::cursor::SubscriberCursor;
pub use self::interest::Interest;
use self::topic::Topic;
pub(crate) use self::topic::{Notification, TopicPosition};

#[derive(Default)]
struct Topics {
    by_operation: HashMap<OperationId, Arc<Topic>>,
    matching: Vec<Arc<Topic>>,
    /// The cursor of the event that was published last, or of the store's last one before.
    cursor: u64,
    closed: bool,
}

impl Topics {
    fn of(&mut self, interest: &Interest) -> Arc<Topic> {
        let known = match interest {
            Interest::Operation(id) => self.by_operation.get(id),
            Interest::Matching { .. } => self.matching.iter().find(|one| one.interest == *interest),
        };
        if let Some(topic) = known {
            return Arc::clone(topic);
        }
        let topic = Arc::new(Topic::new(interest.clone()));
        match interest {
            Interest::Operation(id) => drop(self.by_operation.insert(*id, Arc::clone(&topic))),
            Interest::Matching { .. } => self.matching.push(Arc::clone(&topic)),
        }
        topic
    }

    fn remove(&mut self, topic: &Arc<Topic>) {
        match topic.interest {
            Interest::Operation(id) => drop(self.by_operation.remove(&id)),
            Interest::Matching { .. } => self.matching.retain(|one| !Arc::ptr_eq(one, topic)),
        }
    }

    /// Where an operation's new events do not go on where the last ones ended: the cursor of the first
    /// event that was not published.
    fn skipped(&mut self, events: &[Arc<Event>]) -> Option<u64> {
        let (first, last) = (events.first()?, events.last()?);
        let next = std::mem::replace(&mut self.cursor, last.cursor) + 1;
        (next != first.cursor).then(|| next.min(first.cursor))
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.by_operation.values().chain(&self.matching)
    }
}

/// The numbers of topics and listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Interests that somebody has.
    pub(crate) topics: u64,
    /// How many listen, all interests together.
    pub(crate) listeners: u64,
}

/// The hub.
#[derive(Default)]
pub(crate) struct Hub(Mutex<Topics>);

impl Hub {
    /// Publishes what follows this cursor.
    pub(crate) fn after(cursor: u64) -> Self {
        Self(Mutex::new(Topics {
            cursor,
            ..Topics::default()
        }))
    }

    /// A position in the topic of an interest, which is made if nobody has it yet.
    fn enter(&self, interest: &Interest, lagging: bool) -> (Arc<Topic>, Arc<TopicPosition>) {
        let mut topics = lock(&self.0);
        let topic = topics.of(interest);
        let position = topic.enter(lagging, topics.closed);
        (topic, position)
    }

    /// Gives a position up; the topic goes with its last one.
    fn leave(&self, topic: &Arc<Topic>, position: &Arc<TopicPosition>) {
        let mut topics = lock(&self.0);
        if topic.leave(position) == 0 {
            topics.remove(topic);
        }
    }

    /// Tells what was committed; with `last`, the last progress of the run that its last event ends,
    /// just before that.
    ///
    /// Events are published by contiguous cursors alone. Where others were committed between, by another
    /// node or by a process before this one, every listener reads them from the store, in their order.
    pub(crate) fn publish(&self, done: &Done, last: Option<&Progress>) {
        let skipped = lock(&self.0).skipped(&done.events);
        if let Some(first) = skipped {
            let all: Vec<_> = lock(&self.0).all().cloned().collect();
            all.iter().for_each(|topic| topic.skip(first));
        }
        for topic in self.concerned(&done.operation) {
            topic.events(&done.events, last);
        }
    }

    /// Tells how far an operation has come.
    pub(crate) fn publish_progress(
        &self,
        operation: &StoredOperation,
        at: Timestamp,
        progress: &Progress,
    ) {
        for topic in self.concerned(operation) {
            topic.progress(operation.id, at, progress);
        }
    }

    /// Tells everyone that nothing will come any more.
    pub(crate) fn close(&self) {
        let mut topics = lock(&self.0);
        topics.closed = true;
        let all: Vec<_> = topics.all().cloned().collect();
        // Who is woken may drop its subscriber at once, which wants the lock.
        drop(topics);
        all.iter().for_each(|topic| topic.close());
    }

    /// Tells those who listen to one of these operations that nothing will come any more.
    pub(crate) fn removed(&self, operations: &[OperationId]) {
        let topics = lock(&self.0);
        let of_them = operations
            .iter()
            .filter_map(|id| topics.by_operation.get(id));
        let of_them: Vec<_> = of_them.cloned().collect();
        drop(topics);
        of_them.iter().for_each(|topic| topic.close());
    }

    /// How many topics and listeners there are.
    pub(crate) fn counts(&self) -> Counts {
        let topics = lock(&self.0);
        let listeners = topics.all().map(|topic| topic.listeners() as u64).sum();
        Counts {
            topics: (topics.by_operation.len() + topics.matching.len()) as u64,
            listeners,
        }
    }

    fn concerned(&self, operation: &StoredOperation) -> Vec<Arc<Topic>> {
        let topics = lock(&self.0);
        let matching = topics.matching.iter();
        let matching = matching.filter(|topic| topic.interest.includes(operation));
        let of_it = topics.by_operation.get(&operation.id);
        of_it.into_iter().chain(matching).cloned().collect()
    }
}
