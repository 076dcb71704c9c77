//! A batch of commands inside its transaction: each judged first, then written, so that a refused
//! one leaves nothing.

use std::sync::Arc;

use crate::rules::lifecycle::{Input, Moment, Recorded, Rejection};
use crate::store::{Command, Done, Fact, Operation, Outcome, Refused};
use impresario_api::{Event, OperationId, Timestamp};
use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::damage::Damage;
use super::error::damaged;
use super::kept::Kept;
use super::recent::Changes;
use super::rows::{self, Read, SCHEDULED, id_of, sql_id, sql_status};
use super::{checkpoints, events};

/// The transaction, and what it has changed.
pub(super) struct Batch<'a> {
    pub(super) connection: &'a Connection,
    pub(super) kept: &'a mut Kept,
    /// Why no start is taken.
    pub(super) tight: Option<String>,
    pub(super) damage: &'a Damage,
    /// A batch was refused by the tables: what a row alone does not show is looked for as well.
    pub(super) careful: bool,
    counts: Vec<(String, i64, i64)>,
    /// Not written yet: all of a batch are written one after another.
    pub(super) events: Vec<Arc<Event>>,
    /// What writes new operations, once there is one.
    inserts: Option<CachedStatement<'a>>,
    pub(super) changes: Changes,
}

impl<'a> Batch<'a> {
    pub(super) const fn new(
        connection: &'a Connection,
        kept: &'a mut Kept,
        damage: &'a Damage,
        careful: bool,
    ) -> Self {
        Self {
            connection,
            kept,
            tight: None,
            damage,
            careful,
            counts: Vec::new(),
            events: Vec::new(),
            inserts: None,
            changes: Changes::new(),
        }
    }

