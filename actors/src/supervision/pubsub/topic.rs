//! What those who share an interest hear, kept once for all of them.
//!
//! Events wait in one queue, in which each subscriber has its position; what all have passed is
//! dropped. A position that falls out of the queue is marked as lagging and holds nothing back any more.
//!
//! A topic knows the positions of its listeners, never the subscribers themselves: whoever publishes
//! something holds topics and positions, which can be dropped anywhere, and a subscriber is held by
//! its owner alone.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use impresario_api::{Event, EventBody, OperationId, Progress, Timestamp};
use tokio::sync::Notify;

use super::interest::Interest;
use crate::locks::lock;

/// The most bytes of events that wait, about.
pub(super) const MOST_BYTES: usize = 4 << 20;
/// What an event takes beside its text, about.
const EVENT_BYTES: usize = 256;
/// The most operations whose newest progress waits.
pub(super) const MOST_PROGRESS: usize = 4_096;

/// How far an operation had come, and when it was read.
#[derive(Clone)]
struct ProgressReading {
    id: OperationId,
    at: Timestamp,
    progress: Progress,
}

impl ProgressReading {
    fn notification(&self) -> Notification {
        Notification::Progress(self.id, self.at, self.progress.clone())
    }
}

/// What waits in the queue.
enum Item {
    Event(Arc<Event>),
    /// A run's last progress, before the event that ends it, and its number.
    Last(u64, ProgressReading),
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
struct Queue {
    /// The position of the first item.
    first: u64,
    items: VecDeque<Item>,
    bytes: usize,
    /// The newest progress of each operation by its number: who has seen a number has seen all
    /// below it.
    progress: BTreeMap<u64, ProgressReading>,
    numbers: HashMap<OperationId, u64>,
    last_number: u64,
    positions: Vec<Arc<TopicPosition>>,
    closed: bool,
}

/// What is published of one interest.
pub(super) struct Topic {
    pub(super) interest: Interest,
    queue: Mutex<Queue>,
}

/// How far one listener of a topic has come.
pub(crate) struct TopicPosition {
    /// The position of the item that comes next. This and `seen` change under the topic's lock.
    next: AtomicU64,
    /// The number of the progress that was given last.
    seen: AtomicU64,
    /// Cleared under the topic's lock.
    lagging: AtomicBool,
    /// The cursor of the first event that was dropped before it was given; 0 when that is unknown.
    missed: AtomicU64,
    wake: Notify,
}

impl TopicPosition {
    /// Makes the owner of the subscriber read the store.
    pub(crate) fn mark_lagging(&self) {
        self.lagging.store(true, Relaxed);
        self.wake.notify_one();
    }

    /// Waits until something may have come. One listener waits at a position, and a permit that was
    /// given before it waits is kept by Notify.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }
}

/// What a subscriber gives.
pub(crate) enum Notification {
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
        let queue = Mutex::default();
        Self { interest, queue }
    }

    /// A position for a listener of what is published from now on; `closed` when that is nothing.
    pub(super) fn enter(&self, lagging: bool, closed: bool) -> Arc<TopicPosition> {
        let mut queue = lock(&self.queue);
        queue.closed |= closed;
        let position = Arc::new(TopicPosition {
            next: AtomicU64::new(queue.end()),
            seen: AtomicU64::new(queue.last_number),
            lagging: AtomicBool::new(lagging),
            missed: AtomicU64::new(0),
            wake: Notify::new(),
        });
        queue.positions.push(Arc::clone(&position));
        position
    }

    /// Gives a position up: how many listen still.
    pub(super) fn leave(&self, position: &Arc<TopicPosition>) -> usize {
        let mut queue = lock(&self.queue);
        let at = queue
            .positions
            .iter()
            .position(|one| Arc::ptr_eq(one, position));
        at.map(|at| queue.positions.swap_remove(at));
        queue.positions.len()
    }

