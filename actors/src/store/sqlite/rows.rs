//! Operations as rows.

use std::sync::Arc;

use crate::store::StoredOperation;
use crate::store::engine::{Queued, Stored};
use impresario_api::{MAX_INTEGER, OperationId, Status, Timestamp};
use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::checkpoints;
use super::damage::Damage;
use super::encoding::{self, id_of, sql_id, sql_status, status};
use super::error::unreadable;

/// The columns that [`read`] reads.
const COLUMNS: &str = "id, kind, lane, priority, status, created_at, completed_at, seq, due, held, state, start, output";
/// Their places.
const ID: usize = 0;
const KIND: usize = 1;
const LANE: usize = 2;
const PRIORITY: usize = 3;
const STATUS: usize = 4;
const CREATED_AT: usize = 5;
const COMPLETED_AT: usize = 6;
const SEQ: usize = 7;
const DUE: usize = 8;
const HELD: usize = 9;
const STATE: usize = 10;
const START: usize = 11;
const OUTPUT: usize = 12;
/// In the column `due`: one that could run since it was created, and one that could only later.
pub(super) const SINCE_CREATION: i64 = 0;
pub(super) const LATER: i64 = -1;
/// So much is told of what is wrong with a row.
const MOST_TOLD: usize = 300;

/// One operation, for a reader: a damaged row is shown as what it is, and told of.
pub(super) fn load(
    connection: &Connection,
    damage: &Damage,
    id: OperationId,
) -> rusqlite::Result<Option<Arc<StoredOperation>>> {
    let found = read(connection, damage, sql_id(id))?;
    Ok(found.map(|read| {
        let mut operation = read.operation;
        if let Some(why) = read.damaged {
            damage.met_operation(sql_id(id), &why);
            let ended = operation.created_at;
            operation.set_aside(&why, ended);
        }
        Arc::new(operation)
    }))
}

/// A row as it was read.
pub(super) struct Read {
    pub(super) operation: StoredOperation,
    /// The time for which it waits has come.
    pub(super) promoted: bool,
    /// Why the row cannot be read; then the operation is what could be read of it.
    pub(super) damaged: Option<String>,
}

/// Reads a row, whatever it holds.
pub(super) fn read(
    connection: &Connection,
    damage: &Damage,
    id: i64,
) -> rusqlite::Result<Option<Read>> {
    let sql = format!("SELECT {COLUMNS} FROM operations WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let read = |row: &Row<'_>| {
        Ok(match whole(row) {
            Ok((operation, promoted)) => Read {
                operation,
                promoted,
                damaged: None,
            },
            Err(why) => Read {
                operation: salvaged(row),
                promoted: false,
                damaged: Some(why.chars().take(MOST_TOLD).collect()),
            },
        })
    };
    let Some(mut read) = statement.query_row([id], read).optional()? else {
        return Ok(None);
    };
    if read.operation.state.has_checkpoint {
        read.operation.checkpoints = checkpoints::load(connection, damage, read.operation.id)?;
    }
    Ok(Some(read))
}

/// A column, or why it cannot be read.
fn field<T: FromSql>(row: &Row<'_>, place: usize) -> Result<T, String> {
    row.get(place)
        .map_err(|error| format!("{}: {error}", name(row, place)))
}

fn name<'a>(row: &'a Row<'_>, place: usize) -> &'a str {
    row.as_ref().column_name(place).unwrap_or_default()
}

/// Text that is not copied.
fn text<'a>(row: &'a Row<'_>, place: usize) -> Result<Option<&'a str>, String> {
    let value = row.get_ref(place).map_err(|error| error.to_string())?;
    value
        .as_str_or_null()
        .map_err(|error| format!("{}: {error}", name(row, place)))
}

fn time(column: &str, millis: i64) -> Result<Timestamp, String> {
    Timestamp::in_range(millis).ok_or_else(|| format!("{column}: {millis} is no time"))
}

