//! What the engine needs for a batch, from the file.

use std::sync::Arc;

use impresario_api::{OperationId, Timestamp};
use rusqlite::OptionalExtension;

use super::damage::readable;
use super::encoding::{id_of, sql_id};
use super::error::damaged;
use super::queue;
use super::rows::Read;
use super::transaction::Transaction;
use crate::rules::dispatch::{Rank, rank};
use crate::store::LostOwner;
use crate::store::engine::{
    CancelledNeeds, KnownKey, LaneNeeds, LaneSet, Needs, Promoted, PruneNeeds, Stored, WorkingSet,
};

/// Its conditions are those of the index `cancelled`, word for word: by them it is found.
const CANCELLED: &str = "SELECT id FROM operations WHERE status = 7 AND checkpoints > 0
    AND completed_at < ?1 ORDER BY completed_at, id LIMIT ?2";

impl Transaction<'_> {
    /// Loads what a part of a batch touches.
    pub(super) fn load(&mut self, needs: &Needs<'_>) -> rusqlite::Result<WorkingSet> {
        let mut set = WorkingSet {
            cursor: self.cache.cursor,
            no_room: self.no_room.clone(),
            ..WorkingSet::default()
        };
        for id in &needs.operations {
            self.load_operation(*id, &mut set)?;
            if let Some(text) = set.text_to_look_up(*id).map(str::to_owned) {
                self.load_holder(&text, &mut set)?;
            }
        }
        for id in &needs.new {
            // Ids ascend: a newer one than any that was kept is looked up by nobody.
            if id.as_u64() <= self.cache.newest {
                self.load_operation(*id, &mut set)?;
            }
        }
        for text in &needs.unique {
            self.load_holder(text, &mut set)?;
        }
        for key in &needs.keys {
            self.load_key(key, &mut set)?;
        }
        for (name, lane) in &needs.lanes {
            self.load_lane(name, lane, &mut set)?;
        }
        if let Some(lost) = needs.recover {
            self.load_lost(lost, &mut set)?;
        }
        if let Some(prune) = needs.prune {
            self.load_old(prune, &mut set)?;
        }
        if let Some(cancelled) = needs.cancelled {
            self.load_cancelled(cancelled, &mut set)?;
        }
        Ok(set)
    }

    /// An operation; a damaged row ends the transaction, and is set aside before the next one.
    pub(super) fn load_operation(
        &mut self,
        id: OperationId,
        set: &mut WorkingSet,
    ) -> rusqlite::Result<()> {
        if set.operations.contains_key(&id) {
            return Ok(());
        }
        if let Some(known) = self.cache.operations.get(&id) {
            set.operations.insert(id, Stored::new(Arc::clone(known)));
            return Ok(());
        }
        match self.read(sql_id(id))? {
            Some(Read {
                damaged: Some(why), ..
            }) => {
                self.damage.met_operation(sql_id(id), &why);
                return Err(damaged(why));
            }
            Some(read) => {
                let stored = Stored {
                    operation: Arc::new(read.operation),
                    promoted: read.promoted,
                };
                set.operations.insert(id, stored);
            }
            None => {}
        }
        Ok(())
    }

    fn load_holder(&mut self, text: &str, set: &mut WorkingSet) -> rusqlite::Result<()> {
        let holder = self
            .connection
            .prepare_cached("SELECT id FROM operations WHERE held = ?1")?
            .query_row([text], |row| row.get(0).map(id_of))
            .optional()?;
        if let Some(holder) = holder {
            // A damaged row holds nothing: it is met here.
            self.load_operation(holder, set)?;
            set.holders.insert(text.to_owned(), holder);
        }
        Ok(())
    }

    fn load_key(&mut self, key: &str, set: &mut WorkingSet) -> rusqlite::Result<()> {
        let sql = "SELECT operation, fingerprint, at FROM keys WHERE key = ?1";
        let known = self
            .connection
            .prepare_cached(sql)?
            .query_row([key], |row| {
                Ok(KnownKey {
                    id: id_of(row.get(0)?),
                    fingerprint: row.get::<_, i64>(1)? as u64,
                    at: Timestamp::from_millis(row.get(2)?),
                })
            })
            .optional();
        // A damaged key is forgotten: the start takes its place.
        if let Some(known) = readable(known).transpose()?.flatten() {
            self.load_operation(known.id, set)?;
            set.keys.insert(key.to_owned(), known);
        }
        Ok(())
    }

    fn load_lane(
        &mut self,
        name: &str,
        needs: &LaneNeeds<'_>,
        set: &mut WorkingSet,
    ) -> rusqlite::Result<()> {
        if self.careful {
            self.look_at_due(name, needs.now)?;
        }
        let counts = self.cache.counts(name);
        let mut lane = LaneSet {
            waiting: counts.waiting(),
            ..LaneSet::default()
        };
        let mut due = Vec::new();
        if counts.scheduled > 0 {
            due = queue::due(self.connection, name, needs.now)?;
            let next = queue::scheduled(self.connection, name, due.len(), needs.scheduled)?;
            lane.scheduled.extend(next);
        }
        for (kinds, most) in &needs.candidates {
            let kinds = kinds.map(|kinds| &**kinds);
            if counts.waiting().due > 0 {
                let later = counts.later > 0;
                let ready = queue::first(self.connection, name, *most, later, kinds)?;
                lane.ready.extend(ready);
            }
            let wanted = |one: &&Promoted| kinds.is_none_or(|kinds| kinds.contains(&one.kind));
            let ranks = due.iter().filter(wanted);
            let mut ranks: Vec<Rank> = ranks.map(|one| rank(one.priority, one.id)).collect();
            ranks.sort_unstable();
            for (_, id) in ranks.iter().take(*most).chain(&lane.ready) {
                self.load_operation(*id, set)?;
            }
        }
        set.due.extend(due);
        set.lanes.insert(name.to_owned(), lane);
        Ok(())
    }

    fn load_lost(&mut self, lost: LostOwner, set: &mut WorkingSet) -> rusqlite::Result<()> {
        for id in self.dispatched()? {
            self.load_operation(id, set)?;
            let stored = set.operations.get(&id);
            if stored.is_some_and(|stored| lost.lost(stored.operation.owner)) {
                set.selected.push(id);
            }
        }
        for (name, waiting) in self.cache.waiting() {
            let lane = LaneSet {
                waiting,
                ..LaneSet::default()
            };
            set.lanes.insert(name.clone(), lane);
        }
        Ok(())
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

    fn load_old(&mut self, needs: PruneNeeds, set: &mut WorkingSet) -> rusqlite::Result<()> {
        let most = i64::try_from(needs.limit).unwrap_or(i64::MAX);
        let given = (needs.before.as_millis(), most);
        let old =
            "SELECT id FROM operations WHERE completed_at < ?1 ORDER BY completed_at, id LIMIT ?2";
        if needs.dry_run {
            let sql = format!("SELECT COUNT(*) FROM ({old})");
            let mut statement = self.connection.prepare_cached(&sql)?;
            let count: i64 = statement.query_row(given, |row| row.get(0))?;
            set.ended = count.unsigned_abs();
            return Ok(());
        }
        self.select(old, given, set)
    }

    /// Those that were cancelled and have checkpoints, the oldest first.
    fn load_cancelled(
        &mut self,
        needs: CancelledNeeds,
        set: &mut WorkingSet,
    ) -> rusqlite::Result<()> {
        let most = i64::try_from(needs.limit).unwrap_or(i64::MAX);
        self.select(CANCELLED, (needs.before.as_millis(), most), set)
    }

    /// Loads the operations that a query names.
    fn select(
        &mut self,
        sql: &str,
        given: (i64, i64),
        set: &mut WorkingSet,
    ) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let ids = statement.query_map(given, |row| row.get(0).map(id_of))?;
        for id in ids.collect::<rusqlite::Result<Vec<_>>>()? {
            self.load_operation(id, set)?;
            set.selected.push(id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use impresario_api::Status;
    use rusqlite::Connection;

    use super::CANCELLED;
    use crate::store::sqlite::encoding::sql_status;
    use crate::store::sqlite::schema::migrate;

    #[test]
    fn checkpoints_that_go_are_found_by_an_index_of_their_own() {
        let connection = Connection::open_in_memory().expect("memory");
        migrate(&connection).expect("tables");
        let mut plan = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {CANCELLED}"))
            .expect("a query");
        let steps = plan.query_map((9, 9), |row| row.get::<_, String>("detail"));
        let steps: Vec<_> = steps.expect("a plan").map(Result::unwrap).collect();
        let expected = "SEARCH operations USING INDEX cancelled (completed_at<?)";
        assert_eq!(
            steps,
            [expected],
            "nothing is sorted, and nothing else is looked at"
        );
        let status = format!("status = {} ", sql_status(Status::Cancelled));
        assert!(CANCELLED.contains(&status), "{CANCELLED}");
    }
}
