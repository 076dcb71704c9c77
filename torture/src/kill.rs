//! `kill -9` at random moments under load.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Client;
use crate::ledger::Ledger;
use crate::server::{Server, integrity};
use crate::{Args, Report, check};

const CLIENTS: u64 = 3;
/// Older operations that are looked at again in each round.
const LOOKED_AT_AGAIN: usize = 20;
const SETTINGS: &[&str] = &[
    "lanes.default.queue_limit=100000",
    "supervision.progress_ms=20",
];

pub(crate) fn run(args: &Args, seed: u64) -> Report {
    let mut report = Report::default();
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            report.hold(false, format!("no temporary folder: {error}"));
            return report;
        }
    };
    let ledger = Mutex::new(Ledger::default());
    let mut random = fastrand::Rng::with_seed(seed);
    let mut ready = Vec::new();
    for round in 0..args.rounds {
        let server = match Server::start(&args.server, folder.path(), SETTINGS) {
            Ok(server) => server,
            Err(error) => {
                report.hold(false, format!("round {round}: {error}"));
                return report;
            }
        };
        ready.push(server.ready.as_secs_f64() * 1_000.0);
        examine(&server, &ledger, &mut random, &mut report);
        let lives = Duration::from_millis(random.u64(5..400));
        load(server, &ledger, lives, random.u64(..));
        if report.violations.len() > 20 {
            report.say(format!("given up after round {round}"));
            return report;
        }
    }
    finish(args, folder.path(), &ledger, &mut report);
    summary(&lock(&ledger), &mut ready, args.rounds, &mut report);
    report
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Clients at work until the server is killed under them.
fn load(server: Server, ledger: &Mutex<Ledger>, lives: Duration, seed: u64) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (client, over) = (Client::new(&server.address), &over);
            let mut random = fastrand::Rng::with_seed(seed ^ number);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    act(&client, ledger, &mut random);
                }
            });
        }
        std::thread::sleep(lives);
        server.kill();
        over.store(true, Ordering::Relaxed);
    });
}

/// One thing that a client does.
fn act(client: &Client, ledger: &Mutex<Ledger>, random: &mut fastrand::Rng) {
    let known = lock(ledger).any(random);
    let verbs = ["cancel", "pause", "resume", "finish", "retry"];
    match (random.u8(..10), known) {
        (0..=3, _) | (_, None) => start(client, ledger, random),
        (4, Some(id)) => {
            if let (Some(view), Some(events)) = (client.view(&id), client.events(&id)) {
                let step = view.data()["checkpoint"]["step"]["iteration"].as_u64();
                let mut ledger = lock(ledger);
                let known = ledger.touch(&id);
                known.checkpoint = known.checkpoint.max(step.unwrap_or(0));
                if events.len() > known.events.len() {
                    known.events = events;
                }
            }
        }
        (_, Some(id)) => ask(
            client,
            ledger,
            &id,
            verbs[random.usize(..verbs.len())],
            random,
        ),
    }
}

fn start(client: &Client, ledger: &Mutex<Ledger>, random: &mut fastrand::Rng) {
    let iterations = random.u64(1..150);
    let mut body = json!({"iterations": iterations, "step_ms": random.u64(..12)});
    body["options"] = json!({"priority": random.i32(-5..6), "labels": {"torture": "yes"}});
    let key = (random.u8(..3) == 0).then(|| format!("key-{:016x}", random.u64(..)));
    let reply = client.start(&body, key.as_deref());
    let mut ledger = lock(ledger);
    match (reply, key) {
        (Some(reply), key) if reply.is_success() => {
            let id = reply.data()["operation_id"]
                .as_str()
                .unwrap_or("")
                .to_owned();
            ledger.acknowledged += 1;
            let known = ledger.touch(&id);
            known.acknowledged = true;
            known.iterations = iterations;
            known.key = key.map(|key| (key, body));
        }
        (None, Some(key)) => ledger.unanswered.push((key, body)),
        _ => {}
    }
}

