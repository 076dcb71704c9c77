//! Runs of tiny kinds that begin before they are recorded, so that a start, its run and its end are
//! one commit: `docs/adr/0012`.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{AsyncContext, Context};
use impresario_api::OperationId;

use super::Manager;
use crate::store::{Command, End, Operation, Submission};
use crate::supervision::commands::Start;
use crate::supervision::writer::{Entry, Reply};

/// Those whose start waits to be recorded with the end of their run.
#[derive(Default)]
pub(super) struct Ahead {
    /// Who waits for what is recorded.
    replies: HashMap<OperationId, Reply>,
    /// In the order in which they began; those that have ended since among them.
    began: VecDeque<(Instant, OperationId)>,
}

impl Ahead {
    /// Its function has returned, or it is to be recorded as running.
    pub(super) fn take(&mut self, id: OperationId) -> Option<Reply> {
        self.replies.remove(&id)
    }
}

impl Manager {
    /// The slot in which a start may run before it is recorded. Not one that another start could
    /// turn out to be, not while the store cannot write, and not while others are ready to go.
    pub(super) fn slot_ahead(&self, submission: &Submission) -> Option<usize> {
        let may = submission.terms.tiny
            && submission.not_before.is_none()
            && submission.idempotency.is_none()
            && submission.unique.is_none()
            && !self.store_ails
            && !self.store_gone;
        let lane = self.lanes.get(&submission.lane).filter(|_| may)?;
        lane.slot_ahead()
    }

    /// Begins the run of a start; the start is recorded with its end, or as running if that takes
    /// long.
    pub(super) fn begin_ahead(&mut self, start: Start, slot: usize, ctx: &mut Context<Self>) {
        let id = start.submission.id;
        let begun = match Operation::begun(*start.submission, self.now()) {
            Ok(begun) => Arc::new(begun),
            // What is new waits, and what waits can be dispatched: this cannot be. Its reply is dropped.
            Err(rejection) => return log::error!("{id} cannot begin: {rejection:?}"),
        };
        self.ahead.replies.insert(id, start.reply);
        if self.ahead.began.is_empty() {
            record_later(self.of.config.recorded_within, ctx);
        }
        self.ahead.began.push_back((Instant::now(), id));
        self.launch(&begun, Some(slot), ctx);
    }

    /// The end of a run, with its start where that is not recorded yet: then nobody has heard of it,
    /// and nothing is left to do for it here.
    pub(super) fn end_entry(&mut self, begun: Arc<Operation>, end: Box<End>) -> Entry {
        let Some(reply) = self.ahead.take(end.id) else {
            return Entry::silent(Command::End(end));
        };
        self.leave(end.id);
        let end = Some(end);
        Entry::answered(Command::Record { begun, end }, reply)
    }

    /// Records as running what began before `before`; all of it without.
    pub(super) fn record_begun(&mut self, before: Option<Instant>) {
        while let Some((began, id)) = self.ahead.began.front().copied()
            && before.is_none_or(|before| began <= before)
        {
            self.ahead.began.pop_front();
            let Some(reply) = self.ahead.take(id) else {
                continue;
            };
            let Some(live) = self.live.get(&id) else {
                continue;
            };
            let begun = Arc::clone(&live.of.operation);
            // Told from now on, and its slot is shared no more.
            live.of.run.recorded();
            let record = Command::Record { begun, end: None };
            self.of.link.send(vec![Entry::answered(record, reply)]);
        }
    }

    /// The end of a run whose start was refused, or could not be written: it ran for nobody.
    pub(super) fn never_recorded(&mut self, id: OperationId) {
        if self.live.get(&id).is_some_and(|live| live.ended) {
            self.leave(id);
            self.of.sweeper.forget(&[id]);
        }
    }
}

/// Looks again and again as long as there is any.
fn record_later(wait: Duration, ctx: &mut Context<Manager>) {
    ctx.run_later(wait, |manager, ctx| {
        let (now, within) = (Instant::now(), manager.of.config.recorded_within);
        manager.record_begun(now.checked_sub(within));
        if let Some((began, _)) = manager.ahead.began.front() {
            record_later(within.saturating_sub(now - *began), ctx);
        }
    });
}
