//! One subscription: what the supervisor tells it, as frames.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use actix_web::rt::time::sleep_until;
use impresario::store::Query;
use impresario::{Error, Interest, Orchestrator, Subscription, Update};
use impresario_api::{
    Code, EventBody, EventType, FilterSnapshot, FrameBody, GapData, OperationId, Progress,
    ServerFrame, Snapshot, Timestamp,
};
use tokio::sync::MutexGuard;

use crate::http::connection::Permit;
use crate::http::errors::ApiError;

use super::frames::{self, Prefix};
use super::outbox::Outbox;
use super::request::SubscriptionRequest;

/// Rows in a filter's snapshot.
const ROWS: usize = 100;

/// A subscription at work.
struct Work {
    orchestrator: Orchestrator,
    outbox: Outbox,
    prefix: Prefix,
    request: SubscriptionRequest,
    /// When each operation's progress was sent last, and what has come since.
    progress: HashMap<OperationId, ProgressThrottle>,
}

struct ProgressThrottle {
    next: Instant,
    held: Option<(Timestamp, Progress)>,
}

/// Tells a client what it asked for, until its socket ends; its permit is kept as long.
pub(super) async fn serve(
    orchestrator: Orchestrator,
    outbox: Outbox,
    mut request: SubscriptionRequest,
    _permit: Option<Permit>,
) {
    // What each begins with may be large, and waits until the client has read what came before it.
    let turn = outbox.turn().await;
    // Boxed, as what follows seldom is: the task would have room for it all its life.
    let listening = Box::pin(listen(&orchestrator, &outbox, &mut request)).await;
    match listening {
        Err(error) => refuse(&outbox, &request.sub, &error),
        Ok(mut subscription) => {
            frames::send(
                &outbox,
                Some(&request.sub),
                FrameBody::Subscribed(frames::nothing()),
            );
            let mut work = Work {
                orchestrator,
                prefix: Prefix::of(&request.sub),
                outbox: outbox.clone(),
                request,
                progress: HashMap::new(),
            };
            work.run(&mut subscription, turn).await;
        }
    }
}

async fn listen(
    orchestrator: &Orchestrator,
    outbox: &Outbox,
    request: &mut SubscriptionRequest,
) -> Result<Subscription, Error> {
    check_since(orchestrator, outbox, request).await?;
    match &request.interest {
        // One that has ended may be resumed, and a client hears of that until it unsubscribes.
        Interest::Operation(id) => {
            let subscription = orchestrator.subscribe(*id, request.since).await;
            subscription.map(Subscription::until_closed)
        }
        matching => {
            let matching = matching.clone();
            orchestrator
                .subscribe_matching(matching, request.since)
                .await
        }
    }
}

/// A `since` that is ahead of what there is: said, and then as if there was none.
async fn check_since(
    orchestrator: &Orchestrator,
    outbox: &Outbox,
    request: &mut SubscriptionRequest,
) -> Result<(), Error> {
    let Some(since) = request.since else {
        return Ok(());
    };
    let (last, what) = match &request.interest {
        Interest::Operation(id) => (
            orchestrator.view(*id).await?.row.seq,
            "event of the operation",
        ),
        Interest::Matching { .. } => (orchestrator.cursor().await?, "event"),
    };
    if since > last {
        let message =
            format!("since is {since}, but the last {what} is {last}; a snapshot follows");
        frames::error(outbox, Some(&request.sub), Code::SinceAhead, message);
        request.since = None;
    }
    Ok(())
}

fn refuse(outbox: &Outbox, sub: &str, error: &Error) {
    let told = ApiError::from(error.clone()).into_body();
    frames::send(outbox, Some(sub), FrameBody::Error(told));
}

