//! The one handle that the rest of the world holds.

mod forks;
pub(crate) mod ids;
mod metrics;
mod options;
mod outcome_waiter;
mod queues;
mod reads;
mod refusals;
mod starts;
mod subscription;
mod system_metrics;
mod verbs;
mod views;
mod watch;

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use impresario_api::Timestamp;
use tokio::sync::oneshot;

use crate::folder_lock::FolderLock;
use crate::live_count::LiveCount;
use crate::locks::lock;
use crate::operation::{ErasedOperation, Kinds};
use crate::store::{Owner, Reader, Store, StoreError};
use crate::supervision::blocking::Blocking;
use crate::supervision::failure::Failure;
use crate::supervision::messages::{Abandon, Drain, EndSystem};
use crate::supervision::metrics::CheckpointCosts;
use crate::supervision::pubsub::Hub;
use crate::supervision::sweeper::Sweeper;
use crate::supervision::system::{self, Parts, Running};
use crate::supervision::writer::StoreLink;
use crate::{Config, Error, SetupFault, StartupError};
use ids::Ids;
pub use metrics::MetricRange;
pub use options::Options;
pub(crate) use options::THIS_PROGRAM;
pub use reads::ActiveOperation;
pub use starts::Started;
pub use subscription::{Subscription, Update};
pub use system_metrics::SystemMetrics;
pub use verbs::Asked;
pub use watch::Until;

/// Half of the cores: the other half answers, and looks after what runs.
fn bulk_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from) / 2
}

/// The lock of the folder of checkpoints, which may be the store's folder too.
const CHECKPOINTS_LOCK: &str = "checkpoints.lock";

/// The handle: cheap to clone, usable from any thread and with any executor.
///
/// [`Orchestrator::shutdown`] is its orderly end. When the last clone is dropped without it, the same
/// happens and nobody waits for it: no start is possible any more, what runs is asked to go, and every
/// thread ends. A [`Subscription`] has a clone.
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
    /// Callers that wait for what comes of an operation.
    watches: LiveCount,
    tasks: LiveCount,
    /// Those who wait for a verb, for the record of a start, or to hear how far a run has come: functions yield
    /// to them.
    waiting: LiveCount,
    checkpoint_costs: CheckpointCosts,
    link: Mutex<Option<StoreLink>>,
    sweeper: Mutex<Option<Sweeper>>,
    blocking: Blocking,
    /// For what strangers can make long.
    bulk: Blocking,
    manager: actix::Addr<crate::supervision::manager::Manager>,
    gauges: std::collections::BTreeMap<String, Arc<crate::supervision::lane::LaneGauge>>,
    store_gauge: Arc<crate::supervision::writer::StoreGauge>,
    engine: &'static str,
    admitting: Arc<AtomicBool>,
    /// Starts that the store did not take.
    refused: AtomicU64,
    failure: Failure,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
    started_at: Instant,
}

impl Drop for Inner {
    /// After a shutdown there is nobody left to hear of it.
    fn drop(&mut self) {
        self.admitting.store(false, Ordering::Release);
        self.manager.do_send(Abandon);
    }
}

/// Everything that is wrong with the kinds and the lanes.
fn faults(config: &Config, kinds: &Kinds) -> Vec<SetupFault> {
    let mut faults = kinds.faults();
    let views = kinds.views().into_iter();
    let lost = views.filter(|view| !config.lanes.contains_key(&view.lane));
    faults.extend(lost.map(|view| SetupFault::LaneUnknown {
        kind: view.kind,
        lane: view.lane,
    }));
    let lanes = config.lanes.iter();
    let empty = lanes.filter(|(_, lane)| lane.concurrency == 0);
    faults.extend(empty.map(|(lane, _)| SetupFault::LaneWithoutSlots { lane: lane.clone() }));
    faults
}

/// The pools for short work and for what strangers can make long.
fn pools(
    config: &Config,
    runtime: &tokio::runtime::Handle,
    over: &tokio::sync::watch::Receiver<bool>,
) -> std::io::Result<(Blocking, Blocking)> {
    let pool = |threads, nice| Blocking::new(runtime.clone(), over.clone(), threads, nice);
    Ok((
        pool(config.blocking_threads, None)?,
        pool(bulk_threads(), Some(config.nice))?,
    ))
}