    /// What comes next at a position; events before progress.
    pub(super) fn take_next(&self, position: &TopicPosition) -> Option<Notification> {
        let queue = lock(&self.queue);
        if position.lagging.swap(false, Relaxed) {
            position.next.store(queue.end(), Relaxed);
            let missed = position.missed.swap(0, Relaxed);
            return Some(Notification::Lagging((missed > 0).then_some(missed)));
        }
        let mut next = position.next.load(Relaxed);
        let seen = position.seen.load(Relaxed);
        while let Some(item) = queue.items.get((next - queue.first) as usize) {
            next += 1;
            position.next.store(next, Relaxed);
            match item {
                Item::Event(event) => return Some(Notification::Event(Arc::clone(event))),
                Item::Last(number, reading) if *number > seen => {
                    return Some(reading.notification());
                }
                Item::Last(..) => {}
            }
        }
        if let Some((number, reading)) = queue.progress.range(seen + 1..).next() {
            position.seen.store(*number, Relaxed);
            return Some(reading.notification());
        }
        queue.closed.then_some(Notification::Closed)
    }

    /// How many listeners the topic has.
    pub(super) fn listeners(&self) -> usize {
        lock(&self.queue).positions.len()
    }

    /// Something that was committed, from this cursor on, is not published here: every listener reads
    /// the store.
    pub(super) fn skip(&self, first: u64) {
        let queue = lock(&self.queue);
        for position in &queue.positions {
            queue.mark_missed(position, Some(first));
        }
        let all = queue.positions.clone();
        drop(queue);
        wake(&all);
    }

    /// What was committed; `last` is the last progress of the run that the last event ends.
    pub(super) fn events(&self, events: &[Arc<Event>], last: Option<&Progress>) {
        let mut queue = lock(&self.queue);
        if let Some((end, before)) = events.split_last() {
            before.iter().for_each(|event| queue.event(event));
            if let Some(progress) = last {
                queue.progress(ProgressReading {
                    id: end.operation_id,
                    at: end.at,
                    progress: progress.clone(),
                });
            }
            queue.event(end);
        }
        queue.trim();
        let all = queue.positions.clone();
        drop(queue);
        wake(&all);
    }

    pub(super) fn progress(&self, id: OperationId, at: Timestamp, progress: &Progress) {
        let mut queue = lock(&self.queue);
        let progress = progress.clone();
        queue.progress(ProgressReading { id, at, progress });
        let all = queue.positions.clone();
        drop(queue);
        wake(&all);
    }

    pub(super) fn close(&self) {
        let mut queue = lock(&self.queue);
        queue.closed = true;
        let all = queue.positions.clone();
        drop(queue);
        wake(&all);
    }
}

/// Outside the lock, which those who wake want.
fn wake(positions: &[Arc<TopicPosition>]) {
    for position in positions {
        position.wake.notify_one();
    }
}

impl Queue {
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

    fn progress(&mut self, reading: ProgressReading) {
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

    /// The cursor of the first event from a position on.
    fn first_event(&self, next: u64) -> Option<u64> {
        let mut rest = self.items.range((next - self.first) as usize..);
        rest.find_map(|item| match item {
            Item::Event(event) => Some(event.cursor),
            Item::Last(..) => None,
        })
    }

    /// Makes a listener read the store that was up to date before what waits for it here, and before
    /// what is `skipped`, the cursor of the first event that never waits here.
    fn mark_missed(&self, position: &TopicPosition, skipped: Option<u64>) {
        if !position.lagging.swap(true, Relaxed) {
            let waiting = self.first_event(position.next.load(Relaxed));
            let first = waiting.into_iter().chain(skipped).min();
            position.missed.store(first.unwrap_or(0), Relaxed);
        }
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
        for position in &self.positions {
            let next = position.next.load(Relaxed);
            if next < bound {
                self.mark_missed(position, None);
            }
            if !position.lagging.load(Relaxed) {
                least = least.min(next);
            }
        }
        for item in self.items.drain(..(least - self.first) as usize) {
            self.bytes -= item.bytes();
        }
        self.first = least;
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
