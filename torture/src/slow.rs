//! A store that takes 200 ms for each commit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use impresario_api::Timestamp;
use serde_json::{Value, json};

use crate::client::{Client, Reply};
use crate::server::Server;
use crate::{Args, Report};

/// The key of the configuration that causes the fault.
const SLOW: &str = "store.commit_delay_ms=200";
const QUEUE_LIMIT: u64 = 500;
const CLIENTS: usize = 64;
const LASTS: Duration = Duration::from_secs(5);

/// What the clients measured.
#[derive(Default)]
struct Seen {
    /// The times of reads, in milliseconds.
    reads: Vec<f64>,
    taken: Vec<f64>,
    refused: Vec<f64>,
    /// How often each answer to a start came.
    answers: BTreeMap<String, u64>,
    cancel: Option<(Duration, Reply)>,
}

impl Seen {
    /// Adds the answers of a client that starts.
    fn count(&mut self, answers: Vec<(String, f64)>) {
        for (answer, took) in answers {
            let times = if answer == "202" {
                &mut self.taken
            } else {
                &mut self.refused
            };
            times.push(took);
            *self.answers.entry(answer).or_default() += 1;
        }
    }
}

pub(crate) fn run(args: &Args, _: u64) -> Report {
    let mut report = Report::default();
    if let Err(error) = play(args, &mut report) {
        report.hold(false, error);
    }
    report
}

fn play(args: &Args, report: &mut Report) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let limit = format!("lanes.default.queue_limit={QUEUE_LIMIT}");
    let server = Server::start(args, folder.path(), &[SLOW, &limit])?;
    let client = Client::new(&server.address);
    let long = json!({"iterations": 1_000_000, "step_ms": 10});
    let first = client.start(&long, None).ok_or("no answer")?.id();
    let before = server.memory();
    let mut seen = load(&client, &server.address, &first);
    let grown = server.memory().saturating_sub(before) >> 20;
    judge_starts(&client, &mut seen, grown, report)?;
    judge_reads(&mut seen.reads, report);
    judge_cancel(seen.cancel, report)
}

/// Runs many clients that start operations, and one that reads and cancels one half way.
fn load(client: &Client, address: &str, first: &str) -> Seen {
    let over = AtomicBool::new(false);
    let mut seen = Seen::default();
    std::thread::scope(|scope| {
        let starters: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| starter(&Client::new(address), &over)))
            .collect();
        let canceller = scope.spawn(|| {
            std::thread::sleep(LASTS / 2);
            let path = format!("/api/v1/operations/{first}/cancel?wait=10");
            let asked = Instant::now();
            let reply = client.post(&path, &json!({}), None);
            reply.map(|reply| (asked.elapsed(), reply))
        });
        let began = Instant::now();
        while began.elapsed() < LASTS {
            let asked = Instant::now();
            let read = client.view(first).is_some_and(|view| view.is_success());
            // A request without an answer counts as infinitely long.
            let took = if read {
                millis(asked.elapsed())
            } else {
                f64::INFINITY
            };
            seen.reads.push(took);
            std::thread::sleep(Duration::from_millis(2));
        }
        over.store(true, Ordering::Relaxed);
        seen.cancel = canceller.join().ok().flatten();
        for one in starters {
            // A panic of a client is reported as an unexpected answer.
            let panicked = |_| vec![("a panic".to_owned(), 0.0)];
            seen.count(one.join().unwrap_or_else(panicked));
        }
    });
    seen
}

/// Starts operations. Returns each answer, and how long it took.
fn starter(client: &Client, over: &AtomicBool) -> Vec<(String, f64)> {
    let mut seen = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let reply = client.start(&json!({"iterations": 1, "step_ms": 0}), None);
        let answer = reply.map_or_else(
            || "no answer".to_owned(),
            |reply| {
                format!("{} {}", reply.status, reply.code())
                    .trim()
                    .to_owned()
            },
        );
        let took = millis(asked.elapsed());
        if answer != "202" {
            // The client waits as Retry-After asks, but for a shorter time.
            std::thread::sleep(Duration::from_millis(20));
        }
        seen.push((answer, took));
    }
    seen
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn at(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len().saturating_sub(1) as f64 * share) as usize;
    sorted.get(place).copied().unwrap_or(f64::INFINITY)
}

fn judge_starts(
    client: &Client,
    seen: &mut Seen,
    grown: u64,
    report: &mut Report,
) -> Result<(), String> {
    seen.taken.sort_by(f64::total_cmp);
    seen.refused.sort_by(f64::total_cmp);
    report.hold(!seen.taken.is_empty(), "no start was taken by a slow store");
    for answer in seen.answers.keys() {
        let known = answer == "202" || answer.starts_with("429 ") || answer.starts_with("503 ");
        report.hold(known, format!("starts are answered {answer}"));
    }
    let system = client.get("/api/v1/system").ok_or("no answer")?;
    let waiting = system.data()["lanes"].as_array().into_iter().flatten();
    let waiting: u64 = waiting.filter_map(|lane| lane["queued"].as_u64()).sum();
    // One operation for each slot may be accepted in addition to those that wait.
    let bounded = waiting <= QUEUE_LIMIT + 2;
    report.hold(
        bounded,
        format!("{waiting} wait, the limit is {QUEUE_LIMIT}"),
    );
    report.hold(grown < 100, format!("memory grew by {grown} MB"));
    report.say(format!(
        "{SLOW}, {CLIENTS} clients, {} s: starts answered {:?}, taken p50 {:.0} ms, refused p50 {:.0} ms; {waiting} wait (limit {QUEUE_LIMIT}); memory grew by {grown} MB",
        LASTS.as_secs(),
        seen.answers,
        at(&seen.taken, 0.5),
        at(&seen.refused, 0.5)
    ));
    Ok(())
}

fn judge_reads(reads: &mut [f64], report: &mut Report) {
    reads.sort_by(f64::total_cmp);
    let (half, most) = (at(reads, 0.5), at(reads, 0.99));
    report.hold(
        most < 100.0,
        format!("views wait for the store: p99 {most:.0} ms"),
    );
    report.say(format!(
        "views meanwhile: p50 {half:.1} ms, p99 {most:.1} ms ({} of them)",
        reads.len()
    ));
}

fn judge_cancel(cancel: Option<(Duration, Reply)>, report: &mut Report) -> Result<(), String> {
    let (took, reply) = cancel.ok_or("the cancel is not answered")?;
    let view = reply.data();
    let time = |value: &Value| {
        value
            .as_str()
            .and_then(|text| text.parse::<Timestamp>().ok())
    };
    let asked = time(&view["stop"]["requested_at"]).ok_or("no time of the cancel")?;
    let last = time(&view["progress"]["updated_at"]).ok_or("no time of its last step")?;
    // The function must learn of the stop long before the first commit can be complete.
    let heard = last.seconds_since(asked) * 1_000.0;
    report.hold(
        heard < 150.0,
        format!("it went on for {heard:.0} ms after the cancel"),
    );
    report.hold(
        view["status"] == "cancelled",
        format!("the cancel ended in {}", reply.body),
    );
    report.hold(
        took < Duration::from_millis(1_500),
        format!("the cancel took {took:?}"),
    );
    report.say(format!(
        "a cancel meanwhile: the function's last step {heard:.0} ms after it, its stored end after {} ms",
        took.as_millis()
    ));
    Ok(())
}
