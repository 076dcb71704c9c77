//! One run, shared by its function and its supervisor.
//!
//! A stop is a flag and a wake-up, not a message. The supervisor never waits for a lock that the
//! function may hold: it tries, and what it could not read comes at its next tick.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use impresario_api::{EventBody, StopVerb, Timestamp, Warning};

use super::SavedCheckpoint;
use super::manifest::Origin;
use super::progress_counters::{ProgressCounters, Snapshot};
use super::reports::{Buffer, Report};
use super::restore::NoWayOn;
use crate::LiveCount;
use crate::locks::lock;
use crate::operation::OperationInfo;
use crate::rules::checkpoints::CheckpointTiming;
use crate::supervision::metrics::CheckpointCosts;

/// The rank of the stop that was asked for: 0 none, then as [`StopVerb`] orders them.
const RANK: u8 = 0b0_0111;
/// The process goes down: not a stop, replaces none.
const SHUTDOWN: u8 = 0b0_1000;
/// A test looks at every call; costs nothing otherwise.
const PROBE: u8 = 0b1_0000;

/// How a run begins.
#[derive(Clone, Debug)]
pub(crate) struct RunSetup {
    /// Whose run it is, as its function may know it.
    pub(crate) operation: Arc<OperationInfo>,
    /// The number of the run.
    pub(crate) run: u32,
    /// Whom its function yields its core to.
    pub(crate) waiting: LiveCount,
    /// Threads that the function may use.
    pub(crate) threads: usize,
    /// When checkpoints are due, and how long a pause waits for the next one.
    pub(crate) checkpoint_timing: CheckpointTiming,
    /// What its checkpoints have cost is counted here.
    pub(crate) checkpoint_costs: CheckpointCosts,
    /// What an earlier run left to go on from, the newest last.
    pub(crate) checkpoints: Vec<SavedCheckpoint>,
    /// The kind and the params of the run.
    pub(crate) origin: Origin,
    /// A `finish` that an earlier run was asked for and did not see.
    pub(crate) finish_kept: bool,
    /// Where this operation's folders are kept.
    pub(crate) folders: Folders,
}

/// Where an operation's folders are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Folders {
    /// They are kept in this folder of the operation.
    At(PathBuf),
    /// Nowhere, though someone may want to go on from them: a kind that writes one fails.
    NotConfigured,
    /// Nothing is kept of this run, so none is written.
    NotKept,
}

/// One run of a function, shared by the function and its supervisor.
#[derive(Debug)]
pub(crate) struct Run {
    /// Unique in the process: stamps the run's `Stopped`.
    pub(crate) token: u64,
    pub(crate) setup: RunSetup,
    word: AtomicU8,
    wake: (Sender<()>, Receiver<()>),
    thread: OnceLock<Thread>,
    /// When the first pause or shutdown was asked for.
    asked_at: OnceLock<Instant>,
    /// The zero of `checkpoint_due_at`.
    began: Instant,
    /// When a checkpoint is to be kept, in nanoseconds since then; [`DUE`] once that time has come. It is
    /// one number, so that a look of the supervisor that comes late changes nothing.
    checkpoint_due_at: AtomicU64,
    /// The function waits in one of our calls: a stop is heeded at once.
    rests: AtomicBool,
    /// The function gives checkpoints that cost something: a pause waits for the next one.
    waits_for_checkpoint: AtomicBool,
    /// The function was told of a stop, or has ended.
    over: AtomicBool,
    /// One of its threads was told of a stop.
    thread_told: AtomicBool,
    pub(crate) counters: ProgressCounters,
    pub(crate) reports: Mutex<Buffer>,
    pub(crate) saved: Mutex<Option<SavedCheckpoint>>,
    /// The one it goes on from, once it was chosen.
    pub(crate) restored: OnceLock<Option<SavedCheckpoint>>,
    /// Why the run must not begin, if it must not.
    pub(crate) no_way_on: OnceLock<NoWayOn>,
}

/// What the flags ask of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(u8);

