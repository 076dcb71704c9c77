//! A kit for authors of kinds: runs one without a server, stops it wherever wanted, and goes on
//! from what it left. Params are judged as at a start, by the schema, `check` and `ADMIT`, and the output is
//! encoded as it would be: what an orchestrator would refuse does not run here.
//!
//! Some things the kit does not do. Time does not pass: [`Context::sleep`] returns at once, however long it
//! is to rest, while what waits for something real ([`Context::recv`], [`Context::block_on`]) does wait. The
//! limits of the policy that are times (`timeout`, `admit_within`, `checkpoint_every`) do not apply: a test
//! asks for an [`Ask::Deadline`], and a checkpoint is due where it says so
//! ([`Trial::checkpoint_every_call`]). No other operation is there, so nothing is a duplicate and no queue is
//! full; and after a failure that may be retried, nobody does.
//!
//! What a test asks for has to happen: a step that is never reached, or a verb that the kind does not
//! allow, is a panic of [`Trial::end`].
//!
//! ```
//! use impresario::operation::{Context, Failure, Operation, Policy};
//! use impresario::testing;
//! use impresario_api::{Status, Verb};
//!
//! # #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
//! # struct Upto { n: u32 }
//! struct Count;
//! impl Operation for Count {
//!     const KIND: &'static str = "count";
//!     type Params = Upto;
//!     type Output = u32;
//!     fn policy(&self) -> Policy { Policy::lane("default").pausable() }
//!     fn run(&self, params: Upto, ctx: &Context) -> Result<u32, Failure> {
//!         let mut done = ctx.restored::<u32>()?.unwrap_or(0);
//!         for step in ctx.steps("step", done..params.n) {
//!             done = step? + 1;
//!             ctx.checkpoint(&done)?;
//!         }
//!         Ok(done)
//!     }
//! }
//!
//! let paused = testing::run(&Count, Upto { n: 100 }).stop_at("step", 31, Verb::Pause).end();
//! assert_eq!(paused.status(), Status::Paused);
//! assert_eq!(paused.progress().steps[0].current, 31);
//! let resumed = paused.resume(&Count).end();
//! assert_eq!(resumed.output(), Some(&100));
//!
//! // Every verb at every call:
//! let calls = testing::run(&Count, Upto { n: 3 }).end().calls();
//! for call in 1..=calls {
//!     let ended = testing::run(&Count, Upto { n: 3 }).stop_at_call(call, Verb::Cancel).end();
//!     assert_eq!(ended.status(), Status::Cancelled);
//!     // A kind that ignores its stops gets a warning.
//!     assert_eq!(ended.warnings(), []);
//! }
//! ```

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use impresario_api::{
    EventBody, LogLevel, OperationError, Progress, Status, StopVerb, Timestamp, Verb,
};
use serde::Deserialize;
use serde_json::Value;

use super::erased::{admitted, encoded, encoded_output, recorded};
use super::kinds::kind_faults;
use super::sync::on_another_thread;
use super::{Context, Operation, OperationInfo, Refusal, RunEnd, SavedCheckpoint};
use crate::LiveCount;
use crate::params::schema::ParamsSchema;
use crate::rules::checkpoints::CheckpointTiming;
use crate::rules::lifecycle::{self, Input, Moment, State, Terms};
use crate::rules::progress::Meter;
use crate::run::control::Folders;
use crate::run::execute::execute_in;
use crate::run::manifest::Origin;
use crate::run::reports::Report;
use crate::run::{Run, RunSetup};
use crate::supervision::metrics::CheckpointCosts;

/// What a test asks of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A verb: cancel, pause or finish.
    Verb(Verb),
    /// Its time is over.
    Deadline,
    /// The process goes down.
    Shutdown,
}

impl From<Verb> for Ask {
    fn from(verb: Verb) -> Self {
        Self::Verb(verb)
    }
}

