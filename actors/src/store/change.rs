//! What a command does to one operation: the same for every store.
//!
//! Each function changes a copy that its store holds: on an `Err` that copy is dropped, so a
//! refused command leaves nothing behind.

use std::sync::Arc;

use impresario_api::{CheckpointView, Event, EventBody, OperationError, RestoredData, Timestamp};

use super::End;
use super::record::{
    Fork, ForkOrigin, KEPT_CHECKPOINTS, MOST_WARNINGS, StoredOperation, Submission, UNREADABLE,
};
use crate::rules::checkpoints::went_further;
use crate::rules::lifecycle::{self, Announcement, Input, Moment, Recorded, Rejection, State};
use crate::rules::run_end::RunEnd;
use crate::run::SavedCheckpoint;

/// Something to be recorded, with its time; [`StoredOperation::number`] makes an event of it.
pub type Fact = (Timestamp, EventBody);

impl StoredOperation {
    /// A start as it is recorded, and the event that tells of it.
    pub fn submitted(submission: Submission) -> (Self, EventBody) {
        let mut state = State::submitted(submission.terms, submission.not_before);
        state.has_checkpoint = submission.fork.is_some();
        let (forked, checkpoint) = submission.fork.map(forked).unzip();
        let operation = Self {
            id: submission.id,
            kind: submission.kind,
            lane: submission.lane,
            priority: submission.priority,
            labels: submission.labels,
            requested_by: submission.requested_by,
            retry_of: submission.retry_of,
            reason: submission.reason,
            forked,
            params: submission.params,
            timeout_ms: submission.timeout_ms,
            unique: submission.unique,
            state,
            created_at: submission.now,
            pending_since: None,
            started_at: None,
            dispatched_at: None,
            owner: None,
            completed_at: None,
            ran_ms: 0,
            progress: None,
            checkpoints: checkpoint.into_iter().collect(),
            warnings: Vec::new(),
            output: None,
            seq: 0,
        };
        let event = operation.submitted_event();
        (operation, event)
    }

    /// What an input does: the facts that tell of it, and whether a new operation was asked for.
    pub fn apply(&mut self, input: &Input, moment: Moment) -> Result<(Vec<Fact>, bool), Rejection> {
        self.apply_after(input, moment, None)
    }

    /// The same for the end of a run that took so long by a clock that nobody sets.
    fn apply_after(
        &mut self,
        input: &Input,
        moment: Moment,
        ran_ms: Option<u64>,
    ) -> Result<(Vec<Fact>, bool), Rejection> {
        let change = lifecycle::next(&self.state, input, moment)?;
        // What is recorded keeps its order; what is waited for goes by the clock as it is.
        let (now, at) = (moment.now, self.recorded_at(moment.now));
        self.state = change.state;
        if self.state.status != Recorded::Running {
            self.owner = None;
        }
        self.keep_times(
            input,
            at,
            ran_ms,
            change.announcement != Announcement::Nothing,
        );
        let event = match change.announcement {
            Announcement::Nothing => None,
            Announcement::Status => Some(self.status_event(now)),
            Announcement::Resumed { by, reason } => Some(self.resumed_event(by, reason, now)),
            Announcement::Rescheduled { by, reason } => {
                Some(self.rescheduled_event(by, reason, now))
            }
        };
        let facts = event.into_iter().map(|event| (at, event));
        Ok((facts.collect(), change.new_operation))
    }

    /// The time under which something of it is recorded: `now`, but never before its creation or the
    /// start of its run, for the clock may have been set back.
    pub fn recorded_at(&self, now: Timestamp) -> Timestamp {
        let last = self.dispatched_at.or(self.started_at);
        now.max(last.unwrap_or(self.created_at))
    }

    /// Since when a pending one could run, or will be able to.
    pub fn could_run_since(&self) -> Timestamp {
        let since = self.pending_since.unwrap_or(self.created_at);
        self.state.waits_until().map_or(since, |due| due.max(since))
    }

