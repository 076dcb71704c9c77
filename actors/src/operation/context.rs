//! What a function holds of the world that supervises it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, select};
use impresario_api::{EventBody, LogData, LogLevel, MetricData, Timestamp, text};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failure::{Failure, Stopped};
use super::steps::{StepNumber, Steps};
use super::{OrFail, SavedCheckpoint};
use crate::locks::lock;
use crate::run::control::{Run, Word};
use crate::run::progress_counters::LEVELS;
use crate::run::texts;
use crate::run::yielding::Yielding;

/// A hundred years: an instant further away may not exist.
const LONGEST_SLEEP: Duration = Duration::from_secs(100 * 366 * 86_400);

/// What a function holds of the world that supervises it: its progress, its stops, its checkpoints.
///
/// It belongs to the function's own thread (it is not `Sync`): one writer makes a step cost two
/// nanoseconds. Texts are kept up to a length (`docs/WRITING_A_KIND.md`), without invisible
/// characters. Every call that waits or steps answers `Err(Stopped)` once the function is asked to
/// stop; `?` is all that it takes to be stoppable.
pub struct Context {
    pub(crate) run: Arc<Run>,
    /// Loops that are open.
    pub(crate) depth: Cell<usize>,
    /// The names of the open loops.
    pub(crate) names: [Cell<&'static str>; LEVELS],
    /// A loop ended within the one that is open: its count is to be set back.
    pub(crate) inner_ended: Cell<bool>,
    pub(crate) told: Cell<bool>,
    finish_cut_a_sleep: Cell<bool>,
    /// `finish` has ended a loop, or a wait that the function may take for its end.
    pub(crate) cut_short: Cell<bool>,
    /// The function keeps folders: a pause waits for the next one.
    pub(crate) keeps_folders: Cell<bool>,
    /// A folder was written since a pause or shutdown was asked for.
    pub(crate) folder_is_fresh: Cell<bool>,
    pub(crate) state: RefCell<CheckpointState>,
    not_finite: RefCell<BTreeSet<String>>,
    pub(crate) probe: Option<Probe>,
    pub(crate) yielding: Yielding,
    /// Started when it is first asked for.
    #[cfg(feature = "rayon")]
    pub(crate) pool: std::cell::OnceCell<rayon_core::ThreadPool>,
}

/// Looks at every call, for a test.
pub(crate) type Probe = Box<dyn Fn(&Run)>;

/// The newest state that the function gave, encoded.
#[derive(Debug, Default)]
pub(crate) struct CheckpointState {
    pub(crate) value: Vec<u8>,
    spare: Vec<u8>,
    /// Of each open loop: its name, how many steps were complete, and of how many.
    steps: [(&'static str, u64, u64); LEVELS],
    depth: usize,
    /// Newer than what the supervisor has.
    pub(crate) fresh: bool,
    pub(crate) folders: u32,
    /// The last step of each metric when the state was given.
    metrics: BTreeMap<String, u64>,
    /// Metrics that were reported after the state was given.
    newer: BTreeMap<String, u64>,
}

/// What is asked of the function now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Nothing,
    Finish,
    Stop,
}

impl Context {
    pub(crate) fn new(run: Arc<Run>) -> Self {
        run.belongs_to_this_thread();
        let restored = run.restored();
        let metrics = restored
            .map(|checkpoint| checkpoint.metrics.clone())
            .unwrap_or_default();
        let yielding = Yielding::to(run.setup.waiting.clone());
        Self {
            run,
            depth: Cell::new(0),
            names: [const { Cell::new("") }; LEVELS],
            inner_ended: Cell::new(false),
            told: Cell::new(false),
            finish_cut_a_sleep: Cell::new(false),
            cut_short: Cell::new(false),
            keeps_folders: Cell::new(false),
            folder_is_fresh: Cell::new(false),
            state: RefCell::new(CheckpointState {
                metrics,
                ..CheckpointState::default()
            }),
            not_finite: RefCell::default(),
            probe: None,
            yielding,
            #[cfg(feature = "rayon")]
            pool: std::cell::OnceCell::new(),
        }
    }

