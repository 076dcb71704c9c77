//! Who goes next, and what the process before this one left running.

use std::collections::BTreeMap;

use impresario::rules::dispatch::FreeSlots;
use impresario::rules::lifecycle::Input;
use impresario::rules::run_end::RunEnd;
use impresario::store::{Done, Outcome};
use impresario_api::{OperationId, Timestamp};

use super::batch::Batch;
use super::damage::readable;
use super::rows::id_of;

impl Batch<'_> {
    /// Dispatches the first ones of a lane, higher priority first, then age.
    pub(super) fn claim(
        &mut self,
        lane: &str,
        limit: usize,
        now: Timestamp,
    ) -> rusqlite::Result<Outcome> {
        let mut operations = Vec::new();
        if self.kept.waiting_in(lane) > 0 {
            self.promote(lane, now)?;
            let mut slots = FreeSlots::new(limit);
            while self.claim_some(lane, &mut slots, now, &mut operations)? {}
        }
        Ok(Outcome::Claimed {
            lane: lane.to_owned(),
            limit,
            operations,
            next_due: self.next_due(lane)?,
        })
    }

    /// Dispatches the next ones of a lane into slots that are free; false when none is left, of
    /// the ones or of the others.
    fn claim_some(
        &mut self,
        lane: &str,
        slots: &mut FreeSlots,
        now: Timestamp,
        operations: &mut Vec<Done>,
    ) -> rusqlite::Result<bool> {
        let next = self.first(lane, slots.look_at())?;
        for id in &next {
            let waiting = self.operation(*id)?;
            if !waiting.is_some_and(|waiting| slots.take(waiting.state.terms.tiny)) {
                return Ok(false);
            }
            if let Outcome::Done(done) = self.apply(*id, &Input::Dispatched, now)? {
                operations.push(done);
            }
        }
        Ok(!next.is_empty())
    }

    /// Lets those go whose time has come.
    fn promote(&mut self, lane: &str, now: Timestamp) -> rusqlite::Result<()> {
        if self.careful {
            self.look_at_due(lane, now)?;
        }
        self.connection
            .prepare_cached(
                "UPDATE operations SET due = 0 WHERE lane = ?1 AND due > 0 AND due <= ?2",
            )?
            .execute((lane, now.as_millis()))?;
        Ok(())
    }

    fn first(&self, lane: &str, limit: usize) -> rusqlite::Result<Vec<OperationId>> {
        let sql = "SELECT id FROM operations WHERE lane = ?1 AND due = 0 ORDER BY priority DESC, id LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let ids = statement.query_map((lane, limit), |row| row.get(0).map(id_of))?;
        ids.collect()
    }

    fn next_due(&self, lane: &str) -> rusqlite::Result<Option<Timestamp>> {
        if self.kept.waiting_in(lane) == 0 {
            return Ok(None);
        }
        // What is no time is over every number, and never due.
        let sql = "SELECT MIN(due) FROM operations WHERE lane = ?1 AND due BETWEEN 1 AND ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let due = statement.query_row((lane, Timestamp::MAX.as_millis()), |row| row.get(0));
        let due: Option<i64> = readable(due).transpose()?.flatten();
        Ok(due.map(Timestamp::from_millis))
    }

    /// Every running operation was lost with its process.
    pub(super) fn recover(&mut self, now: Timestamp) -> rusqlite::Result<Outcome> {
        let mut lost: Vec<Done> = Vec::new();
        for id in self.dispatched()? {
            let Some(run) = self.run_of(id)? else {
                continue;
            };
            let input = Input::Ended {
                run,
                end: RunEnd::Lost,
                signalled: None,
            };
            if let Outcome::Done(done) = self.apply(id, &input, now)? {
                lost.push(done);
            }
        }
        let lanes = self.kept.waiting.iter();
        let waiting: BTreeMap<_, _> = lanes
            .filter(|(_, count)| **count > 0)
            .map(|(lane, count)| (lane.clone(), *count))
            .collect();
        Ok(Outcome::Recovered { lost, waiting })
    }

    /// The ids of all that run, oldest first. Kinds come from the counters, so that the index
    /// answers.
    fn dispatched(&self) -> rusqlite::Result<Vec<OperationId>> {
        let sql = "SELECT operations.id FROM counters JOIN operations USING (kind, status)
                   WHERE counters.status BETWEEN 1 AND 3 AND counters.count > 0";
        let mut statement = self.connection.prepare_cached(sql)?;
        let ids = statement.query_map((), |row| row.get(0).map(id_of))?;
        let mut ids = ids.collect::<rusqlite::Result<Vec<_>>>()?;
        ids.sort_unstable();
        Ok(ids)
    }
}