    /// A run went on from an older checkpoint: the newer ones turned out damaged, and must not push
    /// out the one that is whole when the next is kept. Those of this very run are newer still.
    fn forget_skipped(&mut self, restored: &RestoredData) {
        let used =
            |kept: &SavedCheckpoint| kept.run < restored.run && kept.step == restored.from_step;
        let Some(used) = self.checkpoints.iter().rposition(used) else {
            return;
        };
        let mut place = 0..;
        self.checkpoints.retain(|kept| {
            let newer = place.next().is_some_and(|place| place > used);
            !newer || kept.run >= restored.run
        });
    }

    /// What run `run` reports while it goes on. The checkpoint's event comes after the others.
    pub fn append(
        &mut self,
        run: u32,
        events: &[Fact],
        checkpoint: Option<&SavedCheckpoint>,
    ) -> Result<Vec<Fact>, Rejection> {
        if self.state.status != Recorded::Running || self.state.run != run {
            return Err(Rejection::Fenced(run));
        }
        for (_, event) in events {
            if let EventBody::Warning(warning) = event
                && self.warnings.len() < MOST_WARNINGS
            {
                self.warnings.push(warning.clone());
            }
            if let EventBody::Restored(restored) = event {
                self.forget_skipped(restored);
            }
        }
        let told = events.iter();
        let told = told.map(|(at, event)| (self.recorded_at(*at), event.clone()));
        let mut facts: Vec<_> = told.collect();
        if let Some(checkpoint) = checkpoint {
            let at = self.recorded_at(checkpoint.at);
            facts.push((at, EventBody::Checkpoint(checkpoint.view())));
            let old = (self.checkpoints.len() + 1).saturating_sub(KEPT_CHECKPOINTS);
            self.checkpoints.drain(..old);
            self.checkpoints.push(checkpoint.clone());
            self.state.has_checkpoint = true;
        }
        Ok(facts)
    }

    /// A run's end: its last reports, and then the status that follows, which is the last event.
    pub fn end(&mut self, end: &End) -> Result<Vec<Fact>, Rejection> {
        let mut facts = self.append(end.run, &end.events, end.checkpoint.as_ref())?;
        if let Some(progress) = &end.progress {
            self.progress = Some(progress.clone());
        }
        let input = Input::Ended {
            run: end.run,
            end: end.end.clone(),
            signalled: end.signalled.clone(),
        };
        let moment = Moment {
            now: end.now,
            jitter: end.jitter,
        };
        let (told, _) = self.apply_after(&input, moment, end.ran_ms)?;
        if self.state.status == Recorded::Completed {
            self.output = end.output.clone().map(Arc::new);
        }
        facts.extend(told);
        Ok(facts)
    }

    /// What takes the place of a record that cannot be read: failed, with what could be read of it, and
    /// the event that tells of it. It is never dispatched, and goes as all go that have ended.
    pub fn set_aside(&mut self, why: &str, now: Timestamp) -> EventBody {
        self.state = State {
            status: Recorded::Failed,
            stop: None,
            shutdown: false,
            early: false,
            not_before: None,
            backoff_until: None,
            error: Some(OperationError {
                code: UNREADABLE.to_owned(),
                message: format!(
                    "its record in the store cannot be read and was set aside ({why})"
                ),
                details: None,
                retryable: false,
                run: self.state.run,
                step: None,
            }),
            ..self.state.clone()
        };
        self.dispatched_at = None;
        self.owner = None;
        self.completed_at.get_or_insert(now);
        self.output = None;
        self.status_event(now)
    }

    /// Makes numbered events of facts: `seq` goes on from this operation's last one, `cursor` from
    /// the store's.
    pub fn number(&mut self, cursor: &mut u64, facts: Vec<Fact>) -> Vec<Arc<Event>> {
        let mut event = |(at, body)| {
            self.seq += 1;
            *cursor += 1;
            Arc::new(Event {
                operation_id: self.id,
                seq: self.seq,
                cursor: *cursor,
                at,
                body,
            })
        };
        facts.into_iter().map(&mut event).collect()
    }

    /// Forgets the checkpoints of one that was cancelled: nothing goes on from them any more.
    pub(super) fn remove_checkpoints(&mut self) {
        self.checkpoints.clear();
        self.state.has_checkpoint = false;
    }

