//! What is derived from other rows is counted anew at the start, so that nothing follows from a damaged
//! counter. What is right is not written.

use std::collections::BTreeMap;

use impresario_api::{MAX_INTEGER, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::damage::{Damage, readable};
use super::{aside, rows};

/// A cursor past it is a damaged one.
const LAST_CURSOR: i64 = MAX_INTEGER as i64;
/// Ids up to here leave room for those that follow.
const LAST_ID: i64 = i64::MAX - MAX_INTEGER as i64;

/// Mends what can be mended, and marks operations that have to be set aside.
pub(super) fn mend(connection: &Connection, damage: &Damage) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    progress(&transaction)?;
    counters(&transaction)?;
    // A key of no time would never be forgotten.
    transaction.execute(
        "DELETE FROM keys WHERE at < ?1 OR at > ?2",
        (Timestamp::MIN.as_millis(), Timestamp::MAX.as_millis()),
    )?;
    for id in aside::without_id(&transaction)? {
        damage.met_operation(id, "id: it is negative");
    }
    transaction.commit()
}

/// The last cursor and the newest id are never below what is there: numbers are used once.
fn progress(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "SELECT cursor, newest, at FROM progress WHERE one = 1";
    let number = |row: &rusqlite::Row<'_>, place: usize| row.get::<_, i64>(place).ok();
    let kept = connection.query_row(sql, (), |row| {
        Ok((number(row, 0), number(row, 1), number(row, 2)))
    });
    let (cursor, newest, at) = kept.optional()?.unwrap_or_default();
    let max =
        |sql, most: i64| connection.query_row(sql, [most], |row| row.get::<_, Option<i64>>(0));
    let last = max(
        "SELECT MAX(cursor) FROM events WHERE cursor <= ?1",
        LAST_CURSOR,
    )?
    .unwrap_or(0);
    let latest = max("SELECT MAX(id) FROM operations WHERE id <= ?1", LAST_ID)?.unwrap_or(0);
    let mended = (
        cursor
            .filter(|cursor| *cursor < LAST_CURSOR)
            .map_or(last, |cursor| cursor.max(last)),
        newest
            .filter(|newest| *newest <= LAST_ID)
            .map_or(latest, |newest| newest.max(latest)),
        at.filter(|at| Timestamp::in_range(*at).is_some())
            .unwrap_or(0),
    );
    if (cursor, newest, at) != (Some(mended.0), Some(mended.1), Some(mended.2)) {
        log::error!("the store's last numbers were damaged and are mended: {mended:?}");
        connection.execute("DELETE FROM progress", ())?;
        let sql = "INSERT INTO progress (one, cursor, newest, at) VALUES (1, ?1, ?2, ?3)";
        connection.execute(sql, mended)?;
    }
    Ok(())
}

/// How many there are by kind and status, which is also how those are found that run.
fn counters(connection: &Connection) -> rusqlite::Result<()> {
    let read = |sql| -> rusqlite::Result<Vec<(String, i64, i64)>> {
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.filter_map(readable).collect()
    };
    let shelves = read("SELECT kind, status, COUNT(*) FROM operations GROUP BY kind, status")?;
    let shelves = shelves.into_iter();
    let counted: BTreeMap<_, _> = shelves
        .filter(|(_, status, _)| rows::status(*status).is_some())
        .map(|(kind, status, count)| ((kind, status), count))
        .collect();
    let kept = read("SELECT kind, status, count FROM counters WHERE count <> 0")?;
    let kept: BTreeMap<_, _> = kept
        .into_iter()
        .map(|(kind, status, count)| ((kind, status), count))
        .collect();
    if counted == kept {
        return Ok(());
    }
    log::error!("the store's counters were damaged and are counted anew");
    connection.execute("DELETE FROM counters", ())?;
    let sql = "INSERT INTO counters (kind, status, count) VALUES (?1, ?2, ?3)";
    let mut statement = connection.prepare(sql)?;
    for ((kind, status), count) in counted {
        statement.execute((kind, status, count))?;
    }
    Ok(())
}
