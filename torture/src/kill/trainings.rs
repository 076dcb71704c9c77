//! Trainings among the load. What each of them must end with is found out before the first kill.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{SETTINGS, load, lock};
use crate::check::{self, Reference};
use crate::client::{Client, Reply};
use crate::ledger::{Known, Ledger};
use crate::server::Server;
use crate::{Args, Report};

const SAMPLE: &str = include_str!("../../../samples/GOOG_1d.csv");
/// The number of bars of the sample that are used. They give 210 rows to learn from.
const BARS: usize = 400;
/// How many trainings the clients keep going.
const AT_ONCE: usize = 4;
/// Most of these let a training go on.
const VERBS: [&str; 12] = [
    "pause", "pause", "pause", "pause", "cancel", "cancel", "resume", "resume", "resume", "resume",
    "resume", "retry",
];
/// After the last kill, how long the trainings may take to complete; those with a deadline may be resumed
/// only for the shorter time, because they may never get anywhere.
const PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE_WITH_DEADLINES: Duration = Duration::from_secs(5);

/// The params of the trainings that are started. They are known by their seeds.
fn plans() -> [Value; 5] {
    let of = |seed: u64, epochs: u64, batch_size: u64, hidden_layers: &[u64], patience: u64| {
        json!({"symbol": "GOOG", "timeframe": "1d", "device": "cpu", "seed": seed, "epochs": epochs,
            "batch_size": batch_size, "hidden_layers": hidden_layers, "patience": patience})
    };
    [
        // It ends almost at once, so that verbs meet its end.
        of(1, 4, 32, &[16], 1_000),
        // It ends because nothing improves any more.
        of(2, 1_000, 16, &[64, 32], 60),
        // Many batches in an epoch, so that most stops come in the middle of one.
        of(3, 30, 1, &[64, 32], 1_000),
        of(4, 100, 4, &[96, 64], 1_000),
        // Its checkpoints are larger: about a megabyte.
        of(5, 60, 8, &[256, 256], 1_000),
    ]
}

/// Trains each of them in the data folder, undisturbed, and notes the results.
pub(super) fn undisturbed(
    args: &Args,
    folder: &Path,
    ledger: &Mutex<Ledger>,
    report: &mut Report,
) -> Result<(), String> {
    let import = tempfile::tempdir().map_err(|error| error.to_string())?;
    let bars: Vec<_> = SAMPLE.lines().take(BARS + 1).collect();
    fs::write(import.path().join("GOOG_1d.csv"), bars.join("\n"))
        .map_err(|error| error.to_string())?;
    let import = format!("data.import_dir={}", import.path().display());
    let settings: Vec<_> = SETTINGS.iter().copied().chain([&*import]).collect();
    let mut server = Server::start(args, folder, &settings)?;
    let client = Client::new(&server.address);
    let load = json!({"symbol": "GOOG", "timeframe": "1d"});
    waited_for(&client, "/api/v1/data/load", &load)?;
    let mut said = Vec::new();
    for params in plans() {
        let view = waited_for(&client, "/api/v1/training/start", &params)?;
        let (card, series) = results(&client, &view)?;
        let reference = Reference::of(&card, &series)
            .map_err(|error| format!("a training that nobody disturbed: {error}"))?;
        let seconds = view["elapsed_seconds"].as_f64().unwrap_or(0.0);
        said.push(format!("{} epochs in {seconds:.2} s", reference.epochs()));
        lock(ledger).trainings.push((params, reference));
    }
    let (status, _) = server.terminate();
    let orderly = status.is_some_and(|status| status.success());
    report.hold(orderly, format!("it ends with {status:?}"));
    report.say(format!(
        "trainings that nobody disturbed: {}",
        said.join(", ")
    ));
    Ok(())
}

/// The view of an operation once it has completed.
fn waited_for(client: &Client, path: &str, body: &Value) -> Result<Value, String> {
    let reply = client.post(&format!("{path}?wait=60"), body, None);
    let reply = reply.ok_or_else(|| format!("{path} is not answered"))?;
    let view = reply.data()["operation"].clone();
    if view["status"] == "completed" {
        Ok(view)
    } else {
        Err(format!(
            "{path} with {body}: {} {}",
            reply.status, reply.body
        ))
    }
}

/// The card of a completed training's model, and its series of metrics.
fn results(client: &Client, view: &Value) -> Result<(Value, Value), String> {
    let get = |path: String| match client.get(&path) {
        Some(reply) if reply.is_success() => Ok(reply.data().clone()),
        other => Err(format!("{path} is answered {other:?}")),
    };
    let model = view["result_summary"]["model_id"].as_str().unwrap_or("");
    let id = view["operation_id"].as_str().unwrap_or("");
    let card = get(format!("/api/v1/models/{model}"))?;
    let series = get(format!("/api/v1/operations/{id}/metrics"))?["series"].clone();
    Ok((card, series))
}

/// Starts a training or sends one a verb.
pub(super) fn act(client: &Client, ledger: &Mutex<Ledger>, random: &mut fastrand::Rng) {
    let going = lock(ledger).unsettled();
    if going.len() < AT_ONCE {
        let body = any_body(ledger, random);
        load::start(client, ledger, &body, random);
    } else if let Some(id) = random.choice(&going) {
        // A finish ends a training for good, so few of them come.
        let verb = match random.u8(..40) {
            0 => "finish",
            _ => VERBS[random.usize(..VERBS.len())],
        };
        load::ask(client, ledger, id, verb, random);
    }
}

