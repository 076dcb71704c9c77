//! Opening the store: what is there is looked at before anything is written.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};

use super::ballast::Ballast;
use super::damage::Damage;
use super::mend::mend;
use super::reader::SqliteReader;
use super::wal::{self, Wal};
use super::writer_cache::WriterCache;
use super::{Options, SqliteStore, checks, schema};

/// Statements that stay prepared.
const STATEMENTS: usize = 64;

/// Why the store of a data folder cannot be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is no database of this server.
    #[error("{} is not a database of impresariod and was left as it is; move it away, or choose another folder with --data-dir", .0.display())]
    Foreign(PathBuf),
    /// A newer server wrote it.
    #[error("{} was written by a newer impresariod (tables of version {version}, this one knows {known}) and was left as it is; start the newer server, or choose another folder with --data-dir", .database.display())]
    Newer {
        /// The file.
        database: PathBuf,
        /// Its version.
        version: i64,
        /// The newest that this server knows.
        known: i64,
    },
    /// It is damaged.
    #[error("{} is damaged ({why}) and was left as it is; copy the data folder, then restore a backup, or salvage it with sqlite3's .recover, or choose another folder with --data-dir", .database.display())]
    Damaged {
        /// The file.
        database: PathBuf,
        /// What was found.
        why: String,
    },
    /// The log is there, its database is not.
    #[error("{} is there but its database {} is missing or empty; put the database back beside it, move the log away if what it holds may be lost, or choose another folder with --data-dir", .log.display(), .database.display())]
    LogAlone {
        /// The database's file.
        database: PathBuf,
        /// The log's file.
        log: PathBuf,
    },
    /// The log does not hold what was committed to it.
    #[error("the write-ahead log {} is damaged ({why}) and was left as it is, with its database; copy the data folder, then restore a backup, or remove the files that end with -wal and -shm to go on without what only the log held, or choose another folder with --data-dir", .log.display())]
    LogDamaged {
        /// The log's file.
        log: PathBuf,
        /// What was found.
        why: String,
    },
    /// A network mount.
    #[error("the data folder {} is on a network mount ({kind}), whose locks and syncs cannot be relied on; choose a local folder with --data-dir, or set store.allow_network_mount=true if you know better", .folder.display())]
    Network {
        /// The folder.
        folder: PathBuf,
        /// The kind of mount.
        kind: String,
    },
    /// The disk or its permissions.
    #[error("cannot use {}: {why}; check that the folder is writable and the disk has room, or choose another with --data-dir", .file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
}

impl OpenError {
    pub(super) fn io(file: &Path, error: &io::Error) -> Self {
        Self::Unusable {
            file: file.to_owned(),
            why: error.to_string(),
        }
    }

    pub(super) fn damaged(database: &Path, why: String) -> Self {
        let (database, why) = (database.to_owned(), why);
        Self::Damaged { database, why }
    }

    pub(super) fn sqlite(database: &Path, error: &rusqlite::Error) -> Self {
        let why = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) | None => {
                Self::damaged(database, why)
            }
            Some(_) => Self::Unusable {
                file: database.to_owned(),
                why,
            },
        }
    }
}

pub(super) fn open(folder: &Path, options: Options) -> Result<SqliteStore, OpenError> {
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
    let copier = connect(&file).map_err(cannot)?;
    let wal =
        Wal::start(&file, &mut connection, copier).map_err(|error| OpenError::io(&file, &error))?;
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
    })
}

/// A connection that writes.
fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // A thread of its own copies the log back; the cache is in KiB.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;",
    )?;
    // A statement is planned once, and not anew for each value that it is given.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}
