//! One lane's queue.

use std::collections::{BTreeMap, BTreeSet};

use impresario_api::{OperationId, Timestamp};

use crate::rules::admission::Waiting;
use crate::rules::dispatch::{Place, is_due, place};
use crate::store::Operation;

/// The pending operations of a lane.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// May go now, the first one first.
    ready: BTreeSet<Place>,
    /// Wait for their time, each with since when it will be able to run; a promotion moves those that
    /// are due.
    delayed: BTreeMap<(Timestamp, Place), Timestamp>,
    /// Those that may go now, by since when they could have.
    since: BTreeSet<(Timestamp, OperationId)>,
}

impl Lane {
    /// How many wait, as of the last promotion.
    pub(super) fn waiting(&self) -> Waiting {
        Waiting {
            due: self.ready.len() as u64,
            scheduled: self.delayed.len() as u64,
        }
    }

    /// Since when the one that waits longest could run. Those that became due since the last
    /// promotion are still with the delayed ones.
    pub(super) fn oldest_due(&self, now: Timestamp) -> Option<Timestamp> {
        let ready = self.since.first().map(|(since, _)| *since);
        let due = self.due(now).map(|(_, since)| *since);
        due.chain(ready).min()
    }

    pub(super) fn insert(&mut self, operation: &Operation) {
        let at = place(operation.priority, operation.id);
        match operation.state.waits_until() {
            Some(time) => drop(self.delayed.insert((time, at), operation.could_run_since())),
            None => self.make_ready(operation),
        }
    }

    fn make_ready(&mut self, operation: &Operation) {
        self.ready.insert(place(operation.priority, operation.id));
        self.since
            .insert((operation.could_run_since(), operation.id));
    }

    /// Those whose time has come since the last promotion, by their time.
    fn due(&self, now: Timestamp) -> impl Iterator<Item = (&(Timestamp, Place), &Timestamp)> {
        let delayed = self.delayed.iter();
        delayed.take_while(move |((time, _), _)| is_due(Some(*time), now))
    }

    pub(super) fn remove(&mut self, operation: &Operation) {
        let at = place(operation.priority, operation.id);
        let delayed = operation.state.waits_until();
        if delayed.is_none_or(|time| self.delayed.remove(&(time, at)).is_none()) {
            self.ready.remove(&at);
            self.since
                .remove(&(operation.could_run_since(), operation.id));
        }
    }

    /// The first one whose time has come.
    pub(super) fn first_due(&self, now: Timestamp) -> Option<OperationId> {
        self.due(now).next().map(|((_, (_, id)), _)| *id)
    }

    /// Lets one go that was delayed.
    pub(super) fn promote(&mut self, operation: &Operation) {
        self.remove(operation);
        self.make_ready(operation);
    }

    /// Who goes next.
    pub(super) fn first(&self) -> Option<OperationId> {
        self.ready.first().map(|(_, id)| *id)
    }

    /// When the next one that waits for its time is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.delayed.first_key_value().map(|((time, _), _)| *time)
    }

    /// The first ones that may go now, in order. Those that became due since the last claim are
    /// still with the delayed ones.
    pub(super) fn queue(&self, now: Timestamp, most: usize) -> Vec<OperationId> {
        let due = self.due(now).map(|((_, place), _)| *place);
        let mut places: Vec<Place> = due.chain(self.ready.iter().take(most).copied()).collect();
        places.sort_unstable();
        places.iter().take(most).map(|(_, id)| *id).collect()
    }
}
