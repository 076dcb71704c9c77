//! Reads with a million ended operations in the store, beside the same reads with a thousand. Then, with a
//! hundred thousand more that wait: restart after a kill, memory and disk. Then, with very many more that wait,
//! some of them for their time: `/system` and `/metrics`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use impresario::operation::{RunEnd, RunFailure};
use impresario::store::Backoff;
use impresario::store::Limits;
use impresario::store::Terms;
use impresario::store::sqlite::{Options, SqliteStore};
use impresario::store::{Claim, Command, End, Store, Submission};
use impresario_api::{OperationId, Timestamp};
use impresario_bench::{Client, Samples, Server, Target, judge, machine};

const FEW: u64 = 1_000;
const MANY: u64 = 1_000_000;
const WAITING: u64 = 100_000;
/// The number of waiting operations at the end.
const CROWD: u64 = 780_000;
const BATCH: u64 = 500;
const A_YEAR: i64 = 366 * 86_400_000;
const ROUNDS: usize = 5;
/// How often each read is done in a round.
const TURNS: usize = 1_000;
const KILLS: usize = 5;

fn main() {
    machine();
    let [small, large] = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    fill(small.path(), 0..FEW, Fate::Ended);
    let began = Instant::now();
    fill(large.path(), 0..MANY, Fate::Ended);
    println!(
        "{MANY} ended, written in {:.0} s",
        began.elapsed().as_secs_f64()
    );
    disk(large.path(), MANY, "ended, three events each");
    compare(small.path(), large.path(), &paths);
    let before = resident(large.path());
    fill(large.path(), MANY..MANY + WAITING, Fate::Waits);
    println!("with {WAITING} that wait besides");
    restarts(large.path(), before);
    let (ready, all) = (MANY + CROWD - CROWD / 10, MANY + CROWD);
    fill(large.path(), MANY + WAITING..ready, Fate::Waits);
    fill(large.path(), ready..all, Fate::Scheduled);
    println!("with {CROWD} that wait, a tenth of them for their time:");
    compare(small.path(), large.path(), &|_| {
        vec![
            ("GET /healthz", "/healthz".to_owned()),
            ("system", "/api/v1/system".to_owned()),
            ("metrics", "/metrics".to_owned()),
        ]
    });
    machine();
}

/// The status of the operations that are written.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Ended,
    Waits,
    /// Pending, with a time that does not come.
    Scheduled,
}

/// Writes operations with the store itself.
fn fill(folder: &Path, numbers: std::ops::Range<u64>, fate: Fate) {
    let mut store = SqliteStore::open(folder, Options::default()).expect("a store");
    let now = Timestamp::now();
    let since = (now.as_millis() - OperationId::EPOCH_MILLIS).unsigned_abs();
    let first = since << OperationId::BELOW_TIME_BITS;
    let mut from = numbers.start;
    while from < numbers.end {
        let batch = from..numbers.end.min(from + BATCH);
        let ids = batch
            .clone()
            .map(|number| OperationId::from_u64(first + number));
        let ids: Vec<_> = ids.collect();
        let mut commands: Vec<_> = batch
            .clone()
            .zip(&ids)
            .map(|(number, id)| Command::Submit(Box::new(submission(*id, number, now, fate))))
            .collect();
        if fate == Fate::Ended {
            commands.push(Command::Claim(Claim {
                lane: "default".to_owned(),
                limit: ids.len(),
                now,
                ..Claim::default()
            }));
            let ends = batch.clone().zip(&ids);
            commands.extend(ends.map(|(number, id)| Command::End(Box::new(end(*id, number, now)))));
        }
        store.commit(&commands).expect("written");
        from = batch.end;
    }
}

fn submission(id: OperationId, number: u64, now: Timestamp, fate: Fate) -> Submission {
    let labels = [("experiment".to_owned(), format!("e{}", number % 1_000))];
    Submission {
        id,
        kind: "dummy".to_owned(),
        lane: "default".to_owned(),
        priority: 0,
        labels: BTreeMap::from(labels),
        requested_by: "me@desk".to_owned(),
        retry_of: None,
        reason: None,
        fork: None,
        params: Arc::new(serde_json::json!({"iterations": 1, "step_ms": 3_600_000})),
        timeout_ms: None,
        not_before: (fate == Fate::Scheduled).then(|| now.plus_millis(A_YEAR)),
        terms: Terms {
            pausable: true,
            finishable: true,
            max_attempts: 3,
            backoff: Backoff {
                base: Duration::from_secs(1),
                cap: Duration::from_secs(60),
            },
            retry_panics: false,
            fail_when_lost: false,
        },
        idempotency: None,
        unique: None,
        limits: Limits::NONE,
        now,
    }
}

/// The end of an operation. One in a thousand fails.
fn end(id: OperationId, number: u64, now: Timestamp) -> End {
    let failure = RunFailure {
        code: "TROUBLE".to_owned(),
        message: "it went wrong".to_owned(),
        details: None,
        retryable: false,
        step: None,
    };
    let failed = number.is_multiple_of(1_000);
    End {
        id,
        run: 1,
        end: if failed {
            RunEnd::Failed(failure)
        } else {
            RunEnd::Returned
        },
        signalled: None,
        output: (!failed).then(|| serde_json::json!({"iterations_completed": 1})),
        progress: None,
        events: Vec::new(),
        checkpoint: None,
        now,
        ran_ms: None,
        jitter: 0.0,
    }
}

