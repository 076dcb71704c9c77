//! Rows of operations that cannot be read, taken out of the way: no one of them stands in the way of
//! another operation, and nothing of it is lost (`docs/adr/0014`).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::store::Done;
use crate::store::engine::{Stored, WorkingSet};
use impresario_api::{MAX_INTEGER, OperationId, Status, Timestamp};
use rusqlite::Connection;

use super::damage::readable;
use super::encoding::{self, SCHEDULED, id_of, sql_id, sql_status};
use super::events;
use super::rows::{self, Read};
use super::transaction::Transaction;

/// The columns by which a row is counted.
type Counted = (Option<String>, Option<Status>, Option<String>, Option<i64>);

impl Transaction<'_> {
    /// A row as it is, with what the tables beside it say of it where that is asked for.
    pub(super) fn read(&self, id: i64) -> rusqlite::Result<Option<Read>> {
        let mut read = rows::read(self.connection, self.damage, id)?;
        if let Some(read) = &mut read
            && self.careful
            && read.damaged.is_none()
        {
            let told = last_event(self.connection, read.operation.id)?;
            let behind = told > read.operation.seq;
            read.damaged = behind.then(|| format!("seq: behind its events, the last is {told}"));
        }
        Ok(read)
    }

    /// Puts a failed operation in the place of a damaged row, whose columns are kept beside it.
    pub(super) fn set_aside(&mut self, id: i64, now: Timestamp) -> rusqlite::Result<Option<Done>> {
        let Some((mut operation, why)) = self
            .read(id)?
            .and_then(|read| Some((read.operation, read.damaged?)))
        else {
            return Ok(None);
        };
        while id < 0 && self.is_known(operation.id)? {
            operation.id = OperationId::from_u64(operation.id.as_u64() + 1);
        }
        let was = self.uncount(id)?;
        keep_columns(self.connection, id, operation.id)?;
        self.connection
            .execute("DELETE FROM operations WHERE id = ?1", [id])?;
        if operation.labels.is_empty() {
            operation.labels = labels(self.connection, operation.id)?;
        }
        operation.seq = last_event(self.connection, operation.id)?;
        let body = operation.set_aside(&why, now);
        let events = operation.number(&mut self.cache.cursor, vec![(now, body)]);
        self.cache.operations.remove(&operation.id);
        let operation = Arc::new(operation);
        self.insert(&Stored::new(Arc::clone(&operation)))?;
        events::insert(self.connection, &events)?;
        self.count_one(&operation.kind, sql_status(Status::Failed), 1);
        self.written.removed(operation.id);
        Ok(Some(Done {
            was: Some(was.unwrap_or(Status::Failed)),
            operation,
            events,
            new_operation: false,
        }))
    }

    /// Takes a row out of the counts, as far as it is in them: the status that it had there.
    fn uncount(&mut self, id: i64) -> rusqlite::Result<Option<Status>> {
        let sql = "SELECT kind, status, lane, due FROM operations WHERE id = ?1";
        let (kind, status, lane, due): Counted = self.connection.query_row(sql, [id], |row| {
            Ok((
                row.get(0).ok(),
                row.get(1).ok().and_then(encoding::status),
                row.get(2).ok(),
                row.get(3).ok().flatten(),
            ))
        })?;
        if let (Some(lane), Some(due)) = (lane, due) {
            self.cache.count(&lane, due, -1);
        }
        if let Some(kind) = kind {
            if let Some(status) = status {
                self.count_one(&kind, sql_status(status), -1);
            }
            if due.is_some_and(|due| due > 0) {
                self.count_one(&kind, SCHEDULED, -1);
            }
        }
        Ok(status)
    }

    /// Whether an operation of this id is kept.
    fn is_known(&self, id: OperationId) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached("SELECT 1 FROM operations WHERE id = ?1")?
            .exists([sql_id(id)])
    }

    /// Looks at those of a lane whose time has come, one after the other.
    pub(super) fn look_at_due(&mut self, lane: &str, now: Timestamp) -> rusqlite::Result<()> {
        let sql = "SELECT id FROM operations WHERE lane = ?1 AND due > 0 AND due <= ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let ids = statement.query_map((lane, now.as_millis()), |row| row.get(0))?;
        let mut set = WorkingSet::default();
        for id in ids.collect::<rusqlite::Result<Vec<_>>>()? {
            self.load_operation(id_of(id), &mut set)?;
        }
        Ok(())
    }

    /// An operation is removed, and with it what was kept of its damaged row.
    pub(super) fn forget_damage(&self, id: OperationId) -> rusqlite::Result<()> {
        if self.damage.is_set_aside(sql_id(id)) {
            self.connection
                .execute("DELETE FROM set_aside WHERE operation = ?1", [sql_id(id)])?;
        }
        self.damage.removed(sql_id(id));
        Ok(())
    }
}

/// Every column as it was found, whatever columns there are.
fn keep_columns(connection: &Connection, id: i64, of: OperationId) -> rusqlite::Result<()> {
    let sql = "SELECT name FROM pragma_table_info('operations')";
    let mut statement = connection.prepare(sql)?;
    let columns = statement.query_map((), |row| row.get::<_, String>(0))?;
    for column in columns {
        let column = column?;
        let sql = format!(
            "INSERT OR REPLACE INTO set_aside (operation, field, value)
             SELECT ?2, ?3, \"{column}\" FROM operations WHERE id = ?1"
        );
        connection.execute(&sql, (id, sql_id(of), &column))?;
    }
    Ok(())
}

/// The number of an operation's last event.
fn last_event(connection: &Connection, id: OperationId) -> rusqlite::Result<u64> {
    let sql = "SELECT MAX(seq) FROM events WHERE operation = ?1 AND seq BETWEEN 0 AND ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let last = statement.query_row((sql_id(id), MAX_INTEGER as i64), |row| row.get(0));
    let last: Option<i64> = readable(last).transpose()?.flatten();
    Ok(last.map_or(0, i64::unsigned_abs))
}

/// The labels of an operation, by a walk over all labels.
fn labels(connection: &Connection, id: OperationId) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut statement = connection.prepare("SELECT key, value FROM labels WHERE operation = ?1")?;
    let labels = statement.query_map([sql_id(id)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    labels.filter_map(readable).collect()
}

/// The operations whose ids are none.
pub(super) fn without_id(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare("SELECT id FROM operations WHERE id < 0")?;
    let ids = statement.query_map((), |row| row.get(0))?;
    ids.collect()
}
