//! Reads: what is kept, joined with how far the live runs have come.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use impresario_api::{
    EventBody, EventPage, ForkedFrom, LogLevel, OperationId, OperationList, OperationView, Status,
    Timestamp,
};
use serde_json::Value;
use tokio::sync::oneshot;

use super::Orchestrator;
use super::queues::Queues;
use super::views::{self, Around};
use super::watch::Watch;
use crate::Error;
use crate::locks::lock;
use crate::store::{Command, Outcome, Query, StoreError, StoredOperation, UNREADABLE};
use crate::supervision::messages::{LiveProgress, ReadProgress};
use crate::supervision::reply::Reply;
use crate::supervision::writer::Entry;

/// Events read at a time.
const PAGE: usize = 1_000;
/// Rows read at a time where all are looked at.
const ROWS: usize = 1_000;
/// Operations removed in one commit: a batch that no start has to wait long for.
const PRUNE_BATCH: usize = 500;
/// The same on a full disk: what is removed has to be written to the log first.
const PRUNE_FEW: usize = 20;
/// How often in a row a full disk is tried again.
const PRUNE_AGAIN: u32 = 3;

/// An operation that has not ended, with its params.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ActiveOperation {
    /// The operation.
    pub id: OperationId,
    /// Its kind.
    pub kind: String,
    /// Its status.
    pub status: Status,
    /// When its start was recorded.
    pub created_at: Timestamp,
    /// Its params.
    pub params: Arc<Value>,
    /// The checkpoint of another operation from which it was forked.
    pub forked_from: Option<ForkedFrom>,
}

impl Orchestrator {
    /// The operations of these kinds that have not ended and that `is_meant` is true of, newest first: those, for
    /// example, that use what somebody wants to remove. All of these kinds are read, page by page, so it takes
    /// longer than [`Self::list`]. One that starts meanwhile may be missing.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?;
    /// let others = orchestrator.active(vec!["count".to_owned()], |one| one.params["n"] == 7).await?;
    /// assert!(others.is_empty());
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn active(
        &self,
        kinds: Vec<String>,
        is_meant: impl Fn(&ActiveOperation) -> bool,
    ) -> Result<Vec<ActiveOperation>, Error> {
        let mut query = Query::default().kinds(kinds).active_only(true).limit(ROWS);
        let mut found = Vec::new();
        loop {
            let page = self.0.reader.page(&query).await?;
            self.see_to(&page.operations);
            let each = page.operations.iter().map(|one| ActiveOperation {
                id: one.id,
                kind: one.kind.clone(),
                status: one.state.shown(),
                created_at: one.created_at,
                params: Arc::clone(&one.params),
                forked_from: one.forked.as_ref().map(|forked| forked.from.clone()),
            });
            found.extend(each.filter(&is_meant));
            query = match page.operations.last() {
                Some(last) if page.more => query.before(Some(last.id)),
                _ => return Ok(found),
            };
        }
    }

    /// One operation.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let id = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?.id;
    /// let view = orchestrator.view(id).await?;
    /// assert_eq!(view.row.kind, "count");
    /// assert_eq!(view.params["n"], 3);
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn view(&self, id: OperationId) -> Result<OperationView, Error> {
        self.view_of(&self.operation(id).await?).await
    }

    pub(super) async fn view_of(
        &self,
        operation: &Arc<StoredOperation>,
    ) -> Result<OperationView, Error> {
        if !operation.state.shown().is_dispatched() {
            let now = self.now();
            let around = self
                .around(operation, None, &mut Queues::default(), now)
                .await?;
            return Ok(views::view(operation, &around, now));
        }
        let live = self.live(vec![operation.id]).await.remove(&operation.id);
        // It may have ended since it was read: then what is kept says more, unless it was removed too.
        let mut operation = Arc::clone(operation);
        match &live {
            Some(live) => show_signalled(&mut operation, live),
            None => {
                let newer = self.0.reader.operation(operation.id).await?;
                operation = newer.unwrap_or(operation);
            }
        }
        let now = self.now();
        let around = self
            .around(&operation, live, &mut Queues::default(), now)
            .await?;
        Ok(views::view(&operation, &around, now))
    }