impl Word {
    /// Nothing is asked and nobody looks: the one test of a step's fast path.
    pub(crate) const fn is_quiet(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn is_probed(self) -> bool {
        self.0 & PROBE != 0
    }

    const fn rank(self) -> u8 {
        self.0 & RANK
    }

    pub(crate) const fn finish(self) -> bool {
        self.rank() == rank(StopVerb::Finish)
    }

    /// Cancel or deadline: told at once.
    pub(crate) const fn is_urgent(self) -> bool {
        self.rank() >= rank(StopVerb::Deadline)
    }

    /// Pause or shutdown: may wait for a folder to be written.
    pub(crate) const fn rests(self) -> bool {
        self.rank() == rank(StopVerb::Pause) || self.0 & SHUTDOWN != 0
    }

    /// The strongest stop that was asked for.
    pub(crate) fn stop_verb(self) -> Option<StopVerb> {
        let mut verbs = StopVerb::ALL.iter().copied();
        verbs.find(|verb| rank(*verb) == self.rank())
    }
}

/// A checkpoint is to be kept.
const DUE: u64 = 0;

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

const fn rank(verb: StopVerb) -> u8 {
    match verb {
        StopVerb::Finish => 1,
        StopVerb::Pause => 2,
        StopVerb::Deadline => 3,
        StopVerb::Cancel => 4,
    }
}

impl Run {
    pub(crate) fn new(setup: RunSetup) -> Arc<Self> {
        static TOKENS: AtomicU64 = AtomicU64::new(1);
        let word = if setup.finish_kept {
            rank(StopVerb::Finish)
        } else {
            0
        };
        Arc::new(Self {
            token: TOKENS.fetch_add(1, Ordering::Relaxed),
            word: AtomicU8::new(word),
            wake: bounded(1),
            thread: OnceLock::new(),
            asked_at: OnceLock::new(),
            began: Instant::now(),
            checkpoint_due_at: AtomicU64::new(nanos(setup.checkpoint_timing.first())),
            rests: AtomicBool::new(false),
            waits_for_checkpoint: AtomicBool::new(false),
            over: AtomicBool::new(false),
            thread_told: AtomicBool::new(false),
            counters: ProgressCounters::new(),
            reports: Mutex::default(),
            saved: Mutex::default(),
            restored: OnceLock::new(),
            no_way_on: OnceLock::new(),
            setup,
        })
    }

    /// Asks the function to stop, and wakes it. Only ever stronger.
    pub(crate) fn ask(&self, verb: StopVerb) {
        if verb == StopVerb::Pause {
            let _ = self.asked_at.set(Instant::now());
        }
        let stronger = |word: u8| (word & RANK < rank(verb)).then_some(word & !RANK | rank(verb));
        let _ = self
            .word
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, stronger);
        self.wake();
    }

    /// Asks the function to go because the process goes.
    pub(crate) fn shut_down(&self) {
        let _ = self.asked_at.set(Instant::now());
        self.word.fetch_or(SHUTDOWN, Ordering::AcqRel);
        self.wake();
    }

    /// Makes every call take the slow path, where a test looks at it.
    #[cfg(feature = "testing")]
    pub(crate) fn probe(&self) {
        self.word.fetch_or(PROBE, Ordering::AcqRel);
    }

    /// Wakes the function out of a sleep, by its thread, and out of a `recv`, by the channel. A
    /// channel alone would do, but it yields before it blocks, and on a core that computes a yield
    /// costs a whole slice.
    fn wake(&self) {
        // Pairs with the fence of `belongs_to_this_thread`: one of the two sees the other.
        fence(Ordering::SeqCst);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
        // A full channel means that a wake-up waits already.
        let _ = self.wake.0.try_send(());
    }

    /// The function runs on this thread: a stop wakes it here.
    pub(crate) fn belongs_to_this_thread(&self) {
        // A run has one function, and that one thread.
        let _ = self.thread.set(std::thread::current());
        fence(Ordering::SeqCst);
    }

    #[inline]
    pub(crate) fn word(&self) -> Word {
        Word(self.word.load(Ordering::Relaxed))
    }

    pub(crate) const fn wakes(&self) -> &Receiver<()> {
        &self.wake.1
    }

    /// How long a pause or shutdown still waits for a folder; `None` when it waits no more.
    pub(crate) fn folder_wait_left(&self) -> Option<Duration> {
        let asked = self.asked_at.get()?;
        self.setup
            .checkpoint_timing
            .every
            .checked_sub(asked.elapsed())
            .filter(|left| !left.is_zero())
    }

    /// From now on a pause waits for the next checkpoint.
    pub(crate) fn wait_for_checkpoint(&self) {
        self.waits_for_checkpoint.store(true, Ordering::Relaxed);
    }

    /// The function was told of a stop, or has ended.
    pub(crate) fn set_over(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Whether the function is to stop, for its own threads. Once it is so, the function's next call
    /// says so too: what they left undone is not taken for whole.
    pub(crate) fn is_stopped(&self) -> bool {
        // Acquires when a pause was asked for, too.
        let word = Word(self.word.load(Ordering::Acquire));
        let asked = word.is_urgent() || (word.rests() && !self.pause_waits());
        if asked {
            self.thread_told.store(true, Ordering::Release);
        }
        asked || self.over.load(Ordering::Relaxed)
    }

    /// Whether one of the function's threads was told of a stop.
    pub(crate) fn is_thread_told(&self) -> bool {
        self.thread_told.load(Ordering::Acquire)
    }

    /// Whether a pause or shutdown still waits for the next checkpoint.
    pub(crate) fn pause_waits(&self) -> bool {
        self.waits_for_checkpoint.load(Ordering::Relaxed) && self.folder_wait_left().is_some()
    }

    /// Waits by `wait`, and says so meanwhile.
    pub(crate) fn rest<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.rests.store(true, Ordering::Relaxed);
        let waited = wait();
        self.rests.store(false, Ordering::Relaxed);
        waited
    }

    /// Whether the function waits in one of our calls; it may just have begun to, or ceased.
    pub(crate) fn is_resting(&self) -> bool {
        self.rests.load(Ordering::Relaxed)
    }

