//! Checks the events of operations. Pure: it turns lists of events into violations.

use std::collections::BTreeMap;

use serde_json::Value;

mod promises;
mod runs;
mod trainings;

pub(crate) use promises::promises;
pub(crate) use runs::early;
use runs::runs;
pub(crate) use trainings::{Reference, failure, is_skip, skips};

const ENDED: &[&str] = &["completed", "failed", "cancelled"];

/// Checks the events of one operation by themselves, against those that were read before, and against the
/// highest cursor that was seen before the operation was started.
pub(crate) fn history(id: &str, before: &[Value], events: &[Value], floor: u64) -> Vec<String> {
    let mut found = Vec::new();
    for (place, event) in events.iter().enumerate() {
        let expected = place as u64 + 1;
        if event["seq"].as_u64() != Some(expected) {
            found.push(format!("{id}: event {expected} has seq {}", event["seq"]));
            break;
        }
    }
    let mut last = floor;
    for event in events {
        let cursor = event["cursor"].as_u64().unwrap_or(0);
        if cursor <= last {
            let seq = &event["seq"];
            found.push(format!(
                "{id}: event {seq} has cursor {cursor} after {last}"
            ));
            break;
        }
        last = cursor;
    }
    if events.len() < before.len() {
        let (had, has) = (before.len(), events.len());
        found.push(format!("{id}: had {had} events, now {has}"));
    }
    if let Some((old, new)) = before.iter().zip(events).find(|(old, new)| old != new) {
        found.push(format!("{id}: an event has changed: {old} became {new}"));
    }
    found.extend(after_the_end(id, events));
    found.extend(runs(id, events));
    found
}

/// The status after an event, if the event can change it.
pub(crate) fn status(event: &Value) -> Option<&str> {
    ["status", "submitted", "resumed"]
        .contains(&event["type"].as_str()?)
        .then(|| event["data"]["status"].as_str())?
}

pub(crate) fn is_ended(status: &str) -> bool {
    ENDED.contains(&status)
}

/// Only `resumed` may follow an end, and nothing may follow `completed`.
fn after_the_end(id: &str, events: &[Value]) -> Option<String> {
    let mut ended = None;
    for event in events {
        if let Some(end) = ended
            && (event["type"] != "resumed" || end == "completed")
        {
            return Some(format!("{id}: after {end} came {event}"));
        }
        ended = status(event).filter(|status| is_ended(status));
    }
    None
}

pub(crate) fn status_at(events: &[Value], seq: u64) -> Option<&str> {
    let until = usize::try_from(seq).unwrap_or(usize::MAX);
    let known = events.get(..until)?;
    known.iter().rev().find_map(status)
}

/// The run in which the operation completed, by its events.
pub(crate) fn completed(events: &[Value]) -> Option<u64> {
    let last = events.iter().rev().find(|event| status(event).is_some())?;
    (status(last) == Some("completed")).then(|| last["data"]["run"].as_u64())?
}

/// How far a checkpoint is: iterations, or epochs and then batches.
pub(crate) type Step = (u64, u64);

/// The step of a checkpoint in a view or an event; zero if there is none.
pub(crate) fn step(of: &Value) -> Step {
    let count = |name: &str| of[name].as_u64();
    let outer = count("iteration").or(count("epoch"));
    (outer.unwrap_or(0), count("batch").unwrap_or(0))
}

/// The furthest checkpoint since one was skipped.
pub(crate) fn checkpoint(events: &[Value]) -> Step {
    let skipped = events.iter().rposition(is_skip).unwrap_or(0);
    let told = events[skipped..]
        .iter()
        .filter(|event| event["type"] == "checkpoint");
    let steps = told.map(|event| step(&event["data"]["step"]));
    steps.max().unwrap_or_default()
}

/// The event that counted an attempt, although nothing failed and nobody killed the server.
pub(crate) fn charged(events: &[Value]) -> Option<&Value> {
    let mut told = events.iter();
    told.find(|event| event["data"]["attempt"].as_u64() > Some(1))
}

/// Every cursor that was ever read, with its event, because the store must use each only once.
#[derive(Debug, Default)]
pub(crate) struct Cursors(BTreeMap<u64, (String, u64)>);

impl Cursors {
    /// Adds events. A cursor that another event has had is a violation.
    pub(crate) fn take(&mut self, id: &str, events: &[Value]) -> Vec<String> {
        let mut found = Vec::new();
        for event in events {
            let (Some(cursor), Some(seq)) = (event["cursor"].as_u64(), event["seq"].as_u64())
            else {
                continue;
            };
            let owner = self.0.entry(cursor).or_insert_with(|| (id.to_owned(), seq));
            if owner.0 != id || owner.1 != seq {
                let (other, place) = owner;
                found.push(format!(
                    "cursor {cursor}: {id} event {seq}, and {other} event {place}"
                ));
            }
        }
        found
    }