impl Orchestrator {
    /// Starts the actor system on a thread of its own, and takes up what the store holds. Kinds and lanes
    /// that cannot be used are refused, with every fault at once.
    pub fn start(config: Config, kinds: Kinds, store: impl Store) -> Result<Self, StartupError> {
        let faults = faults(&config, &kinds);
        if !faults.is_empty() {
            return Err(StartupError::Setup(faults));
        }
        let folders = config.checkpoint_dir.clone();
        // Checkpoints of unknown operations are removed: two orchestrators would remove each other's.
        let folders_lock = folders
            .as_deref()
            .map(|folder| FolderLock::take_named(folder, CHECKPOINTS_LOCK))
            .transpose()
            .map_err(StartupError::CheckpointFolder)?;
        let admitting = Arc::new(AtomicBool::new(true));
        let kinds = Arc::new(kinds);
        let failure = Failure::new(Arc::clone(&admitting));
        let (reader, engine) = (store.reader(), store.engine());
        let last_numbers = store.last_numbers().map_err(StartupError::Store)?;
        let hub = Arc::new(Hub::after(last_numbers.cursor));
        let ids = Ids::after(last_numbers.newest);
        let first = ids.next(config.clock.now());
        let owner = Owner {
            node: ids::NODE,
            incarnation: first.as_u64(),
        };
        let sweeper = Sweeper::start(folders, Arc::clone(&reader), first);
        let sweeper = sweeper.map_err(StartupError::Thread)?;
        let (link, queue) = StoreLink::new();
        let (tasks, waiting) = (LiveCount::default(), LiveCount::default());
        let checkpoint_costs = CheckpointCosts::default();
        let Running {
            manager,
            runtime,
            over,
            gauges,
            thread,
            store_thread,
        } = system::start(Parts {
            config: config.clone(),
            owner,
            last_numbers,
            kinds: Arc::clone(&kinds),
            store: Box::new(store),
            hub: Arc::clone(&hub),
            link: link.clone(),
            queue,
            admitting: Arc::clone(&admitting),
            failure: failure.clone(),
            sweeper: sweeper.clone(),
            folders_lock,
            tasks: tasks.clone(),
            waiting: waiting.clone(),
            checkpoint_costs: checkpoint_costs.clone(),
        })?;
        let pools = pools(&config, &runtime, &over).inspect_err(|_| manager.do_send(EndSystem));
        let (blocking, bulk) = pools.map_err(StartupError::Thread)?;
        Ok(Self(Arc::new(Inner {
            kinds,
            ids,
            reader,
            hub,
            watches: LiveCount::default(),
            tasks,
            waiting,
            checkpoint_costs,
            store_gauge: Arc::clone(link.gauge()),
            link: Mutex::new(Some(link)),
            sweeper: Mutex::new(Some(sweeper)),
            blocking,
            bulk,
            manager,
            gauges,
            engine,
            admitting,
            refused: AtomicU64::new(0),
            failure,
            threads: Mutex::new(store_thread.into_iter().chain([thread]).collect()),
            started_at: Instant::now(),
            config,
        })))
    }

    /// Whether starts are admitted: until the shutdown begins, or something has failed.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// assert!(orchestrator.is_admitting());
    /// orchestrator.shutdown().await;
    /// assert!(!orchestrator.is_admitting());
    /// # Ok(())
    /// # }) }
    /// ```
    pub fn is_admitting(&self) -> bool {
        self.0.admitting.load(Ordering::Acquire)
    }

    /// Why every start is refused, when it is: nothing is admitted any more, or the store has no room.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// assert!(orchestrator.readiness().is_ok());
    /// orchestrator.stop_admitting();
    /// assert!(orchestrator.readiness().is_err());
    /// # Ok(())
    /// # }) }
    /// ```
    pub fn readiness(&self) -> Result<(), Error> {
        if !self.is_admitting() {
            return Err(self.gone());
        }
        match lock(&self.0.store_gauge.no_room).clone() {
            Some(why) => Err(StoreError::Full(why).into()),
            None => Ok(()),
        }
    }

    /// The tasks of the process that are counted: the supervisor's own, and whatever else enters.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let before = orchestrator.tasks().get();
    /// let answers = orchestrator.tasks().enter();
    /// assert_eq!(orchestrator.tasks().get(), before + 1);
    /// drop(answers);
    /// # Ok(())
    /// # }) }
    /// ```
    pub fn tasks(&self) -> &LiveCount {
        &self.0.tasks
    }