/// Where a test asks.
#[derive(Clone, Debug)]
enum At {
    Call(u64),
    Step(&'static str, u64),
}

/// A run that is prepared.
///
/// ```
/// use impresario::operation::{Context, Failure, Operation, Policy};
/// use impresario::testing::{self, Ask};
/// use impresario_api::{Status, Verb};
///
/// struct Squares;
/// impl Operation for Squares {
///     const KIND: &'static str = "squares";
/// #   type Params = ();
/// #   type Output = u64;
/// #   fn policy(&self) -> Policy { Policy::lane("default").pausable().finishable() }
///     // …
///     fn run(&self, (): (), ctx: &Context) -> Result<u64, Failure> {
///         let (mut done, mut sum) = ctx.restored::<(u64, u64)>()?.unwrap_or_default();
///         for number in ctx.steps("number", done..10 * ctx.threads() as u64) {
///             let number = number?;
///             (done, sum) = (number + 1, sum + number * number);
///             ctx.checkpoint_with(|| (done, sum))?;
///         }
///         Ok(sum)
///     }
/// }
///
/// // Asked to finish when three steps are complete, in a lane with two threads for each function:
/// let early = testing::run(&Squares, ()).threads(2).stop_at("number", 3, Verb::Finish).end();
/// assert!(early.stopped_early());
/// assert_eq!(early.output(), Some(&(0 + 1 + 4)));
///
/// // The process ends at the fifth call. With every checkpoint kept, the next run goes on from there:
/// let left = testing::run(&Squares, ()).checkpoint_every_call().stop_at_call(5, Ask::Shutdown).end();
/// assert_eq!(left.status(), Status::Pending);
/// assert_eq!(left.resume(&Squares).end().output(), Some(&285));
/// ```
pub struct Trial<'a, K: Operation> {
    kind: &'a K,
    operation: Arc<OperationInfo>,
    params: Value,
    asks: Vec<(At, Ask)>,
    due_at_every_call: bool,
    threads: usize,
    restored: Option<SavedCheckpoint>,
    state: State,
    folder: Rc<Folder>,
}

/// Prepares a run of `kind`.
///
/// # Panics
/// When an orchestrator would refuse the kind, for its name or its policy; or a start with these params: see
/// [`try_run`].
#[track_caller]
pub fn run<K: Operation>(kind: &K, params: K::Params) -> Trial<'_, K> {
    try_run(kind, params).unwrap_or_else(|refused| {
        panic!(
            "a start of \"{}\" with these params is refused: {}",
            K::KIND,
            refused.message
        )
    })
}

/// Prepares a run of `kind`, or says why an orchestrator would refuse a start with these params: by the
/// schema, by `check`, by `ADMIT`, or because they cannot be encoded.
///
/// ```
/// use impresario::operation::{Admit, Context, Failure, Operation, Policy, Refusal};
/// use impresario::testing;
///
/// # #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
/// # struct File { file: String }
/// struct Load;
/// impl Operation for Load {
///     const KIND: &'static str = "load";
///     const ADMIT: Option<Admit<Self>> = Some(|_, params| match std::fs::exists(&params.file) {
///         Ok(true) => Ok(()),
///         _ => Err(Refusal::new("NO_SUCH_FILE", format!("there is no {}", params.file))),
///     });
/// #     type Params = File;
/// #     type Output = ();
/// #     fn policy(&self) -> Policy { Policy::lane("default") }
/// #     fn run(&self, _: File, _: &Context) -> Result<(), Failure> { Ok(()) }
///     // …
/// }
///
/// let file = "no such file".to_owned();
/// let refusal = testing::try_run(&Load, File { file }).err().expect("there is no such file");
/// assert_eq!(refusal.code, "NO_SUCH_FILE");
/// ```
///
/// # Panics
/// When an orchestrator would refuse the kind, for its name or its policy; or when `ADMIT` panics.
#[track_caller]
pub fn try_run<K: Operation>(kind: &K, params: K::Params) -> Result<Trial<'_, K>, Refusal> {
    if let Some(fault) = kind_faults(kind).first() {
        panic!("{fault}");
    }
    let schema = ParamsSchema::of::<K::Params>();
    let params = recorded(kind, &schema, encoded(&params)?)?;
    // As in an orchestrator: nothing of the test's own thread is there, no runtime above all.
    on_another_thread(|| admitted(kind, &params))?;
    let policy = kind.policy();
    let terms = Terms {
        pausable: policy.pausable,
        finishable: policy.finishable,
        max_attempts: policy.max_attempts,
        backoff: policy.backoff,
        retry_panics: policy.retry_panics,
        fail_when_lost: policy.fail_when_lost,
    };
    Ok(Trial {
        kind,
        operation: OperationInfo::unrecorded("a test"),
        params,
        asks: Vec::new(),
        due_at_every_call: false,
        threads: 1,
        restored: None,
        state: State::submitted(terms, None),
        folder: Rc::new(Folder::new()),
    })
}

