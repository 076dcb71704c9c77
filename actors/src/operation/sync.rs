//! Runs an operation where the caller is: no actor system, no store, no signal handler.

use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};
use impresario_api::{EventBody, Faults, Progress, StopVerb, Timestamp};
use serde_json::Value;
use tokio::runtime::Handle;

use super::erased::{encoded, fits};
use super::{
    Context, Operation, OperationInfo, Policy, Refusal, RunEnd, RunFailure, SavedCheckpoint,
};
use crate::LiveCount;
use crate::locks::lock;
use crate::orchestrator::THIS_PROGRAM;
use crate::params::schema::ParamsSchema;
use crate::rules::progress::Meter;
use crate::run::control::Folders;
use crate::run::execute::execute_in;
use crate::run::manifest::Origin;
use crate::run::{Finished, Run, RunSetup};
use crate::setters::setters;

/// How often progress is read.
const EVERY: Duration = Duration::from_millis(100);

/// Stops synchronous runs from another thread: all that were given it, or a clone of it, and all that will
/// be. What was asked once stays asked, so a run that is to go on takes a new handle.
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

/// What a synchronous run may be given.
#[non_exhaustive]
pub struct SyncOptions<'a> {
    /// Called about ten times a second, on another thread, with how far the run has come; and
    /// once at its end.
    pub on_progress: Option<OnProgress<'a>>,
    /// Stops the run.
    pub stop: Option<StopHandle>,
    /// Threads that the function may use, as those of a lane: 1 unless more are given.
    pub threads: usize,
    /// The checkpoint from which the run goes on, if there is one, and afterwards the one that it has left:
    /// however the run ended, the same options again go on from there. After an output there is none. A
    /// function that keeps folders leaves none. It is [`serde::Serialize`], to be kept in a file; nothing in it
    /// says of which kind and params it is, so keep that beside it.
    pub checkpoint: Option<&'a mut Option<SavedCheckpoint>>,
}

impl<'a> SyncOptions<'a> {
    setters! {
        stop: Option<StopHandle>,
        threads: usize,
        checkpoint: Option<&'a mut Option<SavedCheckpoint>>,
    }

    /// The same options with someone who hears how far the run has come.
    #[must_use]
    pub fn on_progress(mut self, hear: impl FnMut(&Progress) + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(hear));
        self
    }
}

impl Default for SyncOptions<'_> {
    fn default() -> Self {
        Self {
            on_progress: None,
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
/// one meanwhile, for a function runs outside any. The policy's timeout holds. Warnings go to the log.
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
    check(kind, &params)?;
    let params = kind.complete(params);
    let policy = kind.policy();
    let mut none = None;
    let checkpoint = options.checkpoint.unwrap_or(&mut none);
    let run = Run::new(RunSetup {
        operation: OperationInfo::unrecorded(THIS_PROGRAM),
        run: checkpoint
            .as_ref()
            .map_or(1, |left| left.run.saturating_add(1)),
        waiting: LiveCount::default(),
        threads: options.threads.max(1),
        checkpoint_timing: policy.checkpoints,
        checkpoints: checkpoint.iter().cloned().collect(),
        origin: Origin {
            kind: K::KIND.to_owned(),
            params: Arc::default(),
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
            output = Some(kind.run(params, ctx)?);
            Ok(Value::Null)
        })
    };
    let finished = watched(
        &run,
        options.on_progress,
        policy.timeout,
        || match Handle::try_current() {
            Ok(_) => on_another_thread(work),
            Err(_) => work(),
        },
    );
    for (_, report) in &finished.reports {
        // Nobody else hears of them.
        if let EventBody::Warning(warning) = report {
            log::warn!("{}: {}: {}", K::KIND, warning.code, warning.message);
        }
    }
    let output = output.filter(|_| finished.end.is_done());
    *checkpoint = match output {
        Some(_) => None,
        None => finished.checkpoint.or_else(|| checkpoint.take()),
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

/// Judges params as a managed start would.
fn check<K: Operation>(kind: &K, params: &K::Params) -> Result<(), Refusal> {
    fits(&ParamsSchema::of::<K::Params>(), encoded(params)?)?;
    kind.check(params)?;
    K::ADMIT.map_or(Ok(()), |admit| admit(kind, params))
}

/// Runs `work` while another thread reads how far it has come, and stops it when its time is over.
fn watched(
    run: &Run,
    mut on_progress: Option<OnProgress<'_>>,
    timeout: Option<Duration>,
    work: impl FnOnce() -> Finished,
) -> Finished {
    if on_progress.is_none() && timeout.is_none() {
        return work();
    }
    let (ended, end) = bounded::<()>(0);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let (mut meter, began) = (Meter::new(), Instant::now());
            let mut timeout = timeout;
            loop {
                let left = timeout.map(|timeout| timeout.saturating_sub(began.elapsed()));
                let every = on_progress.as_ref().map(|_| EVERY);
                let wait = left.into_iter().chain(every).min().unwrap_or(Duration::MAX);
                let over = end.recv_timeout(wait) != Err(RecvTimeoutError::Timeout);
                if let Some(tell) = &mut on_progress
                    && let Some(snapshot) = run.read()
                {
                    tell(&meter.update(Timestamp::now(), began.elapsed(), &snapshot));
                }
                if over {
                    return;
                }
                if timeout
                    .take_if(|timeout| began.elapsed() >= *timeout)
                    .is_some()
                {
                    run.ask(StopVerb::Deadline);
                }
            }
        });
        let result = work();
        drop(ended);
        result
    })
}
