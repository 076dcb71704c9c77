//! The events that tell of what became of an operation.

use impresario_api::{
    EventBody, RescheduledData, ResumedData, StatusData, SubmittedData, Timestamp,
};

use super::record::StoredOperation;

impl StoredOperation {
    pub(super) fn submitted_event(&self) -> EventBody {
        EventBody::Submitted(SubmittedData {
            kind: self.kind.clone(),
            lane: self.lane.clone(),
            priority: self.priority,
            labels: self.labels.clone(),
            requested_by: self.requested_by.clone(),
            retry_of: self.retry_of,
            forked_from: self.forked.as_ref().map(|forked| forked.from.clone()),
            reason: self.reason.clone(),
            not_before: self.state.not_before,
            status: self.state.shown(),
            verbs: self.state.verbs(self.created_at),
        })
    }

    pub(super) fn status_event(&self, now: Timestamp) -> EventBody {
        EventBody::Status(self.told(now))
    }

    /// What is told of its status, in events as in views.
    pub(crate) fn told(&self, now: Timestamp) -> StatusData {
        let state = &self.state;
        StatusData {
            status: state.shown(),
            run: state.run,
            attempt: state.attempt,
            stop: state.stop.clone(),
            stopped_early: state.stopped_early(),
            error: state.error.clone(),
            verbs: state.verbs(now),
            started_at: self.started_at,
            completed_at: self.completed_at,
            not_before: state.waits_until(),
        }
    }

    pub(super) fn resumed_event(
        &self,
        by: String,
        reason: Option<String>,
        now: Timestamp,
    ) -> EventBody {
        EventBody::Resumed(ResumedData {
            requested_by: by,
            reason,
            status: self.state.shown(),
            attempt: self.state.attempt,
            verbs: self.state.verbs(now),
        })
    }

    pub(super) fn rescheduled_event(
        &self,
        by: String,
        reason: Option<String>,
        now: Timestamp,
    ) -> EventBody {
        EventBody::Rescheduled(RescheduledData {
            requested_by: by,
            reason,
            not_before: self.state.waits_until(),
            status: self.state.shown(),
            verbs: self.state.verbs(now),
        })
    }
}
