//! Reads, each in a short transaction on a connection that cannot write.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::rules::admission::Waiting;
use crate::store::{Answer, Page, Query, Reader, StoreError, StoredOperation};
use impresario_api::{Event, OperationId, Status, Timestamp};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use super::damage::{Damage, readable};
use super::encoding::{self, id_of, sql_id};
use super::error::store_error;
use super::read_cache::ReadCache;
use super::rows;
use super::{events, page, queue, wal};

/// Connections that wait for the next read.
const IDLE: usize = 4;

/// A handle for reading, from any thread.
pub(super) struct SqliteReader {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    pub(super) cache: ReadCache,
    damage: Arc<Damage>,
    /// How many wait in each lane, as of the last commit.
    waiting: Mutex<HashMap<String, Waiting>>,
}

impl SqliteReader {
    pub(super) fn new(file: PathBuf, damage: Arc<Damage>) -> Self {
        Self {
            file,
            idle: Mutex::new(Vec::new()),
            cache: ReadCache::default(),
            damage,
            waiting: Mutex::default(),
        }
    }

    /// What a commit has left waiting, by lane.
    pub(super) fn tell_waiting<'a>(&self, lanes: impl Iterator<Item = (&'a String, Waiting)>) {
        let mut known = self.known_waiting();
        for (lane, waiting) in lanes {
            match known.get_mut(lane) {
                Some(known) => *known = waiting,
                None => drop(known.insert(lane.clone(), waiting)),
            }
        }
    }

    /// A map of counts is whole whatever panicked beside it.
    fn known_waiting(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads in one transaction: what it sees is one moment.
    fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let connection = self.idle().pop();
        let connection = connection.map_or_else(|| self.connect(), Ok);
        let answer = connection.and_then(|connection| {
            // After an error the connection is dropped, and its transaction with it.
            connection.prepare_cached("BEGIN")?.execute(())?;
            let answer = read(&connection)?;
            connection.prepare_cached("COMMIT")?.execute(())?;
            let mut idle = self.idle();
            if idle.len() < IDLE {
                idle.push(connection);
            }
            Ok(answer)
        });
        answer.map_err(|error| store_error(&error))
    }

    fn answer<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Answer<'_, T> {
        Answer::at_hand(self.read(read))
    }

    /// A list of connections is whole whatever panicked beside it.
    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.file, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        // In KiB.
        connection.execute_batch("PRAGMA cache_size = -8192")?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }
}

