//! A subscriber: its position in a topic, which it holds for as long as it lives.

use std::sync::Arc;

use super::topic::{Notification, Topic, TopicPosition};
use super::{Hub, Interest};

/// A listener: as long as it is there, its topic is.
pub(crate) struct SubscriberCursor {
    pub(super) hub: Arc<Hub>,
    pub(super) topic: Arc<Topic>,
    position: Arc<TopicPosition>,
}

impl Drop for SubscriberCursor {
    fn drop(&mut self) {
        self.hub.leave(&self.topic, &self.position);
    }
}

impl Hub {
    /// A subscriber for what is published from now on. With `lagging` it begins by saying so, for a
    /// listener that has something to catch up with. A topic is kept as long as it has a subscriber:
    /// subscribers enter it here, and leave it as they are dropped, both under the hub's lock.
    pub(crate) fn listen(self: &Arc<Self>, interest: &Interest, lagging: bool) -> SubscriberCursor {
        let (topic, position) = self.enter(interest, lagging);
        SubscriberCursor {
            hub: Arc::clone(self),
            topic,
            position,
        }
    }
}

impl SubscriberCursor {
    /// Where its owner is woken, for one who does not listen itself.
    pub(crate) fn position(&self) -> Arc<TopicPosition> {
        Arc::clone(&self.position)
    }

    /// What comes next; events before progress.
    pub(crate) async fn next(&self) -> Notification {
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            self.position.woken().await;
        }
    }

    pub(super) fn try_next(&self) -> Option<Notification> {
        self.topic.take_next(&self.position)
    }
}