impl Work {
    /// The turn is over with the snapshot.
    async fn run(&mut self, subscription: &mut Subscription, turn: MutexGuard<'_, ()>) {
        let mut begins = Some(turn);
        loop {
            self.outbox.room().await;
            if self.outbox.is_over() {
                return;
            }
            let due = self.next_due();
            let update = tokio::select! {
                biased;
                update = subscription.next() => update,
                () = wait(due) => {
                    self.flush_due();
                    continue;
                }
            };
            let goes_on = match update {
                Ok(Some(update)) => {
                    let begun = matches!(update, Update::Snapshot(_) | Update::CaughtUp(_));
                    // There may be none any more: all subscriptions are woken by the same event.
                    self.outbox.room().await;
                    let told = self.tell(update).await;
                    if begun {
                        drop(begins.take());
                    }
                    told
                }
                // The supervisor has ended, and the socket says so; or the operation was removed.
                Ok(None) => false,
                Err(error) => {
                    refuse(&self.outbox, &self.request.sub, &error);
                    // What was missed is read again in a moment.
                    sleep_until((Instant::now() + Duration::from_millis(250)).into()).await;
                    true
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Snapshots and the answers to frames always come.
    fn wants(&self, what: EventType) -> bool {
        let types = self.request.types.as_ref();
        types.is_none_or(|types| types.contains(&what))
    }

    async fn tell(&mut self, update: Update) -> bool {
        match update {
            Update::Event(event) => {
                if let EventBody::Status(status) = &event.body
                    && !status.status.is_dispatched()
                {
                    // A run's last progress comes before its end.
                    self.flush(event.operation_id);
                    self.progress.remove(&event.operation_id);
                }
                !self.wants(EventType::of(&event.body))
                    || self.prefix.send(&self.outbox, &frames::of_event(&event))
            }
            Update::Progress {
                operation_id,
                at,
                progress,
            } => !self.wants(EventType::Progress) || self.throttle(operation_id, at, progress),
            Update::Snapshot(view) => {
                let frame = ServerFrame {
                    operation_id: Some(view.row.operation_id),
                    seq: Some(view.row.seq),
                    at: view.row.server_time,
                    ..frames::bare(FrameBody::Snapshot(Snapshot::View(view)))
                };
                self.prefix.own(&self.outbox, &frame)
            }
            Update::CaughtUp(cursor) => Box::pin(self.rows(cursor)).await,
            Update::Gap(events) => {
                let gap = GapData {
                    logs: 0,
                    metrics: 0,
                    events,
                };
                self.prefix
                    .own(&self.outbox, &frames::bare(FrameBody::Gap(gap)))
            }
            // There is no frame for what this version does not know.
            _ => true,
        }
    }

    /// The newest active rows of a filter.
    async fn rows(&self, cursor: u64) -> bool {
        let Interest::Matching { kinds, label } = &self.request.interest else {
            return true;
        };
        let query = Query::default()
            .kinds(kinds.clone())
            .label(label.clone())
            .active_only(true)
            .limit(ROWS);
        match self.orchestrator.list(query).await {
            Ok(list) => {
                let operations = list.operations;
                let snapshot = Snapshot::Rows(FilterSnapshot { operations, cursor });
                let frame = ServerFrame {
                    cursor: Some(cursor),
                    ..frames::bare(FrameBody::Snapshot(snapshot))
                };
                self.prefix.own(&self.outbox, &frame)
            }
            Err(error) => {
                refuse(&self.outbox, &self.request.sub, &error);
                true
            }
        }
    }

    /// Sends progress now, or keeps it until its turn: the newest wins.
    fn throttle(&mut self, id: OperationId, at: Timestamp, progress: Progress) -> bool {
        let now = Instant::now();
        if !self.progress.contains_key(&id) {
            // One whose end was never told, because it was removed before it could be read, must not
            // stay for ever.
            let matters =
                |throttle: &ProgressThrottle| throttle.held.is_some() || throttle.next > now;
            self.progress.retain(|_, throttle| matters(throttle));
        }
        let throttle = self.progress.entry(id).or_insert(ProgressThrottle {
            next: now,
            held: None,
        });
        throttle.held = Some((at, progress));
        if now < throttle.next {
            return true;
        }
        throttle.next = now + self.request.progress_every;
        self.flush(id)
    }

    fn flush(&mut self, id: OperationId) -> bool {
        let held = self
            .progress
            .get_mut(&id)
            .and_then(|throttle| throttle.held.take());
        let Some((at, progress)) = held else {
            return true;
        };
        let tail = frames::of_progress(id, at, &progress);
        self.prefix.send(&self.outbox, &tail)
    }

    /// When the next progress that is held back may go.
    fn next_due(&self) -> Option<Instant> {
        let held = self
            .progress
            .values()
            .filter(|throttle| throttle.held.is_some());
        held.map(|throttle| throttle.next).min()
    }

    fn flush_due(&mut self) {
        let now = Instant::now();
        let due = self
            .progress
            .iter()
            .filter(|(_, throttle)| throttle.held.is_some() && throttle.next <= now);
        let due: Vec<_> = due.map(|(id, _)| *id).collect();
        for id in due {
            if !self.outbox.has_room() {
                // The rest is due as soon as there is.
                return;
            }
            if let Some(throttle) = self.progress.get_mut(&id) {
                throttle.next = now + self.request.progress_every;
            }
            self.flush(id);
        }
    }
}

/// Until then; for ever, when there is no such time.
async fn wait(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<A, B, C, D, F: Future>(_: impl FnOnce(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_task_has_no_room_for_what_it_seldom_does() {
        let size = size(serve);
        assert!(
            size < 2_000,
            "{size} bytes; which part of it should be boxed?"
        );
    }
}