    /// Counts through `range`. A step is complete when the next one is asked for; what people see
    /// is the absolute number of complete steps, of the range's end. Loops nest.
    ///
    /// `finish` ends the outermost loop when its current step is whole; inner loops run to their
    /// end. See [`Steps::whole`] and [`Steps::cuttable`] for loops that differ.
    pub fn steps<T: StepNumber>(&self, name: &'static str, range: Range<T>) -> Steps<'_, T>
    where
        Range<T>: Iterator<Item = T>,
    {
        Steps::begin(self, name, range)
    }

    /// Counts items: rows, bars. `total` is a number, or `None` while it is unknown.
    pub fn items(&self, total: impl Into<Option<u64>>) -> Items<'_> {
        self.run.counters.set_items_total(total.into());
        let count = self.run.counters.items();
        Items {
            count,
            done: Cell::new(count.load(Ordering::Relaxed)),
        }
    }

    /// The line that people see, instead of the composed one.
    pub fn message(&self, message: fmt::Arguments<'_>) {
        self.run.counters.words(|words| {
            let line = words.message.get_or_insert_default();
            line.clear();
            // Writing to a String cannot fail.
            let _ = fmt::write(line, message);
            text::bound(line, texts::LINE);
        });
    }

    /// What it works on: people see "{title}: epoch 5/10, batch 32/60", as long as there is no
    /// [`Context::message`].
    pub fn title(&self, title: impl Into<String>) {
        let title = texts::name(&title.into());
        self.run.counters.words(|words| words.title = Some(title));
    }

    /// Something to show beside the progress: symbol, timeframe, device. At most 32 of them.
    pub fn context(&self, key: impl Into<String>, value: impl Into<String>) {
        let (key, mut value) = (texts::name(&key.into()), value.into());
        text::bound(&mut value, texts::LINE);
        self.run.counters.words(|words| {
            if words.context.len() < texts::BESIDE || words.context.contains_key(&key) {
                words.context.insert(key, value);
            }
        });
    }

    /// One point of a metric. A value that is not finite is kept as null, with one warning a name.
    pub fn metric(&self, name: &str, step: u64, value: f64) {
        let name = &*text::one_line(name, texts::NAME);
        let finite = value.is_finite();
        if !finite && self.not_finite.borrow_mut().insert(name.to_owned()) {
            self.warn(
                "METRIC_NOT_FINITE",
                format_args!("metric \"{name}\" is {value} at step {step}"),
            );
        }
        let newer = &mut self.state.borrow_mut().newer;
        match newer.get_mut(name) {
            Some(last) => *last = step,
            None => drop(newer.insert(name.to_owned(), step)),
        }
        let value = finite.then_some(value);
        self.report(EventBody::Metric(MetricData {
            name: name.to_owned(),
            step,
            value,
            run: self.run.setup.run,
        }));
    }

    /// A line of the operation's log.
    pub fn log(&self, level: LogLevel, message: impl fmt::Display) {
        self.report(EventBody::Log(LogData {
            level,
            message: text::lines(&message.to_string(), texts::LOG).into_owned(),
            run: self.run.setup.run,
        }));
    }

    /// Something that a person should know, and that ends nothing. `code` is SCREAMING_SNAKE_CASE.
    pub fn warn(&self, code: &str, message: impl fmt::Display) {
        let message = text::lines(&message.to_string(), texts::WARNING).into_owned();
        self.run.warn(texts::code(code), message);
        self.run.counters.touch();
    }

    fn report(&self, body: EventBody) {
        self.run.report(body);
        self.run.counters.touch();
    }

    /// Threads that the function may use: its lane's share.
    pub fn threads(&self) -> usize {
        self.run.setup.threads
    }

    /// The run's number, from 1.
    pub fn run(&self) -> u32 {
        self.run.setup.run
    }