    /// When it was cancelled, of a cancelled one that has checkpoints.
    pub fn cancelled_with_checkpoints(&self) -> Option<Timestamp> {
        let kept = self.state.status == Recorded::Cancelled && !self.checkpoints.is_empty();
        self.completed_at.filter(|_| kept)
    }

    /// The checkpoints that can be forked, oldest first. Of an operation that has completed the folders are
    /// removed.
    pub fn kept_checkpoints(&self) -> Vec<&SavedCheckpoint> {
        let completed = self.state.status == Recorded::Completed;
        let kept = self.checkpoints.iter();
        kept.filter(|one| !completed || one.dir.is_none()).collect()
    }

    /// How its run ended if its process went away.
    pub fn lost(&self) -> RunEnd {
        RunEnd::Lost {
            went_further: went_further(&self.checkpoints, self.state.run),
        }
    }

    /// The newest checkpoint.
    pub fn checkpoint(&self) -> Option<&SavedCheckpoint> {
        self.checkpoints.last()
    }

    /// The unique text that it holds: while it is live, no other may have it.
    pub fn held(&self) -> Option<&str> {
        match &self.unique {
            Some(text) if self.is_live() => Some(text),
            _ => None,
        }
    }

    /// Whether it has not ended.
    pub const fn is_live(&self) -> bool {
        !self.state.status.is_ended()
    }

    /// When it began, ended and waits since, and how long its runs took. `self.state` is the new one,
    /// of which something was told or nothing.
    fn keep_times(&mut self, input: &Input, now: Timestamp, ran_ms: Option<u64>, told: bool) {
        match input {
            Input::Dispatched => {
                self.started_at.get_or_insert(now);
                self.dispatched_at = Some(now);
            }
            Input::Ended { end, .. } => {
                let until = match end {
                    RunEnd::Lost { .. } => self.last_sign_of_life(),
                    _ => Some(now),
                };
                if let (Some(since), Some(until)) = (self.dispatched_at.take(), until) {
                    let ran = until.as_millis().saturating_sub(since.as_millis());
                    let ran = ran_ms.unwrap_or(ran.max(0).unsigned_abs());
                    self.ran_ms = self.ran_ms.saturating_add(ran);
                }
            }
            Input::Asked { .. } | Input::TimedOut { .. } | Input::ShuttingDown { .. } => {}
        }
        if told {
            let pending = self.state.status == Recorded::Pending;
            self.pending_since = pending.then_some(now);
        }
        if self.is_live() {
            self.completed_at = None;
        } else {
            self.completed_at.get_or_insert(now);
        }
    }

    /// A lost run ended nobody knows when, and the hours that the machine was off are no running
    /// time: it counts up to the last thing that it left.
    fn last_sign_of_life(&self) -> Option<Timestamp> {
        match self.checkpoint() {
            Some(checkpoint) if checkpoint.run == self.state.run => Some(checkpoint.at),
            _ => self.dispatched_at,
        }
    }
}

fn forked(fork: Fork) -> (ForkOrigin, SavedCheckpoint) {
    let origin = ForkOrigin {
        from: fork.from,
        metrics: fork.checkpoint.metrics.clone(),
    };
    (origin, fork.checkpoint)
}

impl SavedCheckpoint {
    /// What a client sees of it.
    ///
    /// ```
    /// # use impresario::operation::{Context, Failure, Operation, Policy};
    /// # struct Count;
    /// # impl Operation for Count {
    /// #     const KIND: &'static str = "count";
    /// #     type Params = ();
    /// #     type Output = ();
    /// #     fn policy(&self) -> Policy { Policy::lane("default") }
    /// #     fn run(&self, (): (), ctx: &Context) -> Result<(), Failure> {
    /// #         for step in ctx.steps("step", 0..3) { ctx.checkpoint(&step?)?; }
    /// #         Ok(())
    /// #     }
    /// # }
    /// let ended = impresario::testing::run(&Count, ()).end();
    /// let view = ended.checkpoint().expect("it gave some").view();
    /// assert_eq!(view.step["step"], 3);
    /// ```
    pub fn view(&self) -> CheckpointView {
        CheckpointView {
            at: self.at,
            step: self.step.clone(),
            bytes: self.bytes,
        }
    }
}