    /// Carries out one command.
    pub(super) fn carry_out(&mut self, command: &Command) -> rusqlite::Result<Outcome> {
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

    /// Writes what the batch has counted; answers what it has changed.
    pub(super) fn finish(mut self) -> rusqlite::Result<Changes> {
        if self.changes.is_empty() && self.counts.is_empty() {
            return Ok(self.changes);
        }
        self.write_events()?;
        for (kind, status, change) in self.counts.iter().filter(|(.., change)| *change != 0) {
            self.connection
                .prepare_cached(
                    "INSERT INTO counters (kind, status, count) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET count = count + excluded.count",
                )?
                .execute((kind, status, change))?;
        }
        self.connection
            .prepare_cached("UPDATE progress SET cursor = ?1, newest = ?2, at = ?3")?
            .execute((
                self.kept.cursor as i64,
                self.kept.newest as i64,
                self.kept.at,
            ))?;
        Ok(self.changes)
    }

    fn write_events(&mut self) -> rusqlite::Result<()> {
        events::insert(self.connection, &std::mem::take(&mut self.events))
    }

    pub(super) fn insert(&mut self, operation: &Operation) -> rusqlite::Result<usize> {
        let inserts = match &mut self.inserts {
            Some(inserts) => inserts,
            none => none.insert(rows::inserts(self.connection)?),
        };
        rows::insert(self.connection, inserts, operation)
    }

    /// The operation as this batch has left it.
    pub(super) fn operation(
        &mut self,
        id: OperationId,
    ) -> rusqlite::Result<Option<Arc<Operation>>> {
        if let Some(known) = self.kept.operations.get(&id) {
            return Ok(Some(Arc::clone(known)));
        }
        match self.read(sql_id(id))? {
            Some(Read {
                damaged: Some(why), ..
            }) => {
                self.damage.met_operation(sql_id(id), &why);
                Err(damaged(why))
            }
            read => Ok(read.map(|read| Arc::new(read.operation))),
        }
    }

    /// Puts an operation in the place of what it was, with the facts that tell of the change.
    pub(super) fn save(
        &mut self,
        was: Option<&Operation>,
        mut operation: Operation,
        facts: Vec<Fact>,
    ) -> rusqlite::Result<Done> {
        let latest = facts.iter().map(|(at, _)| at.as_millis()).max();
        self.kept.at = self.kept.at.max(latest.unwrap_or(0));
        let events = operation.number(&mut self.kept.cursor, facts);
        let due = was.map(|was| rows::kept_due(self.connection, was));
        let due = due.transpose()?.flatten();
        let bytes = match was {
            None => self.insert(&operation)?,
            Some(was) => {
                checkpoints::save(self.connection, was, &operation)?;
                rows::update(self.connection, was, &operation)?
            }
        };
        self.events.extend_from_slice(&events);
        if was.is_none() {
            self.kept.newest = self.kept.newest.max(operation.id.as_u64());
        }
        if let Some(was) = was {
            self.count(was, due, -1);
        }
        self.count(&operation, rows::due(&operation), 1);
        let operation = Arc::new(operation);
        self.changes.wrote(&operation, bytes, was.is_none());
        self.kept
            .operations
            .insert(operation.id, Arc::clone(&operation));
        Ok(Done {
            was: was.map(|was| was.state.shown()),
            operation,
            events,
            new_operation: false,
        })
    }

    /// One more or one less with this in its column `due`: by kind and status, and in its lane.
    fn count(&mut self, one: &Operation, due: Option<i64>, change: i64) {
        self.count_one(&one.kind, sql_status(one.state.shown()), change);
        if let Some(due) = due {
            self.kept.count(&one.lane, due, change);
        }
        if due.is_some_and(|due| due > 0) {
            self.count_one(&one.kind, SCHEDULED, change);
        }
    }

    /// Kinds are few, so a list is searched sooner than a map.
    pub(super) fn count_one(&mut self, kind: &str, status: i64, change: i64) {
        let mut counts = self.counts.iter_mut();
        match counts.find(|(one, shown, _)| *shown == status && one == kind) {
            Some((.., count)) => *count += change,
            None => self.counts.push((kind.to_owned(), status, change)),
        }
    }

    pub(super) fn apply(
        &mut self,
        id: OperationId,
        input: &Input,
        now: Timestamp,
    ) -> rusqlite::Result<Outcome> {
        let Some(was) = self.operation(id)? else {
            return Ok(Outcome::Refused(Refused::NotFound(id)));
        };
        let mut operation = Operation::clone(&was);
        // Only a run's end needs randomness, and it brings its own.
        let moment = Moment { now, jitter: 0.0 };
        let (told, new_operation) = match operation.apply(input, moment) {
            Ok(applied) => applied,
            Err(rejection) => return Ok(Outcome::Refused(Refused::Rejected(rejection, was))),
        };
        if let Some(holder) = self.other_holder(&operation)? {
            return Ok(Outcome::Refused(Refused::Duplicate(holder)));
        }
        if told.is_empty() && operation.state == was.state {
            return Ok(Outcome::Done(Done {
                was: Some(was.state.shown()),
                operation: was,
                events: Vec::new(),
                new_operation,
            }));
        }
        let done = self.save(Some(&was), operation, told)?;
        Ok(Outcome::Done(Done {
            new_operation,
            ..done
        }))
    }

    /// Another live operation with the same unique text: one that ended cannot come back beside it.
    fn other_holder(&mut self, operation: &Operation) -> rusqlite::Result<Option<OperationId>> {
        let text = operation.held();
        text.map_or(Ok(None), |text| self.holder(text, operation.id))
    }

    /// The live operation that has a unique text, if that is not `asking` itself.
    pub(super) fn holder(
        &mut self,
        text: &str,
        asking: OperationId,
    ) -> rusqlite::Result<Option<OperationId>> {
        let holder = self
            .connection
            .prepare_cached("SELECT id FROM operations WHERE held = ?1")?
            .query_row([text], |row| row.get(0).map(id_of))
            .optional()?;
        let Some(holder) = holder.filter(|holder| *holder != asking) else {
            return Ok(None);
        };
        // A damaged row holds nothing: it is met here.
        Ok(self.operation(holder)?.map(|holder| holder.id))
    }

    /// What a run reports, or its end.
    fn change(
        &mut self,
        id: OperationId,
        change: impl FnOnce(&mut Operation) -> Result<Vec<Fact>, Rejection>,
    ) -> rusqlite::Result<Outcome> {
        let Some(was) = self.operation(id)? else {
            return Ok(Outcome::Refused(Refused::NotFound(id)));
        };
        let mut operation = Operation::clone(&was);
        match change(&mut operation) {
            Ok(facts) => self.save(Some(&was), operation, facts).map(Outcome::Done),
            Err(rejection) => Ok(Outcome::Refused(Refused::Rejected(rejection, was))),
        }
    }

    fn prune(
        &mut self,
        before: Timestamp,
        limit: usize,
        dry_run: bool,
    ) -> rusqlite::Result<Outcome> {
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let (before, sql) = (
            before.as_millis(),
            "FROM operations WHERE completed_at < ?1 ORDER BY completed_at, id LIMIT ?2",
        );
        if dry_run {
            let sql = format!("SELECT COUNT(*) FROM (SELECT id {sql})");
            let mut statement = self.connection.prepare_cached(&sql)?;
            let count: i64 = statement.query_row((before, most), |row| row.get(0))?;
            let (count, removed) = (count.unsigned_abs(), Vec::new());
            return Ok(Outcome::Pruned { count, removed });
        }
        // One that ends and goes in the same batch leaves none of its events.
        self.write_events()?;
        let ids: Vec<i64> = self
            .connection
            .prepare_cached(&format!("SELECT id {sql}"))?
            .query_map((before, most), |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for id in &ids {
            if let Some(old) = self.operation(id_of(*id))? {
                rows::remove(self.connection, &old)?;
                self.forget_damage(old.id)?;
                self.kept.operations.remove(&old.id);
                self.changes.removed(old.id);
                self.count(&old, None, -1);
            }
        }
        Ok(Outcome::Pruned {
            count: ids.len() as u64,
            removed: ids.into_iter().map(id_of).collect(),
        })
    }

    /// Whether an operation of this id is kept.
    pub(super) fn is_known(&self, id: OperationId) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached("SELECT 1 FROM operations WHERE id = ?1")?
            .exists([sql_id(id)])
    }

    /// The run of one that is going on, for its end.
    pub(super) fn run_of(&mut self, id: OperationId) -> rusqlite::Result<Option<u32>> {
        let operation = self.operation(id)?;
        let running = operation.filter(|one| one.state.status == Recorded::Running);
        Ok(running.map(|one| one.state.run))
    }
}
