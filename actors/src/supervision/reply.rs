//! The way back of a command's outcome.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::pubsub::TopicPosition;
use crate::store::{Outcome, StoreError};

/// Who waits for an outcome.
pub(crate) struct Reply {
    sender: Option<oneshot::Sender<Result<Outcome, StoreError>>>,
    /// The position of a caller that waits for what comes of the outcome: the operation's events wake it.
    position: Option<Arc<TopicPosition>>,
}

impl Reply {
    pub(crate) const fn new(
        sender: oneshot::Sender<Result<Outcome, StoreError>>,
        position: Option<Arc<TopicPosition>>,
    ) -> Self {
        Self {
            sender: Some(sender),
            position,
        }
    }

    pub(crate) fn send(mut self, result: Result<Outcome, StoreError>) {
        if matches!(&result, Ok(Outcome::Done(done)) if !done.events.is_empty()) {
            self.position = None;
        }
        if let Some(sender) = self.sender.take() {
            // Who asked may have gone; what was recorded stays.
            let _ = sender.send(result);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        drop(self.sender.take());
        // Nothing was recorded, so no event will wake the caller.
        if let Some(position) = self.position.take() {
            position.mark_lagging();
        }
    }
}
