//! What a function holds of the world that supervises it.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, select};
use impresario_api::{EventBody, LogData, LogLevel, MetricData, Timestamp, text};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failure::{Failure, Stopped};
use super::items::Items;
use super::steps::{StepRange, Steps, known_total};
use super::{OperationInfo, OrFail, SavedCheckpoint};
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
///
/// ```
/// use impresario::operation::{Context, Failure, LogLevel};
/// # use impresario::operation::{Operation, Policy};
/// use std::time::Duration;
///
/// # #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
/// # struct Pages { pages: u32 }
/// # struct Fetch;
/// # impl Operation for Fetch {
/// #     const KIND: &'static str = "fetch";
/// #     type Params = Pages;
/// #     type Output = u32;
/// #     fn policy(&self) -> Policy { Policy::lane("default").pausable() }
/// fn run(&self, params: Pages, ctx: &Context) -> Result<u32, Failure> {
///     ctx.title("Fetching");
///     ctx.context("site", "example.org");
///     ctx.log(LogLevel::Info, format_args!("run {} with {} threads", ctx.run(), ctx.threads()));
///     let mut done = ctx.restored()?.unwrap_or(0); // what an earlier run gave to checkpoint
///     let bytes = ctx.items(None);
///     for page in ctx.steps("page", done..params.pages) {
///         done = page? + 1;
///         ctx.message(format_args!("page {done}"));
///         ctx.sleep(Duration::from_millis(10))?; // wakes at once when asked to stop
///         bytes.add(1_000);
///         if done == 2 {
///             ctx.warn("PAGE_SHORT", "page 2 has only 1,000 bytes");
///         }
///         ctx.metric("bytes", done.into(), 1_000.0);
///         ctx.checkpoint(&done)?;
///     }
///     ctx.check()?; // in long work between steps
///     Ok(done)
/// }
/// # }
/// let ended = impresario::testing::run(&Fetch, Pages { pages: 3 }).end();
/// assert_eq!(ended.output(), Some(&3));
/// assert_eq!(ended.logs(), [(LogLevel::Info, "run 1 with 1 threads")]);
/// assert_eq!(ended.warnings()[0].0, "PAGE_SHORT");
/// assert_eq!(ended.progress().items_processed, 3_000);
/// assert_eq!(ended.metrics()["bytes"].len(), 3);
/// ```
pub struct Context {
    pub(crate) run: Arc<Run>,
    here: Rc<UseCtxHandleOnOtherThreads>,
}

/// What of a context belongs to the function's own thread.
///
/// Whoever sends a context to another thread reads the name of this type in the compiler's message,
/// so the name says what to do instead. Everything is in this one `Rc` because the compiler
/// reports every field that cannot be shared, each in twenty lines.
pub(crate) struct UseCtxHandleOnOtherThreads {
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
    /// The function keeps folders, so a state alone is no checkpoint.
    pub(crate) keeps_folders: Cell<bool>,
    /// A checkpoint was given since a pause or shutdown was asked for, or could not be.
    checkpoint_is_fresh: Cell<bool>,
    /// The last checkpoint could not be given, and a warning has said so.
    checkpoint_has_failed: Cell<bool>,
    pub(crate) state: RefCell<CheckpointState>,
    /// Which counts of items are alive: a bit for each of the counters.
    pub(crate) live_items: Cell<u8>,
    /// The last message but one: its room is used for the next.
    line: Cell<String>,
    not_finite: RefCell<BTreeSet<String>>,
    probe: OnceCell<Probe>,
    pub(crate) yielding: Yielding,
    /// Started when it is first asked for.
    #[cfg(feature = "rayon")]
    pub(crate) pool: OnceCell<rayon_core::ThreadPool>,
}

/// The code of a checkpoint that could not be written, for a reason that may pass.
pub(crate) const NOT_WRITTEN: &str = "CHECKPOINT_NOT_WRITTEN";