    /// A page of operations, newest first.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// use impresario::store::Query;
    ///
    /// let id = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?.id;
    /// let query = Query::default().kinds(vec!["count".to_owned()]).limit(10);
    /// let list = orchestrator.list(query).await?;
    /// assert_eq!(list.operations[0].operation_id, id);
    /// assert_eq!(list.total_count, 1);
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn list(&self, query: Query) -> Result<OperationList, Error> {
        let page = self.0.reader.page(&query).await?;
        self.see_to(&page.operations);
        let running = page
            .operations
            .iter()
            .filter(|one| one.state.shown().is_dispatched());
        let running: Vec<_> = running.map(|one| one.id).collect();
        let mut live = if running.is_empty() {
            HashMap::new()
        } else {
            self.live(running).await
        };
        let now = self.now();
        let mut rows = Vec::with_capacity(page.operations.len());
        let mut queues = Queues::default();
        for operation in &page.operations {
            let (mut operation, live) = (Arc::clone(operation), live.remove(&operation.id));
            live.iter()
                .for_each(|live| show_signalled(&mut operation, live));
            let around = self.around(&operation, live, &mut queues, now).await?;
            rows.push(views::list_row(&operation, &around, now));
        }
        let next_cursor = match page.operations.last() {
            Some(last) if page.more => Some(last.id.to_string()),
            _ => None,
        };
        Ok(OperationList {
            operations: rows,
            next_cursor,
            total_count: page.total,
            total_is_exact: page.total_is_exact,
            active_count: page.active,
        })
    }

    /// The output.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let id = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?.id;
    /// # orchestrator.wait_until(id, impresario::Until::Ended, std::time::Duration::from_secs(60)).await?;
    /// assert_eq!(orchestrator.result(id).await?, 3);
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn result(&self, id: OperationId) -> Result<Value, Error> {
        let operation = self.operation(id).await?;
        match &operation.output {
            Some(output) if operation.state.shown() == Status::Completed => Ok((**output).clone()),
            _ => Err(Error::NoResult(operation.state.shown())),
        }
    }

    /// Events after `since`, ascending; with `types`, those alone. With `wait`, the answer is held
    /// until there is one, at most so long.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let id = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?.id;
    /// # orchestrator.wait_until(id, impresario::Until::Ended, std::time::Duration::from_secs(60)).await?;
    /// let page = orchestrator.events(id, 0, 100, &["submitted", "status"], None).await?;
    /// assert_eq!(page.events[0].body.type_name(), "submitted");
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn events(
        &self,
        id: OperationId,
        since: u64,
        limit: usize,
        types: &[&str],
        wait: Option<Duration>,
    ) -> Result<EventPage, Error> {
        self.operation(id).await?;
        let mut watch = wait.map(|_| Watch::new(self, id));
        let read = || self.0.reader.events(id, since, limit, types);
        let mut events = read().await?;
        if let (true, Some(wait), Some(watch)) = (events.is_empty(), wait, &mut watch) {
            let waiting = async {
                while events.is_empty() && watch.any_event().await {
                    events = read().await?;
                }
                Ok::<_, Error>(())
            };
            if let Some(result) = self.0.blocking.within(wait, waiting).await {
                result?;
            }
        }
        let next_since = events.last().map_or(since, |last| last.seq);
        Ok(EventPage {
            events: events.iter().map(|event| (**event).clone()).collect(),
            next_since,
        })
    }

    /// How many events there are after `since`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let id = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?.id;
    /// assert!(orchestrator.events_after(id, 0).await? >= 1);
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn events_after(&self, id: OperationId, since: u64) -> Result<u64, Error> {
        Ok(self.operation(id).await?.seq.saturating_sub(since))
    }

    /// Log lines after `since`, of at least `level`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let id = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?.id;
    /// # orchestrator.wait_until(id, impresario::Until::Ended, std::time::Duration::from_secs(60)).await?;
    /// let logs = orchestrator.logs(id, 0, 100, Some(api::LogLevel::Warn)).await?;
    /// assert!(logs.events.is_empty());
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn logs(
        &self,
        id: OperationId,
        since: u64,
        limit: usize,
        level: Option<LogLevel>,
    ) -> Result<EventPage, Error> {
        let mut page = EventPage {
            events: Vec::new(),
            next_since: since,
        };
        loop {
            let read = self
                .events(id, page.next_since, PAGE, &["log"], None)
                .await?;
            let more = read.events.len() == PAGE;
            for event in read.events {
                let wanted = matches!(&event.body, EventBody::Log(log) if level.is_none_or(|level| log.level >= level));
                page.next_since = event.seq;
                if wanted {
                    page.events.push(event);
                }
                if page.events.len() == limit {
                    return Ok(page);
                }
            }
            if !more {
                return Ok(page);
            }
        }
    }

