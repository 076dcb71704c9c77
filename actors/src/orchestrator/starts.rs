//! Starts: checked, admitted, recorded.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use impresario_api::{ForkedFrom, OperationId, Status};
use serde_json::Value;

use super::forks::CopiedFolder;
use super::options::Predecessor;
use super::outcome_waiter::OutcomeWaiter;
use super::refusals::unexpected;
use super::{Options, Orchestrator, Until};
use crate::Error;
use crate::locks::{lock, panic_message};
use crate::operation::{ErasedOperation, Operation, encoded};
use crate::rules::admission::Limits;
use crate::rules::dispatch::is_due;
use crate::store::{Command, Outcome, StoreError, StoredOperation, Submission};
use crate::supervision::messages::Start;
use crate::supervision::reply::Reply;
use crate::supervision::writer::Entry;

/// Params of no more values are checked at once.
const FEW_VALUES: usize = 1_000;
/// The longest text of such params, in bytes.
const FEW_BYTES: usize = 16 * 1024;

/// A recorded start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The operation.
    pub id: OperationId,
    /// As it was when the start was recorded.
    pub status: Status,
    /// Whether the idempotency key was seen before: then it is the first one's operation.
    pub replayed: bool,
    /// The checkpoint from which it goes on, where it is a fork.
    pub forked_from: Option<ForkedFrom>,
}

impl Orchestrator {
    /// Starts a `K`; answers when the start is recorded. Judged as a start by its name.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let params = Upto { n: 3 };
    /// let started = orchestrator.start_managed_operation::<Count>(params, Options::default()).await?;
    /// assert!(!started.replayed);
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn start_managed_operation<K: Operation>(
        &self,
        params: K::Params,
        options: Options,
    ) -> Result<Started, Error> {
        let params = encoded(&params).map_err(Error::InvalidParams)?;
        self.start_operation(K::KIND, params, options).await
    }

    /// Starts a kind by its name; answers when the start is recorded.
    ///
    /// Judged in this order: kind, params, options, idempotent replay, the kind's own `ADMIT`,
    /// uniqueness, queue limit.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// use impresario::serde_json::json;
    ///
    /// orchestrator.start_operation("count", json!({"n": 3}), Options::default()).await?;
    /// let refused = orchestrator.start_operation("count", json!({"n": "three"}), Options::default()).await;
    /// assert!(matches!(refused, Err(Error::InvalidParams(_))));
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn start_operation(
        &self,
        kind: &str,
        params: Value,
        options: Options,
    ) -> Result<Started, Error> {
        let kind = Arc::clone(self.kind(kind)?);
        let params = self.checked(&kind, params).await?;
        options.check()?;
        self.submit(&kind, params, options, None).await
    }

    /// The params as the kind takes them; many values are checked where nobody waits behind them.
    pub(super) async fn checked(
        &self,
        kind: &Arc<dyn ErasedOperation>,
        params: Value,
    ) -> Result<Arc<Value>, Error> {
        let checked = if is_small(&params, &mut { FEW_VALUES }) {
            let checked = catch_unwind(AssertUnwindSafe(|| kind.check(params)));
            checked.map_err(|payload| Error::Panicked(panic_message(&*payload)))?
        } else {
            let kind = Arc::clone(kind);
            self.bulk(|| async move { kind.check(params) }).await?
        };
        Ok(Arc::new(checked?))
    }

    /// Records a start, and counts the one that finds no place: in its queue, on the disk, or because
    /// one like it is live.
    pub(super) async fn submit(
        &self,
        kind: &Arc<dyn ErasedOperation>,
        params: Arc<Value>,
        options: Options,
        predecessor: Option<Predecessor>,
    ) -> Result<Started, Error> {
        let started = self.judge(kind, params, options, predecessor).await;
        if let Err(
            Error::Duplicate(_) | Error::QueueFull { .. } | Error::Store(StoreError::Full(_)),
        ) = &started
        {
            self.0.refused.fetch_add(1, Ordering::Relaxed);
        }
        started
    }

    async fn judge(
        &self,
        kind: &Arc<dyn ErasedOperation>,
        params: Arc<Value>,
        options: Options,
        predecessor: Option<Predecessor>,
    ) -> Result<Started, Error> {
        let kept = self.0.config.idempotency_kept;
        let idempotency =
            options.idempotency(&**kind, &params, predecessor.as_ref(), kept, self.now());
        if let Some(given) = &idempotency
            && let Some((id, first)) = self.0.reader.idempotent(&given.key, given.since).await?
            && let Some(replayed) = self.replay(id, first == given.fingerprint).await?
        {
            return Ok(replayed);
        }
        self.admit(kind, &params).await?;
        if !self.is_admitting() {
            return Err(self.gone());
        }
        let id = self.0.ids.next(self.now());
        let (fork, folder) = match &predecessor {
            Some(Predecessor::Forked { of, checkpoint }) => {
                Some(self.forked_checkpoint(*of, checkpoint, id, &params).await?)
            }
            _ => None,
        }
        .unzip();
        let now = self.now();
        // Until it is recorded: one that waits for the end would have the functions yield all that time.
        let _waits = options.wait.is_zero().then(|| self.0.waiting.enter());
        let waiter = OutcomeWaiter::new(self, id, Some(Until::Ended), &options);
        let mut submission = options.submission(id, &**kind, params, predecessor, idempotency, now);
        submission.fork = fork;
        self.recorded(Box::new(submission), folder, waiter).await
    }