/// A state was given without a folder.
#[cold]
fn mixed() -> Failure {
    let message = "this run keeps folders: give its state with checkpoint_dir";
    Failure::new("CHECKPOINT_MIXED", message)
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
        let here = UseCtxHandleOnOtherThreads {
            depth: Cell::new(0),
            names: [const { Cell::new("") }; LEVELS],
            inner_ended: Cell::new(false),
            told: Cell::new(false),
            finish_cut_a_sleep: Cell::new(false),
            cut_short: Cell::new(false),
            keeps_folders: Cell::new(false),
            checkpoint_is_fresh: Cell::new(false),
            checkpoint_has_failed: Cell::new(false),
            state: RefCell::new(CheckpointState {
                metrics,
                ..CheckpointState::default()
            }),
            live_items: Cell::new(0),
            line: Cell::default(),
            not_finite: RefCell::default(),
            probe: OnceCell::new(),
            yielding,
            #[cfg(feature = "rayon")]
            pool: OnceCell::new(),
        };
        let here = Rc::new(here);
        Self { run, here }
    }

    /// Lets a test look at every call.
    #[cfg(feature = "testing")]
    pub(crate) fn look_with(&self, probe: Probe) {
        // A run is looked at by one test.
        let _ = self.here.probe.set(probe);
    }

    #[inline]
    pub(crate) fn here(&self) -> &UseCtxHandleOnOtherThreads {
        &self.here
    }

    /// Counts through a range of integers: `a..b`, `a..=b`, or `a..` where nobody knows the end. A
    /// step is complete when the next one is asked for. Loops nest.
    ///
    /// People see how many steps are complete, of how many: of `a..b` `a` are complete before the
    /// first, of `b`; `a..=b` counts from 1, so that of `1..=10` nothing is complete before the
    /// first, of 10, and of `5..=10` four. A range that begins below that is shown from its start, and so is
    /// one that begins over 2^63, without a total.
    ///
    /// `finish` ends the outermost loop when its current step is whole; inner loops run to their
    /// end. See [`Steps::whole`] and [`Steps::cuttable`] for loops that differ.
    ///
    /// ```
    /// # use impresario::operation::{Context, Failure};
    /// fn sum(ctx: &Context) -> Result<u64, Failure> {
    ///     let mut sum = 0;
    ///     for number in ctx.steps("number", 1..=10_u64) {
    ///         sum += number?; // Err when it was asked to stop
    ///     }
    ///     Ok(sum)
    /// }
    /// ```
    pub fn steps<R: StepRange>(&self, name: &'static str, range: R) -> Steps<'_, R> {
        let (complete, total) = range.counts();
        Steps::begin(self, name, range, complete, total)
    }

    /// Counts through anything that can be iterated, as [`Context::steps`] does through a range.
    /// The total is shown if the iterator knows how many items it has; one that does not, such as a
    /// filter, is shown without a total until its end. [`Steps::after`] says how many steps were
    /// complete before the first one, in a run that goes on from a checkpoint.
    ///
    /// ```
    /// # use impresario::operation::{Context, Failure};
    /// fn load(ctx: &Context, files: &[String]) -> Result<(), Failure> {
    ///     let done = ctx.restored::<usize>()?.unwrap_or(0);
    ///     let left = files.iter().enumerate().skip(done);
    ///     for step in ctx.steps_over("file", left).after(done as u64) {
    ///         let (at, file) = step?;
    ///         ctx.message(format_args!("reading {file}"));
    ///         // …
    ///         ctx.checkpoint(&(at + 1))?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn steps_over<I: IntoIterator>(
        &self,
        name: &'static str,
        items: I,
    ) -> Steps<'_, I::IntoIter> {
        let items = items.into_iter();
        let total = known_total(&items);
        Steps::begin(self, name, items, 0, total)
    }

    /// Counts items: rows, bars. `total` is a number, or `None` while it is unknown.
    ///
    /// Counts that are alive at the same time add up, and so do their totals; of more than eight the
    /// rest is not shown. One that begins when no other is alive goes on from the number that is
    /// shown, and its total is the total.
    pub fn items(&self, total: impl Into<Option<u64>>) -> Items<'_> {
        Items::begin(self, total.into())
    }

    /// The line that people see, instead of the composed one.
    pub fn message(&self, message: impl fmt::Display) {
        // It is written before the lock is taken: the supervisor reads the words meanwhile, and
        // what is displayed may take its time.
        let mut line = self.here.line.take();
        line.clear();
        // Writing to a String cannot fail; a `Display` that does has no more to say.
        let _ = write!(line, "{message}");
        text::bound(&mut line, texts::LINE);
        self.run.counters.words(|words| {
            std::mem::swap(words.message.get_or_insert_default(), &mut line);
        });
        self.here.line.set(line);
    }

    /// What it works on: people see "{title}: epoch 5/10, batch 32/60", as long as there is no
    /// [`Context::message`].
    pub fn title(&self, title: impl fmt::Display) {
        let title = texts::name(&title.to_string());
        self.run.counters.words(|words| words.title = Some(title));
    }

    /// Something to show beside the progress: symbol, timeframe, device. At most 32 of them.
    pub fn context(&self, key: impl fmt::Display, value: impl fmt::Display) {
        let (key, mut value) = (texts::name(&key.to_string()), value.to_string());
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
        if !finite && self.here.not_finite.borrow_mut().insert(name.to_owned()) {
            self.warn(
                "METRIC_NOT_FINITE",
                format_args!("metric \"{name}\" is {value} at step {step}"),
            );
        }
        let newer = &mut self.here.state.borrow_mut().newer;
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

    /// The operation whose run this is: its id, who started it, its labels.
    ///
    /// ```
    /// # use impresario::operation::{Context, Failure};
    /// fn report(ctx: &Context) -> Result<String, Failure> {
    ///     let operation = ctx.operation();
    ///     let team = operation.labels.get("team").map_or("no team", String::as_str);
    ///     Ok(format!("made by {} for {} of {team}", operation.id, operation.requested_by))
    /// }
    /// ```
    pub fn operation(&self) -> &OperationInfo {
        &self.run.setup.operation
    }

    /// The run's number, from 1.
    pub fn run(&self) -> u32 {
        self.run.setup.run
    }

    /// Err when the function is asked to stop: for long work between steps.
    pub fn check(&self) -> Result<(), Stopped> {
        self.run.counters.touch();
        self.here.yielding.step();
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
                Wanted::Finish if !self.here.finish_cut_a_sleep.replace(true) => return Ok(()),
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

    /// Waits for what comes through `channel`, and says why if nothing does: the channel is closed, or
    /// the function is asked to finish. Once it is, every call says so, also while something waits
    /// in the channel.
    ///
    /// ```
    /// # use impresario::operation::{Context, Failure, Received};
    /// # use crossbeam_channel::Receiver;
    /// fn drain(ctx: &Context, rows: &Receiver<u64>) -> Result<u64, Failure> {
    ///     let mut sum = 0;
    ///     loop {
    ///         match ctx.recv(rows)? {
    ///             Received::Item(row) => sum += row,
    ///             Received::Closed => return Ok(sum),
    ///             Received::Finish => return Ok(sum + rows.try_iter().sum::<u64>()),
    ///         }
    ///     }
    /// }
    /// ```
    pub fn recv<T>(&self, channel: &Receiver<T>) -> Result<Received<T>, Stopped> {
        self.run.counters.touch();
        loop {
            match self.wanted() {
                Wanted::Stop => return Err(self.tell()),
                Wanted::Finish => {
                    self.here.cut_short.set(true);
                    return Ok(Received::Finish);
                }
                Wanted::Nothing => {}
            }
            let nap = self.nap(Duration::MAX).min(Duration::from_secs(3_600));
            let came = self.run.rest(|| {
                select! {
                    recv(channel) -> item => Some(item.map_or(Received::Closed, Received::Item)),
                    recv(self.run.wakes()) -> _ => None,
                    default(nap) => None,
                }
            });
            if let Some(came) = came {
                return Ok(came);
            }
        }
    }

    /// Gives the state from which a later run goes on. Give it when a step is whole. It is kept when
    /// due (`Policy::checkpoint_every`) and at the run's end, whatever the end.
    ///
    /// The state is encoded in memory at every call: 10 ns for a number, 29 ms for a map of 500,000
    /// entries. For a large one see [`Self::checkpoint_with`]. In a run that keeps folders it fails as
    /// `CHECKPOINT_MIXED`: state and folder are one checkpoint, given by [`Self::checkpoint_dir`].
    pub fn checkpoint<S: Serialize>(&self, state: &S) -> Result<(), Failure> {
        if self.here.keeps_folders.get() {
            return Err(mixed());
        }
        self.keep(state)?;
        if self.run.is_due() {
            let began = Instant::now();
            self.hand_over();
            self.run.checkpoint_given(began, Instant::now());
        }
        match self.run.word().is_quiet() {
            true => Ok(()),
            false => self.heed_at_checkpoint(),
        }
    }

    #[cold]
    #[inline(never)]
    fn heed_at_checkpoint(&self) -> Result<(), Failure> {
        let told_before = self.here.told.get();
        let asked = self.go_on();
        if asked.is_err() && !told_before {
            self.step_is_whole();
        }
        Ok(asked?)
    }

    /// The same for a state that is large: `state` is called, and what it gives is encoded, only when it
    /// is worth it. That is when a checkpoint is due, when a stop is wanted, and in the outermost
    /// loop's last step (there not with [`Policy::checkpoint_share`](super::Policy::checkpoint_share));
    /// any other call costs a few nanoseconds.
    ///
    /// Pause and shutdown wait for the next call, at most one interval (`Policy::checkpoint_every`),
    /// so that they lose no finished step. A run that fails or is cancelled leaves the last state that
    /// was encoded, which is at most one interval older than its end, where calls come that often.
    ///
    /// ```
    /// # use std::collections::BTreeMap;
    /// # use impresario::operation::{Context, Failure};
    /// fn count(ctx: &Context, words: &[String]) -> Result<usize, Failure> {
    ///     type State = (usize, BTreeMap<String, u64>);
    ///     let (done, mut counts) = ctx.restored::<State>()?.unwrap_or_default();
    ///     for step in ctx.steps("word", done..words.len()) {
    ///         let at = step?;
    ///         *counts.entry(words[at].clone()).or_default() += 1;
    ///         ctx.checkpoint_with(|| (at + 1, &counts))?;
    ///     }
    ///     Ok(counts.len())
    /// }
    /// ```
    pub fn checkpoint_with<S: Serialize>(&self, state: impl FnOnce() -> S) -> Result<(), Failure> {
        if self.here.keeps_folders.get() {
            return Err(mixed());
        }
        self.give_if_worth_it(|| {
            self.keep(&state())?;
            if self.run.is_due() {
                self.hand_over();
            }
            Ok(())
        })
    }

    /// What was kept goes to the supervisor.
    fn hand_over(&self) {
        let saved = self.saved(None);
        *lock(&self.run.saved) = saved;
    }

    /// Gives a checkpoint that costs something, if it is worth it. From now on a pause waits for the
    /// next one.
    #[inline]
    pub(crate) fn give_if_worth_it(
        &self,
        give: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.run.wait_for_checkpoint();
        if self.run.word().is_quiet() && !self.is_checkpoint_wanted() {
            self.here.checkpoint_is_fresh.set(false);
            return Ok(());
        }
        self.give(give)
    }

    #[cold]
    #[inline(never)]
    fn give(&self, give: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
        if self.is_virtual() {
            let _ = self.wanted(); // A test may ask for something here.
        }
        let mut step_is_kept = true;
        if self.is_checkpoint_wanted() {
            let began = Instant::now();
            let given = give();
            self.run.checkpoint_given(began, Instant::now());
            step_is_kept = self.is_given(given)?;
            // Also for a pause that was asked for meanwhile: here nothing is lost. One that could not be
            // given is not waited for either: the disk may stay full.
            self.here.checkpoint_is_fresh.set(true);
        }
        if self.judge(self.run.word()) == Wanted::Stop {
            if step_is_kept && !self.here.told.get() {
                self.step_is_whole();
            }
            return Err(self.tell().into());
        }
        // Work goes on: a later pause waits for a checkpoint that has it.
        self.here.checkpoint_is_fresh.set(false);
        Ok(())
    }

    /// Whether a checkpoint was given. One that could not be, for a reason that may pass, ends no run:
    /// the work goes on with the one before it, and a warning says so, until one is given again.
    fn is_given(&self, given: Result<(), Failure>) -> Result<bool, Failure> {
        let failed = match given {
            Ok(()) => None,
            Err(failure) if failure.is_retryable() => Some(failure),
            Err(failure) => return Err(failure),
        };
        let has_failed = self.here.checkpoint_has_failed.replace(failed.is_some());
        if let Some(failure) = failed.as_ref().filter(|_| !has_failed) {
            self.warn(
                NOT_WRITTEN,
                format_args!(
                    "a checkpoint could not be written, and the work goes on: {failure}; until one is written again, a stop loses what was done since the one before"
                ),
            );
        }
        Ok(failed.is_none())
    }

    /// Whether one is due or its run is to end, by what is asked or because nothing is left to do.
    #[inline]
    fn is_checkpoint_wanted(&self) -> bool {
        let word = self.run.word();
        self.run.is_due()
            || word.is_urgent()
            || word.rests()
            || (self.run.setup.checkpoint_timing.is_due_in_last_step()
                && (word.finish() || self.in_last_step()))
    }

    #[inline]
    fn in_last_step(&self) -> bool {
        let outermost = &self.run.counters.levels[0];
        let (current, total) = (&outermost.current, &outermost.total);
        self.here.depth.get() > 0
            && current.load(Ordering::Relaxed).saturating_add(1) >= total.load(Ordering::Relaxed)
    }

    /// The run ends at a checkpoint: the current step is whole, and is counted as the checkpoint
    /// counts it.
    pub(crate) fn step_is_whole(&self) {
        let levels = &self.run.counters.levels;
        let Some(level) = self.here.depth.get().min(LEVELS).checked_sub(1) else {
            return;
        };
        if self.here.inner_ended.replace(false) {
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
        let here = self.here();
        let mut kept = here.state.borrow_mut();
        let kept = &mut *kept;
        kept.spare.clear();
        rmp_serde::encode::write_named(&mut kept.spare, state).or_fail("CHECKPOINT_NOT_ENCODED")?;
        std::mem::swap(&mut kept.spare, &mut kept.value);
        kept.fresh = true;
        kept.depth = here.depth.get().min(LEVELS);
        let open = kept.steps.iter_mut().zip(&here.names);
        for ((kept, name), counts) in open.zip(&self.run.counters.levels).take(kept.depth) {
            let current = counts.current.load(Ordering::Relaxed);
            *kept = (name.get(), current, counts.total.load(Ordering::Relaxed));
        }
        kept.metrics.append(&mut kept.newer);
        Ok(())
    }

    /// The newest state, when the supervisor has an older one; then it has this one.
    pub(crate) fn saved(&self, dir: Option<(std::path::PathBuf, u64)>) -> Option<SavedCheckpoint> {
        let mut kept = self.here.state.borrow_mut();
        if !std::mem::take(&mut kept.fresh) {
            return None;
        }
        // A state is given when the innermost open step is whole, so that one counts.
        let step = |(level, (name, current, total)): (usize, &(&str, u64, u64))| {
            let whole = current.saturating_add(u64::from(level + 1 == kept.depth));
            ((*name).to_owned(), whole.min(*total))
        };
        let mut open = kept.steps.iter().enumerate().take(kept.depth);
        let outermost = open
            .clone()
            .next()
            .map(|(_, (name, ..))| (*name).to_owned());
        let step = open.by_ref().map(step).collect();
        let (dir, folder_bytes) = dir.unzip();
        Some(SavedCheckpoint {
            at: Timestamp::now(),
            run: self.run.setup.run,
            step,
            outermost,
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
        self.here.probe.get().is_some()
    }

    /// What is asked of the function now; a test may ask it here.
    pub(crate) fn wanted(&self) -> Wanted {
        let word = self.run.word();
        if word.is_quiet() {
            return Wanted::Nothing;
        }
        if word.is_probed()
            && let Some(probe) = self.here.probe.get()
        {
            probe(&self.run);
        }
        self.judge(self.run.word())
    }

    pub(crate) fn judge(&self, word: Word) -> Wanted {
        if word.is_urgent() || (word.rests() && !self.still_waits_for_checkpoint()) {
            Wanted::Stop
        } else if word.finish() {
            Wanted::Finish
        } else {
            Wanted::Nothing
        }
    }

    /// A pause loses no finished step: it waits for the next checkpoint, at most one interval.
    fn still_waits_for_checkpoint(&self) -> bool {
        !self.here.checkpoint_is_fresh.get() && self.run.pause_waits()
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
        self.here.told.set(true);
        self.run.set_over();
        Stopped::of(self.run.token)
    }
}

/// What came of a wait for a channel: see [`Context::recv`].
///
/// ```
/// use impresario::operation::Received;
///
/// assert_eq!(Received::Item("row 1").item(), Some("row 1"));
/// assert_eq!(Received::<&str>::Finish.item(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<T> {
    /// This came through it.
    Item(T),
    /// It is empty, and nobody can send any more.
    Closed,
    /// The function is asked to finish.
    Finish,
}

impl<T> Received<T> {
    /// What came, if anything did: for a function to which a closed channel and a finish are the same.
    pub fn item(self) -> Option<T> {
        match self {
            Self::Item(item) => Some(item),
            Self::Closed | Self::Finish => None,
        }
    }
}