/// A server whose only slot has a sleeping operation, so that all others wait.
fn server(folder: &Path) -> Server {
    let lane = "lanes.default.concurrency=1";
    let queue = "lanes.default.queue_limit=1000000";
    let set = [lane, queue, "lanes.burn.concurrency=1"]
        .map(|pair| ["--set", pair])
        .concat();
    Server::start_in(folder, "bench-server", &set)
}

type Reads = Vec<(&'static str, String)>;

/// Measures each read on both servers in turn.
fn compare(small: &Path, large: &Path, paths: &dyn Fn(&mut Client) -> Reads) {
    let servers = [server(small), server(large)];
    let mut clients = servers
        .each_ref()
        .map(|server| Client::new(&server.address));
    let paths = clients.each_mut().map(paths);
    let names: Vec<_> = paths[0].iter().map(|(name, _)| *name).collect();
    let mut round = || {
        let mut times = [(); 2].map(|()| vec![Vec::new(); names.len()]);
        for _ in 0..TURNS {
            for (which, client) in clients.iter_mut().enumerate() {
                for (read, (_, path)) in paths[which].iter().enumerate() {
                    times[which][read].push(client.time("GET", path, ""));
                }
            }
        }
        times.map(|reads| reads.into_iter().map(Samples::new).collect::<Vec<_>>())
    };
    // Otherwise one server might share the client's core and the other not.
    let both = || servers[1].apart(|| (0..ROUNDS).map(|_| round()).collect::<Vec<_>>());
    let rounds = servers[0].apart(both);
    println!("µs, one connection, {TURNS} of each a round, {FEW} kept and many:");
    for (read, name) in names.iter().enumerate() {
        let of = |which: usize, p| {
            let all = rounds.iter().map(|round| round[which][read].percentile(p));
            Samples::new(all.collect()).spread()
        };
        let figures = [of(0, 50.0), of(1, 50.0), of(0, 99.0), of(1, 99.0)];
        let [a, b, c, d] = figures;
        println!("    {name:26} p50 {a}, {b}; p99 {c}, {d}");
    }
    for (read, name) in names.iter().enumerate().skip(1) {
        let searching = name.starts_with("a page by");
        let ratios = rounds.iter().map(|[small, large]| {
            let floor = if searching { &large[0] } else { &small[read] };
            large[read].percentile(99.0) / floor.percentile(99.0)
        });
        let (floor, most) = if searching {
            ("healthz", 20.0)
        } else {
            ("few", 2.0)
        };
        let ratios = Samples::new(ratios.collect());
        judge(
            &format!("{name} / {floor}, p99"),
            &ratios,
            Target::AtMost(most),
        );
    }
}

/// The reads: names and paths, with an id of this server.
fn paths(client: &mut Client) -> Reads {
    let list = "/api/v1/operations";
    let (_, page) = client.send("GET", &format!("{list}?limit=1"), "");
    let at = page.find("op_").expect("an id");
    let id = &page[at..at + 16];
    vec![
        ("GET /healthz", "/healthz".to_owned()),
        ("newest page of 50", format!("{list}?limit=50")),
        (
            "newest completed page",
            format!("{list}?status=completed&limit=50"),
        ),
        ("a view", format!("{list}/{id}")),
        ("counts (system)", "/api/v1/system".to_owned()),
        (
            "a page by the end of an id",
            format!("{list}?q={}", &id[12..]),
        ),
        (
            "a page by a label",
            format!("{list}?label=experiment:e7&limit=50"),
        ),
        ("a page by a label's value", format!("{list}?q=e7&limit=50")),
    ]
}

fn resident(folder: &Path) -> f64 {
    let server = server(folder);
    Client::new(&server.address).send("GET", "/readyz", "");
    server.resident()
}

/// Kills and starts the server repeatedly.
fn restarts(folder: &Path, before: f64) {
    let mut first = server(folder);
    let mut ready = Vec::new();
    for _ in 0..KILLS {
        drop(first);
        let began = Instant::now();
        first = server(folder);
        let mut client = Client::new(&first.address);
        while client.send("GET", "/readyz", "").0 != 200 {}
        ready.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let ready = Samples::new(ready);
    println!(
        "  ready after a kill, ms                   {}",
        ready.spread()
    );
    let more = first.resident() - before;
    println!(
        "  memory, MB                               {:.1}, of it {:.0} bytes for each that waits",
        first.resident() / 1e6,
        more / WAITING as f64
    );
    let mut client = Client::new(&first.address);
    let page = (0..TURNS).map(|_| client.time("GET", "/api/v1/operations?limit=50", ""));
    let page = Samples::new(page.collect());
    println!(
        "  newest page, 50 that wait, µs            p50 {:.0}, p99 {:.0}",
        page.percentile(50.0),
        page.percentile(99.0)
    );
    drop(first);
    disk(folder, MANY + WAITING, "kept");
}

fn disk(folder: &Path, operations: u64, what: &str) {
    let files = std::fs::read_dir(folder).expect("a folder");
    let sizes = files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len()));
    let bytes: u64 = sizes.sum();
    println!(
        "  {operations} {what}: {:.0} bytes each on disk",
        bytes as f64 / operations as f64
    );
}