impl<K: Operation> Trial<'_, K> {
    /// Asks when `complete` steps of this name are complete.
    #[must_use]
    pub fn stop_at(mut self, name: &'static str, complete: u64, ask: impl Into<Ask>) -> Self {
        self.asks.push((At::Step(name, complete), ask.into()));
        self
    }

    /// Asks in the `call`-th call (from 1) of a step, a wait, a check or a checkpoint.
    #[must_use]
    pub fn stop_at_call(mut self, call: u64, ask: impl Into<Ask>) -> Self {
        self.asks.push((At::Call(call), ask.into()));
        self
    }

    /// So many threads may be used, as those of a lane: 1 unless more are given.
    #[must_use]
    pub const fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Keeps a checkpoint whenever one is given, as if each were due.
    #[must_use]
    pub const fn checkpoint_every_call(mut self) -> Self {
        self.due_at_every_call = true;
        self
    }

    /// Runs it, on a thread of its own as a slot is, and waits for its end.
    ///
    /// # Panics
    /// When the test asks for something that the rules refuse, or that does not come about because
    /// the run never gets there; or when params that were encoded cannot be decoded again.
    #[track_caller]
    pub fn end(self) -> Ended<K> {
        let moment = Moment {
            now: Timestamp::now(),
            jitter: 0.0,
        };
        let finish_kept = self.state.stop.is_some();
        let state = lifecycle::next(&self.state, &Input::Dispatched, moment)
            .expect("it was pending")
            .state;
        let run = Run::new(RunSetup {
            operation: Arc::clone(&self.operation),
            run: state.run,
            waiting: LiveCount::default(),
            threads: self.threads,
            checkpoint_timing: CheckpointTiming {
                every: Duration::from_secs(3_600),
                ..self.kind.policy().checkpoints
            },
            checkpoint_costs: CheckpointCosts::default(),
            checkpoints: self.restored.iter().cloned().collect(),
            origin: Origin {
                kind: K::KIND.to_owned(),
                params: Arc::new(self.params.clone()),
            },
            finish_kept,
            folders: Folders::At(self.folder.0.clone()),
        });
        run.probe();
        let params = K::Params::deserialize(&self.params).expect("encoded params decode");
        let (kind, asks, due_at_every_call) = (self.kind, self.asks, self.due_at_every_call);
        // As in a slot: nothing of the test's own thread is there, no runtime above all.
        let (finished, output, state, calls, misuse) = on_another_thread(move || {
            let watch = Rc::new(Watch {
                calls: Cell::new(0),
                asks: RefCell::new(asks),
                state: RefCell::new(state),
                due_at_every_call,
                most_complete: RefCell::default(),
                refused: RefCell::default(),
            });
            let ctx = Context::new(run);
            let seen = Rc::clone(&watch);
            ctx.look_with(Box::new(move |run| seen.look(run)));
            let mut output = None;
            let finished = execute_in(&ctx, |ctx| {
                let given = kind.run(params, ctx)?;
                let json = encoded_output(&given, ctx)?;
                output = Some(given);
                Ok(json)
            });
            let state = watch.state.borrow().clone();
            let misuse = watch.misuse(&finished.end);
            (finished, output, state, watch.calls.get(), misuse)
        });
        if let Some(misuse) = misuse {
            panic!("{misuse}");
        }
        let has_checkpoint = finished.checkpoint.is_some() || self.restored.is_some();
        let done = finished.end.is_done();
        let ended = Input::Ended {
            run: state.run,
            end: finished.end,
            signalled: None,
        };
        let state = lifecycle::next(&state, &ended, moment)
            .expect("it was running")
            .state;
        Ended {
            operation: self.operation,
            params: self.params,
            output: output.filter(|_| state.shown() == Status::Completed),
            state: State {
                has_checkpoint,
                ..state
            },
            progress: Meter::new().last(
                moment.now,
                Duration::from_secs(1),
                &finished.snapshot,
                done,
            ),
            reports: finished.reports,
            checkpoint: finished.checkpoint.or(self.restored),
            calls,
            folder: self.folder,
        }
    }
}

/// Looks at every call.
struct Watch {
    calls: Cell<u64>,
    asks: RefCell<Vec<(At, Ask)>>,
    state: RefCell<State>,
    due_at_every_call: bool,
    /// The names of the steps that were seen, and how many of each were complete at most.
    most_complete: RefCell<BTreeMap<String, u64>>,
    /// What the test asked and the rules refused.
    refused: RefCell<Option<String>>,
}

