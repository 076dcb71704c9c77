//! A lane's queue, as its index keeps it.
//!
//! The column `due` is 0 for those that could run since they were created, -1 for those that could
//! run only later and can now, and else the time for which they wait.

use impresario_api::{OperationId, Timestamp};
use rusqlite::{Connection, OptionalExtension, ToSql, named_params};

use super::damage::readable;
use super::encoding::id_of;
use super::error::unreadable;
use crate::rules::dispatch::{PROMOTED_AT_ONCE, Rank, rank};
use crate::store::LAST_PLACE;
use crate::store::engine::Promoted;

/// The first of those that may go: with 0 there, or with -1.
const SINCE_CREATION: &str = "SELECT id, priority FROM operations
    WHERE lane = :lane AND due = 0 ORDER BY priority DESC, id LIMIT :most";
const LATER: &str = "SELECT id, priority FROM operations
    WHERE lane = :lane AND due = -1 ORDER BY priority DESC, id LIMIT :most";
/// The same of some kinds alone.
const OF_KINDS: &str = "SELECT id, priority FROM operations
    WHERE lane = :lane AND due IN (0, -1) AND kind IN (SELECT value FROM json_each(:kinds))
    ORDER BY priority DESC, id LIMIT :most";
/// Those whose time has come since the last promotion.
const DUE: &str =
    "SELECT id, priority FROM operations WHERE lane = :lane AND due > 0 AND due <= :now";
const ORDER: &str = "ORDER BY priority DESC, id LIMIT :most";

/// The first of both.
fn ready() -> String {
    format!("SELECT * FROM ({SINCE_CREATION}) UNION ALL SELECT * FROM ({LATER})")
}

/// The first ones of a lane that may go, as of the last promotion; without `later` none has -1 there.
/// With `kinds` they are of these.
pub(super) fn first(
    connection: &Connection,
    lane: &str,
    most: usize,
    later: bool,
    kinds: Option<&[String]>,
) -> rusqlite::Result<Vec<Rank>> {
    let most = bounded(most);
    let kinds = kinds.map(serde_json::to_string);
    let kinds = kinds.transpose().map_err(unreadable)?;
    let mut given: Vec<(&str, &dyn ToSql)> = vec![(":lane", &lane), (":most", &most)];
    let sql = match &kinds {
        Some(kinds) => {
            given.push((":kinds", kinds));
            OF_KINDS.to_owned()
        }
        None if later => format!("{} {ORDER}", ready()),
        None => SINCE_CREATION.to_owned(),
    };
    let mut statement = connection.prepare_cached(&sql)?;
    let ranks = statement.query_map(&*given, |row| Ok(rank(row.get(1)?, id_of(row.get(0)?))))?;
    ranks.filter_map(readable).collect()
}

/// Those whose time has come since the last promotion, by their time.
pub(super) fn due(
    connection: &Connection,
    lane: &str,
    now: Timestamp,
) -> rusqlite::Result<Vec<Promoted>> {
    let sql = "SELECT id, kind, priority FROM operations WHERE lane = ?1 AND due > 0 AND due <= ?2
        ORDER BY due, priority DESC, id LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let given = (lane, now.as_millis(), PROMOTED_AT_ONCE as i64);
    let due = statement.query_map(given, |row| {
        Ok(Promoted {
            id: id_of(row.get(0)?),
            kind: row.get(1)?,
            lane: lane.to_owned(),
            priority: row.get(2)?,
        })
    })?;
    due.filter_map(readable).collect()
}

/// The times of those that wait for one, by their time, but for the first ones.
pub(super) fn scheduled(
    connection: &Connection,
    lane: &str,
    but: usize,
    most: usize,
) -> rusqlite::Result<Vec<(Timestamp, Rank)>> {
    // What is no time is over every number, and never due.
    let sql = "SELECT due, priority, id FROM operations WHERE lane = ?1 AND due BETWEEN 1 AND ?2
        ORDER BY due, priority DESC, id LIMIT ?3 OFFSET ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let last = Timestamp::MAX.as_millis();
    let times = statement.query_map((lane, last, bounded(most), bounded(but)), |row| {
        let rank = rank(row.get(1)?, id_of(row.get(2)?));
        Ok((Timestamp::from_millis(row.get(0)?), rank))
    })?;
    times.filter_map(readable).collect()
}

fn bounded(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
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
