//! One transaction: what the engine has decided is written, and what it changes is counted.

use std::sync::Arc;

use impresario_api::{OperationId, Timestamp};
use rusqlite::{CachedStatement, Connection};

use super::damage::Damage;
use super::encoding::{SCHEDULED, sql_id, sql_status};
use super::read_cache::Written;
use super::rows::{self, due};
use super::writer_cache::WriterCache;
use super::{checkpoints, events};
use crate::store::Idempotency;
use crate::store::engine::{Change, Changes, Promoted, Stored};

/// Old keys that one start with a key takes away: more than it adds, so they cannot pile up.
const PURGED_AT_ONCE: i64 = 4;

/// The transaction, and what it has changed.
pub(super) struct Transaction<'a> {
    pub(super) connection: &'a Connection,
    pub(super) cache: &'a mut WriterCache,
    /// Why no start is taken.
    pub(super) no_room: Option<String>,
    pub(super) damage: &'a Damage,
    /// A batch was refused by the tables: what a row alone does not show is looked for as well.
    pub(super) careful: bool,
    counts: Vec<(String, i64, i64)>,
    /// What writes new operations, once there is one.
    inserts: Option<CachedStatement<'a>>,
    pub(super) written: Written,
}

impl<'a> Transaction<'a> {
    pub(super) const fn new(
        connection: &'a Connection,
        cache: &'a mut WriterCache,
        damage: &'a Damage,
        careful: bool,
    ) -> Self {
        Self {
            connection,
            cache,
            no_room: None,
            damage,
            careful,
            counts: Vec::new(),
            inserts: None,
            written: Written::new(),
        }
    }

    /// Writes what came of a part of a batch.
    pub(super) fn write(&mut self, changes: Changes) -> rusqlite::Result<()> {
        for one in &changes.promoted {
            self.promote(one)?;
        }
        for change in &changes.operations {
            self.put(change)?;
        }
        for (given, id, at) in &changes.keys {
            self.keep_key(given, *id, *at)?;
        }
        events::insert(self.connection, &changes.events)?;
        self.cache.cursor = changes.cursor;
        let latest = changes.latest.map_or(0, Timestamp::as_millis);
        self.cache.at = self.cache.at.max(latest);
        // The next part finds by them what runs.
        self.write_counts()
    }

    fn write_counts(&mut self) -> rusqlite::Result<()> {
        for (kind, status, change) in self.counts.drain(..).filter(|(.., change)| *change != 0) {
            self.connection
                .prepare_cached(
                    "INSERT INTO counters (kind, status, count) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET count = count + excluded.count",
                )?
                .execute((kind, status, change))?;
        }
        Ok(())
    }

    /// Writes where the numbers stand; answers what the transaction has written.
    pub(super) fn finish(mut self) -> rusqlite::Result<Written> {
        self.write_counts()?;
        if self.written.is_empty() {
            return Ok(self.written);
        }
        self.connection
            .prepare_cached("UPDATE progress SET cursor = ?1, newest = ?2, at = ?3")?
            .execute((
                self.cache.cursor as i64,
                self.cache.newest as i64,
                self.cache.at,
            ))?;
        Ok(self.written)
    }

    fn promote(&mut self, one: &Promoted) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE operations SET due = -1 WHERE id = ?1")?
            .execute([sql_id(one.id)])?;
        self.cache.count(&one.lane, 1, -1);
        self.cache.count(&one.lane, -1, 1);
        self.count_one(&one.kind, SCHEDULED, -1);
        Ok(())
    }

    fn put(&mut self, change: &Change) -> rusqlite::Result<()> {
        if let Some(before) = &change.before {
            self.count(before, -1);
        }
        match (&change.before, &change.after) {
            (before, Some(after)) => {
                let operation = &after.operation;
                let bytes = match before {
                    Some(before) => rows::update(self.connection, before, after)?,
                    None => self.insert(after)?,
                };
                let had = before.as_ref().map(|before| &*before.operation.checkpoints);
                checkpoints::save(self.connection, had.unwrap_or_default(), operation)?;
                self.count(after, 1);
                self.written.wrote(operation, bytes, before.is_none());
                self.cache.learn(operation);
            }
            (Some(before), None) => {
                let id = before.operation.id;
                rows::remove(self.connection, &before.operation)?;
                self.forget_damage(id)?;
                self.cache.operations.remove(&id);
                self.written.removed(id);
            }
            (None, None) => {}
        }
        Ok(())
    }

    pub(super) fn insert(&mut self, new: &Stored) -> rusqlite::Result<usize> {
        let inserts = match &mut self.inserts {
            Some(inserts) => inserts,
            none => none.insert(rows::inserts(self.connection)?),
        };
        rows::insert(self.connection, inserts, new)
    }

    /// One more or one less: by kind and status, and in its lane.
    fn count(&mut self, one: &Stored, change: i64) {
        let operation = Arc::clone(&one.operation);
        self.count_one(&operation.kind, sql_status(operation.state.shown()), change);
        if let Some(due) = due(one) {
            self.cache.count(&operation.lane, due, change);
            if due > 0 {
                self.count_one(&operation.kind, SCHEDULED, change);
            }
        }
    }

    /// Kinds are few, so a list is searched sooner than a map.
    pub(super) fn count_one(&mut self, kind: &str, status: i64, change: i64) {
        let mut counts = self.counts.iter_mut();
        match counts.find(|(one, shown, _)| *shown == status && one == kind) {
            Some((.., count)) => *count += change,
            None => self.counts.push((kind.to_owned(), status, change)),
        }
    }

    fn keep_key(
        &self,
        given: &Idempotency,
        id: OperationId,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "DELETE FROM keys WHERE key IN (SELECT key FROM keys WHERE at <= ?1 ORDER BY at LIMIT ?2)",
            )?
            .execute((given.since.as_millis(), PURGED_AT_ONCE))?;
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO keys (key, operation, fingerprint, at) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((
                &given.key,
                sql_id(id),
                given.fingerprint as i64,
                at.as_millis(),
            ))?;
        Ok(())
    }
}
