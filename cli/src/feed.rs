//! Receives an operation's views and events: over a live socket, which is opened again when it is lost;
//! or, if a proxy allows none, by polling. The follower knows only [`Arrival`].

mod live;
mod poll;
mod socket;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use impresario_api::{Event, EventBody, MetricSeries, OperationId, OperationView};
use serde_json::Value;

use crate::client::{Client, parse};
use crate::error::Error;

/// The time between two views while nothing happens, so that the clock on the screen goes on.
const EVERY: Duration = Duration::from_millis(100);
/// The time between two attempts while the server does not answer.
const RETRY: Duration = Duration::from_millis(250);
/// How long a view may take. It is answered from memory, so a slower server counts as unreachable.
const ANSWER: Duration = Duration::from_secs(5);
/// For how long the server may not answer before the feed gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the feed reports.
pub(crate) enum Arrival {
    /// The operation as it is now; after its end also as the server sent it.
    View(Box<OperationView>, Value),
    /// An event, in order, before the view that includes it.
    Event(Box<Event>),
    /// The metrics of a fork so far, of which those of its ancestors are no events of its own.
    Metrics(Box<MetricSeries>),
    /// The server does not answer. The feed keeps trying.
    Lost(Error),
    /// The server answers again.
    Back,
    /// Nothing more will arrive.
    Over(Error),
}

/// The operation that is followed, and where to report.
struct Feed<T> {
    client: Arc<Client>,
    id: OperationId,
    /// Whether the follower shows events, and not only the end.
    wants_events: bool,
    tell: T,
    lost_at: Option<Instant>,
}

/// Reports on `id` until it has ended, `tell` returns false, or the feed gives up; with `wants_events`
/// also its events.
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
    /// The server answers: reports that if it did not before. Returns whether the follower still listens.
    fn found(&mut self) -> bool {
        self.lost_at.take().is_none() || (self.tell)(Arrival::Back)
    }

    /// The server does not answer. Returns whether to keep trying.
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

    /// Reports that the feed gives up.
    fn over(&self, error: Error) -> bool {
        (self.tell)(Arrival::Over(error));
        false
    }

    /// Reports an event, and with the first one of a fork the metrics of its ancestors. Without them the follower
    /// knows less, and follows all the same. Returns whether it still listens.
    fn report(&self, event: Event) -> bool {
        let is_fork =
            matches!(&event.body, EventBody::Submitted(data) if data.forked_from.is_some());
        if !(self.tell)(Arrival::Event(Box::new(event))) {
            return false;
        }
        let metrics = || {
            let path = format!("{}/metrics", self.path());
            let metrics = self.client.get_within(ANSWER, &path, &[]).ok()?;
            parse::<MetricSeries>(metrics).ok()
        };
        match is_fork.then(metrics).flatten() {
            Some(metrics) => (self.tell)(Arrival::Metrics(Box::new(metrics))),
            None => true,
        }
    }

    fn path(&self) -> String {
        format!("/api/v1/operations/{}", self.id)
    }

    fn view(&self) -> Result<(OperationView, Value), Error> {
        let raw = self.client.get_within(ANSWER, &self.path(), &[])?;
        Ok((parse(raw.clone())?, raw))
    }
}
