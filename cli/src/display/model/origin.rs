//! Where a model comes from: the operation, its course and its machine. The card of a model of an earlier
//! version has none of this, and nothing is shown of what it does not have.

use impresario_api::{Machine, ModelAncestor, ModelCard};
use serde_json::Value;

use crate::display::end::Fact;
use crate::display::numbers::{counted, date};
use crate::display::text::value;

/// The most places that are shown of a training that went on from checkpoints often: the first and the last.
const MOST_PLACES: usize = 6;

/// The operation and the machine of a model.
pub(super) fn origin(card: &ModelCard) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(id) = card.operation_id {
        let by = card.requested_by.as_deref();
        let by = by
            .map(|by| format!(", started by {by}"))
            .unwrap_or_default();
        facts.push(Fact::new("operation", &format!("{}{by}", id.short())));
    }
    let labels = card.labels.iter();
    let labels: Vec<_> = labels
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    if !labels.is_empty() {
        facts.push(Fact::new("labels", &labels.join("  ")));
    }
    facts.extend(course(&card.ancestry));
    let machine = card.machine.as_ref();
    facts.extend(machine.map(|machine| Fact::new("machine", &named(machine))));
    facts
}

/// `Some CPU @ 2.00GHz, 2 threads, cpu, libtorch 2.9.1`
fn named(machine: &Machine) -> String {
    let threads = counted(u64::from(machine.threads), "thread");
    let (processor, device) = (&machine.processor, &machine.device);
    format!(
        "{processor}, {threads}, {device}, libtorch {}",
        machine.libtorch
    )
}

/// One line for the place where the training began, and one for each where it went on.
fn course(ancestry: &[ModelAncestor]) -> Vec<Fact> {
    let Some(first) = ancestry.first() else {
        return Vec::new();
    };
    let mut facts = vec![Fact::new("began", &whence(first))];
    let left_out = ancestry.len().saturating_sub(MOST_PLACES);
    for (at, pair) in ancestry.windows(2).enumerate() {
        let label = if at == 0 { "went on" } else { "" };
        if left_out > 0 && at == 0 {
            facts.push(Fact::new(
                label,
                &format!("⋮  {} more", counted(left_out as u64, "time")),
            ));
        }
        if at >= left_out {
            let label = if left_out > 0 { "" } else { label };
            facts.push(Fact::new(
                label,
                &format!("{}{}", whence(&pair[1]), changes(&pair[0], &pair[1])),
            ));
        }
    }
    facts
}

/// `2026-01-31 12:00:01 UTC, x7q2m4tz run 2, after 3 epochs and 12 batches`
fn whence(place: &ModelAncestor) -> String {
    let (epochs, batches) = (u64::from(place.epochs), u64::from(place.batches));
    let after = match (epochs, batches) {
        (0, 0) => String::new(),
        (epochs, 0) => format!(", after {}", counted(epochs, "epoch")),
        (0, batches) => format!(", after {}", batch_count(batches)),
        (epochs, batches) => format!(
            ", after {} and {}",
            counted(epochs, "epoch"),
            batch_count(batches)
        ),
    };
    let (at, id) = (date(place.at), place.operation_id.short());
    format!("{at}, {id} run {}{after}", place.run)
}

fn batch_count(batches: u64) -> String {
    counted(batches, "batch")
}

/// `, with learning rate 0.0003`: the params that are others from here on, and the machine if it is another.
fn changes(before: &ModelAncestor, now: &ModelAncestor) -> String {
    let none = serde_json::Map::new();
    let params = now.params.as_object().unwrap_or(&none);
    let changed = params
        .iter()
        .filter(|(name, value)| before.params.get(name.as_str()) != Some(*value));
    let changed: Vec<_> = changed.map(|(name, value)| param(name, value)).collect();
    let with = match changed.is_empty() {
        true => String::new(),
        false => format!(", with {}", changed.join(", ")),
    };
    match before.machine == now.machine {
        true => with,
        false => format!("{with}, on {}", named(&now.machine)),
    }
}

/// `learning rate 0.0003`, `hidden layers 64 32`
pub(super) fn param(name: &str, one: &Value) -> String {
    let one = match one.as_array() {
        Some(list) if list.is_empty() => "none".to_owned(),
        Some(list) => list.iter().map(value).collect::<Vec<_>>().join(" "),
        None => value(one),
    };
    format!("{} {one}", name.replace('_', " "))
}
