//! What a batch of commands does: decided here once, for every store.
//!
//! ```text
//! batch ─► parts ─► Needs::of(part) ─► the store loads a WorkingSet, all at once
//!                                      ─► decide(part, set) ─► outcomes
//!                                                           └► Changes: the store writes them, all at once
//! ```
//!
//! It is pure: no clock, no chance, no I/O. A store loads and writes, and decides nothing. All parts of a
//! batch are one transaction, and each sees what the ones before it have written.

mod needs;
mod working_set;

use std::collections::HashMap;
use std::sync::Arc;

use impresario_api::{Event, EventBody, OperationId, Timestamp};

pub use self::needs::{CancelledNeeds, LaneNeeds, Needs, PruneNeeds};
pub use self::working_set::{KnownKey, LaneSet, Promoted, Queued, Stored, WorkingSet};
use super::{
    Claim, Command, Done, Fact, Idempotency, Outcome, Refused, StoredOperation, Submission,
};
use crate::rules::admission::{Waiting, admit};
use crate::rules::dispatch::is_due;
use crate::rules::lifecycle::{Input, Moment, Rejection};

/// The parts of a batch, each to be loaded, decided and written after the one before it. A command that
/// selects operations by their state, and not by a name or a lane, is a part of its own: it must find
/// what the commands before it have done.
pub fn parts(batch: &[Command]) -> impl Iterator<Item = &[Command]> {
    let alone = |command: &Command| {
        matches!(
            command,
            Command::Recover { .. } | Command::Prune { .. } | Command::RemoveCheckpoints { .. }
        )
    };
    batch.chunk_by(move |one, next| !alone(one) && !alone(next))
}

/// What has to be written.
#[derive(Debug, Default)]
pub struct Changes {
    /// Operations, in the order in which they first changed, each once. One that gives up a unique text
    /// comes before one that takes it.
    pub operations: Vec<Change>,
    /// New events, by cursor.
    pub events: Vec<Arc<Event>>,
    /// Scheduled operations that may go now: written before any other change of theirs.
    pub promoted: Vec<Promoted>,
    /// New idempotency keys, with their operations and when they were recorded. A few that are older
    /// than each says are removed, so that they cannot pile up.
    pub keys: Vec<(Idempotency, OperationId, Timestamp)>,
    /// The last event's cursor.
    pub cursor: u64,
    /// The latest time of a fact.
    pub latest: Option<Timestamp>,
}

/// What became of an operation.
#[derive(Clone, Debug)]
pub struct Change {
    /// As it was kept; `None` for a new one.
    pub before: Option<Stored>,
    /// As it is to be kept; `None` when it is removed.
    pub after: Option<Stored>,
}

impl Changes {
    /// Whether nothing has to be written.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty() && self.promoted.is_empty()
    }
}

/// Carries out the commands of a part in their order: one outcome each, and what has to be written.
pub fn decide(part: &[Command], mut set: WorkingSet) -> (Vec<Outcome>, Changes) {
    let changes = Changes {
        promoted: std::mem::take(&mut set.due),
        cursor: set.cursor,
        ..Changes::default()
    };
    set.promote(&changes.promoted);
    let mut engine = Engine {
        set,
        changes,
        changed: HashMap::new(),
    };
    let outcomes = part.iter().map(|command| engine.carry_out(command));
    (outcomes.collect(), engine.changes)
}

struct Engine {
    set: WorkingSet,
    changes: Changes,
    /// Places in `changes.operations`.
    changed: HashMap<OperationId, usize>,
}

impl Engine {
    fn carry_out(&mut self, command: &Command) -> Outcome {
        match command {
            Command::Submit(submission) => self.submit(submission),
            Command::Apply { id, input, now } => self.apply(*id, input, *now),
            Command::Claim(claim) => self.claim(claim),
            Command::Append {
                id,
                run,
                events,
                checkpoint,
            } => self.change(*id, |operation| {
                let facts = operation.append(*run, events, checkpoint.as_ref())?;
                Ok((facts, false))
            }),
            Command::End(end) => self.change(end.id, |operation| Ok((operation.end(end)?, false))),
            Command::Recover { now, .. } => self.recover(*now),
            Command::Prune { dry_run, .. } => self.prune(*dry_run),
            Command::RemoveCheckpoints { .. } => self.remove_checkpoints(),
        }
    }

    /// Lets those of this batch go that have become due in it. Of the others the store has loaded those
    /// that are due.
    fn promote(&mut self, lane: &str, now: Timestamp) {
        let lane = self.set.lanes.get(lane);
        let scheduled = lane.into_iter().flat_map(|lane| &lane.scheduled);
        let due = scheduled.take_while(|(time, _)| is_due(Some(*time), now));
        let due: Vec<_> = due.map(|(_, (_, id))| *id).collect();
        for id in due {
            let Some(place) = self.changed.get(&id) else {
                continue;
            };
            if let Some(mut stored) = self.set.operations.remove(&id) {
                self.set.leave_queue(&stored);
                stored.promoted = true;
                self.set.enter_queue(&stored);
                self.changes.operations[*place].after = Some(stored.clone());
                self.set.operations.insert(id, stored);
            }
        }
    }