fn ask(client: &Client, ledger: &Mutex<Ledger>, id: &str, verb: &str, random: &mut fastrand::Rng) {
    if verb == "resume" {
        // Before it is sent: it may come through unheard.
        let mut ledger = lock(ledger);
        let known = ledger.touch(id);
        (known.resumed, known.cancelled) = (true, false);
    }
    let key = (verb == "retry" && random.bool()).then(|| format!("retry-{:016x}", random.u64(..)));
    let path = format!("/api/v1/operations/{id}/{verb}");
    let reply = client.post(&path, &json!({}), key.as_deref());
    let mut ledger = lock(ledger);
    let iterations = ledger.touch(id).iterations;
    let Some(reply) = reply.filter(crate::client::Reply::is_success) else {
        return;
    };
    ledger.verbs += 1;
    let known = ledger.touch(id);
    if verb == "cancel" && reply.data()["durable"] != false && !known.resumed {
        known.cancelled = true;
    }
    if verb == "retry" {
        let new = reply.data()["operation_id"]
            .as_str()
            .unwrap_or("")
            .to_owned();
        ledger.acknowledged += 1;
        let known = ledger.touch(&new);
        known.acknowledged = true;
        known.iterations = iterations;
    }
}

/// After a restart: what was said still holds.
fn examine(
    server: &Server,
    ledger: &Mutex<Ledger>,
    random: &mut fastrand::Rng,
    report: &mut Report,
) {
    let client = Client::new(&server.address);
    let mut ledger = lock(ledger);
    let mut ids = std::mem::take(&mut ledger.touched);
    ids.extend((0..LOOKED_AT_AGAIN).filter_map(|_| ledger.any(random)));
    for id in ids {
        if let Some(known) = ledger.operations.get_mut(&id) {
            look(&client, &id, known, report);
        }
    }
    for (key, body) in std::mem::take(&mut ledger.unanswered) {
        // It was recorded or not; from now on the key stands for one operation.
        if let Some(id) = resend(&client, &key, &body, None, report) {
            ledger.replays += 1;
            let known = ledger.touch(&id);
            known.acknowledged = true;
            known.iterations = body["iterations"].as_u64().unwrap_or(0);
            known.key = Some((key, body));
        }
    }
}

fn look(client: &Client, id: &str, known: &mut crate::ledger::Known, report: &mut Report) {
    let (Some(view), Some(events)) = (client.view(id), client.events(id)) else {
        report.hold(!known.acknowledged, format!("{id}: acknowledged and gone"));
        return;
    };
    report.hold(
        view.status == 200,
        format!("{id}: acknowledged, and now {view:?}"),
    );
    report
        .violations
        .extend(check::history(id, &known.events, &events));
    if let Some(run) = check::completed(&known.events) {
        let now = check::completed(&events);
        report.hold(
            now == Some(run),
            format!("{id}: completed in run {run}, now {now:?}"),
        );
    }
    let view = view.data();
    let status = view["status"].as_str().unwrap_or("");
    if status == "completed" && view["stop"]["verb"] != "finish" {
        let done = view["result_summary"]["iterations_completed"].as_u64();
        let whole = known.iterations == 0 || done == Some(known.iterations);
        report.hold(
            whole,
            format!("{id}: {} iterations, did {done:?}", known.iterations),
        );
    }
    let told = known.checkpoint.max(check::checkpoint(&known.events));
    let kept = check::checkpoint(&events);
    report.hold(
        kept >= told,
        format!("{id}: checkpoint {told} was told, {kept} is kept"),
    );
    let still = ["cancelling", "cancelled", "completed", "failed"].contains(&status);
    report.hold(
        !known.cancelled || still,
        format!("{id}: cancelled, and now {status}"),
    );
    if let Some((key, body)) = &known.key {
        let _ = resend(client, key, body, Some(id), report);
    }
    known.checkpoint = told.max(kept);
    known.events = events;
}