    pub(crate) fn highest(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(cursor, _)| *cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(seq: u64, status: &str) -> Value {
        let run = u64::from(status != "pending");
        let data = json!({"status": status, "run": run, "not_before": null});
        json!({"seq": seq, "cursor": 10 * seq, "type": "status", "at": "2026", "data": data})
    }

    fn sound() -> Vec<Value> {
        vec![
            event(1, "pending"),
            event(2, "running"),
            event(3, "completed"),
        ]
    }

    #[test]
    fn a_sound_history_has_no_violation() {
        let resumed =
            json!({"seq": 4, "cursor": 40, "type": "resumed", "data": {"status": "pending"}});
        let mut again = event(5, "running");
        again["data"]["run"] = json!(2);
        let events = [
            event(1, "pending"),
            event(2, "running"),
            event(3, "cancelled"),
            resumed,
            again,
        ];
        assert_eq!(history("a", &events[..3], &events, 9), Vec::<String>::new());
        assert_eq!(history("a", &[], &sound(), 0), Vec::<String>::new());
    }

    /// The violations after one fault was put into correct events.
    fn planted(fault: impl FnOnce(&mut Vec<Value>)) -> Vec<String> {
        let mut events = sound();
        fault(&mut events);
        history("a", &[], &events, 0)
    }

    #[test]
    fn a_gap_is_found() {
        assert!(planted(|events| drop(events.remove(1)))[0].contains("event 2 has seq 3"));
    }

    #[test]
    fn a_repeat_is_found() {
        let found = planted(|events| events.insert(1, event(1, "pending")));
        assert!(found[0].contains("event 2 has seq 1"), "{found:?}");
    }

    #[test]
    fn cursors_that_go_back_or_began_too_low_are_found() {
        let found = planted(|events| events[2]["cursor"] = json!(5));
        assert!(found[0].contains("cursor 5 after 20"), "{found:?}");
        let low = history("a", &[], &sound(), 10);
        assert!(low[0].contains("cursor 10 after 10"), "{low:?}");
    }

    #[test]
    fn what_follows_an_end_is_found() {
        let found = planted(|events| events.push(event(4, "running")));
        assert!(found[0].contains("after completed came"), "{found:?}");
        let found = planted(|events| {
            events.push(
                json!({"seq": 4, "cursor": 40, "type": "resumed", "data": {"status": "pending"}}),
            );
        });
        assert!(found[0].contains("after completed came"), "{found:?}");
        let found = planted(|events| {
            events.push(json!({"seq": 4, "cursor": 40, "type": "checkpoint", "data": {}}));
        });
        assert!(found[0].contains("after completed came"), "{found:?}");
    }

    #[test]
    fn an_event_that_changed_or_went_is_found() {
        let mut changed = sound();
        changed[1]["data"]["attempt"] = json!(9);
        assert!(history("a", &sound(), &changed, 0)[0].contains("has changed"));
        assert!(history("a", &sound(), &sound()[..2], 0)[0].contains("had 3 events, now 2"));
    }

    #[test]
    fn a_cursor_that_two_events_have_is_found() {
        let mut cursors = Cursors::default();
        assert!(cursors.take("a", &sound()).is_empty());
        assert!(cursors.take("a", &sound()).is_empty(), "the same again");
        assert_eq!(cursors.take("b", &sound()[..1]).len(), 1);
        assert_eq!(cursors.highest(), 30);
    }

    #[test]
    fn statuses_ends_and_checkpoints_are_read_from_events() {
        let told = json!({"seq": 2, "cursor": 2, "type": "checkpoint", "data": {"step": {"iteration": 7}}});
        let events = [event(1, "running"), told, event(3, "completed")];
        assert_eq!((completed(&events), checkpoint(&events)), (Some(1), (7, 0)));
        assert_eq!(completed(&events[..1]), None);
        assert_eq!(status_at(&events, 2), Some("running"));
        assert_eq!(status_at(&events, 3), Some("completed"));
        assert_eq!(status_at(&events, 4), None, "not there yet");
        let mut second = event(4, "running");
        second["data"]["attempt"] = json!(2);
        let skip = json!({"seq": 5, "type": "warning", "data": {"code": "CHECKPOINT_DAMAGED"}});
        assert_eq!(checkpoint(&[&events[..], &[skip]].concat()), (0, 0));
        assert_eq!(step(&json!({"epoch": 3, "batch": 12})), (3, 12));
        assert_eq!(charged(&events), None);
        assert_eq!(charged(&[second.clone()]), Some(&second));
    }
}
