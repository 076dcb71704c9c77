//! The one handle that the rest of the world holds.

mod ids;
mod options;
mod reads;
mod subscription;
mod views;

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use garde::Validate;
use impresario_api::{OperationId, OperationView, Status, Timestamp, Verb};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::locks::lock;
use crate::operation::{ErasedOperation, Kinds, Operation};
use crate::rules::admission;
use crate::rules::lifecycle::Rejection;
use crate::store::{Done, Outcome, Reader, Refused, Store, StoreError};
use crate::supervision::blocking::Blocking;
use crate::supervision::commands::{Ask, Drain, Halt, Start};
use crate::supervision::hub::Hub;
use crate::supervision::system::{self, Failure, Parts, Running};
use crate::supervision::writer::StoreLink;
use crate::{Config, Error, StartupError};
use ids::Ids;
pub use options::Options;
pub use subscription::{Subscription, Update};

/// A recorded start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The operation.
    pub id: OperationId,
    /// As it was when the start was recorded.
    pub status: Status,
    /// Whether the idempotency key was seen before: then it is the first one's operation.
    pub replayed: bool,
}

/// What a verb did.
#[derive(Clone, Debug)]
pub enum Asked {
    /// It was asked of the operation.
    Done {
        /// The operation after it.
        view: Box<OperationView>,
        /// False when it was so already, and nothing was recorded.
        changed: bool,
        /// False when the stop took effect but could not be recorded.
        durable: bool,
    },
    /// `retry` made a new operation.
    New(Started),
}

/// For what [`Orchestrator::wait_until`] waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Completed, failed or cancelled.
    Ended,
    /// Ended or paused.
    EndedOrPaused,
}

impl Until {
    /// Whether `status` is what is waited for.
    pub const fn is_met(self, status: Status) -> bool {
        status.is_ended()
            || (matches!(self, Self::EndedOrPaused) && matches!(status, Status::Paused))
    }
}

/// The handle: cheap to clone, usable from any thread and with any executor.
///
/// ```
/// # use impresario::{Config, Orchestrator, operation::Kinds, store::MemoryStore};
/// let orchestrator = Orchestrator::start(Config::default(), Kinds::new(), MemoryStore::new())?;
/// assert!(orchestrator.is_admitting());
/// # Ok::<(), impresario::StartupError>(())
/// ```
#[derive(Clone)]
pub struct Orchestrator(Arc<Inner>);

struct Inner {
    kinds: Arc<Kinds>,
    config: Config,
    ids: Ids,
    reader: Arc<dyn Reader>,
    hub: Arc<Hub>,
    link: Mutex<Option<StoreLink>>,
    blocking: Blocking,
    manager: actix::Addr<crate::supervision::manager::Manager>,
    gauges: std::collections::BTreeMap<String, Arc<crate::supervision::lane::LaneGauge>>,
    store_gauge: Arc<crate::supervision::writer::StoreGauge>,
    engine: &'static str,
    admitting: Arc<AtomicBool>,
    failure: Failure,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
    started_at: Instant,
}

impl Orchestrator {
    /// Starts the actor system on a thread of its own, and takes up what the store holds.
    pub fn start(config: Config, kinds: Kinds, store: impl Store) -> Result<Self, StartupError> {
        for view in kinds.views() {
            if !config.lanes.contains_key(&view.lane) {
                return Err(StartupError::LaneUnknown {
                    kind: view.kind,
                    lane: view.lane,
                });
            }
        }
        if let Some((lane, _)) = config.lanes.iter().find(|(_, lane)| lane.concurrency == 0) {
            return Err(StartupError::LaneWithoutSlots { lane: lane.clone() });
        }
        let (kinds, hub, failure) = (Arc::new(kinds), Arc::new(Hub::default()), Failure::new());
        let (reader, engine) = (store.reader(), store.engine());
        let (link, queue) = StoreLink::new();
        let admitting = Arc::new(AtomicBool::new(true));
        let Running {
            manager,
            runtime,
            gauges,
            thread,
            store_thread,
        } = system::start(Parts {
            config: config.clone(),
            kinds: Arc::clone(&kinds),
            store: Box::new(store),
            hub: Arc::clone(&hub),
            link: link.clone(),
            queue,
            admitting: Arc::clone(&admitting),
            failure: failure.clone(),
        })?;
        Ok(Self(Arc::new(Inner {
            kinds,
            ids: Ids::default(),
            reader,
            hub,
            store_gauge: Arc::clone(link.gauge()),
            link: Mutex::new(Some(link)),
            blocking: Blocking::new(runtime, config.blocking_threads),
            manager,
            gauges,
            engine,
            admitting,
            failure,
            threads: Mutex::new(store_thread.into_iter().chain([thread]).collect()),
            started_at: Instant::now(),
            config,
        })))
    }

    /// Checks JSON params against kind `K`: every fault at once.
    pub fn parse<K: Operation>(&self, params: Value) -> Result<K::Params, Error> {
        let params = self
            .kind(K::KIND)?
            .check(params)
            .map_err(Error::InvalidParams)?;
        // What the check gave back came from these very params.
        serde_json::from_value(params).map_err(|error| Error::InvalidParams(options::whole(&error)))
    }