/// The same start again: the same operation.
fn resend(
    client: &Client,
    key: &str,
    body: &Value,
    first: Option<&str>,
    report: &mut Report,
) -> Option<String> {
    let reply = client.start(body, Some(key))?;
    let id = reply.data()["operation_id"].as_str()?.to_owned();
    if let Some(first) = first {
        let same = id == first && reply.data()["replayed"] == true;
        report.hold(
            same,
            format!("{first}: its key now stands for {id}: {}", reply.body),
        );
    }
    Some(id)
}

/// At the end: everything once more, every slot, and the file itself.
fn finish(args: &Args, folder: &Path, ledger: &Mutex<Ledger>, report: &mut Report) {
    let server = Server::start(&args.server, folder, SETTINGS);
    let Ok(mut server) = server else {
        report.hold(false, "it does not start for the last time");
        return;
    };
    let client = Client::new(&server.address);
    {
        let mut ledger = lock(ledger);
        for (id, known) in &mut ledger.operations {
            look(&client, id, known, report);
        }
    }
    cancel_all(&client);
    let slots = lock(ledger).operations.len().min(4);
    let done: Vec<_> = std::thread::scope(|scope| {
        let one = || {
            let client = client.clone();
            let body = json!({"iterations": 3, "step_ms": 50});
            scope.spawn(move || client.post("/api/v1/dummy/start?wait=60", &body, None))
        };
        let all: Vec<_> = (0..slots).map(|_| one()).collect();
        all.into_iter()
            .filter_map(|one| one.join().ok().flatten())
            .collect()
    });
    let completed = done
        .iter()
        .filter(|reply| reply.data()["status"] == "completed")
        .count();
    report.hold(
        completed == slots,
        format!("{completed} of {slots} new ones complete"),
    );
    let system = client
        .get("/api/v1/system")
        .map(|reply| reply.body)
        .unwrap_or_default();
    let busy = system["data"]["lanes"][0]["slots"].as_array().map(|slots| {
        slots
            .iter()
            .filter(|slot| !slot["operation_id"].is_null())
            .count()
    });
    report.hold(
        busy == Some(0),
        format!("slots are busy with nothing to do: {busy:?}"),
    );
    let (status, _) = server.terminate();
    report.hold(
        status.is_some_and(|status| status.success()),
        format!("it ends with {status:?}"),
    );
    let verdict = integrity(folder);
    report.hold(verdict == "ok", format!("integrity_check: {verdict}"));
    report.say(format!("integrity_check {verdict}"));
}

/// Cancels everything live, and waits until it is.
fn cancel_all(client: &Client) {
    loop {
        let Some(page) = client.get("/api/v1/operations?active_only=true&limit=1000") else {
            return;
        };
        let rows = page.data()["operations"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        if rows.is_empty() {
            return;
        }
        for row in rows {
            let id = row["operation_id"].as_str().unwrap_or("");
            let path = format!("/api/v1/operations/{id}/cancel?wait=30");
            client.post(&path, &json!({}), None);
        }
    }
}

fn summary(ledger: &Ledger, ready: &mut [f64], rounds: u32, report: &mut Report) {
    ready.sort_by(f64::total_cmp);
    let at = |share: f64| {
        ready
            .get(((ready.len() as f64 - 1.0) * share) as usize)
            .copied()
    };
    let events: usize = ledger
        .operations
        .values()
        .map(|known| known.events.len())
        .sum();
    report.say(format!(
        "{rounds} rounds of kill -9: {} acknowledged starts, {} verbs, {} starts resent unheard, {events} events",
        ledger.acknowledged, ledger.verbs, ledger.replays
    ));
    report.say(format!(
        "ready after a kill: p50 {:.0} ms, max {:.0} ms",
        at(0.5).unwrap_or(0.0),
        at(1.0).unwrap_or(0.0)
    ));
    let checked = "no acknowledged start lost, histories whole, no completed one run again, told checkpoints kept, keys replay, slots free";
    if report.violations.is_empty() {
        report.say(checked);
    }
}
