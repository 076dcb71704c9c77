//! Who goes next, and what the process before this one left running.

use crate::rules::admission::Waiting;
use crate::rules::dispatch::PROMOTED_AT_ONCE;
use crate::rules::lifecycle::Input;
use crate::rules::run_end::RunEnd;
use crate::store::{Done, Outcome};
use impresario_api::{OperationId, Timestamp};

use super::batch::Batch;
use super::damage::readable;
use super::queue;
use super::rows::{SCHEDULED, id_of, sql_id};

impl Batch<'_> {
    /// Dispatches the first ones of a lane, higher priority first, then age.
    pub(super) fn claim(
        &mut self,
        lane: &str,
        limit: usize,
        now: Timestamp,
    ) -> rusqlite::Result<Outcome> {
        let mut operations = Vec::new();
        self.promote(lane, now)?;
        let crowd = self.kept.crowd(lane);
        if crowd.waiting().due > 0 {
            for id in queue::first(self.connection, lane, limit, crowd.late > 0)? {
                if let Outcome::Done(done) = self.apply(id, &Input::Dispatched, now)? {
                    operations.push(done);
                }
            }
        }
        Ok(Outcome::Claimed {
            lane: lane.to_owned(),
            limit,
            operations,
            next_due: self.next_due(lane)?,
        })
    }

    /// Lets those go whose time has come, a bounded number at a time.
    pub(super) fn promote(&mut self, lane: &str, now: Timestamp) -> rusqlite::Result<()> {
        if self.careful {
            self.look_at_due(lane, now)?;
        }
        if self.kept.crowd(lane).scheduled == 0 {
            return Ok(());
        }
        for (id, kind) in self.due(lane, now)? {
            self.connection
                .prepare_cached("UPDATE operations SET due = -1 WHERE id = ?1")?
                .execute([sql_id(id)])?;
            self.kept.count(lane, 1, -1);
            self.kept.count(lane, -1, 1);
            self.count_one(&kind, SCHEDULED, -1);
        }
        Ok(())
    }

    /// The first ones that wait for a time which has come.
    fn due(&self, lane: &str, now: Timestamp) -> rusqlite::Result<Vec<(OperationId, String)>> {
        let sql = "SELECT id, kind FROM operations WHERE lane = ?1 AND due > 0 AND due <= ?2
            ORDER BY due LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let given = (lane, now.as_millis(), PROMOTED_AT_ONCE as i64);
        let rows = statement.query_map(given, |row| Ok((row.get(0).map(id_of)?, row.get(1)?)))?;
        rows.filter_map(readable).collect()
    }

    fn next_due(&self, lane: &str) -> rusqlite::Result<Option<Timestamp>> {
        if self.kept.crowd(lane).scheduled == 0 {
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
        let waiting = self.kept.waiting();
        let waiting = waiting.filter(|(_, waiting)| *waiting != Waiting::default());
        let waiting = waiting.map(|(lane, _)| lane.clone()).collect();
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
