//! Waiting until something has happened to one operation.

use std::sync::Arc;
use std::time::Duration;

use impresario_api::{EventBody, OperationId, OperationView, Status, Verb};

use super::Orchestrator;
use crate::Error;
use crate::live_count::Counted;
use crate::supervision::pubsub::{Interest, Notification, SubscriberCursor, TopicPosition};

/// For what [`Orchestrator::wait_until`] waits.
///
/// ```
/// use impresario::Until;
/// use impresario::api::{Status, Verb};
///
/// assert_eq!(Until::of(Verb::Pause), Some(Until::EndedOrPaused));
/// assert_eq!(Until::of(Verb::Resume), None);
/// assert!(Until::EndedOrPaused.is_met(Status::Paused));
/// assert!(!Until::Ended.is_met(Status::Paused));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Completed, failed or cancelled.
    Ended,
    /// Ended or paused.
    EndedOrPaused,
}

impl Until {
    /// What a verb brings about, if there is something to wait for.
    pub const fn of(verb: Verb) -> Option<Self> {
        match verb {
            Verb::Cancel | Verb::Finish => Some(Self::Ended),
            Verb::Pause => Some(Self::EndedOrPaused),
            Verb::Resume | Verb::Retry | Verb::StartNow => None,
        }
    }

    /// Whether `status` is what is waited for.
    pub const fn is_met(self, status: Status) -> bool {
        status.is_ended()
            || (matches!(self, Self::EndedOrPaused) && matches!(status, Status::Paused))
    }
}

impl Orchestrator {
    /// Waits until an operation is as `until` says, at most `limit`; the view as it is then.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// use impresario::Until;
    /// use std::time::Duration;
    ///
    /// let id = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?.id;
    /// let view = orchestrator.wait_until(id, Until::Ended, Duration::from_secs(60)).await?;
    /// assert_eq!(view.row.status, api::Status::Completed);
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn wait_until(
        &self,
        id: OperationId,
        until: Until,
        limit: Duration,
    ) -> Result<OperationView, Error> {
        let mut watch = Watch::new(self, id);
        let watching = async {
            loop {
                match self.0.reader.operation(id).await? {
                    None => return Err(Error::NotFound(id)),
                    Some(operation) if until.is_met(operation.state.shown()) => return Ok(()),
                    Some(_) => {}
                }
                if !watch.status_met(until).await {
                    return Ok(());
                }
            }
        };
        if let Some(result) = self.0.blocking.within(limit, watching).await {
            result?;
        }
        self.view(id).await
    }
}

/// Hears that something happened to one operation, without reading what.
pub(super) struct Watch {
    subscriber: SubscriberCursor,
    _counted: Counted,
}

impl Watch {
    pub(super) fn new(orchestrator: &Orchestrator, id: OperationId) -> Self {
        Self {
            subscriber: orchestrator.0.hub.listen(&Interest::Operation(id), false),
            _counted: orchestrator.0.watches.enter(),
        }
    }

    /// The position at which it is woken by one who knows that no event will come.
    pub(super) fn position(&self) -> Arc<TopicPosition> {
        self.subscriber.position()
    }

    /// Waits for any event; false when none will come any more.
    pub(super) async fn any_event(&mut self) -> bool {
        loop {
            match self.subscriber.next().await {
                Notification::Event(_) | Notification::Lagging(_) => return true,
                Notification::Progress(..) => {}
                Notification::Closed => return false,
            }
        }
    }

    /// Waits for a status that `until` waits for, or for a gap that may have held one; false when
    /// none will come any more.
    pub(super) async fn status_met(&mut self, until: Until) -> bool {
        loop {
            match self.subscriber.next().await {
                Notification::Event(event) => {
                    if matches!(&event.body, EventBody::Status(status) if until.is_met(status.status))
                    {
                        return true;
                    }
                }
                Notification::Lagging(_) => return true,
                Notification::Progress(..) => {}
                Notification::Closed => return false,
            }
        }
    }
}