/// The one place where a row becomes an operation, which may be promoted, or is found to be damaged.
fn whole(row: &Row<'_>) -> Result<(StoredOperation, bool), String> {
    let id: i64 = field(row, ID)?;
    if id < 0 {
        return Err(format!("id: {id} is negative"));
    }
    let seq: i64 = field(row, SEQ)?;
    let seq = u64::try_from(seq).ok().filter(|seq| *seq < MAX_INTEGER);
    let completed_at: Option<i64> = field(row, COMPLETED_AT)?;
    let status = field(row, STATUS)?;
    let columns = encoding::Columns {
        id: id_of(id),
        kind: field(row, KIND)?,
        lane: field(row, LANE)?,
        priority: field(row, PRIORITY)?,
        status: self::status(status).ok_or_else(|| format!("status: {status} is none"))?,
        created_at: time("created_at", field(row, CREATED_AT)?)?,
        completed_at: completed_at
            .map(|millis| time("completed_at", millis))
            .transpose()?,
        seq: seq.ok_or("seq: out of its range")?,
        state: text(row, STATE)?.ok_or("state: there is none")?,
        start: text(row, START)?.ok_or("start: there is none")?,
        output: text(row, OUTPUT)?,
    };
    let shown = columns.status;
    let operation = encoding::operation(columns)?;
    if operation.state.shown() != shown {
        let state = operation.state.shown();
        return Err(format!("status: {shown}, but its state is {state}"));
    }
    if operation.completed_at.is_some() == operation.is_live() {
        return Err(format!("completed_at: does not go with {shown}"));
    }
    let due: Option<i64> = field(row, DUE)?;
    let expected = operation.queued().map(sql_queued);
    let promoted = matches!((due, expected), (Some(LATER), Some(1..)));
    if due != expected && !promoted {
        return Err(format!("due: {due:?} does not go with {shown}"));
    }
    if text(row, HELD)? != operation.held() {
        return Err("held: is not the text that it should be unique by".to_owned());
    }
    Ok((operation, promoted))
}

/// What can still be read of a damaged row.
fn salvaged(row: &Row<'_>) -> StoredOperation {
    let number = |place: usize| row.get::<_, i64>(place).ok();
    let text = |place| text(row, place).ok().flatten();
    let time = |place| number(place).and_then(Timestamp::in_range);
    let id = id_of(number(ID).unwrap_or_default());
    let made = (id.as_u64() >> OperationId::BELOW_TIME_BITS) as i64;
    encoding::salvaged(encoding::Columns {
        id,
        kind: text(KIND).unwrap_or("unreadable").to_owned(),
        lane: text(LANE).unwrap_or("unreadable").to_owned(),
        priority: row.get(PRIORITY).unwrap_or_default(),
        status: Status::Failed,
        created_at: time(CREATED_AT)
            .unwrap_or(Timestamp::from_millis(OperationId::EPOCH_MILLIS + made)),
        completed_at: time(COMPLETED_AT),
        seq: number(SEQ).map_or(0, i64::unsigned_abs).min(MAX_INTEGER),
        state: text(STATE).unwrap_or_default(),
        start: text(START).unwrap_or_default(),
        output: None,
    })
}