    /// Err when the function is asked to stop: for long work between steps.
    pub fn check(&self) -> Result<(), Stopped> {
        self.run.counters.touch();
        self.yielding.step();
        self.go_on()
    }

    #[inline]
    fn go_on(&self) -> Result<(), Stopped> {
        match self.run.word() {
            word if word.is_quiet() => Ok(()),
            _ if self.wanted() == Wanted::Stop => Err(self.tell()),
            _ => Ok(()),
        }
    }

    /// Rests for `time`; wakes at once when asked to stop. `finish` cuts one sleep short.
    pub fn sleep(&self, time: Duration) -> Result<(), Stopped> {
        self.run.counters.touch();
        if self.is_virtual() || time.is_zero() {
            return self.go_on();
        }
        let until = Instant::now() + time.min(LONGEST_SLEEP);
        loop {
            match self.wanted() {
                Wanted::Stop => return Err(self.tell()),
                Wanted::Finish if !self.finish_cut_a_sleep.replace(true) => return Ok(()),
                Wanted::Finish | Wanted::Nothing => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            // It was woken, or the wait for a folder is over: look again.
            let nap = self.nap(left);
            self.run.rest(|| std::thread::park_timeout(nap));
        }
    }

    /// What comes through `channel`; `None` when it is closed, or when the function is to finish.
    pub fn recv<T>(&self, channel: &Receiver<T>) -> Result<Option<T>, Stopped> {
        self.run.counters.touch();
        loop {
            match self.wanted() {
                Wanted::Stop => return Err(self.tell()),
                Wanted::Finish => {
                    self.cut_short.set(true);
                    return Ok(None);
                }
                Wanted::Nothing => {}
            }
            let nap = self.nap(Duration::MAX).min(Duration::from_secs(3_600));
            let came = self.run.rest(|| {
                select! {
                    recv(channel) -> item => Some(item.ok()),
                    recv(self.run.wakes()) -> _ => None,
                    default(nap) => None,
                }
            });
            if let Some(item) = came {
                return Ok(item);
            }
        }
    }

    /// Gives the state from which a later run goes on. Cheap: it is encoded in memory, and kept
    /// when due and at the run's end, whatever the end. Give it when a step is whole. In a run that
    /// keeps folders it fails as `CHECKPOINT_MIXED`: state and folder are one checkpoint, given by
    /// [`Self::checkpoint_dir`].
    pub fn checkpoint<S: Serialize>(&self, state: &S) -> Result<(), Failure> {
        if self.keeps_folders.get() {
            let message = "this run keeps folders: give its state with checkpoint_dir";
            return Err(Failure::new("CHECKPOINT_MIXED", message));
        }
        self.keep(state)?;
        if self.run.is_due() {
            self.run.no_longer_due();
            let saved = self.saved(None);
            *lock(&self.run.saved) = saved;
        }
        let told_before = self.told.get();
        let asked = self.go_on();
        if asked.is_err() && !told_before {
            self.step_is_whole();
        }
        Ok(asked?)
    }

    /// The run ends at a checkpoint: the current step is whole, and is counted as the checkpoint
    /// counts it.
    pub(crate) fn step_is_whole(&self) {
        let levels = &self.run.counters.levels;
        let Some(level) = self.depth.get().min(LEVELS).checked_sub(1) else {
            return;
        };
        if self.inner_ended.replace(false) {
            levels[level + 1].current.store(0, Ordering::Relaxed);
        }
        let done = levels[level].current.load(Ordering::Relaxed) + 1;
        let total = levels[level].total.load(Ordering::Relaxed);
        levels[level]
            .current
            .store(done.min(total), Ordering::Release);
    }

    /// Encodes a state into the spare buffer, so that one that cannot be encoded spoils nothing.
    pub(crate) fn keep<S: Serialize>(&self, state: &S) -> Result<(), Failure> {
        let mut kept = self.state.borrow_mut();
        let kept = &mut *kept;
        kept.spare.clear();
        rmp_serde::encode::write_named(&mut kept.spare, state).or_fail("CHECKPOINT_NOT_ENCODED")?;
        std::mem::swap(&mut kept.spare, &mut kept.value);
        kept.fresh = true;
        kept.depth = self.depth.get().min(LEVELS);
        let open = kept.steps.iter_mut().zip(&self.names);
        for ((kept, name), counts) in open.zip(&self.run.counters.levels).take(kept.depth) {
            let current = counts.current.load(Ordering::Relaxed);
            *kept = (name.get(), current, counts.total.load(Ordering::Relaxed));
        }
        kept.metrics.append(&mut kept.newer);
        Ok(())
    }

    /// The newest state, when the supervisor has an older one; then it has this one.
    pub(crate) fn saved(&self, dir: Option<(std::path::PathBuf, u64)>) -> Option<SavedCheckpoint> {
        let mut kept = self.state.borrow_mut();
        if !std::mem::take(&mut kept.fresh) {
            return None;
        }
        // A state is given when the innermost open step is whole, so that one counts.
        let step = |(level, (name, current, total)): (usize, &(&str, u64, u64))| {
            let whole = current.saturating_add(u64::from(level + 1 == kept.depth));
            ((*name).to_owned(), whole.min(*total))
        };
        let open = kept.steps.iter().enumerate().take(kept.depth);
        let step = open.map(step).collect();
        let (dir, folder_bytes) = dir.unzip();
        Some(SavedCheckpoint {
            at: Timestamp::now(),
            run: self.run.setup.run,
            step,
            value: kept.value.as_slice().into(),
            bytes: kept.value.len() as u64 + folder_bytes.unwrap_or(0),
            dir,
            metrics: kept.metrics.clone(),
        })
    }

    /// The state that an earlier run gave last, if there was one.
    pub fn restored<S: DeserializeOwned>(&self) -> Result<Option<S>, Failure> {
        let Some(checkpoint) = self.run.restored() else {
            return Ok(None);
        };
        rmp_serde::from_slice(&checkpoint.value)
            .map(Some)
            .or_fail("CHECKPOINT_UNREADABLE")
    }

    pub(crate) fn is_virtual(&self) -> bool {
        self.probe.is_some()
    }

    /// What is asked of the function now; a test may ask it here.
    pub(crate) fn wanted(&self) -> Wanted {
        let word = self.run.word();
        if word.is_quiet() {
            return Wanted::Nothing;
        }
        if word.is_probed()
            && let Some(probe) = &self.probe
        {
            probe(&self.run);
        }
        self.judge(self.run.word())
    }

    pub(crate) fn judge(&self, word: Word) -> Wanted {
        if word.is_urgent() || (word.rests() && !self.waits_for_folder()) {
            Wanted::Stop
        } else if word.finish() {
            Wanted::Finish
        } else {
            Wanted::Nothing
        }
    }

    /// A pause loses no finished step: it waits for the next folder, at most one interval.
    fn waits_for_folder(&self) -> bool {
        self.keeps_folders.get()
            && !self.folder_is_fresh.get()
            && self.run.folder_wait_left().is_some()
    }

    /// How long a wait may last before it must look again.
    pub(crate) fn nap(&self, left: Duration) -> Duration {
        match self.run.folder_wait_left() {
            Some(wait) if self.run.word().rests() => left.min(wait),
            _ => left,
        }
    }

    /// The one way to a `Stopped`.
    pub(crate) fn tell(&self) -> Stopped {
        self.told.set(true);
        self.run.set_over();
        Stopped::of(self.run.token)
    }
}

/// Counts items.
#[derive(Debug)]
pub struct Items<'a> {
    count: &'a AtomicU64,
    done: Cell<u64>,
}

impl Items<'_> {
    /// Counts this many more items as done.
    #[inline]
    pub fn add(&self, more: u64) {
        self.set(self.done.get() + more);
    }

    /// So many are done: for a run that goes on from a checkpoint.
    #[inline]
    pub fn set(&self, done: u64) {
        self.done.set(done);
        self.count.store(done, Ordering::Relaxed);
    }
}