    /// Sends a start to be recorded, and hears what came of it.
    async fn recorded(
        &self,
        submission: Box<Submission>,
        mut folder: Option<CopiedFolder>,
        waiter: OutcomeWaiter<'_>,
    ) -> Result<Started, Error> {
        let lane = submission.lane.clone();
        let (reply, answer) = waiter.reply();
        if self.waits(&submission) {
            self.record(submission, reply)?;
        } else {
            self.0.manager.do_send(Start { submission, reply });
        }
        folder.iter_mut().for_each(CopiedFolder::may_be_needed);
        let outcome = waiter.hear(answer).await;
        if is_not_recorded(&outcome)
            && let Some(folder) = folder
        {
            folder.not_needed();
        }
        match outcome? {
            Outcome::Done(done) => Ok(started(&done.operation, false)),
            Outcome::Replayed(operation) => Ok(started(&operation, true)),
            Outcome::Refused(refused) => Err(self.refused(refused, &lane)),
            other => Err(unexpected(&other)),
        }
    }

    /// Whether a start waits whatever the manager does: for its time, or because something runs in
    /// every slot of its lane.
    fn waits(&self, submission: &Submission) -> bool {
        let full = self.free_slots(&submission.lane) == 0;
        full || !is_due(submission.not_before, submission.now)
    }

    fn free_slots(&self, lane: &str) -> u64 {
        self.0.gauges.get(lane).map_or(0, |gauge| gauge.free())
    }

    /// How many may wait in a lane, beside those that find a free slot.
    pub(super) fn limits(&self, lane: &str, free_slots: u64) -> Limits {
        let lane = self.0.config.lanes.get(lane).copied();
        lane.unwrap_or_default().limits(free_slots)
    }

    /// Records a start that waits. The manager hears of it by its commit, and dispatches it if a slot
    /// has become free meanwhile.
    fn record(&self, mut submission: Box<Submission>, reply: Reply) -> Result<(), Error> {
        let link = lock(&self.0.link).clone().ok_or_else(|| self.gone())?;
        link.takes_starts()?;
        submission.limits = self.limits(&submission.lane, self.free_slots(&submission.lane));
        link.send(vec![Entry::answered(Command::Submit(submission), reply)]);
        Ok(())
    }

    /// `None` where the operation was removed since its key was found: its key went with it.
    async fn replay(&self, id: OperationId, same: bool) -> Result<Option<Started>, Error> {
        let operation = self.0.reader.operation(id).await?;
        if operation.is_some() && !same {
            return Err(Error::IdempotencyMismatch(id));
        }
        Ok(operation.map(|operation| started(&operation, true)))
    }

    /// Asks the kind whether the world is as the params need it, on the bounded pool.
    async fn admit(
        &self,
        kind: &Arc<dyn ErasedOperation>,
        params: &Arc<Value>,
    ) -> Result<(), Error> {
        if !kind.asks_admission() {
            return Ok(());
        }
        let (asked, given) = (Arc::clone(kind), Arc::clone(params));
        let limit = kind.policy().admit_within;
        let admission = self.0.blocking.run(move || asked.admit(&given));
        match self.0.blocking.within(limit, admission).await {
            Some(verdict) => Ok(verdict??),
            None if !self.is_admitting() => Err(Error::ShuttingDown),
            None => Err(Error::AdmissionTimedOut {
                kind: kind.view().kind.clone(),
                seconds: limit.as_secs_f64(),
            }),
        }
    }
}

/// Whether there are at most `left` values, each of a usual length.
fn is_small(value: &Value, left: &mut usize) -> bool {
    let Some(fewer) = left.checked_sub(1) else {
        return false;
    };
    *left = fewer;
    match value {
        Value::Array(all) => all.iter().all(|one| is_small(one, left)),
        Value::Object(all) => all.values().all(|one| is_small(one, left)),
        Value::String(text) => text.len() <= FEW_BYTES,
        _ => true,
    }
}

fn started(operation: &StoredOperation, replayed: bool) -> Started {
    let forked = operation.forked.as_ref();
    Started {
        id: operation.id,
        status: operation.state.shown(),
        replayed,
        forked_from: forked.map(|forked| forked.from.clone()),
    }
}

/// Whether it is certain that a start was not recorded.
const fn is_not_recorded(outcome: &Result<Outcome, Error>) -> bool {
    matches!(
        outcome,
        Ok(Outcome::Refused(_) | Outcome::Replayed(_))
            | Err(Error::Store(
                StoreError::Full(_) | StoreError::Unavailable(_)
            ))
    )
}
