//! What is heard of a run in place while it goes on, and the end of its time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use impresario_api::{StopVerb, Timestamp};

use super::checkpoint::Of;
use super::{OnCheckpoint, OnProgress};
use crate::locks::panic_message;
use crate::operation::SavedCheckpoint;
use crate::rules::progress::Meter;
use crate::run::{Finished, Run};

/// How often progress and checkpoints are read.
const EVERY: Duration = Duration::from_millis(100);

/// Hears of something.
type Listener<'a, T> = Box<dyn FnMut(&T) + Send + 'a>;

/// Who hears of a run, and how long it may take.
pub(super) struct Watch<'a, 'b> {
    pub(super) of: &'b Of,
    pub(super) on_progress: Option<OnProgress<'a>>,
    pub(super) on_checkpoint: Option<OnCheckpoint<'a>>,
    /// Somebody wants the checkpoints, though nobody may hear of them.
    pub(super) keeps_checkpoints: bool,
    pub(super) timeout: Option<Duration>,
}

impl Watch<'_, '_> {
    /// Runs `work` while another thread watches it: what it leaves, with the newest checkpoint.
    pub(super) fn over(mut self, run: &Run, work: impl FnOnce() -> Finished) -> Finished {
        let reads = self.on_progress.is_some() || self.keeps_checkpoints;
        if !reads && self.timeout.is_none() {
            return work();
        }
        let (ended, end) = bounded::<()>(0);
        let mut newest = None;
        let mut finished = std::thread::scope(|scope| {
            scope.spawn(|| self.read_until(&end, run, reads, &mut newest));
            let finished = work();
            drop(ended);
            finished
        });
        match &finished.checkpoint {
            // What it leaves with an output is nothing to go on from.
            Some(last) if !finished.end.is_done() => self.tell_checkpoint(last),
            Some(_) => {}
            None => finished.checkpoint = newest,
        }
        finished
    }

    fn read_until(
        &mut self,
        end: &Receiver<()>,
        run: &Run,
        reads: bool,
        newest: &mut Option<SavedCheckpoint>,
    ) {
        let (mut meter, began) = (Meter::new(), Instant::now());
        loop {
            let left = self.timeout.map(|all| all.saturating_sub(began.elapsed()));
            let wait = left.into_iter().chain(reads.then_some(EVERY)).min();
            let wait = wait.unwrap_or(Duration::MAX);
            let over = end.recv_timeout(wait) != Err(RecvTimeoutError::Timeout);
            if self.on_progress.is_some()
                && let Some(snapshot) = run.read()
            {
                let progress = meter.update(Timestamp::now(), began.elapsed(), &snapshot);
                tell(
                    "on_progress",
                    self.of.kind,
                    &mut self.on_progress,
                    &progress,
                );
            }
            if over {
                return;
            }
            if self.keeps_checkpoints {
                if let Some(saved) = run.take_checkpoint() {
                    self.tell_checkpoint(&saved);
                    *newest = Some(saved);
                }
                run.look_at_checkpoint_time(Instant::now());
            }
            let is_over = |all: &mut Duration| began.elapsed() >= *all;
            if self.timeout.take_if(is_over).is_some() {
                run.ask(StopVerb::Deadline);
            }
        }
    }

    fn tell_checkpoint(&mut self, saved: &SavedCheckpoint) {
        if self.on_checkpoint.is_some() {
            let checkpoint = self.of.checkpoint(saved.clone());
            let kind = self.of.kind;
            tell("on_checkpoint", kind, &mut self.on_checkpoint, &checkpoint);
        }
    }
}

/// Tells somebody who listens. Whoever panics is told nothing more; the run goes on, for its output is worth
/// more.
fn tell<T>(name: &str, kind: &str, listener: &mut Option<Listener<'_, T>>, what: &T) {
    let Some(hear) = listener else {
        return;
    };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| hear(what))) {
        let why = panic_message(&*payload);
        log::error!("{kind}: its {name} panicked, and is not called any more: {why}");
        *listener = None;
    }
}
