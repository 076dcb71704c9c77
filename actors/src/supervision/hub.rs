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
pub(crate) use self::topic::{Mailbox, Post};

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
    matching: Vec<(Interest, Arc<Topic>)>,
    closed: bool,
}

impl Topics {
    fn of(&mut self, interest: &Interest) -> Arc<Topic> {
        if let Interest::Operation(id) = interest {
            return Arc::clone(self.by_operation.entry(*id).or_default());
        }
        if let Some((_, topic)) = self.matching.iter().find(|(one, _)| one == interest) {
            return Arc::clone(topic);
        }
        let topic = Arc::new(Topic::default());
        self.matching.push((interest.clone(), Arc::clone(&topic)));
        topic
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Topic>> {
        let matching = self.matching.iter().map(|(_, topic)| topic);
        self.by_operation.values().chain(matching)
    }
}

/// The hub.
#[derive(Default)]
pub(crate) struct Hub(Mutex<Topics>);

impl Hub {
    /// A mailbox for what is published from now on. With `lagging` it begins by saying so, for a
    /// listener that has something to catch up with.
    pub(crate) fn listen(&self, interest: &Interest, lagging: bool) -> Arc<Mailbox> {
        let mut topics = lock(&self.0);
        let topic = topics.of(interest);
        if topics.closed {
            topic.close();
        }
        topic.listen(lagging)
    }

    /// Forgets what nobody listens to any more.
    pub(crate) fn forget(&self, interest: &Interest) {
        let mut topics = lock(&self.0);
        match interest {
            Interest::Operation(id) => {
                let topic = topics.by_operation.get(id);
                if topic.is_some_and(|topic| topic.listeners() == 0) {
                    topics.by_operation.remove(id);
                }
            }
            matching => topics
                .matching
                .retain(|(one, topic)| one != matching || topic.listeners() > 0),
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
        topics.all().for_each(|topic| topic.close());
    }

    /// How many listen.
    pub(crate) fn count(&self) -> u64 {
        let topics = lock(&self.0);
        topics.all().map(|topic| topic.listeners() as u64).sum()
    }

    fn concerned(&self, operation: &Operation) -> Vec<Arc<Topic>> {
        let topics = lock(&self.0);
        let matching = topics
            .matching
            .iter()
            .filter(|(interest, _)| interest.includes(operation));
        let of_it = topics.by_operation.get(&operation.id);
        of_it
            .into_iter()
            .chain(matching.map(|(_, topic)| topic))
            .cloned()
            .collect()
    }
}
