//! Checks after a restart that everything that was answered is still true.

use std::sync::Mutex;

use serde_json::Value;

use super::{lock, trainings};
use crate::client::Client;
use crate::ledger::{Known, Ledger};
use crate::server::Server;
use crate::{Report, check};

/// How many older operations are checked again in each round.
const LOOKED_AT_AGAIN: usize = 20;

/// Checks every operation that the round before has touched.
pub(super) fn after_a_kill(
    server: &Server,
    ledger: &Mutex<Ledger>,
    random: &mut fastrand::Rng,
    report: &mut Report,
) {
    let client = Client::new(&server.address);
    let mut ledger = lock(ledger);
    report.violations.append(&mut ledger.surprises);
    let list = client.get("/api/v1/operations?limit=1000");
    let listed = list.as_ref().map(|list| list.status);
    report.hold(
        listed == Some(200),
        format!("the list is answered {listed:?}"),
    );
    let mut ids = std::mem::take(&mut ledger.touched);
    ids.extend((0..LOOKED_AT_AGAIN).filter_map(|_| ledger.any(random)));
    for id in ids {
        operation(&client, &id, &mut ledger, report);
    }
    for (key, body) in std::mem::take(&mut ledger.unanswered) {
        unheard(&client, key, &body, &mut ledger, report);
    }
}

/// Compares one operation with everything that is known about it.
pub(super) fn operation(client: &Client, id: &str, ledger: &mut Ledger, report: &mut Report) {
    let Some(mut known) = ledger.operations.remove(id) else {
        return;
    };
    match client.view(id) {
        Some(view) if view.status == 200 => match client.events(id) {
            Some(events) => {
                judge(id, &mut known, view.data(), events, ledger, report);
                trainings::judge(client, id, &mut known, view.data(), ledger, report);
            }
            None => report.hold(false, format!("{id}: its events are not answered")),
        },
        Some(view) if view.status == 404 => {
            report.hold(!known.acknowledged, format!("{id}: acknowledged, and gone"));
        }
        other => report.hold(false, format!("{id}: a read is answered {other:?}")),
    }
    if let Some(key) = &known.key {
        ledger.counts.replayed += 1;
        sent_again(client, key, &known.body, id, report);
    }
    ledger.operations.insert(id.to_owned(), known);
}

fn judge(
    id: &str,
    known: &mut Known,
    view: &Value,
    events: Vec<Value>,
    ledger: &mut Ledger,
    report: &mut Report,
) {
    ledger.counts.claims += known.claims.len() as u64 + 1;
    ledger.counts.promises += u64::from(known.promise.is_some());
    report
        .violations
        .extend(check::history(id, &known.events, &events, known.floor));
    report
        .violations
        .extend(check::promises(id, known, view, &events));
    report.violations.extend(ledger.cursors.take(id, &events));
    if known.steady {
        report.violations.extend(check::early(id, &events));
    }
    known.claims.clear();
    known.heard(view);
    known.checkpoint = known.checkpoint.max(check::checkpoint(&events));
    known.events = events;
    // No request of a round is still being carried out after its server has ended.
    (known.resumed, known.left_alone) = (false, false);
}

/// Repeats a start, which must give the same operation.
fn sent_again(client: &Client, key: &str, body: &Value, id: &str, report: &mut Report) {
    let reply = client.start(body, Some(key));
    let same = reply
        .as_ref()
        .is_some_and(|reply| reply.id() == id && reply.data()["replayed"] == true);
    report.hold(
        same,
        format!("{id}: its start sent again is answered {reply:?}"),
    );
}

/// Repeats a start that was never answered. It was recorded or not; from now on its key has an operation.
fn unheard(client: &Client, key: String, body: &Value, ledger: &mut Ledger, report: &mut Report) {
    let reply = client.start(body, Some(&key));
    match reply {
        Some(reply) if reply.is_success() => {
            ledger.counts.resent += 1;
            let known = ledger.started(&reply.id(), body, 0);
            // It may have been started in an earlier round, at any setting of the clock.
            (known.key, known.steady) = (Some(key), false);
        }
        Some(reply) if reply.status == 429 => {}
        other => report.hold(false, format!("a start sent again is answered {other:?}")),
    }
}
