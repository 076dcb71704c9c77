//! The feed without a socket: it polls the view, and the events after those that are known.

use std::thread;

use super::{ANSWER, Arrival, EVERY, Feed, RETRY};

/// How many events are requested at a time.
const PAGE: usize = 1_000;
/// The most pages of events that are read before the next view.
const MOST_PAGES: usize = 20;

impl<T: Fn(Arrival) -> bool> Feed<T> {
    pub(super) fn follow_by_asking(&mut self) {
        // An idle connection may be closed just as it is used, so the first failure is not reported.
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

    /// Reads the events after `since`. A page that fails is read again after the next view, which reports the
    /// error.
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
                // A client ignores events that it does not know.
                let Ok(event) = serde_json::from_value(event.clone()) else {
                    continue;
                };
                if !self.report(event) {
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
