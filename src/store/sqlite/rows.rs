//! Operations as rows.

use std::sync::Arc;

use impresario::store::Operation;
use impresario_api::{OperationId, Status, Timestamp};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::error::unreadable;
use super::{checkpoints, form};

/// The columns that [`operation`] reads.
pub(super) const COLUMNS: &str = "id, kind, lane, priority, status, created_at, completed_at, seq, checkpoints, state, start, output";

/// One operation.
pub(super) fn load(
    connection: &Connection,
    id: OperationId,
) -> rusqlite::Result<Option<Arc<Operation>>> {
    let sql = format!("SELECT {COLUMNS} FROM operations WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row([sql_id(id)], operation).optional()?;
    found.map(|row| finished(connection, row)).transpose()
}

/// A row as it was read, and how many checkpoints it has beside it.
pub(super) struct Read {
    operation: Operation,
    checkpoints: i64,
}

/// Reads a row of [`COLUMNS`].
pub(super) fn operation(row: &Row<'_>) -> rusqlite::Result<Read> {
    let text = |column| row.get_ref(column)?.as_str().map_err(unreadable);
    let output = row.get_ref(11)?.as_str_or_null().map_err(unreadable)?;
    let columns = form::Columns {
        id: OperationId::from_u64(row.get::<_, i64>(0)? as u64),
        kind: row.get(1)?,
        lane: row.get(2)?,
        priority: row.get(3)?,
        status: status(row.get(4)?)?,
        created_at: Timestamp::from_millis(row.get(5)?),
        completed_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_millis),
        seq: row.get::<_, i64>(7)? as u64,
        state: text(9)?,
        start: text(10)?,
        output,
    };
    Ok(Read {
        operation: form::operation(columns).map_err(unreadable)?,
        checkpoints: row.get(8)?,
    })
}

/// The operation with its checkpoints.
pub(super) fn finished(connection: &Connection, read: Read) -> rusqlite::Result<Arc<Operation>> {
    let mut operation = read.operation;
    if read.checkpoints > 0 {
        operation.checkpoints = checkpoints::load(connection, operation.id)?;
    }
    Ok(Arc::new(operation))
}

/// What writes a new one: looked up once a batch, not once a row.
pub(super) fn inserts(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached(
        "INSERT INTO operations (id, kind, lane, priority, status, due, created_at, completed_at, held, seq, state, start, checkpoints, output)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )
}

/// Writes a new one: how many bytes of text.
pub(super) fn insert(
    connection: &Connection,
    inserts: &mut CachedStatement<'_>,
    operation: &Operation,
) -> rusqlite::Result<usize> {
    let (state, start) = (form::state(operation), form::start(operation));
    let (state, start) = (state.map_err(unreadable)?, start.map_err(unreadable)?);
    let output = output(operation)?;
    let bytes = state.len() + start.len() + length(output.as_deref());
    inserts.execute(params![
        sql_id(operation.id),
        operation.kind,
        operation.lane,
        operation.priority,
        sql_status(operation.state.shown()),
        due(operation),
        operation.created_at.as_millis(),
        operation.completed_at.map(Timestamp::as_millis),
        held(operation),
        operation.seq as i64,
        state,
        start,
        operation.checkpoints.len() as i64,
        output,
    ])?;
    for (key, value) in &operation.labels {
        connection
            .prepare_cached("INSERT INTO labels (key, value, operation) VALUES (?1, ?2, ?3)")?
            .execute((key, value, sql_id(operation.id)))?;
    }
    Ok(bytes)
}

/// Writes what has changed since `was`. Columns that stand in an index are named only when they
/// differ, so that no index is touched in vain. How many bytes of text.
pub(super) fn update(
    connection: &Connection,
    was: &Operation,
    operation: &Operation,
) -> rusqlite::Result<usize> {
    let id = sql_id(operation.id);
    let (seq, checkpoints) = (operation.seq as i64, operation.checkpoints.len() as i64);
    let state = form::state(operation).map_err(unreadable)?;
    if facets(was) == facets(operation) {
        let sql = "UPDATE operations SET seq = ?2, checkpoints = ?3, state = ?4 WHERE id = ?1";
        let mut update = connection.prepare_cached(sql)?;
        update.execute((id, seq, checkpoints, &state))?;
        return Ok(state.len());
    }
    // An output comes with the status that it gives.
    let output = output(operation)?;
    let bytes = state.len() + length(output.as_deref());
    connection
        .prepare_cached(
            "UPDATE operations SET seq = ?2, checkpoints = ?3, state = ?4, status = ?5, due = ?6,
             completed_at = ?7, held = ?8, output = ?9 WHERE id = ?1",
        )?
        .execute(params![
            id,
            seq,
            checkpoints,
            state,
            sql_status(operation.state.shown()),
            due(operation),
            operation.completed_at.map(Timestamp::as_millis),
            held(operation),
            output,
        ])?;
    Ok(bytes)
}

/// The column `output`.
fn output(operation: &Operation) -> rusqlite::Result<Option<String>> {
    let output = operation.output.as_deref().map(serde_json::to_string);
    output.transpose().map_err(unreadable)
}

fn length(text: Option<&str>) -> usize {
    text.map_or(0, str::len)
}

/// Removes one with all that belongs to it.
pub(super) fn remove(connection: &Connection, operation: &Operation) -> rusqlite::Result<()> {
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
fn facets(operation: &Operation) -> (Status, Option<i64>, Option<Timestamp>) {
    (
        operation.state.shown(),
        due(operation),
        operation.completed_at,
    )
}

/// Its place in the queue: 0 may go now, else its time.
fn due(operation: &Operation) -> Option<i64> {
    let pending = operation.state.shown() == Status::Pending;
    let time = operation
        .state
        .not_before
        .map_or(0, |time| time.as_millis().max(1));
    pending.then_some(time)
}

/// The text that it holds while it is live.
fn held(operation: &Operation) -> Option<&str> {
    operation.unique.as_deref().filter(|_| operation.is_live())
}

/// An id as SQLite's integer: ids have 63 bits.
pub(super) fn sql_id(id: OperationId) -> i64 {
    id.as_u64() as i64
}

/// An id as it was read.
pub(super) fn id_of(value: i64) -> OperationId {
    OperationId::from_u64(value as u64)
}

/// A status by its place in [`Status::ALL`]; places stand on disk.
pub(super) const fn sql_status(status: Status) -> i64 {
    status as i64
}

/// A status as it was read.
pub(super) fn status(place: i64) -> rusqlite::Result<Status> {
    let found = usize::try_from(place).ok();
    let found = found.and_then(|place| Status::ALL.get(place).copied());
    found.ok_or(rusqlite::Error::IntegralValueOutOfRange(4, place))
}
