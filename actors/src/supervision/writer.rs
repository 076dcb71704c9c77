//! The one writer.
//!
//! It waits for the first command, drains what waits, writes one transaction, answers everyone
//! who waits for an outcome, and then tells the manager. There is no delay window: while one
//! batch is written the next one gathers.
//!
//! A store that waits for a device writes on a thread of its own. One that commits at once
//! (`docs/adr/0005`) writes in a task on the control arbiter, where no thread has to wake up.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix::Recipient;
use actix::prelude::SendError;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::breakpoints::Breakpoints;
use super::failure::Failure;
use super::messages::{Committed, NotCommitted};
use super::metrics::{COMMITS, Timed};
use super::reply::Reply;
use super::unrecorded::not_recorded;
use crate::live_count::LiveCount;
use crate::locks::{lock, panic_message};
use crate::store::{Command, Outcome, Store, StoreError};

/// The most commands in one transaction.
const MOST: usize = 2_048;
/// Commands that may wait for a store that is slow before starts are refused. Ends, verbs and reads
/// never are.
const MOST_UNWRITTEN: u64 = 4_096;
/// How often a store is asked for the fate of a batch whose answer was lost.
const SETTLE_EVERY: Duration = Duration::from_millis(100);
/// How long a stop waits for the end that it brings, so that both share a commit. A function that
/// heeds its stop returns within it; a commit takes longer by far.
const END_FOLLOWS_WITHIN: Duration = Duration::from_micros(150);

/// A command, and who waits for what comes of it.
pub(crate) struct Entry {
    command: Command,
    reply: Option<Reply>,
    /// A function that rested was just told to return: its end is on its way.
    end_follows: bool,
}

impl Entry {
    pub(crate) const fn silent(command: Command) -> Self {
        Self {
            command,
            reply: None,
            end_follows: false,
        }
    }

    pub(crate) const fn answered(command: Command, reply: Reply) -> Self {
        Self {
            command,
            reply: Some(reply),
            end_follows: false,
        }
    }

    pub(crate) fn end_follows(self, end_follows: bool) -> Self {
        Self {
            end_follows,
            ..self
        }
    }
}

/// The way to the writer, which ends when the last one is dropped.
#[derive(Clone)]
pub(crate) struct StoreLink {
    sender: UnboundedSender<Vec<Entry>>,
    gauge: Arc<StoreGauge>,
}

/// What there is to see of the writer.
pub(crate) struct StoreGauge {
    /// Commands that wait.
    pub(crate) queue: AtomicU64,
    /// Commits.
    pub(crate) commits: Mutex<Timed>,
    /// Why the store takes no starts until it has room again.
    pub(crate) no_room: Mutex<Option<String>>,
}

impl Default for StoreGauge {
    fn default() -> Self {
        Self {
            queue: AtomicU64::new(0),
            commits: Mutex::new(Timed::new(COMMITS)),
            no_room: Mutex::default(),
        }
    }
}

impl StoreLink {
    pub(crate) fn new() -> (Self, UnboundedReceiver<Vec<Entry>>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (
            Self {
                sender,
                gauge: Arc::default(),
            },
            receiver,
        )
    }

    /// Entries that share a commit, in this order. If the writer is gone, they are dropped, and
    /// who waits hears of it by that.
    pub(crate) fn send(&self, entries: Vec<Entry>) {
        self.gauge
            .queue
            .fetch_add(entries.len() as u64, Ordering::Relaxed);
        let _ = self.sender.send(entries);
    }

    /// Whether starts are taken, or too many commands wait for a store that is slow.
    pub(crate) fn takes_starts(&self) -> Result<(), StoreError> {
        if self.gauge.queue.load(Ordering::Relaxed) < MOST_UNWRITTEN {
            return Ok(());
        }
        let why = "it cannot keep up with the starts that wait for it; try again in a moment";
        Err(StoreError::Unavailable(why.to_owned()))
    }

    pub(crate) fn gauge(&self) -> &Arc<StoreGauge> {
        &self.gauge
    }
}

/// Whom the writer tells.
pub(crate) struct Listeners {
    pub(crate) committed: Recipient<Committed>,
    pub(crate) not_committed: Recipient<NotCommitted>,
    pub(crate) failure: Failure,
}

/// Owns the store.
pub(crate) struct Writer {
    pub(crate) store: Box<dyn Store>,
    pub(crate) queue: UnboundedReceiver<Vec<Entry>>,
    pub(crate) gauge: Arc<StoreGauge>,
    pub(crate) listeners: Listeners,
    pub(crate) breakpoints: Option<Breakpoints>,
}

impl Writer {
    /// Starts it: a task on this arbiter, or a thread, whose handle is returned. It ends when all
    /// links are gone, or when the store fails for good.
    pub(crate) fn start(mut self, tasks: &LiveCount) -> io::Result<Option<JoinHandle<()>>> {
        *lock(&self.gauge.no_room) = self.store.no_room();
        if self.store.commits_at_once() {
            actix_rt::spawn(tasks.over(async move {
                while let Some(first) = self.queue.recv().await
                    && self.write(first)
                {}
            }));
            return Ok(None);
        }
        let thread = std::thread::Builder::new().name("impresario-store".to_owned());
        let thread = thread.spawn(move || {
            while let Some(first) = self.queue.blocking_recv()
                && self.write(first)
            {}
        })?;
        Ok(Some(thread))
    }

