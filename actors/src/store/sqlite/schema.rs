//! The tables, as numbered migrations.

use std::collections::BTreeMap;

use rusqlite::Connection;

/// Each takes a database from the version before it to its own, which is its place from 1.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
];

/// The version that this server writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// "Impr", in the file's header: the database is one of ours.
pub(super) const APPLICATION_ID: i64 = 0x496d_7072;

/// Brings the tables to this server's version, one transaction a migration.
pub(super) fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(0);
    for (place, sql) in MIGRATIONS.iter().enumerate().skip(done) {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", place as i64 + 1)?;
        transaction.commit()?;
        log::info!("the store's tables are at version {}", place + 1);
    }
    Ok(())
}

/// Makes indexes that are missing, as a tool or a fault may have dropped them: lookups rely on them.
pub(super) fn make_missing_indexes(connection: &Connection) -> rusqlite::Result<()> {
    let whole = Connection::open_in_memory()?;
    for sql in MIGRATIONS {
        whole.execute_batch(sql)?;
    }
    let there = indexes(connection)?;
    for (name, sql) in indexes(&whole)? {
        if !there.contains_key(&name) {
            log::error!("the store's index {name} was missing and is made anew");
            connection.execute_batch(&sql)?;
        }
    }
    Ok(())
}

/// The indexes that have a name, with what makes them.
fn indexes(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";
    let mut statement = connection.prepare(sql)?;
    let indexes = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    indexes.collect()
}
