//! The one handle that the rest of the world holds. (Signatures; the bodies come by merge.)
#![expect(clippy::unimplemented, unused_variables, reason = "merged later")]
use std::time::Duration;
use std::future::Future;
use std::sync::Arc;
use impresario_api::{Event, EventPage, KindView, LogLevel, MetricSeries, OperationId, OperationList, OperationView, StartOptions, SystemView, Verb};
use serde_json::Value;
use crate::operation::{Kinds, Operation};
use crate::store::{Query, Store};
use crate::{Config, Error};

/// How a start is to be recorded.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Priority, labels, timeout, attempts, time.
    pub start: StartOptions,
    /// Who asks; empty is "impresario".
    pub requested_by: String,
    /// The same key and request give the same operation.
    pub idempotency_key: Option<String>,
}

/// A recorded start.
#[derive(Clone, Debug)]
pub struct Started {
    /// The operation.
    pub id: OperationId,
    /// As recorded.
    pub status: impresario_api::Status,
    /// Whether the idempotency key was seen before.
    pub replayed: bool,
}

/// What a verb did.
#[derive(Clone, Debug)]
pub enum Asked {
    /// The operation after it; `durable` is false when the stop took effect but could not be recorded.
    Done { view: Box<OperationView>, durable: bool },
    /// `retry` made a new operation.
    New(Started),
}

/// For what `wait_until` waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until { /// Completed, failed or cancelled.
    Ended, /// Ended or paused.
    EndedOrPaused }

/// The handle: cheap to clone, usable from any thread and any executor.
#[derive(Clone)]
pub struct Orchestrator;

impl Orchestrator {
    /// Starts the actor system on a thread of its own.
    pub fn start(config: Config, kinds: Kinds, store: impl Store) -> Result<Self, crate::StartupError> { unimplemented!() }
    /// Checks JSON params against kind `K`: every fault at once.
    pub fn parse<K: Operation>(&self, params: Value) -> Result<K::Params, Error> { unimplemented!() }
    /// Starts a `K`; answers when the start is recorded.
    pub async fn start_managed_operation<K: Operation>(&self, params: K::Params, options: Options) -> Result<Started, Error> { unimplemented!() }
    /// Starts a kind by its name.
    pub async fn start_operation(&self, kind: &str, params: Value, options: Options) -> Result<Started, Error> { unimplemented!() }
    /// Asks something of an operation; a `retry` uses `options.idempotency_key`.
    pub async fn ask(&self, id: OperationId, verb: Verb, reason: Option<String>, options: Options) -> Result<Asked, Error> { unimplemented!() }
    /// Waits until it has ended, at most `limit`; the view as it is then.
    pub async fn wait_until(&self, id: OperationId, until: Until, limit: Duration) -> Result<OperationView, Error> { unimplemented!() }
    /// One operation.
    pub async fn view(&self, id: OperationId) -> Result<OperationView, Error> { unimplemented!() }
    /// A page of operations.
    pub async fn list(&self, query: Query) -> Result<OperationList, Error> { unimplemented!() }
    /// The output.
    pub async fn result(&self, id: OperationId) -> Result<Value, Error> { unimplemented!() }
    /// Metrics, one point a (name, step), the highest run wins.
    pub async fn metrics(&self, id: OperationId, names: &[String], from_step: u64, max_points: usize) -> Result<MetricSeries, Error> { unimplemented!() }
    /// Events after `since`; with `types`, those alone. With `wait`, holds until there is one.
    pub async fn events(&self, id: OperationId, since: u64, limit: usize, types: &[&str], wait: Option<Duration>) -> Result<EventPage, Error> { unimplemented!() }
    /// Log lines after `since`, of at least `level`.
    pub async fn logs(&self, id: OperationId, since: u64, limit: usize, level: Option<LogLevel>) -> Result<EventPage, Error> { unimplemented!() }
    /// What can be started.
    pub fn kinds(&self) -> Vec<KindView> { unimplemented!() }
    /// The supervisor as it is; `version` is the caller's to fill.
    pub async fn system(&self) -> Result<SystemView, Error> { unimplemented!() }
    /// Whether starts are admitted.
    pub fn is_admitting(&self) -> bool { unimplemented!() }
    /// Removes operations that ended longer ago; how many.
    pub async fn prune(&self, older_than: Duration, dry_run: bool) -> Result<u64, Error> { unimplemented!() }
    /// Runs short work on the bounded blocking pool.
    pub async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> { unimplemented!() }
    /// Stops admitting, asks what runs to go, waits at most the grace period, ends the actor system.
    pub async fn shutdown(&self) { unimplemented!() }
    /// Ready when the orchestrator ended by a fault of its own (a bug, a store that cannot be trusted): why.
    pub fn failed(&self) -> impl Future<Output = String> + use<> { async { unimplemented!() } }
    /// Keeps the event type in use.
    #[doc(hidden)] pub fn event(&self) -> Option<Arc<Event>> { None }
}
