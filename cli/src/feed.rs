//! How views of an operation arrive. Today by asking again and again; whoever follows knows only
//! [`Arrival`], so that a live socket can take this module's place.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use impresario_api::{Event, OperationId, OperationView};
use serde_json::Value;

use crate::client::{Client, parse};
use crate::error::Error;

/// Between two questions.
const EVERY: Duration = Duration::from_millis(100);
/// Between two tries while nobody answers.
const RETRY: Duration = Duration::from_millis(250);
/// A view is answered from memory: slower than this is no answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Events to ask for at a time.
const PAGE: usize = 1_000;
/// A view is not kept waiting for more of them.
const MOST_PAGES: usize = 20;
/// How long nobody may answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the feed has to say.
pub(crate) enum Arrival {
    /// The operation as it is now, and as it came.
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

/// Tells of `id` until it has ended, `tell` says false, or there is no hope left; of its events
/// too where somebody wants to hear of them.
pub(crate) fn start(
    client: Arc<Client>,
    id: OperationId,
    wants_events: bool,
    tell: impl Fn(Arrival) -> bool + Send + 'static,
) {
    thread::spawn(move || {
        let path = format!("/api/v1/operations/{id}");
        let mut lost_at: Option<Instant> = None;
        // A connection that was idle may be closed just as it is used: one try more is silent.
        let mut failures = 0_u32;
        let mut since = 0;
        loop {
            let goes_on = match client.get_within(ANSWER, &path, &[]).and_then(understood) {
                Ok((view, raw)) => {
                    failures = 0;
                    let has_ended = view.row.status.is_ended();
                    let heard = lost_at.take().is_none() || tell(Arrival::Back);
                    if wants_events && !has_ended && view.row.seq > since {
                        events(&client, &path, &mut since, &tell);
                    }
                    heard && tell(Arrival::View(Box::new(view), raw)) && !has_ended
                }
                Err(error) if !error.may_pass() || is_hopeless(lost_at) => {
                    tell(Arrival::Over(error));
                    false
                }
                Err(error) => {
                    failures += 1;
                    failures < 2 || lost_at.is_some() || {
                        lost_at = Some(Instant::now());
                        tell(Arrival::Lost(error))
                    }
                }
            };
            if !goes_on {
                return;
            }
            thread::sleep(if lost_at.is_some() { RETRY } else { EVERY });
        }
    });
}

/// The events after `since`, as many pages as are there. One that fails is asked for again with
/// the next view, which says what is wrong.
fn events(client: &Client, path: &str, since: &mut u64, tell: &impl Fn(Arrival) -> bool) {
    let path = format!("{path}/events");
    for _ in 0..MOST_PAGES {
        let query = [("since", since.to_string()), ("limit", PAGE.to_string())];
        let Ok(page) = client.get_within(ANSWER, &path, &query) else {
            return;
        };
        let events = page["events"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        for event in events {
            // Clients ignore what they do not know.
            let Ok(event) = serde_json::from_value(event.clone()) else {
                continue;
            };
            if !tell(Arrival::Event(Box::new(event))) {
                return;
            }
        }
        *since = page["next_since"].as_u64().unwrap_or(*since).max(*since);
        if events.len() < PAGE {
            return;
        }
    }
}

fn understood(raw: Value) -> Result<(OperationView, Value), Error> {
    Ok((parse(raw.clone())?, raw))
}

fn is_hopeless(lost_at: Option<Instant>) -> bool {
    lost_at.is_some_and(|at| at.elapsed() >= PATIENCE)
}