fn any_body(ledger: &Mutex<Ledger>, random: &mut fastrand::Rng) -> Value {
    let mut body = {
        let ledger = lock(ledger);
        let plan = random.usize(..ledger.trainings.len());
        ledger.trainings[plan].0.clone()
    };
    // Many runs are lost before it ends.
    body["options"] = json!({"priority": random.i32(-5..6), "max_attempts": 1_000_000});
    if random.u8(..5) == 0 {
        body["options"]["timeout_seconds"] = json!(f64::from(random.u32(150..600)) / 1_000.0);
    }
    body
}

/// Compares a training with one that nobody disturbed, if it has completed.
pub(super) fn judge(
    client: &Client,
    id: &str,
    known: &mut Known,
    view: &Value,
    ledger: &Ledger,
    report: &mut Report,
) {
    if !known.is_training() {
        return;
    }
    known.settled = settled(view);
    if view["status"] != "completed" {
        return;
    }
    let compared = match ledger.reference(&known.body) {
        Some(reference) => {
            results(client, view).and_then(|(card, series)| reference.compare(view, &card, &series))
        }
        None => Err("nobody has trained it undisturbed".to_owned()),
    };
    if let Err(error) = compared {
        let seed = &known.body["seed"];
        report.hold(false, format!("{id}: training {seed} {error}"));
    }
}

/// Whether an operation has completed, or has ended and cannot be resumed.
fn settled(view: &Value) -> bool {
    let status = view["status"].as_str().unwrap_or("");
    status == "completed" || (check::is_ended(status) && view["checkpoint"].is_null())
}

/// Resumes all trainings until they have completed, so that none is left that nobody has compared.
pub(super) fn carry_on(
    client: &Client,
    ledger: &Mutex<Ledger>,
    report: &mut Report,
) -> Result<(), String> {
    let began = Instant::now();
    let mut random = fastrand::Rng::with_seed(0);
    loop {
        let going = lock(ledger).unsettled();
        let has_deadline =
            |id: &&String| lock(ledger).touch(id).body["options"]["timeout_seconds"].is_number();
        let (timed, others): (Vec<_>, Vec<_>) = going.iter().partition(has_deadline);
        let over = others.is_empty() && began.elapsed() > PATIENCE_WITH_DEADLINES;
        if going.is_empty() || over {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("{others:?} do not complete"));
        }
        for id in timed.into_iter().chain(others) {
            let view = client.view(id).filter(Reply::is_success);
            let view = view.ok_or_else(|| format!("{id}: a read is not answered"))?;
            let status = view.data()["status"].as_str().unwrap_or("");
            if settled(view.data()) {
                lock(ledger).touch(id).settled = true;
            } else if status == "paused" || check::is_ended(status) {
                load::ask(client, ledger, id, "resume", &mut random);
            }
        }
        report.violations.append(&mut lock(ledger).surprises);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Says what became of the trainings, and checks that everything has happened.
pub(super) fn summary(ledger: &Ledger, enough: bool, report: &mut Report) {
    if ledger.trainings.is_empty() {
        return;
    }
    let all = || {
        ledger
            .operations
            .values()
            .filter(|known| known.is_training())
    };
    let runs: Vec<_> = all()
        .filter_map(|known| check::completed(&known.events))
        .collect();
    let again = runs.iter().filter(|runs| **runs > 1).count();
    let events = || all().flat_map(|known| &known.events);
    let of = |name: &str| events().filter(|event| event["type"] == name).count();
    let skipped = events().filter(|event| check::is_skip(event)).count();
    let resumed = |from: &str| all().map(|known| resumed(&known.events, from)).sum();
    let [paused, cancelled, late]: [usize; 3] = ["paused", "cancelled", "failed"].map(resumed);
    report.say(format!(
        "{} trainings: {} completed, compared bit for bit, {again} of them in 2 to {} runs",
        all().count(),
        runs.len(),
        runs.iter().max().unwrap_or(&0)
    ));
    report.say(format!(
        "  resumed after {paused} pauses, {cancelled} cancels and {late} deadlines; {} checkpoints, {} runs that went on from one; {} damaged, skipped {skipped} times",
        of("checkpoint"),
        of("restored"),
        ledger.damaged.len()
    ));
    let seen = [
        ("training that completed after a stop", again),
        ("training that went on", of("restored")),
        ("training that was resumed after a pause", paused),
        ("training that was resumed after a cancel", cancelled),
        ("training that was resumed after its deadline", late),
        ("checkpoint that was skipped", skipped),
    ];
    for (what, count) in seen {
        let tested = count > 0 || !enough;
        report.hold(tested, format!("no {what}: nothing was tested"));
    }
}

/// How often an operation was resumed from this status.
fn resumed(events: &[Value], from: &str) -> usize {
    let told = events.iter().filter(|event| check::status(event).is_some());
    let told: Vec<_> = told.collect();
    let pairs = told.windows(2);
    let pairs = pairs.filter(|pair| pair[1]["type"] == "resumed");
    pairs
        .filter(|pair| check::status(pair[0]) == Some(from))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resume_counts_for_the_status_before_it() {
        let told = |kind: &str, status: &str| json!({"type": kind, "data": {"status": status}});
        let events = [
            told("status", "paused"),
            json!({"type": "metric", "data": {}}),
            told("resumed", "pending"),
            told("status", "running"),
            told("status", "cancelled"),
            told("resumed", "pending"),
        ];
        let counts = ["paused", "cancelled", "failed"].map(|from| resumed(&events, from));
        assert_eq!(counts, [1, 1, 0]);
    }
}
