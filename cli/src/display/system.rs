//! The state of the supervisor.

use impresario_api::{LaneView, SlotView, SystemView, Timestamp};

use super::end::{Fact, render};
use super::numbers::{bytes, millis, short, span, thousands};
use super::text::{clean, left, right, width, wrap};
use super::{Look, Tone};

/// The lines of the state; `now` is the client's clock, from which the busy time of slots is computed.
pub(crate) fn system(view: &SystemView, now: Timestamp, look: Look) -> Vec<String> {
    let name = look.paint(
        Tone::Strong,
        &format!("impresariod {}", clean(&view.version)),
    );
    let up = span(view.uptime_seconds);
    let admits = match view.admitting {
        true => look.paint(Tone::Good, "▸ admits starts"),
        false => look.paint(Tone::Warn, "■ admits nothing, goes down"),
    };
    let mut lines = wrap("", &format!("{name}   up {up}   {admits}"), look.width);
    for lane in &view.lanes {
        lines.extend(lane_lines(lane, now, look));
    }
    lines.extend(render(&facts(view), look));
    lines
}

fn lane_lines(lane: &LaneView, now: Timestamp, look: Look) -> Vec<String> {
    let busy = lane
        .slots
        .iter()
        .filter(|slot| slot.operation_id.is_some())
        .count();
    let name = look.paint(Tone::Strong, &clean(&lane.name));
    let oldest = lane
        .oldest_wait_seconds
        .map(|wait| format!(", oldest {}", span(wait)));
    let scheduled = match lane.scheduled {
        0 => String::new(),
        many => format!("   {} for later", thousands(many)),
    };
    let threads = match lane.threads {
        1 => "1 thread each".to_owned(),
        many => format!("{many} threads each"),
    };
    let text = format!(
        "{busy}/{} busy   {} of {} waiting{}{scheduled}   {threads}",
        lane.concurrency,
        thousands(lane.queued),
        thousands(lane.queue_limit),
        oldest.unwrap_or_default(),
    );
    let mut lines = wrap(&format!("lane {name}   "), &text, look.width);
    let kinds = lane.slots.iter().filter_map(|slot| slot.kind.as_deref());
    let kinds = kinds.map(|kind| width(&clean(kind))).max().unwrap_or(0);
    lines.extend(
        lane.slots
            .iter()
            .map(|slot| look.fit(&slot_line(slot, kinds, now, look))),
    );
    lines
}

fn slot_line(slot: &SlotView, kinds: usize, now: Timestamp, look: Look) -> String {
    let number = right(&slot.slot.to_string(), 3);
    let Some(id) = slot.operation_id else {
        return format!("{number}  {}", look.paint(Tone::Dim, "· free"));
    };
    let kind = left(&clean(slot.kind.as_deref().unwrap_or_default()), kinds);
    let since = slot
        .since
        .map(|since| short(now.seconds_since(since)))
        .unwrap_or_default();
    let step = clean(slot.step.as_deref().unwrap_or_default());
    let sign = look.paint(Tone::Active, "▸");
    format!(
        "{number}  {sign} {}  {kind}  {}  {step}",
        id.short(),
        right(&since, 6)
    )
}

fn facts(view: &SystemView) -> Vec<Fact> {
    let store = &view.store;
    let count = |number: u64, what: &str| format!("{} {what}", thousands(number));
    let ended = view.ended_last_hour.iter();
    let ended: Vec<_> = ended
        .map(|(status, number)| count(*number, status))
        .collect();
    let ended = match ended.is_empty() {
        true => "nothing ended".to_owned(),
        false => ended.join("   "),
    };
    let pair = |a: String, b: String| format!("{a}   {b}");
    let kept = pair(store.engine.clone(), count(store.operations, "operations"));
    let size = pair(
        bytes(store.size_bytes),
        format!("queue {}", thousands(store.queue)),
    );
    let starts = pair(
        count(view.admitted, "admitted"),
        count(view.refused, "refused"),
    );
    let caught = pair(
        count(view.panics, "panics"),
        count(view.restarts, "restarts"),
    );
    let cancel = percentiles(view.cancel_p50_ms, view.cancel_p99_ms);
    let commit = percentiles(store.commit_p50_ms, store.commit_p99_ms);
    vec![
        Fact::new("last hour", &ended),
        Fact::new("starts", &starts),
        Fact::new("cancel", &cancel),
        Fact::new("store", &pair(kept, size)),
        Fact::new("commit", &commit),
        Fact::new("live", &count(view.subscribers, "subscribers")),
        Fact::new("caught", &caught),
    ]
}

fn percentiles(p50: Option<f64>, p99: Option<f64>) -> String {
    format!("p50 {}   p99 {}", millis(p50), millis(p99))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::display::sample::look;

    #[test]
    fn the_system_at_two_widths() {
        let view: SystemView = serde_json::from_value(json!({
            "version": "0.1.0", "uptime_seconds": 11_530.0, "admitting": true,
            "lanes": [
                {"name": "default", "concurrency": 2, "queue_limit": 1000, "threads": 1, "queued": 14,
                 "oldest_wait_seconds": 192.0, "slots": [
                    {"slot": 0, "operation_id": "op_0k3j9x7r8d0bh", "kind": "dummy",
                     "since": "2026-01-31T12:00:00.000Z", "step": "iteration 51/100"},
                    {"slot": 1, "operation_id": null, "kind": null, "since": null, "step": null}]},
                {"name": "training", "concurrency": 1, "queue_limit": 100, "threads": 2, "queued": 0,
                 "delayed_limit": 100_000, "scheduled": 1_002,
                 "oldest_wait_seconds": null, "slots": []}],
            "store": {"engine": "memory", "queue": 0, "commit_p50_ms": 0.2, "commit_p99_ms": 14.0,
                "size_bytes": 12_400_000, "operations": 1204},
            "ended_last_hour": {"completed": 212, "failed": 3},
            "cancel_p50_ms": 1.0, "cancel_p99_ms": null, "subscribers": 2, "panics": 0,
            "restarts": 0, "admitted": 1204, "refused": 3
        }))
        .expect("the sample is a system view");
        let now = "2026-01-31T12:00:41.000Z".parse().expect("a time");
        for columns in [80, 40] {
            let lines = system(&view, now, look(columns));
            insta::assert_snapshot!(format!("system_{columns}"), lines.join("\n"));
        }
    }
}
