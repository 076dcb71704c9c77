//! The feed where there is no socket: the view is asked for again and again, and the events after
//! those that are known.

use std::thread;

use super::{ANSWER, Arrival, EVERY, Feed, RETRY};

/// Events to ask for at a time.
const PAGE: usize = 1_000;
/// A view is not kept waiting for more of them.
const MOST_PAGES: usize = 20;

impl<T: Fn(Arrival) -> bool> Feed<T> {
    pub(super) fn follow_by_asking(&mut self) {
        // A connection that was idle may be closed just as it is used: one try more is silent.
        let mut failures = 0_u32;
        let mut since = 0;
        loop {
            let goes_on = match self.view() {
                Ok((view, raw)) => {
                    failures = 0;
                    let has_ended = view.row.status.is_ended();
                    let heard = self.found();
                    if self.wants_events && !has_ended && view.row.seq > since {
                        self.events(&mut since);
                    }
                    heard && (self.tell)(Arrival::View(Box::new(view), raw)) && !has_ended
                }
                Err(error) if !error.may_pass() => self.over(error),
                Err(error) => {
                    failures += 1;
                    failures < 2 || self.lost(error)
                }
            };
            if !goes_on {
                return;
            }
            thread::sleep(self.lost_at.map_or(EVERY, |_| RETRY));
        }
    }

    /// The events after `since`, as many pages as are there. One that fails is asked for again with
    /// the next view, which says what is wrong.
    fn events(&self, since: &mut u64) {
        let path = format!("{}/events", self.path());
        for _ in 0..MOST_PAGES {
            let query = [("since", since.to_string()), ("limit", PAGE.to_string())];
            let Ok(page) = self.client.get_within(ANSWER, &path, &query) else {
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
                if !(self.tell)(Arrival::Event(Box::new(event))) {
                    return;
                }
            }
            *since = page["next_since"].as_u64().unwrap_or(*since).max(*since);
            if events.len() < PAGE {
                return;
            }
        }
    }
}
