//! Runs an operation on the caller's own thread: no actor system, no store, no signal handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};
use impresario_api::{Faults, Progress, StopVerb, Timestamp};
use serde_json::Value;

use super::erased::{encoded, fits};
use super::{Operation, Refusal, RunEnd, RunFailure};
use crate::LiveCount;
use crate::params::schema::ParamsSchema;
use crate::rules::progress::Meter;
use crate::run::control::Folders;
use crate::run::execute::execute_in;
use crate::run::manifest::Origin;
use crate::run::{Run, RunSetup};

/// How often progress is read.
const EVERY: Duration = Duration::from_millis(100);

/// Stops a synchronous run from another thread.
#[derive(Clone, Debug, Default)]
pub struct StopHandle(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    /// Asked before the run began: 1 more than the verb's place in [`StopVerb::ALL`].
    early: AtomicU32,
    run: std::sync::OnceLock<Arc<Run>>,
}

impl StopHandle {
    /// A handle for one run.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop; before it began, it stops at its first call.
    pub fn stop(&self, verb: StopVerb) {
        self.0.early.fetch_max(verb as u32 + 1, Ordering::AcqRel);
        if let Some(run) = self.0.run.get() {
            run.ask(verb);
        }
    }

    fn attach(&self, run: &Arc<Run>) {
        // A handle serves one run; a second one leaves the first attached.
        let _ = self.0.run.set(Arc::clone(run));
        // A read that writes: of this and a stop at the same time, one sees the other.
        let early = self.0.early.fetch_max(0, Ordering::AcqRel) as usize;
        if let Some(verb) = early
            .checked_sub(1)
            .and_then(|place| StopVerb::ALL.get(place))
        {
            run.ask(*verb);
        }
    }
}

/// Hears how far a run has come.
pub type OnProgress<'a> = Box<dyn FnMut(&Progress) + Send + 'a>;

/// What a synchronous run may be given.
#[derive(Default)]
pub struct SyncOptions<'a> {
    /// Called about ten times a second, on another thread, with how far the run has come; and
    /// once at its end.
    pub on_progress: Option<OnProgress<'a>>,
    /// Stops the run.
    pub stop: Option<StopHandle>,
}

/// Why a synchronous run gave no output. It is an ordinary error: an inner run's stop cannot pass
/// for the outer one's.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The params are not what the kind takes: every fault.
    #[error("{}", .0.sentence("the params"))]
    Invalid(Faults),
    /// The kind refused the start.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// It was asked to stop, and did.
    #[error("the run was stopped")]
    Stopped,
    /// The function failed.
    #[error("{}: {}", .0.code, .0.message)]
    Failed(RunFailure),
    /// The function panicked.
    #[error("the function panicked: {}", .0.message)]
    Panicked(RunFailure),
}

impl From<Refusal> for SyncError {
    fn from(refusal: Refusal) -> Self {
        match refusal.faults.is_empty() {
            true => Self::Refused(refusal),
            false => Self::Invalid(refusal.faults),
        }
    }
}

/// Runs `kind` on this thread and gives its output.
pub fn run_sync_operation<K: Operation>(
    kind: &K,
    params: K::Params,
    options: SyncOptions<'_>,
) -> Result<K::Output, SyncError> {
    check(kind, &params)?;
    let params = kind.complete(params);
    let policy = kind.policy();
    let run = Run::new(RunSetup {
        run: 1,
        waiting: LiveCount::default(),
        threads: 1,
        checkpoint_every: policy.checkpoint_every,
        checkpoints: Vec::new(),
        origin: Origin {
            kind: K::KIND.to_owned(),
            params: Arc::default(),
        },
        finish_kept: false,
        folders: Folders::NotKept,
    });
    if let Some(stop) = &options.stop {
        stop.attach(&run);
    }
    let mut output = None;
    let end = watched(&run, options.on_progress, || {
        let ctx = super::Context::new(Arc::clone(&run));
        execute_in(&ctx, |ctx| {
            output = Some(kind.run(params, ctx)?);
            Ok(Value::Null)
        })
        .end
    });
    match (end, output) {
        (RunEnd::Returned | RunEnd::Finished, Some(output)) => Ok(output),
        (RunEnd::Failed(failure), _) => Err(SyncError::Failed(failure)),
        (RunEnd::Panicked(failure), _) => Err(SyncError::Panicked(failure)),
        _ => Err(SyncError::Stopped),
    }
}

/// Judges params as a managed start would.
fn check<K: Operation>(kind: &K, params: &K::Params) -> Result<(), Refusal> {
    fits(&ParamsSchema::of::<K::Params>(), encoded(params)?)?;
    kind.check(params)?;
    K::ADMIT.map_or(Ok(()), |admit| admit(kind, params))
}

/// Runs `work` while another thread reads how far it has come.
fn watched(
    run: &Arc<Run>,
    on_progress: Option<OnProgress<'_>>,
    work: impl FnOnce() -> RunEnd,
) -> RunEnd {
    let Some(mut tell) = on_progress else {
        return work();
    };
    let (ended, end) = bounded::<()>(0);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let (mut meter, began) = (Meter::new(), Instant::now());
            loop {
                let over = end.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout);
                if let Some(snapshot) = run.read() {
                    tell(&meter.update(Timestamp::now(), began.elapsed(), &snapshot));
                }
                if over {
                    return;
                }
            }
        });
        let result = work();
        drop(ended);
        result
    })
}