    fn submit(&mut self, submission: &Submission) -> Outcome {
        self.promote(&submission.lane, submission.now);
        if let Some(answer) = self.judge(submission) {
            return answer;
        }
        if let Some(given) = &submission.idempotency {
            let known = KnownKey {
                id: submission.id,
                fingerprint: given.fingerprint,
                at: submission.now,
            };
            self.set.keys.insert(given.key.clone(), known);
            let key = (given.clone(), submission.id, submission.now);
            self.changes.keys.push(key);
        }
        let (operation, event) = StoredOperation::submitted(submission.clone());
        let mut facts = vec![(submission.now, event)];
        if let Some(checkpoint) = operation.checkpoint() {
            let event = EventBody::Checkpoint(checkpoint.view());
            facts.push((submission.now, event));
        }
        Outcome::Done(self.save(operation, facts))
    }

    /// Why a start is not recorded: a key that is known, a live one like it, a full lane, a full disk.
    fn judge(&self, submission: &Submission) -> Option<Outcome> {
        if let Some(answer) = self.replay(submission) {
            return Some(answer);
        }
        let holder = submission.unique.as_ref();
        let holder = holder.and_then(|text| self.set.holders.get(text).copied());
        let same = self.set.operations.contains_key(&submission.id);
        if let Some(id) = holder.or(same.then_some(submission.id)) {
            return Some(Outcome::Refused(Refused::Duplicate(id)));
        }
        let lane = self.set.lanes.get(&submission.lane);
        let waiting = lane.map_or_else(Waiting::default, |lane| lane.waiting);
        let scheduled = !is_due(submission.not_before, submission.now);
        if let Err(full) = admit(waiting, submission.limits, scheduled) {
            return Some(Outcome::Refused(Refused::QueueFull(full)));
        }
        let no_room = self.set.no_room.clone().map(Refused::NoRoom);
        no_room.map(Outcome::Refused)
    }

    /// What a start is answered whose idempotency key stands for an operation.
    fn replay(&self, submission: &Submission) -> Option<Outcome> {
        let given = submission.idempotency.as_ref()?;
        let known = self.set.keys.get(&given.key);
        let known = known.filter(|known| known.at > given.since)?;
        let stored = self.set.operations.get(&known.id)?;
        Some(if known.fingerprint == given.fingerprint {
            Outcome::Replayed(Arc::clone(&stored.operation))
        } else {
            Outcome::Refused(Refused::IdempotencyMismatch(known.id))
        })
    }

    fn apply(&mut self, id: OperationId, input: &Input, now: Timestamp) -> Outcome {
        self.change(id, |operation| operation.apply(input, at(now)))
    }

    /// What an input, a run's reports or its end do to an operation.
    fn change(
        &mut self,
        id: OperationId,
        change: impl FnOnce(&mut StoredOperation) -> Result<(Vec<Fact>, bool), Rejection>,
    ) -> Outcome {
        let Some(was) = self.set.operations.get(&id) else {
            return Outcome::Refused(Refused::NotFound(id));
        };
        let was = Arc::clone(&was.operation);
        let mut operation = StoredOperation::clone(&was);
        let (facts, new_operation) = match change(&mut operation) {
            Ok(changed) => changed,
            Err(rejection) => return Outcome::Refused(Refused::Rejected(rejection, was)),
        };
        if let Some(holder) = self.other_holder(&operation) {
            return Outcome::Refused(Refused::Duplicate(holder));
        }
        if facts.is_empty() && operation.state == was.state {
            return Outcome::Done(Done {
                was: Some(was.state.shown()),
                operation: was,
                events: Vec::new(),
                new_operation,
            });
        }
        Outcome::Done(Done {
            new_operation,
            ..self.save(operation, facts)
        })
    }

    /// Another live operation with the same unique text: one that ended cannot come back beside it.
    fn other_holder(&self, operation: &StoredOperation) -> Option<OperationId> {
        let holder = self.set.holders.get(operation.held()?).copied()?;
        (holder != operation.id).then_some(holder)
    }

