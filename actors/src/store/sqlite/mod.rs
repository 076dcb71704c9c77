//! The embedded store: one SQLite file, WAL, `synchronous = FULL`.
//!
//! A batch of commands is one transaction, and what it answers is on disk. Reads go through
//! connections of their own, each in a short transaction, so neither waits for the other.
//! See `docs/adr/0009-an-embedded-store.md`.

mod aside;
mod ballast;
mod checkpoints;
mod checks;
mod damage;
mod encoding;
mod error;
mod events;
mod load;
mod mend;
mod open;
mod page;
mod queue;
mod read_cache;
mod reader;
mod rows;
mod schema;
mod sources;
mod text;
mod transaction;
mod wal;
mod wal_check;
mod writer_cache;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::setters::setters;
use crate::store::engine::{self, Needs};
use crate::store::{Command, Done, FolderLock, LastNumbers, Outcome, Reader, Store, StoreError};
use impresario_api::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use self::ballast::Ballast;
use self::damage::Damage;
use self::encoding::sql_id;
pub use self::error::OpenError;
use self::error::{is_refusal, store_error};
use self::reader::SqliteReader;
use self::transaction::Transaction;
use self::wal::Wal;
use self::writer_cache::WriterCache;

/// The name of the database's file in the data folder.
const FILE: &str = "operations.db";

/// How a store is opened.
///
/// ```
/// use impresario::store::sqlite::Options;
/// use std::time::Duration;
///
/// let options = Options::default().allow_network_mount(true).delay(Duration::from_millis(5));
/// assert!(options.allow_network_mount);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Also on a network mount, whose locks and syncs may not be what they say.
    pub allow_network_mount: bool,
    /// Every commit takes so much longer: to see how the rest bears a slow disk.
    pub delay: Duration,
}

impl Options {
    setters! { allow_network_mount: bool, delay: Duration }
}

/// Operations and their events in one SQLite file.
pub struct SqliteStore {
    connection: Connection,
    /// `None` after a failure, until it is read again.
    cache: Option<WriterCache>,
    ballast: Ballast,
    wal: Wal,
    reader: Arc<SqliteReader>,
    damage: Arc<Damage>,
    /// Not told of yet.
    set_aside: Vec<Done>,
    delay: Duration,
    /// The last field: it is released when all else is closed.
    _lock: FolderLock,
}

impl SqliteStore {
    /// Opens the store of a folder, or makes it: the folder too, where there is none. The folder's lock is
    /// held until the store is dropped, so a second store of the same folder is refused, in this process as in
    /// another. What is there and cannot be used is left as it is.
    ///
    /// ```
    /// use impresario::store::sqlite::{Options, SqliteStore};
    ///
    /// # let folder = std::env::temp_dir().join(format!("impresario-open-{}", std::process::id()));
    /// let store = SqliteStore::open(&folder, Options::default())?;
    /// assert!(SqliteStore::open(&folder, Options::default()).is_err());
    /// # drop(store);
    /// # let _ = std::fs::remove_dir_all(&folder);
    /// # Ok::<(), impresario::store::sqlite::OpenError>(())
    /// ```
    pub fn open(folder: &Path, options: Options) -> Result<Self, OpenError> {
        Self::open_locked(FolderLock::take(folder)?, options)
    }