impl Reader for SqliteReader {
    fn operation(&self, id: OperationId) -> Answer<'_, Option<Arc<StoredOperation>>> {
        if let Some(operation) = self.cache.get(id) {
            return Answer::at_hand(Ok(Some(operation)));
        }
        self.answer(|connection| rows::load(connection, &self.damage, id))
    }

    fn page(&self, query: &Query) -> Answer<'_, Page> {
        self.answer(|connection| page::page(connection, &self.damage, query))
    }

    fn counts(&self) -> Answer<'_, BTreeMap<(String, Status), u64>> {
        self.answer(|connection| {
            let counts = page::counters(connection)?.into_iter();
            Ok(counts
                .map(|(kind, status, count)| ((kind, status), count))
                .collect())
        })
    }

    fn events(
        &self,
        id: OperationId,
        since: u64,
        limit: usize,
        types: &[&str],
    ) -> Answer<'_, Vec<Arc<Event>>> {
        self.answer(|connection| {
            let wanted: Vec<_> = types.iter().map(|name| events::number_named(name)).collect();
            let one = |place: usize| wanted.get(place).copied().unwrap_or(0);
            // A list of types is short; what is asked for most has a plain form.
            let filter = match wanted.len() {
                0 => String::new(),
                1 => format!("AND type = {}", one(0)),
                _ => format!("AND type IN ({})", join(&wanted)),
            };
            let sql = format!(
                "SELECT {} FROM events WHERE operation = ?1 AND seq > ?2
                 AND seq <= (SELECT seq FROM operations WHERE id = ?1) {filter} ORDER BY seq LIMIT ?3",
                events::COLUMNS
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let event = |row: &Row<'_>| Ok(events::event(row, &self.damage));
            let found = statement.query_map((sql_id(id), bound(since), most(limit)), event)?;
            found.collect()
        })
    }

    fn events_since_cursor(&self, since: u64, limit: usize) -> Answer<'_, Vec<Arc<Event>>> {
        self.answer(|connection| {
            let sql = format!(
                "SELECT {} FROM events WHERE cursor > ?1
                 AND cursor <= (SELECT cursor FROM progress) ORDER BY cursor LIMIT ?2",
                events::COLUMNS
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let event = |row: &Row<'_>| Ok(events::event(row, &self.damage));
            let found = statement.query_map((bound(since), most(limit)), event)?;
            found.collect()
        })
    }

    fn cursor(&self) -> Answer<'_, u64> {
        self.answer(|connection| {
            let mut statement = connection.prepare_cached("SELECT cursor FROM progress")?;
            statement.query_row((), |row| Ok(row.get::<_, i64>(0)? as u64))
        })
    }

    fn queue(&self, lane: &str, now: Timestamp) -> Answer<'_, Vec<OperationId>> {
        self.answer(|connection| queue::queue(connection, lane, now))
    }

    fn oldest_due(&self, lane: &str, now: Timestamp) -> Answer<'_, Option<Timestamp>> {
        self.answer(|connection| queue::oldest_due(connection, lane, now))
    }

    fn waiting(&self, lane: &str) -> Answer<'_, Waiting> {
        let waiting = self.known_waiting().get(lane).copied();
        Answer::at_hand(Ok(waiting.unwrap_or_default()))
    }

    fn ended(&self, from: Timestamp, until: Timestamp) -> Answer<'_, BTreeMap<(i64, Status), u64>> {
        self.answer(|connection| {
            let sql = "SELECT completed_at / 60000, status, COUNT(*) FROM operations
                WHERE completed_at >= ?1 AND completed_at < ?2 GROUP BY 1, 2";
            let mut statement = connection.prepare_cached(sql)?;
            let counts = statement.query_map((from.as_millis(), until.as_millis()), |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get::<_, i64>(2)?.unsigned_abs(),
                ))
            })?;
            let known = |(minute, place, count)| Some(((minute, encoding::status(place)?), count));
            let counts = counts.filter_map(readable);
            counts
                .filter_map(|one| one.map(known).transpose())
                .collect()
        })
    }

    fn idempotent(&self, key: &str, since: Timestamp) -> Answer<'_, Option<(OperationId, u64)>> {
        self.answer(|connection| {
            let sql = "SELECT operation, fingerprint FROM keys JOIN operations ON operations.id = keys.operation
                       WHERE key = ?1 AND at > ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let known = statement.query_row((key, since.as_millis()), |row| {
                Ok((id_of(row.get(0)?), row.get::<_, i64>(1)? as u64))
            });
            Ok(readable(known.optional()).transpose()?.flatten())
        })
    }

    fn set_aside(&self) -> u64 {
        self.damage.count()
    }

    fn size(&self) -> Answer<'_, (u64, u64)> {
        let size = self.read(|connection| {
            let counters = page::counters(connection)?;
            let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            let size: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let operations = counters.iter().map(|(.., count)| count).sum();
            Ok((operations, pages.unsigned_abs() * size.unsigned_abs()))
        });
        let log = std::fs::metadata(wal::file_of(&self.file)).map_or(0, |log| log.len());
        Answer::at_hand(size.map(|(operations, database)| (operations, database + log)))
    }
}

fn join(numbers: &[i64]) -> String {
    let numbers: Vec<_> = numbers.iter().map(i64::to_string).collect();
    numbers.join(", ")
}

/// A number as SQLite's integer; what is over its range is over every row.
fn bound(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
