//! Opening the store: what is there is looked at before anything is written.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::ballast::Ballast;
use super::damage::Damage;
use super::error::OpenError;
use super::mend::mend;
use super::reader::SqliteReader;
use super::wal::{self, Wal};
use super::writer_cache::WriterCache;
use super::{Options, SqliteStore, checks, schema};
use crate::store::FolderLock;

/// Statements that stay prepared.
const STATEMENTS: usize = 64;

/// With the lock held: SQLite's own locks end when any file of the database is closed in this process, as
/// the checks do.
pub(super) fn open(lock: FolderLock, options: Options) -> Result<SqliteStore, OpenError> {
    let folder = lock.folder();
    let file = SqliteStore::file_in(folder);
    if !options.allow_network_mount {
        checks::local(folder)?;
    }
    checks::usable(&file)?;
    let cannot = |error: rusqlite::Error| OpenError::sqlite(&file, &error);
    if !file.exists() {
        // One without tables is told from one that was emptied by it.
        Ballast::remove_in(folder).map_err(|error| OpenError::io(&file, &error))?;
    }
    let mut connection = connect(&file).map_err(cannot)?;
    schema::migrate(&connection).map_err(cannot)?;
    schema::make_missing_indexes(&connection).map_err(cannot)?;
    let damage = Arc::new(Damage::read(&connection).map_err(cannot)?);
    mend(&connection, &damage).map_err(cannot)?;
    let cache = WriterCache::read(&connection).map_err(cannot)?;
    let ballast = Ballast::new(folder);
    if let Err(error) = wal::grow(&file) {
        log::warn!("the write-ahead log could not be grown beforehand: {error}");
    }
    let checkpointer = connect(&file).map_err(cannot)?;
    let wal = Wal::start(&file, &mut connection, checkpointer)
        .map_err(|error| OpenError::io(&file, &error))?;
    let reader = SqliteReader::new(file, Arc::clone(&damage));
    reader.tell_waiting(cache.waiting());
    Ok(SqliteStore {
        connection,
        cache: Some(cache),
        ballast,
        wal,
        reader: Arc::new(reader),
        damage,
        set_aside: Vec::new(),
        delay: options.delay,
        _lock: lock,
    })
}

/// A connection that writes.
fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // A thread of its own makes the checkpoints of the log; the cache is in KiB.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;",
    )?;
    // A statement is planned once, and not anew for each value that it is given.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}