    /// Starts a `K`; answers when the start is recorded.
    pub async fn start_managed_operation<K: Operation>(
        &self,
        params: K::Params,
        options: Options,
    ) -> Result<Started, Error> {
        // Typed params need no schema: only what a type cannot say is checked.
        let faults = |report| Error::InvalidParams(crate::operation::faults(&report, &params));
        params.validate().map_err(faults)?;
        options.check()?;
        let kind = Arc::clone(self.kind(K::KIND)?);
        let params = serde_json::to_value(params);
        let params = params.map_err(|error| Error::InvalidParams(options::whole(&error)))?;
        self.submit(&kind, Arc::new(params), options, None).await
    }

    /// Starts a kind by its name; answers when the start is recorded.
    ///
    /// Judged in this order: kind, params, options, idempotent replay, the kind's own `admit`,
    /// uniqueness, queue limit.
    pub async fn start_operation(
        &self,
        kind: &str,
        params: Value,
        options: Options,
    ) -> Result<Started, Error> {
        let kind = Arc::clone(self.kind(kind)?);
        let params = Arc::new(kind.check(params).map_err(Error::InvalidParams)?);
        options.check()?;
        self.submit(&kind, params, options, None).await
    }

    async fn submit(
        &self,
        kind: &Arc<dyn ErasedOperation>,
        params: Arc<Value>,
        options: Options,
        retry_of: Option<OperationId>,
    ) -> Result<Started, Error> {
        let idempotency = options.idempotency(kind.view(), &params, retry_of);
        if let Some((key, fingerprint)) = &idempotency
            && let Some((id, first)) = self.0.reader.idempotent(key)?
        {
            return self.replay(id, first == *fingerprint);
        }
        self.admit(kind, &params).await?;
        if !self.is_admitting() {
            return Err(Error::ShuttingDown);
        }
        let id = self.0.ids.next(Timestamp::now());
        let submission = options.submission(id, &**kind, params, retry_of, idempotency);
        let lane = submission.lane.clone();
        let (reply, answer) = oneshot::channel();
        self.0.manager.do_send(Start {
            submission: Box::new(submission),
            reply,
        });
        match answer.await.map_err(|_| self.gone())?? {
            Outcome::Done(done) => Ok(started(&done, false)),
            Outcome::Replayed(operation) => Ok(Started {
                id: operation.id,
                status: operation.state.shown(),
                replayed: true,
            }),
            Outcome::Refused(refused) => Err(self.refused(refused, &lane)),
            other => Err(unexpected(&other)),
        }
    }