    fn claim(&mut self, claim: &Claim) -> Outcome {
        self.promote(&claim.lane, claim.now);
        let lane = self.set.lanes.get(&claim.lane);
        let ready = lane.into_iter().flat_map(|lane| &lane.ready);
        let ready = ready
            .map(|(_, id)| *id)
            .filter(|id| self.may_take(claim, *id));
        let ready: Vec<_> = ready.take(claim.limit).collect();
        let dispatched = |operation: &mut StoredOperation| {
            let applied = operation.apply(&Input::Dispatched, at(claim.now))?;
            operation.owner = Some(claim.owner);
            Ok(applied)
        };
        let outcomes = ready.into_iter().map(|id| self.change(id, dispatched));
        let operations = outcomes.filter_map(done).collect();
        let lane = self.set.lanes.get(&claim.lane);
        let next = lane.and_then(|lane| lane.scheduled.first());
        Outcome::Claimed {
            lane: claim.lane.clone(),
            limit: claim.limit,
            operations,
            next_due: next.map(|(time, _)| *time),
        }
    }

    fn may_take(&self, claim: &Claim, id: OperationId) -> bool {
        let Some(stored) = self.set.operations.get(&id) else {
            return false;
        };
        let kinds = claim.kinds.as_ref();
        kinds.is_none_or(|kinds| kinds.contains(&stored.operation.kind))
    }

    fn recover(&mut self, now: Timestamp) -> Outcome {
        let mut lost = Vec::new();
        for id in std::mem::take(&mut self.set.selected) {
            let Some(stored) = self.set.operations.get(&id) else {
                continue;
            };
            let state = &stored.operation.state;
            let input = Input::Ended {
                run: state.run,
                end: stored.operation.lost(),
                signalled: None,
            };
            let lane = stored.operation.lane.clone();
            self.set.lanes.entry(lane).or_default();
            lost.extend(done(self.apply(id, &input, now)));
        }
        let lanes = self.set.lanes.iter();
        let waiting = lanes.filter(|(_, lane)| lane.waiting != Waiting::default());
        Outcome::Recovered {
            lost,
            waiting: waiting.map(|(name, _)| name.clone()).collect(),
        }
    }

    fn prune(&mut self, dry_run: bool) -> Outcome {
        if dry_run {
            let (count, removed) = (self.set.ended, Vec::new());
            return Outcome::Pruned { count, removed };
        }
        let removed = std::mem::take(&mut self.set.selected);
        for id in &removed {
            let before = self.set.operations.remove(id);
            let after = None;
            self.changes.operations.push(Change { before, after });
        }
        Outcome::Pruned {
            count: removed.len() as u64,
            removed,
        }
    }

    fn remove_checkpoints(&mut self) -> Outcome {
        let selected = std::mem::take(&mut self.set.selected);
        for id in &selected {
            // Nothing is told, and nothing is refused.
            self.change(*id, |operation| {
                operation.remove_checkpoints();
                Ok((Vec::new(), false))
            });
        }
        Outcome::CheckpointsRemoved(selected)
    }

    /// Puts an operation in the place of what it was, with the facts that tell of the change.
    fn save(&mut self, mut operation: StoredOperation, facts: Vec<Fact>) -> Done {
        let latest = facts.iter().map(|(at, _)| *at).max();
        self.changes.latest = self.changes.latest.max(latest);
        let events = operation.number(&mut self.changes.cursor, facts);
        self.changes.events.extend_from_slice(&events);
        let (id, operation) = (operation.id, Arc::new(operation));
        let before = self.set.operations.remove(&id);
        let after = Stored {
            // Of one that waits on for the same time.
            promoted: before.as_ref().is_some_and(|before| {
                let waits_on = before.operation.queued() == operation.queued();
                before.promoted && waits_on && operation.queued().is_some()
            }),
            operation: Arc::clone(&operation),
        };
        if let Some(before) = &before {
            self.set.leave_queue(before);
            if let Some(text) = before.operation.held() {
                self.set.holders.remove(text);
            }
        }
        self.set.enter_queue(&after);
        if let Some(text) = operation.held() {
            self.set.holders.insert(text.to_owned(), id);
        }
        let was = before.as_ref().map(|before| before.operation.state.shown());
        self.record(id, before, after.clone());
        self.set.operations.insert(id, after);
        Done {
            operation,
            was,
            events,
            new_operation: false,
        }
    }

    /// Of an operation that changes again, what it was at first stays.
    fn record(&mut self, id: OperationId, before: Option<Stored>, after: Stored) {
        let after = Some(after);
        if let Some(place) = self.changed.get(&id) {
            self.changes.operations[*place].after = after;
        } else {
            self.changed.insert(id, self.changes.operations.len());
            self.changes.operations.push(Change { before, after });
        }
    }
}

fn done(outcome: Outcome) -> Option<Done> {
    match outcome {
        Outcome::Done(done) => Some(done),
        _ => None,
    }
}

/// Only a run's end needs randomness, and it brings its own.
const fn at(now: Timestamp) -> Moment {
    Moment { now, jitter: 0.0 }
}
