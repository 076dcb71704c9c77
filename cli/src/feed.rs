//! How an operation's views and events arrive: over a live socket, which is opened again when it is
//! lost; or, where a proxy allows none, by asking again and again. Whoever follows knows only
//! [`Arrival`].

mod live;
mod poll;
mod socket;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use impresario_api::{Event, OperationId, OperationView};
use serde_json::Value;

use crate::client::{Client, parse};
use crate::error::Error;

/// Between two views while nothing happens, so that the clock on the screen goes on.
const EVERY: Duration = Duration::from_millis(100);
/// Between two tries while nobody answers.
const RETRY: Duration = Duration::from_millis(250);
/// A view is answered from memory: slower than this is no answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How long nobody may answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the feed has to say.
pub(crate) enum Arrival {
    /// The operation as it is now; when it has ended also as it came.
    View(Box<OperationView>, Value),
    /// What has happened to it, in order, before the view that knows of it.
    Event(Box<Event>),
    /// Nobody answers; it keeps trying.
    Lost(Error),
    /// They answer again.
    Back,
    /// Nothing will come any more.
    Over(Error),
}

/// Whose feed it is, and what is wanted of it.
struct Feed<T> {
    client: Arc<Client>,
    id: OperationId,
    /// Whether somebody wants to see how it goes, and not only how it ends.
    wants_events: bool,
    tell: T,
    lost_at: Option<Instant>,
}

/// Tells of `id` until it has ended, `tell` says false, or there is no hope left; of its events
/// too where somebody wants to hear of them.
pub(crate) fn start(
    client: Arc<Client>,
    id: OperationId,
    wants_events: bool,
    tell: impl Fn(Arrival) -> bool + Send + 'static,
) {
    let mut feed = Feed {
        client,
        id,
        wants_events,
        tell,
        lost_at: None,
    };
    thread::spawn(move || {
        if !feed.follow_live() {
            feed.follow_by_asking();
        }
    });
}

impl<T: Fn(Arrival) -> bool> Feed<T> {
    /// Somebody answers: says so if nobody did. Whether anybody listens.
    fn found(&mut self) -> bool {
        self.lost_at.take().is_none() || (self.tell)(Arrival::Back)
    }

    /// Nobody answers. Whether to keep trying.
    fn lost(&mut self, error: Error) -> bool {
        match self.lost_at {
            None => {
                self.lost_at = Some(Instant::now());
                (self.tell)(Arrival::Lost(error))
            }
            Some(at) if at.elapsed() < PATIENCE => true,
            Some(_) => self.over(error),
        }
    }

    /// There is no hope left.
    fn over(&self, error: Error) -> bool {
        (self.tell)(Arrival::Over(error));
        false
    }

    fn path(&self) -> String {
        format!("/api/v1/operations/{}", self.id)
    }

    fn view(&self) -> Result<(OperationView, Value), Error> {
        let raw = self.client.get_within(ANSWER, &self.path(), &[])?;
        Ok((parse(raw.clone())?, raw))
    }
}