    /// The same for a folder whose lock the caller has already, since more than the store is kept in it.
    ///
    /// ```
    /// use impresario::store::FolderLock;
    /// use impresario::store::sqlite::{Options, SqliteStore};
    ///
    /// # let folder = std::env::temp_dir().join(format!("impresario-locked-{}", std::process::id()));
    /// let lock = FolderLock::take(&folder)?;
    /// assert_eq!(lock.folder(), folder);
    /// let store = SqliteStore::open_locked(lock, Options::default())?;
    /// assert!(FolderLock::file_in(&folder).exists());
    /// assert!(SqliteStore::file_in(&folder).exists());
    /// assert!(SqliteStore::files_in(&folder).contains(&SqliteStore::file_in(&folder)));
    /// # drop(store);
    /// # let _ = std::fs::remove_dir_all(&folder);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_locked(lock: FolderLock, options: Options) -> Result<Self, OpenError> {
        open::open(lock, options)
    }

    /// Where the database lies in a data folder.
    ///
    /// ```
    /// # use impresario::store::sqlite::SqliteStore;
    /// # use std::path::Path;
    /// let folder = Path::new("data");
    /// assert_eq!(SqliteStore::file_in(folder), Path::new("data/operations.db"));
    /// assert!(SqliteStore::files_in(folder).contains(&SqliteStore::file_in(folder)));
    /// ```
    pub fn file_in(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// Every file that the store writes in a data folder; see the example of [`Self::file_in`].
    pub fn files_in(folder: &Path) -> [PathBuf; 5] {
        let beside = |ending: &str| folder.join(format!("{FILE}{ending}"));
        [
            Self::file_in(folder),
            beside("-wal"),
            beside("-shm"),
            beside("-journal"),
            Ballast::file_in(folder),
        ]
    }

    /// A row that cannot be read is first set aside, in a transaction of its own; then the batch is
    /// carried out anew.
    fn write(&mut self, batch: &[Command]) -> rusqlite::Result<Vec<Outcome>> {
        let mut careful = false;
        loop {
            self.set_aside_what_waits(careful)?;
            let done = self.transact(careful, |transaction| {
                let mut outcomes = Vec::with_capacity(batch.len());
                for part in engine::parts(batch) {
                    let set = transaction.load(&Needs::of(part))?;
                    let (decided, changes) = engine::decide(part, set);
                    transaction.write(changes)?;
                    outcomes.extend(decided);
                }
                Ok(outcomes)
            });
            match done {
                Err(_) if self.damage.waits() => {}
                Err(error) if !careful && is_refusal(&error) => careful = true,
                done => return done,
            }
        }
    }

    /// Rows that a batch, a reader or the start has met.
    fn set_aside_what_waits(&mut self, careful: bool) -> rusqlite::Result<()> {
        if !self.damage.waits() {
            return Ok(());
        }
        let (ids, now) = (self.damage.waiting(), Timestamp::now());
        let done: Vec<_> = self.transact(careful, |work| {
            ids.iter().map(|id| work.set_aside(*id, now)).collect()
        })?;
        for (id, done) in ids.into_iter().zip(done) {
            let operation = done.as_ref().map(|done| sql_id(done.operation.id));
            self.damage.settled(id, operation);
            self.set_aside.extend(done);
        }
        Ok(())
    }

    fn transact<T>(
        &mut self,
        careful: bool,
        work: impl FnOnce(&mut Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut cache = match self.cache.take() {
            Some(cache) => cache,
            None => WriterCache::read(&self.connection)?,
        };
        // It asks for the write lock at once: a transaction that has begun to read is refused it, without
        // any waiting, while a reader that met a torn header holds it for a moment.
        let began =
            rusqlite::Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        let mut transaction = Transaction::new(&began, &mut cache, &self.damage, careful);
        transaction.no_room = self.ballast.tight().map(str::to_owned);
        let done = work(&mut transaction)?;
        let written = transaction.finish()?;
        self.reader.cache.forget(&written);
        began.commit()?;
        // Only now: until the commit nothing of it is true.
        self.reader.cache.learn(written);
        self.reader.tell_waiting(cache.waiting());
        self.cache = Some(cache);
        Ok(done)
    }
}

impl Drop for SqliteStore {
    /// After an orderly end the database is one file, and the log is empty.
    fn drop(&mut self) {
        self.wal.checkpoint_all(&self.connection);
    }
}

impl Store for SqliteStore {
    fn engine(&self) -> &'static str {
        "sqlite"
    }

    fn commit(&mut self, batch: &[Command]) -> Result<Vec<Outcome>, StoreError> {
        std::thread::sleep(self.delay);
        self.ballast.look();
        let outcomes = self.write(batch).map_err(|error| store_error(&error));
        match &outcomes {
            Err(StoreError::Full(why)) => self.ballast.give_up(why),
            Err(_) => {}
            Ok(_) => self.wal.committed(&self.connection),
        }
        outcomes
    }

    fn take_set_aside(&mut self) -> Vec<Done> {
        std::mem::take(&mut self.set_aside)
    }

    fn last_numbers(&self) -> Result<LastNumbers, StoreError> {
        let cache = self.cache.as_ref();
        Ok(cache.map_or_else(LastNumbers::default, WriterCache::last_numbers))
    }

    fn no_room(&self) -> Option<String> {
        self.ballast.tight().map(str::to_owned)
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::clone(&self.reader) as Arc<dyn Reader>
    }
}
