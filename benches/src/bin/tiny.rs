//! From a start to its stored end, many at once: a tiny kind, which shares slots and so commits, and
//! an ordinary one, beside SQLite writing the same rows. Over HTTP with `?wait`, and in process; `http`
//! or `process` measures one of them alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use impresario::operation::Kinds;
use impresario::{Config, LaneConfig, Options, Orchestrator};
use impresario_api::Status;
use impresario_bench::load::{CONNECTIONS, REQUESTS, WORKERS, bare_server, rate};
use impresario_bench::sqlite::{Bare, BareWriter, Rows};
use impresario_bench::{Client, NoParams, Nothing, Samples, Server, Target, judge, machine};
use impresario_server::store::{Options as StoreOptions, SqliteStore};

const ROUNDS: usize = 5;
const TINY: (&str, &str) = ("/api/v1/operations?wait=30", "{\"kind\":\"nothing\"}");
const ORDINARY: (&str, &str) = ("/api/v1/dummy/start?wait=30", "{\"iterations\":0}");
/// In process: how many are under way at once, and so how many share a commit.
const TOGETHER: usize = 512;

fn main() {
    machine();
    let part = std::env::args().nth(1);
    if part.as_deref() != Some("process") {
        over_http();
    }
    if part.as_deref() != Some("http") {
        in_process();
    }
    machine();
}

fn over_http() {
    let mut rates = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        let server = server();
        let (status, answer) = Client::new(&server.address).send("POST", TINY.0, TINY.1);
        assert!(status < 300 && answer.contains("completed"), "{answer}");
        for (rows, rates) in [Rows::Start, Rows::Whole].into_iter().zip(&mut rates) {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let writer = BareWriter::start(folder.path(), rows);
            let bare = bare_server("/bare", answer.clone(), Some(writer));
            rates.push(rate(&bare, "/bare", TINY.1));
        }
        rates[2].push(rate(&server.address, TINY.0, TINY.1));
        rates[3].push(rate(&server.address, ORDINARY.0, ORDINARY.1));
    }
    println!(
        "{REQUESTS} requests a second, {CONNECTIONS} connections, {ROUNDS} alternating rounds"
    );
    let names = [
        "POST that awaits a bare writer of starts",
        "of starts, runs and ends, one commit",
        "?wait to the end, tiny kind",
        "?wait to the end, ordinary kind",
    ];
    for (name, rates) in names.iter().zip(&rates) {
        println!("  {name:40} {}", Samples::new(rates.clone()).spread());
    }
    let shares = |figure: usize, floor: usize| Samples::ratios(&rates[figure], &rates[floor]);
    let same_rows = shares(2, 1);
    judge(
        "tiny, ?wait / the same rows",
        &same_rows,
        Target::AtLeast(0.6),
    );
    println!(
        "  tiny, ?wait / starts alone               {}",
        shares(2, 0).spread()
    );
    println!(
        "  ordinary, ?wait / the same rows          {}",
        shares(3, 1).spread()
    );
}

fn server() -> Server {
    let workers = format!("http.workers={WORKERS}");
    let lane = "lanes.burn.concurrency=1";
    Server::start("bench-server", &["--set", lane, "--set", &workers])
}

fn in_process() {
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        floor.push(by_sqlite_alone());
        ours.push(by_the_orchestrator());
    }
    println!("{REQUESTS} operations a second in process, {TOGETHER} at once");
    println!(
        "  SQLite alone, the same rows              {}",
        Samples::new(floor.clone()).spread()
    );
    println!(
        "  start to stored end, tiny kind           {}",
        Samples::new(ours.clone()).spread()
    );
    let ratio = Samples::ratios(&ours, &floor);
    judge("in process / SQLite alone", &ratio, Target::AtLeast(0.75));
}

/// Starts, runs and ends, each a transaction of as many as are under way.
fn by_sqlite_alone() -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut bare = Bare::open(folder.path());
    let began = Instant::now();
    for _ in 0..REQUESTS / TOGETHER {
        let first = bare.start(TOGETHER);
        bare.run(first, TOGETHER);
        bare.end(first, TOGETHER);
    }
    (REQUESTS / TOGETHER * TOGETHER) as f64 / began.elapsed().as_secs_f64()
}

fn by_the_orchestrator() -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open(folder.path(), StoreOptions::default()).expect("a store");
    let lane = LaneConfig {
        concurrency: 8,
        ..LaneConfig::default()
    };
    let config = Config::default().lane("default", lane);
    let kinds = Kinds::new().register(Nothing);
    let orchestrator = Arc::new(Orchestrator::start(config, kinds, store).expect("a lane"));
    let left = Arc::new(AtomicUsize::new(REQUESTS));
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime");
    let local = tokio::task::LocalSet::new();
    let began = Instant::now();
    for _ in 0..TOGETHER {
        local.spawn_local(one_after_another(
            Arc::clone(&orchestrator),
            Arc::clone(&left),
        ));
    }
    runtime.block_on(local);
    let took = began.elapsed();
    runtime.block_on(orchestrator.shutdown());
    REQUESTS as f64 / took.as_secs_f64()
}

async fn one_after_another(orchestrator: Arc<Orchestrator>, left: Arc<AtomicUsize>) {
    let one_less = |left: usize| left.checked_sub(1);
    while left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
        .is_ok()
    {
        let options = Options {
            wait: Duration::from_secs(30),
            ..Options::default()
        };
        let started = orchestrator.start_managed_operation::<Nothing>(NoParams {}, options);
        let id = started.await.expect("room").id;
        // It was answered by its end; nothing is to be read.
        debug_assert_eq!(
            orchestrator.view(id).await.map(|view| view.row.status).ok(),
            Some(Status::Completed)
        );
    }
}