    fn replay(&self, id: OperationId, same: bool) -> Result<Started, Error> {
        match self.0.reader.operation(id)? {
            _ if !same => Err(Error::IdempotencyMismatch(id)),
            Some(operation) => Ok(Started {
                id,
                status: operation.state.shown(),
                replayed: true,
            }),
            None => Err(Error::NotFound(id)),
        }
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
            Some(verdict) => verdict?.map_err(Error::Refused),
            None => Err(Error::AdmissionTimedOut {
                kind: kind.view().kind.clone(),
                seconds: limit.as_secs_f64(),
            }),
        }
    }

    /// Asks something of an operation. A stop takes effect before it is recorded, and the answer
    /// comes when it is recorded. `options` says who asks; a `retry` uses all of it.
    pub async fn ask(
        &self,
        id: OperationId,
        verb: Verb,
        reason: Option<String>,
        options: Options,
    ) -> Result<Asked, Error> {
        let (reply, answer) = oneshot::channel();
        let by = options.caller();
        log::info!("{id} {verb} asked by {by}");
        self.0.manager.do_send(Ask {
            id,
            verb,
            by,
            reason,
            reply,
        });
        let outcome = match answer.await.map_err(|_| self.gone())? {
            Ok(outcome) => outcome,
            Err(error) => return self.not_recorded(id, error).await,
        };
        match outcome {
            Outcome::Done(done) if done.new_operation => self.retry(&done, options).await,
            Outcome::Done(done) => {
                let view = Box::new(self.view_of(&done.operation).await?);
                Ok(Asked::Done {
                    view,
                    changed: !done.events.is_empty(),
                    durable: true,
                })
            }
            Outcome::Refused(refused) => Err(self.refused(refused, "")),
            other => Err(unexpected(&other)),
        }
    }

    /// A stop that was signalled takes effect although the store could not write it.
    async fn not_recorded(&self, id: OperationId, error: StoreError) -> Result<Asked, Error> {
        let view = self.view(id).await?;
        if !view.row.status.is_dispatched() {
            return Err(error.into());
        }
        Ok(Asked::Done {
            view: Box::new(view),
            changed: true,
            durable: false,
        })
    }

    /// A new operation with the params, labels, priority and terms of one that has ended.
    async fn retry(&self, done: &Done, options: Options) -> Result<Asked, Error> {
        let first = &done.operation;
        let kind = Arc::clone(self.kind(&first.kind)?);
        let params = kind
            .check((*first.params).clone())
            .map_err(Error::InvalidParams)?;
        let options = options.like(first);
        let started = self
            .submit(&kind, Arc::new(params), options, Some(first.id))
            .await?;
        Ok(Asked::New(started))
    }

    /// Waits until an operation is as `until` says, at most `limit`; the view as it is then.
    pub async fn wait_until(
        &self,
        id: OperationId,
        until: Until,
        limit: Duration,
    ) -> Result<OperationView, Error> {
        let mut subscription = subscription::Watch::new(self, id);
        let watching = async {
            loop {
                match self.0.reader.operation(id)? {
                    None => return Err(Error::NotFound(id)),
                    Some(operation) if until.is_met(operation.state.shown()) => return Ok(()),
                    Some(_) => {}
                }
                if !subscription.status_met(until).await {
                    return Ok(());
                }
            }
        };
        if let Some(result) = self.0.blocking.within(limit, watching).await {
            result?;
        }
        self.view(id).await
    }

    /// Whether starts are admitted.
    pub fn is_admitting(&self) -> bool {
        self.0.admitting.load(Ordering::Acquire)
    }

    /// Runs short work on the bounded pool: what an endpoint needs read or computed.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.0.blocking.run(work).await
    }

    /// Admits nothing more; [`Orchestrator::shutdown`] does the rest.
    pub fn stop_admitting(&self) {
        self.0.admitting.store(false, Ordering::Release);
    }

    /// Stops admitting, asks what runs to go, waits at most the grace period for it, and ends the
    /// actor system. What ran is pending again, at no charge. Calling it twice is harmless.
    pub async fn shutdown(&self) {
        self.stop_admitting();
        let (reply, drained) = oneshot::channel();
        self.0.manager.do_send(Drain { reply });
        // An error means that the manager is gone already.
        let _ = drained.await;
        self.0.manager.do_send(Halt);
        lock(&self.0.link).take();
        // They end by themselves: the system was stopped, and the store's queue has no sender left.
        for thread in std::mem::take(&mut *lock(&self.0.threads))
            .into_iter()
            .rev()
        {
            if thread.join().is_err() {
                log::warn!("a thread of the orchestrator panicked as it ended");
            }
        }
    }

    /// Ready when the orchestrator ended by a fault of its own (a bug, a store that cannot be
    /// trusted any more): why. Never ready after an orderly shutdown.
    pub fn failed(&self) -> impl Future<Output = String> + use<> {
        let mut failure = self.0.failure.watch();
        async move {
            match failure.wait_for(Option::is_some).await {
                Ok(why) => why.clone().unwrap_or_default(),
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// The manager itself, for tests of the inside.
    #[cfg(test)]
    pub(crate) fn manager(&self) -> &actix::Addr<crate::supervision::manager::Manager> {
        &self.0.manager
    }

    fn kind(&self, kind: &str) -> Result<&Arc<dyn ErasedOperation>, Error> {
        self.0.kinds.get(kind).ok_or_else(|| Error::KindNotFound {
            kind: kind.to_owned(),
            known: self
                .0
                .kinds
                .views()
                .into_iter()
                .map(|view| view.kind)
                .collect(),
        })
    }

    fn gone(&self) -> Error {
        if self.is_admitting() {
            Error::Gone
        } else {
            Error::ShuttingDown
        }
    }

    fn refused(&self, refused: Refused, lane: &str) -> Error {
        match refused {
            Refused::NotFound(id) => Error::NotFound(id),
            Refused::Rejected(rejection, operation) => rejected(rejection, &operation),
            Refused::Duplicate(id) => Error::Duplicate(id),
            Refused::IdempotencyMismatch(id) => Error::IdempotencyMismatch(id),
            Refused::QueueFull { waiting } => {
                let limit = self
                    .0
                    .config
                    .lanes
                    .get(lane)
                    .map_or(0, |lane| lane.queue_limit);
                let room = admission::Room {
                    waiting,
                    free_slots: 0,
                    queue_limit: limit,
                };
                let retry_after_seconds = admission::retry_after_seconds(room);
                Error::QueueFull {
                    lane: lane.to_owned(),
                    waiting,
                    limit,
                    retry_after_seconds,
                }
            }
        }
    }
}

fn started(done: &Done, replayed: bool) -> Started {
    Started {
        id: done.operation.id,
        status: done.operation.state.shown(),
        replayed,
    }
}

fn rejected(rejection: Rejection, operation: &crate::store::Operation) -> Error {
    let state = &operation.state;
    Error::Rejected {
        rejection,
        message: rejection.explain(state),
        status: state.shown(),
        verbs: state.verbs(),
    }
}

/// A store that answers a command with another command's outcome.
fn unexpected(outcome: &Outcome) -> Error {
    StoreError::Fatal(format!("an unexpected outcome: {outcome:?}")).into()
}
