//! Runs an operation where the caller is: no actor system, no store, no signal handler.

mod checkpoint;
mod watch;

use std::sync::{Arc, Mutex, Weak};

use impresario_api::{EventBody, Faults, Progress, StopVerb};
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Handle;

use self::checkpoint::Of;
pub use self::checkpoint::SyncCheckpoint;
use self::watch::Watch;
use super::erased::{admitted, encoded, recorded};
use super::{Context, Operation, OperationInfo, Policy, Refusal, RunEnd, RunFailure};
use crate::LiveCount;
use crate::locks::lock;
use crate::orchestrator::THIS_PROGRAM;
use crate::params::schema::ParamsSchema;
use crate::run::control::Folders;
use crate::run::execute::execute_in;
use crate::run::manifest::Origin;
use crate::run::{Run, RunSetup};
use crate::setters::setters;
use crate::supervision::metrics::CheckpointCosts;

/// Stops synchronous runs from another thread: all that were given it, or a clone of it, and all that will
/// be. What was asked once stays asked, so a run that is to go on takes a new handle. See the example of
/// [`run_sync_operation`].
///
/// ```
/// use impresario::api::StopVerb;
/// use impresario::operation::StopHandle;
///
/// let stop = StopHandle::new();
/// let handler = stop.clone(); // for the thread that waits for signals
/// handler.stop(StopVerb::Cancel);
/// ```
#[derive(Clone, Debug, Default)]
pub struct StopHandle(Arc<Mutex<Asked>>);

#[derive(Debug, Default)]
struct Asked {
    /// The strongest stop that was asked for.
    verb: Option<StopVerb>,
    runs: Vec<Attached>,
}

/// A run, and which verbs its kind knows.
#[derive(Debug)]
struct Attached {
    run: Weak<Run>,
    pausable: bool,
    finishable: bool,
}

impl Attached {
    /// A kind that cannot be paused, or finished early, is cancelled.
    fn ask(&self, verb: StopVerb) {
        let verb = match verb {
            StopVerb::Pause if !self.pausable => StopVerb::Cancel,
            StopVerb::Finish if !self.finishable => StopVerb::Cancel,
            verb => verb,
        };
        if let Some(run) = self.run.upgrade() {
            run.ask(verb);
        }
    }
}

impl StopHandle {
    /// A handle for any number of runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the runs to stop; one that has not begun yet stops at its first call. Where the kind cannot be
    /// paused, or finished early, and is asked to, it is cancelled.
    pub fn stop(&self, verb: StopVerb) {
        let mut asked = lock(&self.0);
        asked.verb = asked.verb.max(Some(verb));
        for run in &asked.runs {
            run.ask(verb);
        }
    }

    fn attach(&self, run: &Arc<Run>, policy: &Policy) {
        let mut asked = lock(&self.0);
        asked.runs.retain(|run| run.run.strong_count() > 0);
        let run = Attached {
            run: Arc::downgrade(run),
            pausable: policy.pausable,
            finishable: policy.finishable,
        };
        if let Some(verb) = asked.verb {
            run.ask(verb);
        }
        asked.runs.push(run);
    }
}

/// Hears how far a run has come.
pub type OnProgress<'a> = Box<dyn FnMut(&Progress) + Send + 'a>;

/// Hears of the checkpoints of a run.
pub type OnCheckpoint<'a> = Box<dyn FnMut(&SyncCheckpoint) + Send + 'a>;

