//! A long run: operations of every sort, callers and subscribers that come and go, and ended operations that
//! are removed. The resources of the server must not grow with them.

mod hand;
mod sample;
mod sorts;

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::Client;
use crate::server::{Server, integrity};
use crate::{Args, Report};
use hand::{Hand, Shared};
use sample::Sample;

/// The server is measured after each tenth, and the last is compared with the second, after the warm-up.
const TENTHS: u64 = 10;
const CLIENTS: u64 = 16;
/// How many ended operations are kept, so that the store is full after the first tenth.
const KEPT: u64 = 1_000;
/// How long the server may take until it is idle.
const PATIENCE: Duration = Duration::from_secs(60);
/// The counts that must be the same for an idle server as at its start.
const COUNTED: &[&str] = &["subscribers", "topics", "watches", "sockets", "tasks"];
/// After this many unexpected answers the run ends.
const ENOUGH: usize = 20;

const SETTINGS: &[&str] = &[
    "retention.max_operations=1000",
    "retention.every_seconds=1",
    "lanes.default.concurrency=4",
    "supervision.blocking_threads=2",
];

pub(crate) fn run(args: &Args, seed: u64) -> Report {
    let mut report = Report::default();
    if let Err(error) = play(args, seed, &mut report) {
        report.hold(false, error);
    }
    report
}

fn play(args: &Args, seed: u64, report: &mut Report) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (data, import) = (folder.path().join("data"), folder.path().join("import"));
    fs::create_dir(&import)
        .and_then(|()| fs::write(import.join("BAD_1d.csv"), "time,open\n1,2\n"))
        .map_err(|error| error.to_string())?;
    let import = format!("data.import_dir={}", import.display());
    let settings: Vec<_> = SETTINGS.iter().copied().chain([&*import]).collect();
    let mut server = Server::start(args, &data, &settings)?;
    let samples = live(args, seed, &server, &data, report)?;
    if let [_, second, .., last] = &samples[..] {
        sample::judge(second, last, report);
    }
    let (status, took) = server.terminate();
    let orderly = status.is_some_and(|status| status.success());
    report.hold(orderly, format!("it ends with {status:?} after {took:?}"));
    let verdict = integrity(&data);
    report.hold(verdict == "ok", format!("integrity_check: {verdict}"));
    Ok(())
}

/// Runs all tenths. Returns what was measured after each.
fn live(
    args: &Args,
    seed: u64,
    server: &Server,
    data: &Path,
    report: &mut Report,
) -> Result<Vec<Sample>, String> {
    let client = Client::new(&server.address);
    let fresh = system(&client)?;
    for what in COUNTED {
        let told = fresh[*what].is_u64();
        report.hold(
            told,
            format!("the server does not say how many {what} there are"),
        );
    }
    let (mut samples, mut shared) = (Vec::new(), Shared::of(sorts::SORTS));
    for tenth in 0..TENTHS {
        let (began, until) = (Instant::now(), args.soak_operations * (tenth + 1) / TENTHS);
        work(server, seed.wrapping_add(tenth * CLIENTS), until, &shared);
        let took = began.elapsed();
        let rest = quiet(&client, &fresh)?;
        let sample = Sample::take(server, data, &rest);
        let made = shared.made.get_mut();
        report.say(format!(
            "after {made}: {sample} ({:.0} s)",
            took.as_secs_f64()
        ));
        samples.push(sample);
        let surprises = std::mem::take(&mut shared.surprises);
        let surprises = surprises.into_inner().unwrap_or_default();
        if !surprises.is_empty() {
            report.violations.extend(surprises);
            break;
        }
    }
    shared.say_what_was_done(report);
    Ok(samples)
}

/// Runs clients until this many operations have been started.
fn work(server: &Server, seed: u64, until: u64, shared: &Shared) {
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let mut hand = Hand::new(&server.address, seed.wrapping_add(number), shared);
            scope.spawn(move || hand.work(until));
        }
    });
}

fn system(client: &Client) -> Result<Value, String> {
    let system = client.get("/api/v1/system").ok_or("no answer")?;
    Ok(system.data().clone())
}

/// Waits until the server is idle and its counts are the same as at its start.
fn quiet(client: &Client, fresh: &Value) -> Result<Value, String> {
    let began = Instant::now();
    loop {
        let now = system(client)?;
        let left = left(&now, fresh);
        if left.is_empty() {
            return Ok(now);
        }
        if began.elapsed() > PATIENCE {
            return Err(format!(
                "nobody asks for anything, and still: {}",
                left.join(", ")
            ));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The counts that are higher than at the start.
fn left(now: &Value, fresh: &Value) -> Vec<String> {
    let count = |system: &Value, name: &str| system[name].as_u64();
    let more = COUNTED
        .iter()
        .filter(|name| count(now, name) > count(fresh, name));
    let mut left: Vec<_> = more.map(|name| format!("{} {name}", now[*name])).collect();
    let kept = now["store"]["operations"].as_u64();
    if kept > Some(KEPT) {
        left.push(format!("{} operations", now["store"]["operations"]));
    }
    for lane in now["lanes"].as_array().into_iter().flatten() {
        let slots = lane["slots"].as_array().into_iter().flatten();
        let busy = slots.filter(|slot| !slot["operation_id"].is_null()).count();
        if busy > 0 || lane["queued"] != 0 {
            left.push(format!("{busy} slots busy and {} queued", lane["queued"]));
        }
    }
    left
}

/// Adds an unexpected answer, up to the limit.
fn surprised(surprises: &Mutex<Vec<String>>, what: String) {
    let mut surprises = surprises
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if surprises.len() < ENOUGH {
        surprises.push(what);
    }
}
