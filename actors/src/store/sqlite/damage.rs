//! Rows that cannot be read: which ones were met. The writer and every reader share it, so that each
//! is told of once, and the writer can take an operation's row out of the way that a reader met.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::encoding::id_of;

/// So many rows are remembered; those past them are told of again each time.
const MOST: usize = 100_000;

/// What is known of damaged rows.
#[derive(Default)]
pub(super) struct Damage(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Operations whose rows stand in the way: the writer sets them aside before its next batch.
    waiting: BTreeSet<i64>,
    /// Operations that are set aside.
    set_aside: BTreeSet<i64>,
    /// Rows of other tables, by the operation that they belong to.
    others: BTreeMap<i64, BTreeSet<(&'static str, i64)>>,
    /// Rows of no operation, which the start has removed.
    orphans: usize,
}

impl Damage {
    /// Takes up what earlier processes have set aside.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT DISTINCT operation FROM set_aside WHERE operation IN (SELECT id FROM operations)";
        let mut statement = connection.prepare(sql)?;
        let ids = statement.query_map((), |row| row.get(0))?;
        let set_aside = ids.filter_map(readable).collect::<rusqlite::Result<_>>()?;
        let damage = Self::default();
        damage.known().set_aside = set_aside;
        Ok(damage)
    }

    /// An operation's row cannot be read.
    pub(super) fn met_operation(&self, id: i64, why: &str) {
        let mut known = self.known();
        if !known.set_aside.contains(&id) && known.waiting.insert(id) {
            drop(known);
            let id = id_of(id);
            log::error!("the row of {id} cannot be read and is set aside: {why}");
        }
    }

    /// A row of another table, which belongs to an operation, cannot be read: it is passed over.
    pub(super) fn met_other(&self, table: &'static str, row: i64, operation: i64, why: &str) {
        let mut known = self.known();
        if known.others.len() >= MOST && !known.others.contains_key(&operation) {
            return;
        }
        if known
            .others
            .entry(operation)
            .or_default()
            .insert((table, row))
        {
            drop(known);
            let id = id_of(operation);
            log::error!("row {row} of {table}, of {id}, cannot be read and is passed over: {why}");
        }
    }

    /// The start has removed rows that belonged to no operation.
    pub(super) fn removed_orphans(&self, table: &str, count: usize) {
        if count > 0 {
            self.known().orphans += count;
            log::error!("{count} rows of {table} belonged to no operation and are removed");
        }
    }

    /// Whether the writer has something to set aside.
    pub(super) fn waits(&self) -> bool {
        !self.known().waiting.is_empty()
    }

    /// Operations that the writer has to set aside.
    pub(super) fn waiting(&self) -> Vec<i64> {
        self.known().waiting.iter().copied().collect()
    }

    /// The writer has dealt with a row that waited: the operation that stands in its place, if it was
    /// damaged.
    pub(super) fn settled(&self, id: i64, operation: Option<i64>) {
        let mut known = self.known();
        known.waiting.remove(&id);
        known.set_aside.extend(operation);
    }

    /// Whether an operation is set aside.
    pub(super) fn is_set_aside(&self, id: i64) -> bool {
        self.known().set_aside.contains(&id)
    }

    /// An operation is gone, with all that belonged to it.
    pub(super) fn removed(&self, id: i64) {
        let mut known = self.known();
        known.waiting.remove(&id);
        known.set_aside.remove(&id);
        known.others.remove(&id);
    }

    /// How many rows are damaged, as far as they were met.
    pub(super) fn count(&self) -> u64 {
        let known = self.known();
        let others: usize = known.others.values().map(BTreeSet::len).sum();
        (known.waiting.len() + known.set_aside.len() + others + known.orphans) as u64
    }

    /// What is known is whole whatever panicked beside it.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was read of a row; `None` when a value is not what it should be.
pub(super) fn readable<T>(read: rusqlite::Result<T>) -> Option<rusqlite::Result<T>> {
    match read {
        Err(error) if is_of_a_value(&error) => None,
        other => Some(other),
    }
}

/// Whether one value is to blame, and not the file or the disk.
fn is_of_a_value(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
    };
    matches!(
        error,
        FromSqlConversionFailure(..)
            | IntegralValueOutOfRange(..)
            | InvalidColumnType(..)
            | Utf8Error(..)
    )
}