    /// A checkpoint is to be kept, whatever its time.
    #[cfg(feature = "testing")]
    pub(crate) fn checkpoint_due(&self) {
        self.checkpoint_due_at.store(DUE, Ordering::Relaxed);
    }

    /// Says that a checkpoint is to be kept, if its time has come: at the supervisor's tick, so that no
    /// call of the function reads a clock.
    pub(crate) fn look_at_checkpoint_time(&self, now: Instant) {
        let due_at = self.checkpoint_due_at.load(Ordering::Relaxed);
        if due_at <= nanos(now.saturating_duration_since(self.began)) {
            // One that was given meanwhile has a new time, which stays.
            let relaxed = Ordering::Relaxed;
            let at = &self.checkpoint_due_at;
            let _ = at.compare_exchange(due_at, DUE, relaxed, relaxed);
        }
    }

    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.checkpoint_due_at.load(Ordering::Relaxed) == DUE
    }

    /// A checkpoint was given, or could not be: from `began` until `ended`.
    pub(crate) fn checkpoint_given(&self, began: Instant, ended: Instant) {
        let cost = ended.saturating_duration_since(began);
        let setup = &self.setup;
        setup.checkpoint_costs.record(&setup.origin.kind, cost);
        let since = ended.saturating_duration_since(self.began);
        let next = self.setup.checkpoint_timing.after(cost);
        let due_at = match next {
            Duration::ZERO => DUE,
            next => nanos(since.saturating_add(next)),
        };
        self.checkpoint_due_at.store(due_at, Ordering::Relaxed);
    }

    /// The counts now; `None`: try again at the next tick.
    pub(crate) fn read(&self) -> Option<Snapshot> {
        self.counters.read()
    }

    /// Keeps an event that the function caused until the supervisor takes it.
    pub(crate) fn report(&self, body: EventBody) {
        lock(&self.reports).push((Timestamp::now(), body));
    }

    /// The same for a warning.
    pub(crate) fn warn(&self, code: String, message: String) {
        let (run, at) = (self.setup.run, Timestamp::now());
        let warning = Warning {
            code,
            message,
            run,
            at,
        };
        lock(&self.reports).push((at, EventBody::Warning(warning)));
    }

    /// What was reported since; may be empty although there is something.
    pub(crate) fn drain(&self) -> Vec<Report> {
        self.reports
            .try_lock()
            .map(|mut buffer| buffer.take())
            .unwrap_or_default()
    }

    /// A checkpoint that was due and has been taken since.
    pub(crate) fn take_checkpoint(&self) -> Option<SavedCheckpoint> {
        self.saved.try_lock().ok()?.take()
    }

    /// "epoch 5/10, batch 32/60".
    pub(crate) fn current_step(&self) -> Option<String> {
        self.counters.current_step()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run whose checkpoints may cost so much of its time.
    fn run(share: Option<f64>, every: Duration) -> Arc<Run> {
        Run::new(RunSetup {
            operation: OperationInfo::unrecorded("a test"),
            run: 1,
            waiting: LiveCount::default(),
            threads: 1,
            checkpoint_timing: CheckpointTiming { every, share },
            checkpoint_costs: CheckpointCosts::default(),
            checkpoints: Vec::new(),
            origin: Origin {
                kind: "count".to_owned(),
                params: Arc::default(),
            },
            finish_kept: false,
            folders: Folders::NotKept,
        })
    }

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn what_a_checkpoint_cost_decides_when_the_next_is_due() {
        let run = run(Some(0.02), MS(5_000));
        let at = |ms| run.began + MS(ms);
        let is_due = |ms| {
            run.look_at_checkpoint_time(at(ms));
            run.is_due()
        };
        assert!(!is_due(249) && is_due(250), "the first");
        run.checkpoint_given(at(260), at(280));
        assert!(
            !is_due(280 + 999) && is_due(280 + 1_000),
            "fifty times 20 ms"
        );
        assert!(run.is_due(), "until it is given");
        run.checkpoint_given(at(1_300), at(1_301));
        assert!(!is_due(1_301 + 249) && is_due(1_301 + 250), "it cost 1 ms");
    }

    #[test]
    fn by_time_the_next_is_due_so_long_after_the_end_of_the_last_one() {
        let run = run(None, MS(5_000));
        let at = |ms| run.began + MS(ms);
        run.look_at_checkpoint_time(at(5_000));
        assert!(run.is_due());
        // It takes longer than the time between two.
        run.look_at_checkpoint_time(at(11_000));
        run.checkpoint_given(at(5_000), at(12_000));
        run.look_at_checkpoint_time(at(16_999));
        assert!(!run.is_due());
        run.look_at_checkpoint_time(at(17_000));
        assert!(run.is_due());
    }

    #[test]
    fn with_no_time_between_them_every_one_is_due() {
        let run = run(None, Duration::ZERO);
        assert!(run.is_due());
        run.checkpoint_given(run.began, run.began);
        assert!(run.is_due());
    }
}
