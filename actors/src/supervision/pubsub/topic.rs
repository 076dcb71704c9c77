//! What those who share an interest are told, kept once for all of them.
//!
//! Events wait in one queue, in which each subscriber has its place; what all have passed is dropped.
//! One that falls out of it is marked as lagging and holds nothing back any more.
//!
//! A topic knows the places of its listeners, never the subscribers themselves: whoever tells
//! something holds topics and places, which can be dropped anywhere, and a subscriber is held by its
//! owner alone.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use impresario_api::{Event, EventBody, OperationId, Progress, Timestamp};
use tokio::sync::Notify;

use super::{Hub, Interest};
use crate::locks::lock;

/// The most bytes of events that wait, about.
pub(super) const MOST_BYTES: usize = 4 << 20;
/// What an event takes beside its text, about.
const EVENT_BYTES: usize = 256;
/// The most operations whose newest progress waits.
pub(super) const MOST_PROGRESS: usize = 4_096;

/// How far an operation had come, and when it was read.
#[derive(Clone)]
struct Reading {
    id: OperationId,
    at: Timestamp,
    progress: Progress,
}

impl Reading {
    fn post(&self) -> Post {
        Post::Progress(self.id, self.at, self.progress.clone())
    }
}

/// What waits in the queue.
enum Item {
    Event(Arc<Event>),
    /// A run's last progress, before the event that ends it, and its number.
    Last(u64, Reading),
}

impl Item {
    fn bytes(&self) -> usize {
        match self {
            Self::Event(event) => match &event.body {
                EventBody::Log(log) => EVENT_BYTES + log.message.len(),
                _ => EVENT_BYTES,
            },
            Self::Last(..) => EVENT_BYTES,
        }
    }
}

#[derive(Default)]
struct Told {
    /// The place of the first item.
    first: u64,
    items: VecDeque<Item>,
    bytes: usize,
    /// The newest progress of each operation by its number: who has seen a number has seen all
    /// below it.
    progress: BTreeMap<u64, Reading>,
    numbers: HashMap<OperationId, u64>,
    last_number: u64,
    places: Vec<Arc<Place>>,
    closed: bool,
}

/// What is told of one interest.
pub(super) struct Topic {
    pub(super) interest: Interest,
    told: Mutex<Told>,
}

/// How far one listener of a topic has come.
pub(crate) struct Place {
    /// The place of the item that comes next. This and `seen` change under the topic's lock.
    next: AtomicU64,
    /// The number of the progress that was given last.
    seen: AtomicU64,
    /// Cleared under the topic's lock.
    lagging: AtomicBool,
    /// The cursor of the first event that was dropped before it was given; 0 when that is unknown.
    missed: AtomicU64,
    wake: Notify,
}

impl Place {
    /// Makes the owner of the subscriber look into the store.
    pub(crate) fn look(&self) {
        self.lagging.store(true, Relaxed);
        self.wake.notify_one();
    }
}

/// A listener: as long as it is there, its topic is.
pub(crate) struct SubscriberCursor {
    hub: Arc<Hub>,
    topic: Arc<Topic>,
    place: Arc<Place>,
}

impl Drop for SubscriberCursor {
    fn drop(&mut self) {
        self.hub.leave(&self.topic, &self.place);
    }
}

/// What a subscriber gives.
pub(crate) enum Post {
    /// The next event.
    Event(Arc<Event>),
    /// The newest progress of an operation.
    Progress(OperationId, Timestamp, Progress),
    /// Something was dropped: read the store. With the cursor of the first event that was, where the
    /// subscriber was up to date before it.
    Lagging(Option<u64>),
    /// Nothing will come any more.
    Closed,
}

impl Topic {
    pub(super) fn new(interest: Interest) -> Self {
        let told = Mutex::default();
        Self { interest, told }
    }

    /// A place for a listener of what is told from now on; `closed` when that is nothing.
    pub(super) fn enter(&self, lagging: bool, closed: bool) -> Arc<Place> {
        let mut told = lock(&self.told);
        told.closed |= closed;
        let place = Arc::new(Place {
            next: AtomicU64::new(told.end()),
            seen: AtomicU64::new(told.last_number),
            lagging: AtomicBool::new(lagging),
            missed: AtomicU64::new(0),
            wake: Notify::new(),
        });
        told.places.push(Arc::clone(&place));
        place
    }

    /// Gives a place up: how many listen still.
    pub(super) fn leave(&self, place: &Arc<Place>) -> usize {
        let mut told = lock(&self.told);
        let at = told.places.iter().position(|one| Arc::ptr_eq(one, place));
        at.map(|at| told.places.swap_remove(at));
        told.places.len()
    }

    /// How many listen.
    pub(super) fn listeners(&self) -> usize {
        lock(&self.told).places.len()
    }

