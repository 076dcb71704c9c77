//! What there is to see of the supervisor itself: for people, and for whoever measures.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use impresario_api::{KindView, Status, StoreView, SystemView};
use tokio::sync::oneshot;

use super::Orchestrator;
use crate::Error;
use crate::locks::lock;
use crate::supervision::messages::{ManagerView, ReadSystem};
use crate::supervision::metrics::{CHECKPOINTS, Histogram, RUNS};

/// Everything that is counted and measured.
#[derive(Clone, Debug)]
pub struct SystemMetrics {
    /// As people see it.
    pub system: SystemView,
    /// How many operations are kept, by kind and shown status; of every kind that is registered, and
    /// of those that were.
    pub operations: BTreeMap<(String, Status), u64>,
    /// How long runs took, by kind, likewise.
    pub runs: BTreeMap<String, Histogram>,
    /// How long the checkpoints of runs took, by kind, likewise: encoded, written and synced.
    pub checkpoints: BTreeMap<String, Histogram>,
    /// From cancel asked to its end recorded.
    pub cancels: Histogram,
    /// Commits of the store.
    pub commits: Histogram,
}

impl Orchestrator {
    /// What can be started.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// assert_eq!(orchestrator.kinds()[0].kind, "count");
    /// # Ok(())
    /// # }) }
    /// ```
    pub fn kinds(&self) -> Vec<KindView> {
        self.0.kinds.views()
    }

    /// The supervisor as it is. The version is this crate's, and it knows of no sockets.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let system = orchestrator.system().await?;
    /// assert_eq!(system.lanes[0].name, "default");
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn system(&self) -> Result<SystemView, Error> {
        self.system_of(self.read_manager().await?).await
    }

    /// The supervisor with all that is measured of it.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let metrics = orchestrator.system_metrics().await?;
    /// assert!(metrics.runs.contains_key("count"));
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn system_metrics(&self) -> Result<SystemMetrics, Error> {
        let mut manager = self.read_manager().await?;
        let cancels = manager.cancels.clone();
        let mut runs = std::mem::take(&mut manager.runs);
        let mut checkpoints = self.0.checkpoint_costs.all();
        let mut operations = self.0.reader.counts().await?;
        for view in self.0.kinds.views() {
            for status in Status::ALL {
                operations.entry((view.kind.clone(), *status)).or_default();
            }
            runs.entry(view.kind.clone())
                .or_insert_with(|| Histogram::new(RUNS));
            checkpoints
                .entry(view.kind)
                .or_insert_with(|| Histogram::new(CHECKPOINTS));
        }
        Ok(SystemMetrics {
            system: self.system_of(manager).await?,
            operations,
            runs,
            checkpoints,
            cancels,
            commits: lock(&self.0.store_gauge.commits).all().clone(),
        })
    }

    async fn read_manager(&self) -> Result<ManagerView, Error> {
        let (reply, answer) = oneshot::channel();
        self.0.manager.do_send(ReadSystem { reply });
        let mut view = answer.await.map_err(|_| self.gone())?;
        let now = self.now();
        for lane in &mut view.lanes {
            let oldest = self.0.reader.oldest_due(&lane.name, now).await?;
            let waiting = self.0.reader.waiting(&lane.name).await?;
            (lane.queued, lane.scheduled) = (waiting.due, waiting.scheduled);
            lane.oldest_wait_seconds = oldest.map(|since| now.seconds_since(since));
        }
        Ok(view)
    }

    async fn system_of(&self, manager: ManagerView) -> Result<SystemView, Error> {
        let (operations, size_bytes) = self.0.reader.size().await?;
        let commits = lock(&self.0.store_gauge.commits);
        let store = StoreView {
            engine: self.0.engine.to_owned(),
            queue: self.0.store_gauge.queue.load(Ordering::Relaxed),
            commit_p50_ms: commits.percentile_ms(50),
            commit_p99_ms: commits.percentile_ms(99),
            size_bytes,
            operations,
            set_aside: self.0.reader.set_aside(),
        };
        drop(commits);
        let hub = self.0.hub.counts();
        Ok(SystemView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: self.0.started_at.elapsed().as_secs_f64(),
            admitting: self.readiness().is_ok(),
            lanes: manager.lanes,
            store,
            ended_last_hour: manager.ended_last_hour,
            cancel_p50_ms: manager.cancel_p50_ms,
            cancel_p99_ms: manager.cancel_p99_ms,
            subscribers: hub.listeners,
            topics: hub.topics,
            watches: self.0.watches.get(),
            sockets: 0,
            tasks: self.0.tasks.get(),
            panics: manager.panics,
            restarts: manager.restarts,
            admitted: manager.admitted,
            refused: self.0.refused.load(Ordering::Relaxed),
        })
    }
}