    /// Writes what waits as one transaction; false when it was the last, because the store can be
    /// trusted no more.
    fn write(&mut self, first: Vec<Entry>) -> bool {
        let mut entries = first;
        self.drain(&mut entries);
        if !self.store.commits_at_once() {
            self.await_ends(&mut entries);
        }
        self.gauge
            .queue
            .fetch_sub(entries.len() as u64, Ordering::Relaxed);
        let (commands, replies): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .map(|entry| (entry.command, entry.reply))
            .unzip();
        let began = Instant::now();
        // After a panic nothing of the store is used again.
        let result = catch_unwind(AssertUnwindSafe(|| {
            let committed = self.commit(&commands);
            self.settled(committed, &commands)
        }));
        lock(&self.gauge.commits).record(began.elapsed());
        let result = result.unwrap_or_else(|payload| {
            let why = panic_message(&*payload);
            Err(StoreError::Fatal(format!("its writer panicked: {why}")))
        });
        // Before anyone hears of it: who was refused must find that starts are.
        *lock(&self.gauge.no_room) = self.store.no_room();
        match result {
            Ok(outcomes) => {
                let set_aside = self.store.take_set_aside();
                if !set_aside.is_empty() {
                    let outcomes = set_aside.into_iter().map(Outcome::Done).collect();
                    self.listeners.committed.do_send(Committed(outcomes));
                }
                tell(outcomes, replies, &self.listeners);
                true
            }
            Err(error) => self.not_committed(commands, replies, error),
        }
    }

    fn drain(&mut self, entries: &mut Vec<Entry>) {
        while entries.len() < MOST
            && let Ok(more) = self.queue.try_recv()
        {
            entries.extend(more);
        }
    }

    /// Lets the ends come that stops in this batch have brought about. It looks again and again:
    /// a thread that sleeps so short a time wakes up too late.
    fn await_ends(&mut self, entries: &mut Vec<Entry>) {
        let expected = entries.iter().filter(|entry| entry.end_follows).count();
        let began = Instant::now();
        let ends = |entries: &[Entry]| {
            let is_end = |entry: &&Entry| matches!(entry.command, Command::End(_));
            entries.iter().filter(is_end).count()
        };
        while ends(entries) < expected && began.elapsed() < END_FOLLOWS_WITHIN {
            std::thread::yield_now();
            self.drain(entries);
        }
    }

    fn commit(&mut self, commands: &[Command]) -> Result<Vec<Outcome>, StoreError> {
        if let Some(breakpoints) = &self.breakpoints {
            breakpoints.before(commands)?;
        }
        let outcomes = self.store.commit(commands);
        if matches!(outcomes, Err(StoreError::Full(_))) {
            // With its next commit, though it be empty, the store tidies up in the room that it has just
            // given up for that: before something large takes it.
            let _ = self.store.commit(&[]);
        }
        if let (Some(breakpoints), Ok(_)) = (&self.breakpoints, &outcomes) {
            breakpoints.after(commands);
        }
        outcomes
    }

    /// What came of a batch whose commit was sent, however long it takes to find out: what is written
    /// next may depend on it. A shutdown that has given up waiting does not wait for it either.
    fn settled(
        &mut self,
        mut committed: Result<Vec<Outcome>, StoreError>,
        commands: &[Command],
    ) -> Result<Vec<Outcome>, StoreError> {
        while let Err(StoreError::Unknown(why)) = &committed
            && !self.queue.is_closed()
        {
            log::warn!("{why}: asking the store what it has kept");
            std::thread::sleep(SETTLE_EVERY);
            let why = why.clone();
            committed = match self.store.settle(commands) {
                Ok(Some(outcomes)) => Ok(outcomes),
                Ok(None) => Err(StoreError::Unavailable(why)),
                Err(fatal @ StoreError::Fatal(_)) => Err(fatal),
                Err(error) => Err(StoreError::Unknown(error.to_string())),
            };
        }
        committed
    }

    /// Tells everyone that nothing of a batch was kept; false when it was the last.
    fn not_committed(
        &self,
        commands: Vec<Command>,
        replies: Vec<Option<Reply>>,
        error: StoreError,
    ) -> bool {
        let fatal = matches!(error, StoreError::Fatal(_));
        // First of all: who hears of it must find that nothing is admitted any more.
        if fatal {
            self.listeners.failure.report(error.to_string());
        }
        let failed = NotCommitted {
            commands,
            error: error.clone(),
        };
        // Before who asked is answered: they may look at once, and see what was not recorded.
        match self.listeners.not_committed.try_send(failed) {
            Ok(()) => {}
            Err(SendError::Full(failed)) => self.listeners.not_committed.do_send(failed),
            Err(SendError::Closed(failed)) => not_recorded(&failed.commands, &failed.error),
        }
        for reply in replies.into_iter().flatten() {
            reply.send(Err(error.clone()));
        }
        !fatal
    }
}

fn tell(outcomes: Vec<Outcome>, replies: Vec<Option<Reply>>, listeners: &Listeners) {
    for (reply, outcome) in replies.into_iter().zip(&outcomes) {
        if let Some(reply) = reply {
            reply.send(Ok(outcome.clone()));
        }
    }
    // Of an empty batch, which made the store look at something, there is no news.
    if !outcomes.is_empty() {
        listeners.committed.do_send(Committed(outcomes));
    }
}
