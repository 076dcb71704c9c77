//! Each command: judged first, then carried out, so that a refused one changes nothing.

use std::sync::Arc;

use impresario_api::{OperationId, Timestamp};

use super::lane::Lane;
use super::tables::Tables;
use crate::rules::admission::{Waiting, admit};
use crate::rules::dispatch::{PROMOTED_AT_ONCE, is_due};
use crate::rules::lifecycle::{Input, Moment, Rejection};
use crate::rules::run_end::RunEnd;
use crate::store::{Command, Done, Fact, Operation, Outcome, Refused, Submission};

impl Tables {
    /// Carries out one command.
    pub(super) fn carry_out(&mut self, command: &Command) -> Outcome {
        match command {
            Command::Submit(submission) => self.submit(submission),
            Command::Apply { id, input, now } => self.apply(*id, input, *now),
            Command::Claim { lane, limit, now } => self.claim(lane, *limit, *now),
            Command::Append {
                id,
                run,
                events,
                checkpoint,
            } => self.change(*id, |operation| {
                operation.append(*run, events, checkpoint.as_ref())
            }),
            Command::End(end) => self.change(end.id, |operation| operation.end(end)),
            Command::Recover { now } => self.recover(*now),
            Command::Prune {
                before,
                limit,
                dry_run,
            } => self.prune(*before, *limit, *dry_run),
        }
    }

    fn submit(&mut self, submission: &Submission) -> Outcome {
        if let Some(given) = &submission.idempotency {
            self.keys.purge(given.since);
        }
        self.promote(&submission.lane, submission.now);
        if let Some(answer) = self.judge(submission) {
            return answer;
        }
        if let Some(given) = &submission.idempotency {
            self.keys.insert(given, submission.id, submission.now);
        }
        let (operation, event) = Operation::submitted(submission.clone());
        Outcome::Done(self.save(operation, vec![(submission.now, event)]))
    }

    /// Why a start is not recorded: a key that is known, a live one like it, a full lane.
    fn judge(&self, submission: &Submission) -> Option<Outcome> {
        if let Some(given) = &submission.idempotency
            && let Some(known) = self.keys.get(&given.key, given.since)
            && let Some(row) = self.rows.get(&known.id)
        {
            return Some(if known.fingerprint == given.fingerprint {
                Outcome::Replayed(Arc::clone(&row.operation))
            } else {
                Outcome::Refused(Refused::IdempotencyMismatch(known.id))
            });
        }
        let holder = submission.unique.as_ref();
        let holder = holder.and_then(|text| self.unique.get(text).copied());
        let same = self.rows.contains_key(&submission.id);
        if let Some(id) = holder.or(same.then_some(submission.id)) {
            return Some(Outcome::Refused(Refused::Duplicate(id)));
        }
        let lane = self.lanes.get(&submission.lane);
        let waiting = lane.map_or_else(Waiting::default, Lane::waiting);
        let scheduled = !is_due(submission.not_before, submission.now);
        let full = admit(waiting, submission.limits, scheduled).err();
        full.map(|full| Outcome::Refused(Refused::QueueFull(full)))
    }

    fn apply(&mut self, id: OperationId, input: &Input, now: Timestamp) -> Outcome {
        let Some(row) = self.rows.get(&id) else {
            return Outcome::Refused(Refused::NotFound(id));
        };
        let mut operation = Operation::clone(&row.operation);
        match operation.apply(input, at(now)) {
            Err(rejection) => self.rejected(id, rejection),
            Ok((told, new_operation)) => {
                if let Some(holder) = self.other_holder(&operation) {
                    return Outcome::Refused(Refused::Duplicate(holder));
                }
                let done = self.save(operation, told);
                Outcome::Done(Done {
                    new_operation,
                    ..done
                })
            }
        }
    }

    /// Another live operation with the same unique text: one that ended cannot come back beside it.
    fn other_holder(&self, operation: &Operation) -> Option<OperationId> {
        let holder = self.unique.get(operation.held()?).copied()?;
        (holder != operation.id).then_some(holder)
    }

    fn claim(&mut self, lane: &str, limit: usize, now: Timestamp) -> Outcome {
        self.promote(lane, now);
        let mut operations = Vec::new();
        while operations.len() < limit
            && let Some(id) = self.lanes.get(lane).and_then(|queue| queue.first())
            && let Outcome::Done(done) = self.apply(id, &Input::Dispatched, now)
        {
            operations.push(done);
        }
        Outcome::Claimed {
            lane: lane.to_owned(),
            limit,
            operations,
            next_due: self.lanes.get(lane).and_then(|queue| queue.next_due()),
        }
    }

    /// Lets those of a lane go whose time has come, a bounded number at a time.
    fn promote(&mut self, lane: &str, now: Timestamp) {
        let Some(queue) = self.lanes.get_mut(lane) else {
            return;
        };
        for _ in 0..PROMOTED_AT_ONCE {
            let Some(row) = queue.first_due(now).and_then(|id| self.rows.get(&id)) else {
                return;
            };
            queue.promote(&row.operation);
            self.index.promote(&row.operation);
        }
    }

    /// What a run reports, or its end.
    fn change(
        &mut self,
        id: OperationId,
        change: impl FnOnce(&mut Operation) -> Result<Vec<Fact>, Rejection>,
    ) -> Outcome {
        let Some(row) = self.rows.get(&id) else {
            return Outcome::Refused(Refused::NotFound(id));
        };
        let mut operation = Operation::clone(&row.operation);
        match change(&mut operation) {
            Ok(facts) => Outcome::Done(self.save(operation, facts)),
            Err(rejection) => self.rejected(id, rejection),
        }
    }

    fn recover(&mut self, now: Timestamp) -> Outcome {
        let running = self.index.shelves();
        let running = running.filter(|(_, status, _)| status.is_dispatched());
        let mut lost: Vec<_> = running.flat_map(|(.., ids)| ids.iter().copied()).collect();
        lost.sort_unstable();
        let lost = lost.into_iter().filter_map(|id| self.lose(id, now));
        let lost = lost.collect();
        let lanes = self.lanes.iter();
        let waiting = lanes.filter(|(_, lane)| lane.waiting() != Waiting::default());
        Outcome::Recovered {
            lost,
            waiting: waiting.map(|(name, _)| name.clone()).collect(),
        }
    }

    fn lose(&mut self, id: OperationId, now: Timestamp) -> Option<Done> {
        let input = Input::Ended {
            run: self.rows.get(&id)?.operation.state.run,
            end: RunEnd::Lost,
            signalled: None,
        };
        match self.apply(id, &input, now) {
            Outcome::Done(done) => Some(done),
            _ => None,
        }
    }

    fn prune(&mut self, before: Timestamp, limit: usize, dry_run: bool) -> Outcome {
        let old = self.ended.range(..(before, OperationId::from_u64(0)));
        let old: Vec<_> = old.take(limit).map(|(_, id)| *id).collect();
        let count = old.len() as u64;
        let removed = if dry_run { Vec::new() } else { old };
        removed.iter().for_each(|id| self.remove(*id));
        Outcome::Pruned { count, removed }
    }

    fn rejected(&self, id: OperationId, rejection: Rejection) -> Outcome {
        Outcome::Refused(match self.rows.get(&id) {
            Some(row) => Refused::Rejected(rejection, Arc::clone(&row.operation)),
            None => Refused::NotFound(id),
        })
    }
}

/// Only a run's end needs randomness, and it brings its own.
const fn at(now: Timestamp) -> Moment {
    Moment { now, jitter: 0.0 }
}
