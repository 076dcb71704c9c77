//! Checks after the last kill: all operations once more, every slot, and the file itself.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{SETTINGS, damage, examine, lock, trainings};
use crate::client::{Client, Reply};
use crate::ledger::Ledger;
use crate::server::{Server, integrity};
use crate::{Args, Report, check};

const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn look(
    args: &Args,
    folder: &Path,
    ledger: &Mutex<Ledger>,
    report: &mut Report,
) -> Result<(), String> {
    let mut server = Server::start(args, folder, SETTINGS)?;
    let client = Client::new(&server.address);
    every_one(&client, ledger, report);
    trainings::carry_on(&client, ledger, report)?;
    cancel_all(&client)?;
    // Now the events of the ends are there too.
    every_one(&client, ledger, report);
    slots(&client, report)?;
    let (status, _) = server.terminate();
    let orderly = status.is_some_and(|status| status.success());
    report.hold(orderly, format!("it ends with {status:?}"));
    let verdict = integrity(folder);
    report.hold(verdict == "ok", format!("integrity_check: {verdict}"));
    let ledger = lock(ledger);
    let completed = ledger.operations.iter();
    let completed = completed.filter(|(_, known)| check::completed(&known.events).is_some());
    let completed = completed.map(|(id, _)| id.as_str()).collect();
    let left = damage::left_over(folder, &completed);
    let left = left.map_err(|error| format!("the data folder cannot be read: {error}"))?;
    report.violations.extend(left);
    let looked_into = ledger.counts.looked_into;
    report.say(format!(
        "integrity_check {verdict}, as after {looked_into} of the kills"
    ));
    Ok(())
}

fn every_one(client: &Client, ledger: &Mutex<Ledger>, report: &mut Report) {
    let mut ledger = lock(ledger);
    report.violations.append(&mut ledger.surprises);
    let ids: Vec<_> = ledger.operations.keys().cloned().collect();
    for id in ids {
        examine::operation(client, &id, &mut ledger, report);
    }
}

/// Cancels everything live, and waits for the ends.
fn cancel_all(client: &Client) -> Result<(), String> {
    let began = Instant::now();
    loop {
        let page = client.get("/api/v1/operations?active_only=true&limit=1000");
        let page = page.ok_or("the live ones are not listed")?;
        let rows = page.data()["operations"].as_array().cloned();
        let rows = rows.ok_or("there is no list of the live ones")?;
        if rows.is_empty() {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("{} are still live: {}", rows.len(), rows[0]));
        }
        for row in rows {
            let id = row["operation_id"].as_str().unwrap_or("");
            let path = format!("/api/v1/operations/{id}/cancel?wait=30");
            client.post(&path, &json!({}), None);
        }
    }
}

/// Checks that no slot is lost: all of them take work at once, finish it, and are free again.
fn slots(client: &Client, report: &mut Report) -> Result<(), String> {
    let lanes = lanes(client)?;
    let lane = lanes.iter().find(|lane| lane["name"] == "default");
    let lane = lane.ok_or("there is no lane default")?;
    let count = usize::try_from(lane["concurrency"].as_u64().unwrap_or(0)).unwrap_or(0);
    let body = json!({"iterations": 1_000_000, "step_ms": 20});
    let start = |_| client.start(&body, None).filter(Reply::is_success);
    let ids: Vec<_> = (0..count)
        .filter_map(start)
        .map(|reply| reply.id())
        .collect();
    let began = Instant::now();
    while self::lanes(client)?.iter().map(busy).sum::<usize>() < count {
        if began.elapsed() > PATIENCE {
            return Err(format!("not all {count} slots take work: {lane}"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    for id in &ids {
        let path = format!("/api/v1/operations/{id}/finish?wait=30");
        let ended = client.post(&path, &json!({}), None);
        let done = ended.is_some_and(|reply| reply.data()["status"] == "completed");
        report.hold(done, format!("{id}: did not finish in its slot"));
    }
    let lanes = self::lanes(client)?;
    for lane in &lanes {
        let free = busy(lane) == 0 && lane["queued"] == 0;
        report.hold(free, format!("nothing is left to do, and yet: {lane}"));
    }
    let names: Vec<_> = lanes
        .iter()
        .filter_map(|lane| lane["name"].as_str())
        .collect();
    report.say(format!(
        "{count} of {count} slots of default took work at once and finished it; free after it: {}",
        names.join(", ")
    ));
    Ok(())
}

fn lanes(client: &Client) -> Result<Vec<Value>, String> {
    let system = client.get("/api/v1/system").ok_or("no answer")?;
    let lanes = system.data()["lanes"].as_array();
    Ok(lanes.ok_or("the system names no lanes")?.clone())
}

/// How many slots of a lane have an operation.
fn busy(lane: &Value) -> usize {
    let slots = lane["slots"].as_array();
    let taken = |slot: &&Value| !slot["operation_id"].is_null();
    slots.map_or(0, |slots| slots.iter().filter(taken).count())
}
