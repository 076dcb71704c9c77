//! Who hears of what.
//!
//! The manager publishes what was committed. All who share an interest share a bounded queue, in
//! which each has its place. One that falls out of it lags: its owner then reads what it missed from
//! the store, so a slow listener costs bounded memory, delays nobody and loses nothing.

mod topic;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use impresario_api::{OperationId, Progress, Timestamp};

use crate::locks::lock;
use crate::store::{Done, Operation};

use self::topic::Topic;
pub(crate) use self::topic::{Place, Post, SubscriberCursor};

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

#[derive(Default)]
struct Topics {
    by_operation: HashMap<OperationId, Arc<Topic>>,
    matching: Vec<Arc<Topic>>,
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

    fn all(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.by_operation.values().chain(&self.matching)
    }
}

/// What there is to see of the hub.
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
    /// A subscriber for what is published from now on. With `lagging` it begins by saying so, for a
    /// listener that has something to catch up with. A topic is kept as long as it has a subscriber:
    /// subscribers enter it here, and leave it as they are dropped, both under the hub's lock.
    pub(crate) fn listen(self: &Arc<Self>, interest: &Interest, lagging: bool) -> SubscriberCursor {
        let mut topics = lock(&self.0);
        let topic = topics.of(interest);
        let place = topic.enter(lagging, topics.closed);
        SubscriberCursor::new(Arc::clone(self), topic, place)
    }

    /// The owner of a subscriber listens no more; the topic goes with its last listener.
    fn leave(&self, topic: &Arc<Topic>, place: &Arc<Place>) {
        let mut topics = lock(&self.0);
        if topic.leave(place) == 0 {
            topics.remove(topic);
        }
    }

    /// Tells what was committed; with `last`, the last progress of the run that its last event ends,
    /// just before that.
    pub(crate) fn publish(&self, done: &Done, last: Option<&Progress>) {
        for topic in self.concerned(&done.operation) {
            topic.events(&done.events, last);
        }
    }

    /// Tells how far an operation has come.
    pub(crate) fn publish_progress(
        &self,
        operation: &Operation,
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

    /// How many topics and listeners there are.
    pub(crate) fn counts(&self) -> Counts {
        let topics = lock(&self.0);
        let listeners = topics.all().map(|topic| topic.listeners() as u64).sum();
        Counts {
            topics: (topics.by_operation.len() + topics.matching.len()) as u64,
            listeners,
        }
    }

    fn concerned(&self, operation: &Operation) -> Vec<Arc<Topic>> {
        let topics = lock(&self.0);
        let matching = topics.matching.iter();
        let matching = matching.filter(|topic| topic.interest.includes(operation));
        let of_it = topics.by_operation.get(&operation.id);
        of_it.into_iter().chain(matching).cloned().collect()
    }
}