/// What a synchronous run may be given.
///
/// ```
/// use impresario::operation::{StopHandle, SyncOptions, run_sync_operation};
/// # use impresario::operation::{Context, Failure, Operation, Policy};
/// # struct Count;
/// # impl Operation for Count {
/// #     const KIND: &'static str = "count";
/// #     type Params = ();
/// #     type Output = u32;
/// #     fn policy(&self) -> Policy { Policy::lane("default") }
/// #     fn run(&self, (): (), ctx: &Context) -> Result<u32, Failure> {
/// #         let mut done = ctx.restored::<u32>()?.unwrap_or(0);
/// #         for step in ctx.steps("step", done..1_000) {
/// #             done = step? + 1;
/// #             ctx.checkpoint(&done)?;
/// #         }
/// #         Ok(done)
/// #     }
/// # }
///
/// let options = SyncOptions::default()
///     .stop(Some(StopHandle::new())) // a clone of it is kept for a Ctrl-C
///     .threads(4)
///     .on_progress(|progress| eprintln!("{}", progress.message))
///     .on_checkpoint(|checkpoint| eprintln!("{:?} are complete", checkpoint.saved.step));
/// assert_eq!(run_sync_operation(&Count, (), options).unwrap(), 1_000);
/// ```
#[non_exhaustive]
pub struct SyncOptions<'a> {
    /// Called about ten times a second, on another thread, with how far the run has come; and
    /// once at its end. One that panics is not called again, and the log says so: the run goes on.
    pub on_progress: Option<OnProgress<'a>>,
    /// Called with each checkpoint that is due (`Policy::checkpoint_every`), on another thread while the run
    /// goes on, and with the one that a run without an output leaves. So the file in which it is kept is there
    /// after a `kill -9`, too. One that panics is treated as [`Self::on_progress`] is.
    pub on_checkpoint: Option<OnCheckpoint<'a>>,
    /// Stops the run.
    pub stop: Option<StopHandle>,
    /// Threads that the function may use, as those of a lane: 1 unless more are given.
    pub threads: usize,
    /// The checkpoint from which the run goes on, if there is one, and afterwards the one that it has left:
    /// however the run ended, the same options again go on from there. After an output there is none. A
    /// function that keeps folders leaves none. It is [`serde::Serialize`], to be kept in a file, and says of
    /// which kind and params it is: one of another is refused.
    pub checkpoint: Option<&'a mut Option<SyncCheckpoint>>,
}

impl<'a> SyncOptions<'a> {
    setters! {
        stop: Option<StopHandle>,
        threads: usize,
        checkpoint: Option<&'a mut Option<SyncCheckpoint>>,
    }

    /// The same options with someone who hears how far the run has come.
    #[must_use]
    pub fn on_progress(mut self, hear: impl FnMut(&Progress) + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(hear));
        self
    }

    /// The same options with someone who hears of the checkpoints.
    #[must_use]
    pub fn on_checkpoint(mut self, hear: impl FnMut(&SyncCheckpoint) + Send + 'a) -> Self {
        self.on_checkpoint = Some(Box::new(hear));
        self
    }
}

impl Default for SyncOptions<'_> {
    fn default() -> Self {
        Self {
            on_progress: None,
            on_checkpoint: None,
            stop: None,
            threads: 1,
            checkpoint: None,
        }
    }
}

/// Why a synchronous run gave no output. It is an ordinary error: an inner run's stop cannot pass
/// for the outer one's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The params are not what the kind takes: every fault.
    #[error("{}", .0.sentence("the params"))]
    Invalid(Faults),
    /// The kind refused the start.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// The checkpoint is that of another kind, or of other params.
    #[error("{0}")]
    CheckpointForeign(String),
    /// It was asked to stop, or has reached the timeout of its policy, and did.
    #[error("{}", stopped(*.0))]
    Stopped(StopVerb),
    /// The function failed.
    #[error("{}: {}", .0.code, .0.message)]
    Failed(RunFailure),
    /// The function panicked.
    #[error("the function panicked: {}", .0.message)]
    Panicked(RunFailure),
}

const fn stopped(verb: StopVerb) -> &'static str {
    match verb {
        StopVerb::Finish => "the run was asked to finish, and gave nothing",
        StopVerb::Pause => "the run was paused",
        StopVerb::Deadline => "the run took longer than it may",
        StopVerb::Cancel => "the run was cancelled",
    }
}

impl From<Refusal> for SyncError {
    fn from(refusal: Refusal) -> Self {
        match refusal.faults.is_empty() {
            true => Self::Refused(refusal),
            false => Self::Invalid(refusal.faults),
        }
    }
}

