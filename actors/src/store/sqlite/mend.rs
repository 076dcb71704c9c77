//! What is derived from other rows is counted anew at the start, so that nothing follows from a damaged
//! counter. What is right is not written.

use std::collections::{BTreeMap, BTreeSet};

use impresario_api::{MAX_INTEGER, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row};

use super::aside;
use super::checks::CHECKED_WHOLE;
use super::damage::{Damage, readable};
use super::encoding::{self, SCHEDULED};

/// A cursor past it is a damaged one.
const LAST_CURSOR: i64 = MAX_INTEGER as i64;
/// Ids up to here leave room for those that follow.
const LAST_ID: i64 = i64::MAX - MAX_INTEGER as i64;

/// Mends what can be mended, and marks operations that have to be set aside.
pub(super) fn mend(connection: &Connection, damage: &Damage) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    progress(&transaction)?;
    counters(&transaction)?;
    orphans(&transaction, damage)?;
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
    let number = |row: &Row<'_>, place: usize| row.get::<_, i64>(place).ok();
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

/// Removes what belongs to no operation: nobody sees it, and it would go with none. A big file is not
/// looked through.
fn orphans(connection: &Connection, damage: &Damage) -> rusqlite::Result<()> {
    if is_big(connection)? {
        return Ok(());
    }
    for table in ["events", "labels", "checkpoints", "keys", "set_aside"] {
        let sql = format!(
            "DELETE FROM {table} WHERE NOT EXISTS
             (SELECT 1 FROM operations WHERE id = {table}.operation)"
        );
        damage.removed_orphans(table, connection.execute(&sql, ())?);
    }
    Ok(())
}

/// Counts by kind and status.
type Counts = BTreeMap<(String, i64), i64>;

/// How many there are by kind and status, which is also how those are found that run. Of a big file only
/// the kinds and statuses are compared: to count all rows of it takes too long.
fn counters(connection: &Connection) -> rusqlite::Result<()> {
    let kept = counts(connection, "SELECT kind, status, count FROM counters")?;
    let kept: Counts = kept.into_iter().filter(|(_, count)| *count != 0).collect();
    let likely = kept
        .values()
        .all(|count| (1..MAX_INTEGER as i64).contains(count));
    let of_statuses = kept.keys().filter(|(_, status)| *status != SCHEDULED);
    if likely && is_big(connection)? && shelves(connection)?.iter().eq(of_statuses) {
        return Ok(());
    }
    let sql = "SELECT kind, status, COUNT(*) FROM operations GROUP BY kind, status";
    let mut counted = counts(connection, sql)?;
    counted.retain(|(_, status), _| encoding::status(*status).is_some());
    let sql =
        format!("SELECT kind, {SCHEDULED}, COUNT(*) FROM operations WHERE due > 0 GROUP BY kind");
    counted.extend(counts(connection, &sql)?);
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

fn counts(connection: &Connection, sql: &str) -> rusqlite::Result<Counts> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map((), |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
    rows.filter_map(readable).collect()
}

fn is_big(connection: &Connection) -> rusqlite::Result<bool> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let size = number("page_count")?.saturating_mul(number("page_size")?);
    Ok(size.unsigned_abs() > CHECKED_WHOLE)
}

/// The kinds and statuses that there are: a leap in the index each.
fn shelves(connection: &Connection) -> rusqlite::Result<BTreeSet<(String, i64)>> {
    let sql = "SELECT kind, status FROM operations WHERE (kind, status) > (?1, ?2)
               ORDER BY kind, status LIMIT 1";
    let mut statement = connection.prepare(sql)?;
    let mut shelves = BTreeSet::new();
    let mut at = (Value::Text(String::new()), Value::Integer(i64::MIN));
    let next = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    while let Some(Some(next)) = readable(statement.query_row(at, next).optional()).transpose()? {
        if let (Value::Text(kind), Value::Integer(status)) = &next
            && encoding::status(*status).is_some()
        {
            shelves.insert((kind.clone(), *status));
        }
        at = next;
    }
    Ok(shelves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shelves_of_a_file_are_found_by_leaps() {
        let connection = Connection::open_in_memory().expect("a database");
        let of = |kind: &str, status| format!("('{kind}', {status})");
        let table = "CREATE TABLE operations (kind, status);
                     CREATE INDEX shelves ON operations (kind, status);
                     INSERT INTO operations VALUES (NULL, 1), (x'ff', 1), ('c', 'x'), ('c', 99), ";
        let values: Vec<_> = [("a", 5), ("a", 0), ("b", 0), ("a", 5), ("", 7)]
            .map(|(kind, status)| of(kind, status))
            .into();
        let sql = format!("{table}{}", values.join(", "));
        connection.execute_batch(&sql).expect("rows");
        let found = shelves(&connection).expect("shelves");
        let found: Vec<_> = found
            .iter()
            .map(|(kind, status)| (&**kind, *status))
            .collect();
        assert_eq!(found, [("", 7), ("a", 0), ("a", 5), ("b", 0)]);
    }
}
