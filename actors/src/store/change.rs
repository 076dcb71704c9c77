//! What a command does to one operation: the same for every store.
//!
//! Each function changes a copy that its store holds: on an `Err` that copy is dropped, so a
//! refused command leaves nothing behind.

use std::sync::Arc;

use impresario_api::{
    CheckpointView, Event, EventBody, OperationError, RestoredData, ResumedData, Status,
    StatusData, SubmittedData, Timestamp,
};

use super::End;
use super::record::{KEPT_CHECKPOINTS, MOST_WARNINGS, Operation, Submission, UNREADABLE};
use crate::operation::SavedCheckpoint;
use crate::rules::lifecycle::{self, Input, Moment, Recorded, Rejection, State, Told};
use crate::rules::run_end::RunEnd;

/// Something to be recorded, with its time; [`Operation::number`] makes an event of it.
pub type Fact = (Timestamp, EventBody);

impl Operation {
    /// A start as it is recorded, and the event that tells of it.
    pub fn submitted(submission: Submission) -> (Self, EventBody) {
        let operation = Self::of(submission);
        let event = operation.submitted_event();
        (operation, event)
    }

    /// A start whose run begins at `now`, before anything of it is recorded.
    pub fn begun(submission: Submission, now: Timestamp) -> Result<Self, Rejection> {
        let mut operation = Self::of(submission);
        operation.apply(&Input::Dispatched, Moment { now, jitter: 0.0 })?;
        Ok(operation)
    }

    /// What is recorded of one that [`Self::begun`] made, with the end of its run where it has come.
    pub fn recorded(&self, end: Option<&End>) -> Result<(Self, Vec<Fact>), Rejection> {
        let mut operation = self.clone();
        let began = self.dispatched_at.unwrap_or(self.created_at);
        let mut facts = vec![
            (self.created_at, self.submitted_event()),
            (began, self.status_event()),
        ];
        if let Some(end) = end {
            facts.extend(operation.end(end)?);
        }
        Ok((operation, facts))
    }

    fn of(submission: Submission) -> Self {
        Self {
            id: submission.id,
            kind: submission.kind,
            lane: submission.lane,
            priority: submission.priority,
            labels: submission.labels,
            requested_by: submission.requested_by,
            retry_of: submission.retry_of,
            reason: submission.reason,
            params: submission.params,
            timeout_ms: submission.timeout_ms,
            unique: submission.unique,
            state: State::submitted(submission.terms, submission.not_before),
            created_at: submission.now,
            started_at: None,
            dispatched_at: None,
            completed_at: None,
            ran_ms: 0,
            progress: None,
            checkpoints: Vec::new(),
            warnings: Vec::new(),
            output: None,
            seq: 0,
        }
    }

    /// What an input does: the events that tell of it, and whether a new operation was asked for.
    pub fn apply(
        &mut self,
        input: &Input,
        moment: Moment,
    ) -> Result<(Vec<EventBody>, bool), Rejection> {
        let change = lifecycle::next(&self.state, input, moment)?;
        self.state = change.state;
        self.keep_times(input, moment.now);
        let event = match change.told {
            Told::Nothing => None,
            Told::Status => Some(self.status_event()),
            Told::Resumed { by, reason } => Some(self.resumed_event(by, reason)),
        };
        Ok((event.into_iter().collect(), change.new_operation))
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
        let mut facts = events.to_vec();
        if let Some(checkpoint) = checkpoint {
            facts.push((checkpoint.at, EventBody::Checkpoint(checkpoint.view())));
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
        let (told, _) = self.apply(&input, moment)?;
        if self.state.status == Recorded::Completed {
            self.output = end.output.clone().map(Arc::new);
        }
        facts.extend(told.into_iter().map(|event| (end.now, event)));
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
        self.completed_at.get_or_insert(now);
        self.output = None;
        self.status_event()
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

    /// The newest checkpoint.
    pub fn checkpoint(&self) -> Option<&SavedCheckpoint> {
        self.checkpoints.last()
    }

    /// Whether it has not ended.
    pub const fn is_live(&self) -> bool {
        !self.state.status.is_ended()
    }

    /// When it began and ended, and how long its runs took. `self.state` is the new one.
    fn keep_times(&mut self, input: &Input, now: Timestamp) {
        match input {
            Input::Dispatched => {
                self.started_at.get_or_insert(now);
                self.dispatched_at = Some(now);
            }
            Input::Ended { end, .. } => {
                let until = match end {
                    RunEnd::Lost => self.last_sign_of_life(),
                    _ => Some(now),
                };
                if let (Some(since), Some(until)) = (self.dispatched_at.take(), until) {
                    let ran = until.as_millis().saturating_sub(since.as_millis());
                    self.ran_ms = self.ran_ms.saturating_add(ran.max(0) as u64);
                }
            }
            Input::Asked { .. } | Input::TimedOut { .. } | Input::ShuttingDown { .. } => {}
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
        let left = self.checkpoint();
        let left = left.filter(|checkpoint| checkpoint.run == self.state.run);
        left.map(|checkpoint| checkpoint.at).or(self.dispatched_at)
    }

    /// As it was when it was submitted, whatever became of it since.
    fn submitted_event(&self) -> EventBody {
        let submitted = State::submitted(self.state.terms, self.state.not_before);
        EventBody::Submitted(SubmittedData {
            kind: self.kind.clone(),
            lane: self.lane.clone(),
            priority: self.priority,
            labels: self.labels.clone(),
            requested_by: self.requested_by.clone(),
            retry_of: self.retry_of,
            reason: self.reason.clone(),
            not_before: self.state.not_before,
            status: Status::Pending,
            verbs: submitted.verbs(),
        })
    }

    fn status_event(&self) -> EventBody {
        let state = &self.state;
        EventBody::Status(StatusData {
            status: state.shown(),
            run: state.run,
            attempt: state.attempt,
            stop: state.stop.clone(),
            stopped_early: state.stopped_early(),
            error: state.error.clone(),
            verbs: state.verbs(),
            started_at: self.started_at,
            completed_at: self.completed_at,
            not_before: state.not_before,
        })
    }

    fn resumed_event(&self, by: String, reason: Option<String>) -> EventBody {
        EventBody::Resumed(ResumedData {
            requested_by: by,
            reason,
            status: self.state.shown(),
            attempt: self.state.attempt,
            verbs: self.state.verbs(),
        })
    }
}

impl SavedCheckpoint {
    /// What a client sees of it.
    pub fn view(&self) -> CheckpointView {
        CheckpointView {
            at: self.at,
            step: self.step.clone(),
            bytes: self.bytes,
        }
    }
}