    /// What was committed; `last` is the last progress of the run that the last event ends.
    pub(super) fn events(&self, events: &[Arc<Event>], last: Option<&Progress>) {
        let mut told = lock(&self.told);
        if let Some((end, before)) = events.split_last() {
            before.iter().for_each(|event| told.event(event));
            if let Some(progress) = last {
                told.progress(Reading {
                    id: end.operation_id,
                    at: end.at,
                    progress: progress.clone(),
                });
            }
            told.event(end);
        }
        told.trim();
        let all = told.places.clone();
        drop(told);
        wake(&all);
    }

    pub(super) fn progress(&self, id: OperationId, at: Timestamp, progress: &Progress) {
        let mut told = lock(&self.told);
        let progress = progress.clone();
        told.progress(Reading { id, at, progress });
        let all = told.places.clone();
        drop(told);
        wake(&all);
    }

    pub(super) fn close(&self) {
        let mut told = lock(&self.told);
        told.closed = true;
        let all = told.places.clone();
        drop(told);
        wake(&all);
    }
}

/// Outside the lock, which those who wake want.
fn wake(places: &[Arc<Place>]) {
    for place in places {
        place.wake.notify_one();
    }
}

impl Told {
    fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    fn push(&mut self, item: Item) {
        self.bytes += item.bytes();
        self.items.push_back(item);
    }

    fn event(&mut self, event: &Arc<Event>) {
        let ends = matches!(&event.body, EventBody::Status(it) if !it.status.is_dispatched());
        if ends && let Some(number) = self.numbers.remove(&event.operation_id) {
            // No progress may come after the end.
            if let Some(reading) = self.progress.remove(&number) {
                self.push(Item::Last(number, reading));
            }
        }
        self.push(Item::Event(Arc::clone(event)));
    }

    fn progress(&mut self, reading: Reading) {
        self.last_number += 1;
        if let Some(old) = self.numbers.insert(reading.id, self.last_number) {
            self.progress.remove(&old);
        } else if self.progress.len() >= MOST_PROGRESS
            && let Some((_, oldest)) = self.progress.pop_first()
        {
            self.numbers.remove(&oldest.id);
        }
        self.progress.insert(self.last_number, reading);
    }

    /// The cursor of the first event from a place on; 0 when there is none.
    fn first_event(&self, place: u64) -> u64 {
        let mut rest = self.items.range((place - self.first) as usize..);
        let cursor = rest.find_map(|item| match item {
            Item::Event(event) => Some(event.cursor),
            Item::Last(..) => None,
        });
        cursor.unwrap_or(0)
    }

    /// Drops what all have passed; who is too far behind does not count.
    fn trim(&mut self) {
        let mut over = self.bytes.saturating_sub(MOST_BYTES);
        let mut bound = self.first;
        for item in &self.items {
            if over == 0 {
                break;
            }
            over = over.saturating_sub(item.bytes());
            bound += 1;
        }
        let mut least = self.end();
        for place in &self.places {
            let next = place.next.load(Relaxed);
            if next < bound && !place.lagging.swap(true, Relaxed) {
                place.missed.store(self.first_event(next), Relaxed);
            }
            if !place.lagging.load(Relaxed) {
                least = least.min(next);
            }
        }
        for item in self.items.drain(..(least - self.first) as usize) {
            self.bytes -= item.bytes();
        }
        self.first = least;
    }
}

impl SubscriberCursor {
    pub(super) const fn new(hub: Arc<Hub>, topic: Arc<Topic>, place: Arc<Place>) -> Self {
        Self { hub, topic, place }
    }

    /// Where its owner is woken, for one who does not listen itself.
    pub(crate) fn place(&self) -> Arc<Place> {
        Arc::clone(&self.place)
    }

    /// What comes next; events before progress.
    pub(crate) async fn next(&self) -> Post {
        loop {
            if let Some(post) = self.try_next() {
                return post;
            }
            // One listener a subscriber: a permit given meanwhile is kept by Notify.
            self.place.wake.notified().await;
        }
    }

    pub(super) fn try_next(&self) -> Option<Post> {
        let told = lock(&self.topic.told);
        let place = &self.place;
        if place.lagging.swap(false, Relaxed) {
            place.next.store(told.end(), Relaxed);
            let missed = place.missed.swap(0, Relaxed);
            return Some(Post::Lagging((missed > 0).then_some(missed)));
        }
        let mut next = place.next.load(Relaxed);
        let seen = place.seen.load(Relaxed);
        while let Some(item) = told.items.get((next - told.first) as usize) {
            next += 1;
            place.next.store(next, Relaxed);
            match item {
                Item::Event(event) => return Some(Post::Event(Arc::clone(event))),
                Item::Last(number, reading) if *number > seen => return Some(reading.post()),
                Item::Last(..) => {}
            }
        }
        if let Some((number, reading)) = told.progress.range(seen + 1..).next() {
            place.seen.store(*number, Relaxed);
            return Some(reading.post());
        }
        told.closed.then_some(Post::Closed)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
