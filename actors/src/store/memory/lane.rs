//! One lane's queue.

use std::collections::{BTreeMap, BTreeSet};

use impresario_api::{OperationId, Timestamp};

use crate::rules::admission::Waiting;
use crate::rules::dispatch::{Rank, is_due, rank};
use crate::store::engine::{Queued, Stored};

/// The pending operations of a lane.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// May go now, the first one first.
    ready: BTreeSet<Rank>,
    /// Wait for their time, each with since when it will be able to run; a promotion moves those that
    /// are due.
    scheduled: BTreeMap<(Timestamp, Rank), Timestamp>,
    /// Those that may go now, by since when they could have.
    since: BTreeSet<(Timestamp, OperationId)>,
}

impl Lane {
    /// How many wait, as of the last promotion.
    pub(super) fn waiting(&self) -> Waiting {
        Waiting {
            due: self.ready.len() as u64,
            scheduled: self.scheduled.len() as u64,
        }
    }

    /// Since when the one that waits longest could run. Those that became due since the last
    /// promotion are still with the scheduled ones.
    pub(super) fn oldest_due(&self, now: Timestamp) -> Option<Timestamp> {
        let ready = self.since.first().map(|(since, _)| *since);
        let due = self
            .due(now)
            .filter_map(|at| self.scheduled.get(&at).copied());
        due.chain(ready).min()
    }

    pub(super) fn insert(&mut self, one: &Stored) {
        let operation = &one.operation;
        let (rank, since) = (
            rank(operation.priority, operation.id),
            operation.could_run_since(),
        );
        match one.queued() {
            Some(Queued::Scheduled(time)) => drop(self.scheduled.insert((time, rank), since)),
            Some(Queued::SinceCreation | Queued::Later) => {
                self.ready.insert(rank);
                self.since.insert((since, operation.id));
            }
            None => {}
        }
    }

    pub(super) fn remove(&mut self, one: &Stored) {
        let operation = &one.operation;
        let rank = rank(operation.priority, operation.id);
        match one.queued() {
            Some(Queued::Scheduled(time)) => drop(self.scheduled.remove(&(time, rank))),
            Some(Queued::SinceCreation | Queued::Later) => {
                self.ready.remove(&rank);
                self.since
                    .remove(&(operation.could_run_since(), operation.id));
            }
            None => {}
        }
    }

    /// Those that may go, as of the last promotion, the first one first.
    pub(super) fn ready(&self) -> impl Iterator<Item = Rank> {
        self.ready.iter().copied()
    }

    /// Those that wait for a time, by their time.
    pub(super) fn scheduled(&self) -> impl Iterator<Item = (Timestamp, Rank)> {
        self.scheduled.keys().copied()
    }

    /// Those whose time has come since the last promotion, by their time.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, Rank)> {
        self.scheduled()
            .take_while(move |(time, _)| is_due(Some(*time), now))
    }

    /// The first ones that may go now, in order. Those that became due since the last claim are
    /// still with the scheduled ones.
    pub(super) fn queue(&self, now: Timestamp, most: usize) -> Vec<OperationId> {
        let due = self.due(now).map(|(_, rank)| rank);
        let mut ranks: Vec<Rank> = due.chain(self.ready().take(most)).collect();
        ranks.sort_unstable();
        ranks.iter().take(most).map(|(_, id)| *id).collect()
    }
}