impl Watch {
    fn look(&self, run: &Run) {
        self.calls.set(self.calls.get() + 1);
        if self.due_at_every_call {
            run.checkpoint_due();
        }
        let steps = run
            .read()
            .map(|snapshot| snapshot.steps)
            .unwrap_or_default();
        let mut most_complete = self.most_complete.borrow_mut();
        for step in &steps {
            let most = most_complete.entry(step.name.clone()).or_default();
            *most = step.current.max(*most);
        }
        let here = |at: &At| match at {
            At::Call(call) => *call == self.calls.get(),
            At::Step(name, complete) => steps
                .iter()
                .any(|step| step.name == *name && step.current == *complete),
        };
        let mut asks = self.asks.borrow_mut();
        for (_, ask) in asks.extract_if(.., |(at, _)| here(at)) {
            self.ask(run, ask);
        }
    }

    fn ask(&self, run: &Run, ask: Ask) {
        let mut state = self.state.borrow_mut();
        let input = match ask {
            Ask::Verb(verb) => Input::Asked {
                verb,
                by: "a test".to_owned(),
                reason: None,
            },
            Ask::Deadline => Input::TimedOut {
                run: state.run,
                reason: "the test's deadline".to_owned(),
            },
            Ask::Shutdown => Input::ShuttingDown { run: state.run },
        };
        let now = Timestamp::now();
        match lifecycle::next(&state, &input, Moment { now, jitter: 0.0 }) {
            Ok(change) => *state = change.state,
            Err(refused) => {
                // A panic here would be taken for one of the function, and pass for its failure.
                let why = format!("{ask:?} is refused: {}", refused.explain(&state, now));
                self.refused.borrow_mut().get_or_insert(why);
                run.ask(StopVerb::Cancel);
                return;
            }
        }
        match ask {
            Ask::Verb(Verb::Cancel) => run.ask(StopVerb::Cancel),
            Ask::Verb(Verb::Pause) => run.ask(StopVerb::Pause),
            Ask::Verb(Verb::Finish) => run.ask(StopVerb::Finish),
            Ask::Deadline => run.ask(StopVerb::Deadline),
            Ask::Shutdown => run.shut_down(),
            Ask::Verb(Verb::Resume | Verb::Retry | Verb::StartNow) => {
                unreachable!("the rules refuse them for a run")
            }
        }
    }
}

impl Watch {
    /// What the test asked for and did not get.
    fn misuse(&self, end: &RunEnd) -> Option<String> {
        let refused = self.refused.take();
        refused.or_else(|| {
            let asks = self.asks.borrow();
            let (at, ask) = asks.first()?;
            let calls = self.calls.get();
            Some(match at {
                At::Call(call) => format!(
                    "stop_at_call({call}, {ask:?}) asked for nothing: the run made {calls} calls{}",
                    ended_by(end),
                ),
                At::Step(name, complete) => format!(
                    "stop_at({name:?}, {complete}, {ask:?}) asked for nothing: {}{}",
                    self.seen(name),
                    ended_by(end),
                ),
            })
        })
    }

    /// What was seen of this step, or which steps there were.
    fn seen(&self, name: &str) -> String {
        let all = self.most_complete.borrow();
        match all.get(name) {
            Some(most) => format!("at no call were so many complete, and at most {most}"),
            None if all.is_empty() => "the run had no steps".to_owned(),
            None => {
                let names: Vec<_> = all.keys().map(|name| format!("{name:?}")).collect();
                format!("the run had no such step, but {}", names.join(", "))
            }
        }
    }
}

/// Why the run may not have come so far.
fn ended_by(end: &RunEnd) -> String {
    match end {
        RunEnd::Failed(why) | RunEnd::Panicked(why) => {
            format!("; it ended with {}: {}", why.code, why.message)
        }
        RunEnd::Stopped => "; it was stopped before".to_owned(),
        _ => String::new(),
    }
}

