//! What a start is judged by, in the order of the contract.

use std::sync::Arc;

use impresario::rules::admission::admit;
use impresario::rules::dispatch::is_due;
use impresario::store::{End, Operation, Outcome, Refused, Submission};
use impresario_api::OperationId;
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
        if let Some(refused) = self.duplicate(submission.id, submission.unique.as_deref())? {
            return Ok(Some(Outcome::Refused(refused)));
        }
        let waiting = self.kept.crowd(&submission.lane).waiting();
        let scheduled = !is_due(submission.not_before, submission.now);
        if let Err(full) = admit(waiting, submission.limits, scheduled) {
            return Ok(Some(Outcome::Refused(Refused::QueueFull(full))));
        }
        Ok(self.no_room().map(Outcome::Refused))
    }

    /// Another operation that the start would be the same as.
    fn duplicate(
        &mut self,
        id: OperationId,
        unique: Option<&str>,
    ) -> rusqlite::Result<Option<Refused>> {
        let holder = unique.map_or(Ok(None), |text| self.holder(text, id))?;
        let same = self.kept.newest >= id.as_u64() && self.is_known(id)?;
        Ok(holder.or(same.then_some(id)).map(Refused::Duplicate))
    }

    fn no_room(&self) -> Option<Refused> {
        self.tight.clone().map(Refused::NoRoom)
    }

    /// A start with the run that began before it.
    pub(super) fn record(
        &mut self,
        begun: &Arc<Operation>,
        end: Option<&End>,
    ) -> rusqlite::Result<Outcome> {
        let duplicate = self.duplicate(begun.id, begun.unique.as_deref())?;
        if let Some(refused) = duplicate.or_else(|| self.no_room()) {
            return Ok(Outcome::Refused(refused));
        }
        match begun.recorded(end) {
            Ok((operation, facts)) => Ok(Outcome::Done(self.save(None, operation, facts)?)),
            Err(rejection) => {
                let begun = Arc::clone(begun);
                Ok(Outcome::Refused(Refused::Rejected(rejection, begun)))
            }
        }
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