    /// Runs short work on the bounded pool: what an endpoint needs read or computed.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let file = orchestrator.blocking(|| std::fs::read_to_string("/proc/version")).await?;
    /// # let _ = file;
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.0.blocking.run(work).await
    }

    /// Runs what a request can make long (checking a large body, writing a large answer) on threads
    /// that stand back, as the lanes' do; refused as [`Error::Busy`] when much of it waits already.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let large = vec![1_u64; 1_000_000];
    /// let sum = orchestrator.bulk(|| async move { large.iter().sum::<u64>() }).await?;
    /// assert_eq!(sum, 1_000_000);
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn bulk<T, F>(&self, work: impl FnOnce() -> F + Send + 'static) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = T>,
    {
        self.0.bulk.run_future(work).await
    }

    /// Admits nothing more; [`Orchestrator::shutdown`] does the rest.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// orchestrator.stop_admitting();
    /// let refused = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default());
    /// assert!(matches!(refused.await, Err(Error::ShuttingDown)));
    /// # Ok(())
    /// # }) }
    /// ```
    pub fn stop_admitting(&self) {
        self.0.admitting.store(false, Ordering::Release);
    }

    /// Stops admitting, asks what runs to go, and waits at most the grace period for it. What ran is
    /// pending again, at no charge. Then whoever waits or listens hears that nothing will come any
    /// more; reads and verbs are answered until [`Orchestrator::shutdown`]. After a failure of the
    /// store it waits for the functions alone, since nothing is recorded any more.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let endless = Upto { n: u32::MAX };
    /// let id = orchestrator.start_managed_operation::<Count>(endless, Options::default()).await?.id;
    /// orchestrator.drain().await;
    /// assert_eq!(orchestrator.view(id).await?.row.status, api::Status::Pending);
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn drain(&self) {
        self.stop_admitting();
        let (reply, drained) = oneshot::channel();
        self.0.manager.do_send(Drain { reply });
        // An error means that the manager is gone already.
        let _ = drained.await;
        self.0.hub.close();
    }

    /// Drains, and ends the actor system. Calling it twice is harmless.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// orchestrator.shutdown().await;
    /// assert!(!orchestrator.is_admitting());
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn shutdown(&self) {
        self.drain().await;
        self.0.manager.do_send(EndSystem);
        lock(&self.0.link).take();
        lock(&self.0.sweeper).take();
        // They end by themselves: the system was stopped, and the store's queue has no sender left.
        let threads = std::mem::take(&mut *lock(&self.0.threads));
        let (tell, joined) = oneshot::channel();
        let join = move || {
            for thread in threads.into_iter().rev() {
                if thread.join().is_err() {
                    log::warn!("a thread of the orchestrator panicked as it ended");
                }
            }
            let _ = tell.send(());
        };
        // Not here: the store may wait for its disk, and the caller hears signals meanwhile. Where no
        // thread can be had, nothing is waited for.
        if std::thread::Builder::new().spawn(join).is_ok() {
            let _ = joined.await;
        }
    }

    /// Ready when the orchestrator ended by a fault of its own (a bug, a store that cannot be
    /// trusted any more): why. Never ready after an orderly shutdown.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let signal = std::future::ready(()); // for example that of SIGTERM
    /// futures_util::future::select(std::pin::pin!(signal), std::pin::pin!(orchestrator.failed())).await;
    /// orchestrator.shutdown().await;
    /// # Ok(())
    /// # }) }
    /// ```
    pub fn failed(&self) -> impl Future<Output = String> + Send + use<> {
        let mut failure = self.0.failure.watch();
        async move {
            // A copy: what is lent here cannot be sent to another thread.
            let why = failure.wait_for(Option::is_some).await;
            match why.map(|why| why.clone()) {
                Ok(why) => why.unwrap_or_default(),
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// The manager itself, for tests of the inside.
    #[cfg(test)]
    pub(crate) fn manager(&self) -> &actix::Addr<crate::supervision::manager::Manager> {
        &self.0.manager
    }

    /// What the wall clock says.
    fn now(&self) -> Timestamp {
        self.0.config.clock.now()
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

    /// Why nobody answers, or nothing is admitted.
    fn gone(&self) -> Error {
        if self.is_admitting() || self.0.failure.is_reported() {
            Error::Gone
        } else {
            Error::ShuttingDown
        }
    }
}