/// What writes a new one: looked up once a batch, not once a row.
pub(super) fn inserts(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached(
        "INSERT INTO operations (id, kind, lane, priority, status, due, since, created_at, completed_at, held, seq, state, start, checkpoints, output)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )
}

/// Writes a new one: how many bytes of text.
pub(super) fn insert(
    connection: &Connection,
    inserts: &mut CachedStatement<'_>,
    new: &Stored,
) -> rusqlite::Result<usize> {
    let operation = &*new.operation;
    let (state, start) = (encoding::state(operation), encoding::start(operation));
    let (state, start) = (state.map_err(unreadable)?, start.map_err(unreadable)?);
    let output = output(operation)?;
    let bytes = state.len() + start.len() + output.as_ref().map_or(0, String::len);
    inserts.execute(params![
        sql_id(operation.id),
        operation.kind,
        operation.lane,
        operation.priority,
        sql_status(operation.state.shown()),
        due(new),
        new.queued_since().map(Timestamp::as_millis),
        operation.created_at.as_millis(),
        operation.completed_at.map(Timestamp::as_millis),
        operation.held(),
        operation.seq as i64,
        state,
        start,
        operation.checkpoints.len() as i64,
        output,
    ])?;
    for (key, value) in &operation.labels {
        connection
            // A damaged row may stand in its place.
            .prepare_cached(
                "INSERT OR IGNORE INTO labels (key, value, operation) VALUES (?1, ?2, ?3)",
            )?
            .execute((key, value, sql_id(operation.id)))?;
    }
    Ok(bytes)
}

/// Writes what has changed since `was`. Columns that stand in an index are named only when they
/// differ, so that no index is touched in vain. How many bytes of text.
pub(super) fn update(
    connection: &Connection,
    was: &Stored,
    is: &Stored,
) -> rusqlite::Result<usize> {
    let operation = &*is.operation;
    let id = sql_id(operation.id);
    let (seq, checkpoints) = (operation.seq as i64, operation.checkpoints.len() as i64);
    let state = encoding::state(operation).map_err(unreadable)?;
    if facets(was) == facets(is) {
        let sql = "UPDATE operations SET seq = ?2, state = ?3 WHERE id = ?1";
        let mut update = connection.prepare_cached(sql)?;
        update.execute((id, seq, &state))?;
        return Ok(state.len());
    }
    // An output comes with the status that it gives.
    let output = output(operation)?;
    let bytes = state.len() + output.as_ref().map_or(0, String::len);
    connection
        .prepare_cached(
            "UPDATE operations SET seq = ?2, checkpoints = ?3, state = ?4, status = ?5, due = ?6,
             completed_at = ?7, held = ?8, output = ?9, since = ?10 WHERE id = ?1",
        )?
        .execute(params![
            id,
            seq,
            checkpoints,
            state,
            sql_status(operation.state.shown()),
            due(is),
            operation.completed_at.map(Timestamp::as_millis),
            operation.held(),
            output,
            is.queued_since().map(Timestamp::as_millis),
        ])?;
    Ok(bytes)
}

fn output(operation: &StoredOperation) -> rusqlite::Result<Option<String>> {
    let output = operation.output.as_deref().map(serde_json::to_string);
    output.transpose().map_err(unreadable)
}

/// Removes one with all that belongs to it.
pub(super) fn remove(connection: &Connection, operation: &StoredOperation) -> rusqlite::Result<()> {
    let id = sql_id(operation.id);
    for (key, value) in &operation.labels {
        connection
            .prepare_cached("DELETE FROM labels WHERE key = ?1 AND value = ?2 AND operation = ?3")?
            .execute((key, value, id))?;
    }
    for sql in [
        "DELETE FROM events WHERE operation = ?1",
        "DELETE FROM checkpoints WHERE operation = ?1",
        "DELETE FROM keys WHERE operation = ?1",
        "DELETE FROM operations WHERE id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([id])?;
    }
    Ok(())
}

/// Where it stands in the indexes.
fn facets(stored: &Stored) -> (Status, Option<i64>, Option<Timestamp>, usize) {
    let operation = &stored.operation;
    let checkpoints = operation.checkpoints.len();
    (
        operation.state.shown(),
        due(stored),
        operation.completed_at,
        checkpoints,
    )
}

/// The column `due`: see `queue.rs`.
pub(super) fn due(stored: &Stored) -> Option<i64> {
    stored.queued().map(sql_queued)
}

fn sql_queued(queued: Queued) -> i64 {
    match queued {
        Queued::SinceCreation => SINCE_CREATION,
        Queued::Later => LATER,
        Queued::Scheduled(time) => time.as_millis().max(1),
    }
}
