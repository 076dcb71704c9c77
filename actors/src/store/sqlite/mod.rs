//! The embedded store: one SQLite file, WAL, `synchronous = FULL`.
//!
//! A batch of commands is one transaction, and what it answers is on disk. Reads go through
//! connections of their own, each in a short transaction, so neither waits for the other.
//! See `docs/adr/0009-an-embedded-store.md`.

mod aside;
mod ballast;
mod batch;
mod checkpoints;
mod checks;
mod claims;
mod damage;
mod error;
mod events;
mod form;
mod kept;
mod mend;
mod open;
mod page;
mod queue;
mod reader;
mod recent;
mod rows;
mod schema;
mod sources;
mod starts;
mod text;
mod wal;
mod wal_check;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::store::{Command, Done, Outcome, Reader, Store, StoreError};
use impresario_api::Timestamp;
use rusqlite::Connection;

use self::ballast::Ballast;
use self::batch::Batch;
use self::damage::Damage;
use self::error::{is_refusal, store_error};
use self::kept::Kept;
pub use self::open::OpenError;
use self::reader::SqliteReader;
use self::rows::sql_id;
use self::wal::Wal;

/// The name of the database's file in the data folder.
const FILE: &str = "operations.db";

/// How a store is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Also on a network mount, whose locks and syncs may not be what they say.
    pub allow_network_mount: bool,
    /// Every commit takes so much longer: to see how the rest bears a slow disk.
    pub delay: Duration,
}

/// Operations and their events in one SQLite file.
pub struct SqliteStore {
    connection: Connection,
    /// What is known of the file's content; `None` after a failure, until it is read again.
    kept: Option<Kept>,
    ballast: Ballast,
    wal: Wal,
    reader: Arc<SqliteReader>,
    damage: Arc<Damage>,
    /// Not told of yet.
    set_aside: Vec<Done>,
    delay: Duration,
}

impl SqliteStore {
    /// Opens the store of a data folder, or makes it. What is there and cannot be used is left as
    /// it is.
    pub fn open(folder: &Path, options: Options) -> Result<Self, OpenError> {
        open::open(folder, options)
    }

    /// Where the database lies in a data folder.
    pub fn file_in(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// Every file that the store writes in a data folder.
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
            let done = self.transact(careful, |work| {
                let commands = batch.iter();
                commands.map(|command| work.carry_out(command)).collect()
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
        work: impl FnOnce(&mut Batch<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut kept = match self.kept.take() {
            Some(kept) => kept,
            None => Kept::read(&self.connection)?,
        };
        let transaction = self.connection.unchecked_transaction()?;
        let mut batch = Batch::new(&transaction, &mut kept, &self.damage, careful);
        batch.tight = self.ballast.tight().map(str::to_owned);
        let outcomes = work(&mut batch)?;
        let changes = batch.finish()?;
        self.reader.recent.forget(&changes);
        transaction.commit()?;
        self.reader.recent.learn(changes);
        // Only now: until the commit nothing of it is true.
        kept.settle();
        self.reader.tell_waiting(kept.waiting());
        self.kept = Some(kept);
        Ok(outcomes)
    }
}

impl Drop for SqliteStore {
    /// After an orderly end the database is one file, and the log is empty.
    fn drop(&mut self) {
        self.wal.copy_all(&self.connection);
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

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::clone(&self.reader) as Arc<dyn Reader>
    }
}
