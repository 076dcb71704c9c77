//! A lane's queue, as its index keeps it.
//!
//! The column `due` is 0 for those that could run since they were created, -1 for those that could
//! run only later and can now, and else the time for which they wait.

use crate::store::LAST_PLACE;
use impresario_api::{OperationId, Timestamp};
use rusqlite::{Connection, OptionalExtension, named_params};

use super::damage::readable;
use super::rows::id_of;

/// The first of those with 0 there.
const FRESH: &str = "SELECT id, priority FROM operations
    WHERE lane = :lane AND due = 0 ORDER BY priority DESC, id LIMIT :most";
/// The first of those with -1.
const LATE: &str = "SELECT id, priority FROM operations
    WHERE lane = :lane AND due = -1 ORDER BY priority DESC, id LIMIT :most";
/// Those whose time has come since the last promotion.
const DUE: &str =
    "SELECT id, priority FROM operations WHERE lane = :lane AND due > 0 AND due <= :now";
const ORDER: &str = "ORDER BY priority DESC, id LIMIT :most";

/// The first of both.
fn ready() -> String {
    format!("SELECT * FROM ({FRESH}) UNION ALL SELECT * FROM ({LATE})")
}

/// The first ones of a lane that may go, as of the last promotion; without `late` none has -1 there.
pub(super) fn first(
    connection: &Connection,
    lane: &str,
    limit: usize,
    late: bool,
) -> rusqlite::Result<Vec<OperationId>> {
    let sql = if late {
        format!("SELECT id FROM ({}) {ORDER}", ready())
    } else {
        FRESH.to_owned()
    };
    let mut statement = connection.prepare_cached(&sql)?;
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let given = named_params! {":lane": lane, ":most": most};
    let ids = statement.query_map(given, |row| row.get(0).map(id_of))?;
    ids.collect()
}

/// The first ones of a lane that may go at `now`.
pub(super) fn queue(
    connection: &Connection,
    lane: &str,
    now: Timestamp,
) -> rusqlite::Result<Vec<OperationId>> {
    let sql = format!("SELECT id FROM ({} UNION ALL {DUE}) {ORDER}", ready());
    let mut statement = connection.prepare_cached(&sql)?;
    let given = named_params! {
        ":lane": lane,
        ":most": LAST_PLACE as i64,
        ":now": now.as_millis(),
    };
    let ids = statement.query_map(given, |row| row.get(0).map(id_of))?;
    ids.collect()
}

/// Since when the one that waits longest could run. Ids ascend with time, so of those with 0 there it
/// is the first of a priority: priorities are few, however many wait.
pub(super) fn oldest_due(
    connection: &Connection,
    lane: &str,
    now: Timestamp,
) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT MIN(since) FROM operations WHERE lane = ?1 AND since IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let late = readable(statement.query_row([lane], |row| row.get(0)));
    let late: Option<i64> = late.transpose()?.flatten();
    let mut oldest = late.filter(|since| *since <= now.as_millis());
    let sql = "SELECT priority, created_at FROM operations
        WHERE lane = ?1 AND due = 0 AND priority < ?2 ORDER BY priority DESC, id LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut below = i64::MAX;
    let mut next = |below: i64| {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let found = readable(statement.query_row((lane, below), row).optional());
        Ok::<_, rusqlite::Error>(found.transpose()?.flatten())
    };
    while let Some((priority, created_at)) = next(below)? {
        below = priority;
        oldest = Some(oldest.map_or(created_at, |known| known.min(created_at)));
    }
    Ok(oldest.map(Timestamp::from_millis))
}
