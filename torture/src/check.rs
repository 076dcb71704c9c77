//! What a history must be like. Pure: a list of events in, violations out.

use serde_json::Value;

const ENDED: &[&str] = &["completed", "failed", "cancelled"];

/// One operation's events against each other, and against what was read of it before.
pub(crate) fn history(id: &str, before: &[Value], events: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for (place, event) in events.iter().enumerate() {
        let expected = place as u64 + 1;
        if event["seq"].as_u64() != Some(expected) {
            found.push(format!("{id}: event {expected} has seq {}", event["seq"]));
            break;
        }
    }
    let cursors: Vec<_> = events
        .iter()
        .filter_map(|event| event["cursor"].as_u64())
        .collect();
    if cursors.len() != events.len() || cursors.windows(2).any(|pair| pair[0] >= pair[1]) {
        found.push(format!("{id}: cursors do not ascend: {cursors:?}"));
    }
    if events.len() < before.len() {
        let (had, has) = (before.len(), events.len());
        found.push(format!("{id}: had {had} events, now {has}"));
    }
    if let Some((old, new)) = before.iter().zip(events).find(|(old, new)| old != new) {
        found.push(format!("{id}: an event has changed: {old} became {new}"));
    }
    found.extend(after_the_end(id, events));
    found
}

fn status(event: &Value) -> Option<&str> {
    (event["type"] == "status").then(|| event["data"]["status"].as_str())?
}

/// Nothing follows an end but `resumed`.
fn after_the_end(id: &str, events: &[Value]) -> Option<String> {
    let mut ended = None;
    for event in events {
        if let (Some(end), true) = (ended, event["type"] != "resumed") {
            return Some(format!("{id}: after {end} came {event}"));
        }
        ended = status(event).filter(|status| ENDED.contains(status));
    }
    None
}

/// Whether an operation completed, by its events, and in which run.
pub(crate) fn completed(events: &[Value]) -> Option<u64> {
    let last = events.iter().rev().find(|event| status(event).is_some())?;
    (status(last) == Some("completed")).then(|| last["data"]["run"].as_u64())?
}

/// The most complete checkpoint that was told.
pub(crate) fn checkpoint(events: &[Value]) -> u64 {
    let told = events.iter().filter(|event| event["type"] == "checkpoint");
    let steps = told.filter_map(|event| event["data"]["step"]["iteration"].as_u64());
    steps.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(seq: u64, status: &str) -> Value {
        json!({"seq": seq, "cursor": 10 * seq, "type": "status", "data": {"status": status, "run": 1}})
    }

    #[test]
    fn a_sound_history_has_no_violation() {
        let resumed = json!({"seq": 3, "cursor": 30, "type": "resumed", "data": {}});
        let events = [
            event(1, "pending"),
            event(2, "cancelled"),
            resumed,
            event(4, "running"),
        ];
        assert!(history("a", &events[..2], &events).is_empty());
    }

    #[test]
    fn every_planted_violation_is_found() {
        let sound = vec![
            event(1, "pending"),
            event(2, "running"),
            event(3, "completed"),
        ];
        let mut gap = sound.clone();
        gap.remove(1);
        let mut repeat = sound.clone();
        repeat.insert(1, event(1, "pending"));
        let mut cursor = sound.clone();
        cursor[2]["cursor"] = json!(5);
        let mut after = sound.clone();
        after.push(event(4, "running"));
        let mut changed = sound.clone();
        changed[1]["data"]["run"] = json!(9);
        for (what, events) in [
            ("gap", &gap),
            ("repeat", &repeat),
            ("cursor", &cursor),
            ("after", &after),
        ] {
            assert!(!history("a", &[], events).is_empty(), "{what}");
        }
        assert!(!history("a", &sound, &changed).is_empty(), "changed");
        assert!(!history("a", &sound, &sound[..2]).is_empty(), "lost");
    }

    #[test]
    fn ends_and_checkpoints_are_read_from_events() {
        let told = json!({"seq": 2, "cursor": 2, "type": "checkpoint", "data": {"step": {"iteration": 7}}});
        let events = [event(1, "running"), told, event(3, "completed")];
        assert_eq!((completed(&events), checkpoint(&events)), (Some(1), 7));
        assert_eq!(completed(&events[..1]), None);
    }
}