    /// The last event's cursor.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let before = orchestrator.cursor().await?;
    /// orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?;
    /// assert!(orchestrator.cursor().await? > before);
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn cursor(&self) -> Result<u64, Error> {
        Ok(self.0.reader.cursor().await?)
    }

    /// Removes operations that ended longer ago than `older_than`, oldest first: how many. With
    /// `dry_run` they are only counted.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// use std::time::Duration;
    ///
    /// let id = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?.id;
    /// # orchestrator.wait_until(id, impresario::Until::Ended, std::time::Duration::from_secs(60)).await?;
    /// let month = Duration::from_secs(30 * 24 * 60 * 60);
    /// assert_eq!(orchestrator.prune(month, true).await?, 0);
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn prune(&self, older_than: Duration, dry_run: bool) -> Result<u64, Error> {
        let age = i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
        let before = self.now().plus_millis(-age);
        let mut limit = if dry_run { usize::MAX } else { PRUNE_BATCH };
        let (mut pruned, mut full) = (0, 0);
        loop {
            let (reply, answer) = oneshot::channel();
            let link = lock(&self.0.link).clone().ok_or(Error::ShuttingDown)?;
            link.send(vec![Entry::answered(
                Command::Prune {
                    before,
                    limit,
                    dry_run,
                },
                Reply::new(reply, None),
            )]);
            drop(link);
            let outcome = match answer.await.map_err(|_| self.gone())? {
                // On a full disk there may be room to remove a few, once the store has given up what it had
                // set aside.
                Err(StoreError::Full(_)) if full < PRUNE_AGAIN => {
                    limit = PRUNE_FEW;
                    full += 1;
                    continue;
                }
                outcome => outcome?,
            };
            let Outcome::Pruned { count, .. } = outcome else {
                break;
            };
            (pruned, full) = (pruned + count, 0);
            if dry_run || count < limit as u64 {
                break;
            }
        }
        Ok(pruned)
    }

    pub(super) async fn operation(&self, id: OperationId) -> Result<Arc<StoredOperation>, Error> {
        let operation = self.0.reader.operation(id).await?;
        self.see_to(operation.as_slice());
        operation.ok_or(Error::NotFound(id))
    }

    /// A record that cannot be read may just have been met: with its next batch, though it be empty, the
    /// writer sets it aside.
    fn see_to(&self, read: &[Arc<StoredOperation>]) {
        let unreadable = |one: &Arc<StoredOperation>| {
            let error = one.state.error.as_ref();
            error.is_some_and(|error| error.code == UNREADABLE)
        };
        if read.iter().any(unreadable)
            && let Some(link) = &*lock(&self.0.link)
        {
            link.send(Vec::new());
        }
    }

    /// How far the live ones of `ids` have come.
    async fn live(&self, ids: Vec<OperationId>) -> HashMap<OperationId, LiveProgress> {
        let (reply, answer) = oneshot::channel();
        let _waits = self.0.waiting.enter();
        self.0.manager.do_send(ReadProgress { ids, reply });
        let mut live = HashMap::new();
        for (id, answer) in answer.await.unwrap_or_default() {
            // An actor that ended meanwhile answers nothing; what is kept serves.
            if let Ok(progress) = answer.await {
                live.insert(id, progress);
            }
        }
        live
    }

    async fn around(
        &self,
        operation: &StoredOperation,
        live: Option<LiveProgress>,
        queues: &mut Queues,
        now: Timestamp,
    ) -> Result<Around, Error> {
        if operation.state.shown() != Status::Pending {
            return Ok(Around {
                live,
                ..Around::default()
            });
        }
        let gauge = self.0.gauges.get(&operation.lane);
        let lane = gauge.map_or((0, 0), |gauge| {
            (gauge.busy.load(Ordering::Relaxed), gauge.concurrency)
        });
        let queue_position = queues.position(&*self.0.reader, operation, now).await?;
        Ok(Around {
            live,
            queue_position,
            lane,
        })
    }
}

/// A stop that was signalled and could not be recorded is shown as one that was.
fn show_signalled(operation: &mut Arc<StoredOperation>, live: &LiveProgress) {
    let state = &operation.state;
    if let Some(stop) = &live.unrecorded
        && live.run == state.run
        && state.shown().is_dispatched()
        && Some(stop.verb) > state.stop_verb()
    {
        Arc::make_mut(operation).state.stop = Some(stop.clone());
    }
}