/// Runs `kind` and gives its output: on this thread, or, where this one is within a runtime, on another
/// one meanwhile, for a function runs outside any. Params are judged as a managed start's are, and given to the
/// function as those are. The policy's timeout holds. Warnings go to the log.
///
/// ```
/// use impresario::operation::{StopHandle, SyncError, SyncOptions, run_sync_operation};
/// # use impresario::operation::{Context, Failure, Operation, Policy};
/// use impresario_api::StopVerb;
/// # #[derive(Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
/// # struct Upto { n: u32 }
/// # struct Count;
/// # impl Operation for Count {
/// #     const KIND: &'static str = "count";
/// #     type Params = Upto;
/// #     type Output = u32;
/// #     fn policy(&self) -> Policy { Policy::lane("default").pausable() }
/// #     fn run(&self, params: Upto, ctx: &Context) -> Result<u32, Failure> {
/// #         let mut done = ctx.restored::<u32>()?.unwrap_or(0);
/// #         for step in ctx.steps("step", done..params.n) {
/// #             done = step? + 1;
/// #             ctx.checkpoint(&done)?;
/// #         }
/// #         Ok(done)
/// #     }
/// # }
///
/// let (params, mut checkpoint) = (Upto { n: 3 }, None);
/// let stop = StopHandle::new();
/// stop.stop(StopVerb::Pause); // from another thread, as a rule: at a Ctrl-C
/// let options = SyncOptions::default().stop(Some(stop)).checkpoint(Some(&mut checkpoint));
/// let end = run_sync_operation(&Count, params.clone(), options);
/// assert!(matches!(end, Err(SyncError::Stopped(StopVerb::Pause))));
///
/// let options = SyncOptions::default().checkpoint(Some(&mut checkpoint));
/// assert_eq!(run_sync_operation(&Count, params, options)?, 3);
/// # Ok::<_, SyncError>(())
/// ```
pub fn run_sync_operation<K: Operation>(
    kind: &K,
    params: K::Params,
    options: SyncOptions<'_>,
) -> Result<K::Output, SyncError> {
    let (params, typed) = judged(kind, &params)?;
    let of = Of {
        kind: K::KIND,
        params: Arc::new(params),
    };
    let mut none = None;
    let keeps_checkpoints = options.checkpoint.is_some() || options.on_checkpoint.is_some();
    let checkpoint = options.checkpoint.unwrap_or(&mut none);
    if let Some(why) = checkpoint.as_ref().and_then(|left| of.foreign(left)) {
        return Err(SyncError::CheckpointForeign(why));
    }
    let saved = checkpoint.as_ref().map(|left| left.saved.clone());
    let policy = kind.policy();
    let run = Run::new(RunSetup {
        operation: OperationInfo::unrecorded(THIS_PROGRAM),
        run: saved.as_ref().map_or(1, |left| left.run.saturating_add(1)),
        waiting: LiveCount::default(),
        threads: options.threads.max(1),
        checkpoint_timing: policy.checkpoints,
        checkpoint_costs: CheckpointCosts::default(),
        checkpoints: saved.into_iter().collect(),
        origin: Origin {
            kind: K::KIND.to_owned(),
            params: Arc::clone(&of.params),
        },
        finish_kept: false,
        folders: Folders::NotKept,
    });
    if let Some(stop) = &options.stop {
        stop.attach(&run, &policy);
    }
    let mut output = None;
    let work = || {
        execute_in(&Context::new(Arc::clone(&run)), |ctx| {
            output = Some(kind.run(typed, ctx)?);
            Ok(Value::Null)
        })
    };
    let watch = Watch {
        of: &of,
        on_progress: options.on_progress,
        on_checkpoint: options.on_checkpoint,
        keeps_checkpoints,
        timeout: policy.timeout,
    };
    let finished = watch.over(&run, || match Handle::try_current() {
        Ok(_) => on_another_thread(work),
        Err(_) => work(),
    });
    for (_, report) in &finished.reports {
        // Nobody else hears of them.
        if let EventBody::Warning(warning) = report {
            log::warn!("{}: {}: {}", K::KIND, warning.code, warning.message);
        }
    }
    let output = output.filter(|_| finished.end.is_done());
    *checkpoint = match output {
        Some(_) => None,
        None => {
            let left = finished.checkpoint.map(|saved| of.checkpoint(saved));
            left.or_else(|| checkpoint.take())
        }
    };
    match (finished.end, output) {
        (_, Some(output)) => Ok(output),
        (RunEnd::Failed(failure), _) => Err(SyncError::Failed(failure)),
        (RunEnd::Panicked(failure), _) => Err(SyncError::Panicked(failure)),
        _ => {
            let verb = run.word().stop_verb();
            Err(SyncError::Stopped(verb.unwrap_or(StopVerb::Cancel)))
        }
    }
}

/// Runs `work` on a thread that is outside any runtime, as those of slots are.
pub(super) fn on_another_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let joined = std::thread::scope(|scope| scope.spawn(work).join());
    joined.unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

/// Params as those of a managed start are judged: as they are recorded, and as the function takes them.
fn judged<K: Operation>(kind: &K, params: &K::Params) -> Result<(Value, K::Params), Refusal> {
    let schema = ParamsSchema::of::<K::Params>();
    let params = recorded(kind, &schema, encoded(params)?)?;
    let typed = K::Params::deserialize(&params)
        .map_err(|error| Refusal::new("PARAMS_INCOMPATIBLE", error.to_string()))?;
    admitted(kind, &params)?;
    Ok((params, typed))
}
