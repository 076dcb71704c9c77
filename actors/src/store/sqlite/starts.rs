//! What a start is judged by, in the order of the contract.

use crate::rules::admission::admit;
use crate::rules::dispatch::is_due;
use crate::store::{Operation, Outcome, Refused, Submission};
use rusqlite::OptionalExtension;

use super::batch::Batch;
use super::damage::readable;
use super::rows::{id_of, sql_id};

/// Old keys that one start with a key takes away: more than it adds, so they cannot pile up.
const PURGED_AT_ONCE: i64 = 4;

impl Batch<'_> {
    pub(super) fn submit(&mut self, submission: &Submission) -> rusqlite::Result<Outcome> {
        self.promote(&submission.lane, submission.now)?;
        if let Some(answer) = self.judge(submission)? {
            return Ok(answer);
        }
        self.keep_key(submission)?;
        let (operation, event) = Operation::submitted(submission.clone());
        let done = self.save(None, operation, vec![(submission.now, event)])?;
        Ok(Outcome::Done(done))
    }

    /// Why a start is not recorded: a key that is known, a live one like it, a full lane, a full
    /// disk.
    fn judge(&mut self, submission: &Submission) -> rusqlite::Result<Option<Outcome>> {
        if let Some(answer) = self.replay(submission)? {
            return Ok(Some(answer));
        }
        let id = submission.id;
        let unique = submission.unique.as_deref();
        let holder = unique.map_or(Ok(None), |text| self.holder(text, id))?;
        let same = self.kept.newest >= id.as_u64() && self.is_known(id)?;
        if let Some(id) = holder.or(same.then_some(id)) {
            return Ok(Some(Outcome::Refused(Refused::Duplicate(id))));
        }
        let waiting = self.kept.crowd(&submission.lane).waiting();
        let scheduled = !is_due(submission.not_before, submission.now);
        if let Err(full) = admit(waiting, submission.limits, scheduled) {
            return Ok(Some(Outcome::Refused(Refused::QueueFull(full))));
        }
        let no_room = self.tight.clone().map(Refused::NoRoom);
        Ok(no_room.map(Outcome::Refused))
    }

    fn replay(&mut self, submission: &Submission) -> rusqlite::Result<Option<Outcome>> {
        let Some(given) = &submission.idempotency else {
            return Ok(None);
        };
        let sql = "SELECT operation, fingerprint FROM keys WHERE key = ?1 AND at > ?2";
        let known = self
            .connection
            .prepare_cached(sql)?
            .query_row((&given.key, given.since.as_millis()), |row| {
                Ok((id_of(row.get(0)?), row.get::<_, i64>(1)? as u64))
            })
            .optional();
        // A damaged key is forgotten: this start takes its place.
        let Some((id, fingerprint)) = readable(known).transpose()?.flatten() else {
            return Ok(None);
        };
        Ok(self.operation(id)?.map(|operation| {
            if fingerprint == given.fingerprint {
                Outcome::Replayed(operation)
            } else {
                Outcome::Refused(Refused::IdempotencyMismatch(id))
            }
        }))
    }

    fn keep_key(&self, submission: &Submission) -> rusqlite::Result<()> {
        let Some(given) = &submission.idempotency else {
            return Ok(());
        };
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
                sql_id(submission.id),
                given.fingerprint as i64,
                submission.now.as_millis(),
            ))?;
        Ok(())
    }
}
