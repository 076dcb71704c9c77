//! One lane's queue.

use std::collections::BTreeSet;

use impresario_api::{OperationId, Timestamp};

use crate::rules::dispatch::{Place, is_due, place};
use crate::store::Operation;

/// The pending operations of a lane.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// May go now, the first one first.
    ready: BTreeSet<Place>,
    /// Wait for their time; a claim moves those that are due.
    delayed: BTreeSet<(Timestamp, Place)>,
    /// All of them, by when they were submitted.
    submitted: BTreeSet<(Timestamp, OperationId)>,
}

impl Lane {
    /// How many wait, those that wait for their time too.
    pub(super) fn waiting(&self) -> u64 {
        self.submitted.len() as u64
    }

    /// When the oldest one was submitted.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.submitted.first().map(|(at, _)| *at)
    }

    pub(super) fn insert(&mut self, operation: &Operation) {
        let at = place(operation.priority, operation.id);
        match operation.state.not_before {
            Some(time) => self.delayed.insert((time, at)),
            None => self.ready.insert(at),
        };
        self.submitted.insert((operation.created_at, operation.id));
    }

    pub(super) fn remove(&mut self, operation: &Operation) {
        let at = place(operation.priority, operation.id);
        let delayed = operation.state.not_before;
        if !delayed.is_some_and(|time| self.delayed.remove(&(time, at))) {
            self.ready.remove(&at);
        }
        self.submitted.remove(&(operation.created_at, operation.id));
    }

    /// Lets those go whose time has come.
    pub(super) fn promote(&mut self, now: Timestamp) {
        while let Some(&(time, at)) = self.delayed.first()
            && is_due(Some(time), now)
        {
            self.delayed.pop_first();
            self.ready.insert(at);
        }
    }

    /// Who goes next.
    pub(super) fn first(&self) -> Option<OperationId> {
        self.ready.first().map(|(_, id)| *id)
    }

    /// When the next one that waits for its time is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.delayed.first().map(|(time, _)| *time)
    }

    /// The first ones that may go now, in order. Those that became due since the last claim are
    /// still with the delayed ones.
    pub(super) fn queue(&self, now: Timestamp, most: usize) -> Vec<OperationId> {
        let due = self.delayed.iter().map_while(|(time, place)| {
            let due = is_due(Some(*time), now);
            due.then_some(*place)
        });
        let mut places: Vec<Place> = due.chain(self.ready.iter().take(most).copied()).collect();
        places.sort_unstable();
        places.iter().take(most).map(|(_, id)| *id).collect()
    }
}