/// A run that has ended.
///
/// ```
/// use impresario::operation::{Context, Failure, LogLevel, Operation, Policy};
/// use impresario::testing;
/// use impresario_api::Status;
///
/// struct Fit;
/// impl Operation for Fit {
///     const KIND: &'static str = "fit";
/// #   type Params = ();
/// #   type Output = ();
/// #   fn policy(&self) -> Policy { Policy::lane("default") }
///     // …
///     fn run(&self, (): (), ctx: &Context) -> Result<(), Failure> {
///         for epoch in ctx.steps("epoch", 1..=10_u64) {
///             let epoch = epoch?;
///             ctx.metric("loss", epoch, 1.0 / epoch as f64);
///             ctx.log(LogLevel::Info, format_args!("epoch {epoch}"));
///             ctx.checkpoint(&epoch)?;
///             if epoch == 2 {
///                 ctx.warn("SLOW", "the second epoch was slow");
///                 return Err(Failure::new("DIVERGED", "the loss grows"));
///             }
///         }
///         Ok(())
///     }
/// }
///
/// let ended = testing::run(&Fit, ()).end();
/// assert_eq!(ended.status(), Status::Failed);
/// assert_eq!((ended.output(), ended.stopped_early()), (None, false));
/// assert_eq!(ended.error().unwrap().code, "DIVERGED");
/// assert_eq!(ended.progress().steps[0].current, 1);
/// assert_eq!(ended.metrics()["loss"], [(1, Some(1.0)), (2, Some(0.5))]);
/// assert_eq!(ended.logs(), [(LogLevel::Info, "epoch 1"), (LogLevel::Info, "epoch 2")]);
/// assert_eq!(ended.warnings(), [("SLOW", "the second epoch was slow")]);
/// assert_eq!(ended.dropped(), (0, 0), "no log line and no point was dropped");
/// assert_eq!(ended.checkpoint().unwrap().step["epoch"], 2);
/// assert_eq!(ended.calls(), 4, "of two steps and two checkpoints");
/// ```
pub struct Ended<K: Operation> {
    operation: Arc<OperationInfo>,
    params: Value,
    output: Option<K::Output>,
    state: State,
    progress: Progress,
    reports: Vec<Report>,
    checkpoint: Option<SavedCheckpoint>,
    calls: u64,
    folder: Rc<Folder>,
}

impl<K: Operation> Ended<K> {
    /// The output, of a completed run.
    pub const fn output(&self) -> Option<&K::Output> {
        self.output.as_ref()
    }

    /// The operation's status after it.
    pub fn status(&self) -> Status {
        self.state.shown()
    }

    /// Whether it completed because it was asked to finish.
    pub fn stopped_early(&self) -> bool {
        self.state.stopped_early()
    }

    /// Why it failed.
    pub const fn error(&self) -> Option<&OperationError> {
        self.state.error.as_ref()
    }

    /// How far it came.
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Points of each metric, (step, value), as they were reported.
    pub fn metrics(&self) -> BTreeMap<&str, Vec<(u64, Option<f64>)>> {
        let mut metrics = BTreeMap::<_, Vec<_>>::new();
        for body in self.bodies() {
            if let EventBody::Metric(metric) = body {
                let points = metrics.entry(metric.name.as_str()).or_default();
                points.push((metric.step, metric.value));
            }
        }
        metrics
    }

    /// The lines of the log, in the order in which they were written.
    pub fn logs(&self) -> Vec<(LogLevel, &str)> {
        let logs = self.bodies().filter_map(|body| match body {
            EventBody::Log(log) => Some((log.level, log.message.as_str())),
            _ => None,
        });
        logs.collect()
    }

    /// Warnings, (code, message).
    pub fn warnings(&self) -> Vec<(&str, &str)> {
        let warnings = self.bodies().filter_map(|body| match body {
            EventBody::Warning(warning) => Some((&*warning.code, &*warning.message)),
            _ => None,
        });
        warnings.collect()
    }

    /// Log lines and points of metrics that were dropped because too many waited.
    pub fn dropped(&self) -> (u64, u64) {
        let sum = |(logs, points), body: &EventBody| match body {
            EventBody::Gap(gap) => (logs + gap.logs, points + gap.metrics),
            _ => (logs, points),
        };
        self.bodies().fold((0, 0), sum)
    }

    fn bodies(&self) -> impl Iterator<Item = &EventBody> {
        self.reports.iter().map(|(_, body)| body)
    }

    /// What a later run goes on from.
    pub const fn checkpoint(&self) -> Option<&SavedCheckpoint> {
        self.checkpoint.as_ref()
    }

    /// How many calls it made that a stop can reach.
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// The next run: after a `resume`, or after a shutdown.
    ///
    /// # Panics
    /// When the operation cannot be resumed.
    #[track_caller]
    pub fn resume(self, kind: &K) -> Trial<'_, K> {
        let asked = Input::Asked {
            verb: Verb::Resume,
            by: "a test".to_owned(),
            reason: None,
        };
        let moment = Moment {
            now: Timestamp::now(),
            jitter: 0.0,
        };
        let state = lifecycle::next(&self.state, &asked, moment)
            .unwrap_or_else(|refused| panic!("{}", refused.explain(&self.state, moment.now)))
            .state;
        Trial {
            kind,
            operation: self.operation,
            params: self.params,
            asks: Vec::new(),
            due_at_every_call: false,
            threads: 1,
            restored: self.checkpoint,
            state,
            folder: self.folder,
        }
    }
}

/// A folder of the trial's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("impresario-trial-{}-{number}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A kind without folders made none.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
