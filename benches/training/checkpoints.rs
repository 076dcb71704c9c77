//! The kind `training` with and without checkpoints, and how soon it stops and goes on.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use impresario::api::{Bar, OperationId, Verb};
use impresario::operation::{Kinds, SyncOptions, run_sync_operation};
use impresario::store::sqlite::{self, SqliteStore};
use impresario::{Config, LaneConfig, Options, Orchestrator, Until};
use impresario_server::domain::market::Library;
use impresario_server::domain::training::{Models, Training, TrainingParams};
use rustix::time::ClockId;

use super::{seconds, spread, told};

const PAIRS: usize = 11;
const STOPS: usize = 100;
const HOUR: Duration = Duration::from_secs(3_600);

/// The sample of the repository as GOOG 1d, and an orchestrator that trains on it.
struct Stage {
    folder: tempfile::TempDir,
    kind: Training,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let library = Library::new(folder.path().join("bars"))
            .open()
            .expect("a library");
        let mut bars = Vec::new();
        for row in include_str!("../../samples/GOOG_1d.csv").lines().skip(1) {
            let fields: Vec<&str> = row.split(',').collect();
            let number = |at: usize| fields[at].parse().expect("a number");
            let bar = Bar {
                timestamp: format!("{}T00:00:00Z", fields[0]).parse().expect("a day"),
                open: number(1),
                high: number(2),
                low: number(3),
                close: number(4),
                volume: number(5),
            };
            bars.push(bar);
        }
        let replaced = library.replace("GOOG", "1d", &bars, "GOOG_1d.csv");
        replaced.expect("it is written");
        let models = Models::open(folder.path().join("models")).expect("a folder");
        let kind = Training::new(library, models);
        Self { folder, kind }
    }

    fn orchestrator(&self) -> Orchestrator {
        let config = Config::default()
            .lane("training", LaneConfig::default().concurrency(1))
            .checkpoint_dir(Some(self.folder.path().join("checkpoints")));
        let store = SqliteStore::open(
            &self.folder.path().join("store"),
            sqlite::Options::default(),
        )
        .expect("a store");
        let kinds = Kinds::new().register(self.kind.clone());
        Orchestrator::start(config, kinds, store).expect("it starts")
    }
}

fn params(batch_size: u32, epochs: u32) -> TrainingParams {
    serde_json::from_value(serde_json::json!({
        "symbol": "GOOG", "timeframe": "1d", "epochs": epochs, "patience": 1_000_000,
        "batch_size": batch_size, "device": "cpu",
    }))
    .expect("they are params")
}

/// CPU seconds of the whole process, and seconds, that something takes.
async fn cost(work: impl AsyncFnOnce()) -> (f64, f64) {
    let (cpu, began) = (seconds(ClockId::ProcessCPUTime), Instant::now());
    work().await;
    (
        seconds(ClockId::ProcessCPUTime) - cpu,
        began.elapsed().as_secs_f64(),
    )
}

/// A training under the supervisor, with its checkpoints, metrics and progress in SQLite, beside one that is
/// called as a function and keeps nothing.
pub(super) fn compare() {
    const EPOCHS: u32 = 1_200;
    let stage = Stage::new();
    let (mut cpu, mut wall, mut checkpoints) = (Vec::new(), Vec::new(), 0);
    actix_web::rt::System::new().block_on(async {
        let orchestrator = stage.orchestrator();
        let kept = async || {
            let start = orchestrator
                .start_managed_operation::<Training>(params(32, EPOCHS), Options::default());
            let id = start.await.expect("a start").id;
            orchestrator
                .wait_until(id, Until::Ended, HOUR)
                .await
                .expect("it ends");
            id
        };
        let bare = async || {
            let kind = stage.kind.clone();
            let run = move || run_sync_operation(&kind, params(32, EPOCHS), SyncOptions::default());
            let thread = std::thread::spawn(run);
            thread.join().expect("no panic").expect("it completes");
        };
        for pair in 0..=PAIRS {
            let mut id = None;
            let (kept, bare) = if pair % 2 == 0 {
                let bare = cost(bare).await;
                (cost(async || id = Some(kept().await)).await, bare)
            } else {
                let kept = cost(async || id = Some(kept().await)).await;
                (kept, cost(bare).await)
            };
            if pair > 0 {
                cpu.push(kept.0 / bare.0);
                wall.push(kept.1 / bare.1);
                checkpoints += written(&orchestrator, id.expect("it was started")).await;
            }
        }
        orchestrator.shutdown().await;
    });
    println!(
        "{PAIRS} alternating pairs of {EPOCHS} epochs of GOOG 1d, batch 32; {:.1} checkpoints in each",
        checkpoints as f64 / PAIRS as f64
    );
    told("kept in SQLite / bare, CPU", &spread(cpu), 1.025);
    told("kept in SQLite / bare, wall", &spread(wall), 1.025);
}

/// How many checkpoints of an operation were recorded.
async fn written(orchestrator: &Orchestrator, id: OperationId) -> usize {
    let page = orchestrator.events(id, 0, 1_000, &["checkpoint"], None);
    page.await.expect("events").events.len()
}

/// From the verb to the recorded end, and from the resume to the first new batch.
pub(super) fn stops() {
    let stage = Stage::new();
    let (mut stopped, mut resumed, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    let mut bare = Vec::new();
    actix_web::rt::System::new().block_on(async {
        let orchestrator = stage.orchestrator();
        let endless = params(256, 1_000_000);
        let start = orchestrator.start_managed_operation::<Training>(endless, Options::default());
        let id = start.await.expect("a start").id;
        for stop in 0..=STOPS {
            let first = items(&orchestrator, id).await;
            let began = Instant::now();
            // Somewhere in the course of things.
            actix_web::rt::time::sleep(Duration::from_micros(97_000 + 1_013 * stop as u64)).await;
            let learned = items(&orchestrator, id).await - first;
            rates.push(256.0 / (learned as f64 / began.elapsed().as_secs_f64()) * 1e3);
            let asked = Instant::now();
            let patient = Options::default().wait(HOUR);
            orchestrator
                .ask(id, Verb::Pause, None, patient)
                .await
                .expect("it pauses");
            stopped.push(asked.elapsed().as_secs_f64() * 1e3);
            let shown = orchestrator.view(id).await.expect("a view");
            let before = shown
                .row
                .progress
                .map_or(0, |progress| progress.items_processed);
            let bytes = shown
                .row
                .checkpoint
                .map_or(0, |checkpoint| checkpoint.bytes);
            bare.push(bare_pause(stage.folder.path(), bytes as usize));
            let asked = Instant::now();
            orchestrator
                .ask(id, Verb::Resume, None, Options::default())
                .await
                .expect("it resumes");
            while items(&orchestrator, id).await <= before {
                actix_web::rt::time::sleep(Duration::from_millis(1)).await;
            }
            resumed.push(asked.elapsed().as_secs_f64() * 1e3);
        }
        let patient = Options::default().wait(HOUR);
        orchestrator
            .ask(id, Verb::Cancel, None, patient)
            .await
            .expect("it ends");
        orchestrator.shutdown().await;
    });
    let p99 = |mut samples: Vec<f64>| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() * 99 / 100 - 1]
    };
    println!("{STOPS} pauses of GOOG 1d at batch 256, ms");
    println!(
        "  a batch                         {}",
        spread(rates.clone()).1
    );
    println!(
        "  a checkpoint and two commits    {}",
        spread(bare.clone()).1
    );
    println!(
        "  pause asked to paused, recorded {}",
        spread(stopped.clone()).1
    );
    println!(
        "  its p99 {:.2}, two batches and the p99 of those {:.2}",
        p99(stopped),
        2.0 * spread(rates).0 + p99(bare)
    );
    println!(
        "  resume to the first new batch   {}   target <= 300",
        spread(resumed).1
    );
}

async fn items(orchestrator: &Orchestrator, id: OperationId) -> u64 {
    let view = orchestrator.view(id).await.expect("a view");
    view.row
        .progress
        .map_or(0, |progress| progress.items_processed)
}

/// What a pause cannot do without: the bytes of its checkpoint in a file, a manifest, both and their folders
/// synced, a rename, and two commits of the store, of the verb and of the end.
fn bare_pause(root: &Path, bytes: usize) -> f64 {
    let (unfinished, finished) = (root.join(".bare"), root.join("bare"));
    let began = Instant::now();
    fs::create_dir_all(unfinished.join("files")).expect("writable");
    for (name, bytes) in [("files/tensors", bytes), ("manifest", 600)] {
        let mut file = File::create(unfinished.join(name)).expect("writable");
        file.write_all(&vec![7; bytes]).expect("writable");
        file.sync_all().expect("it syncs");
    }
    for folder in [&unfinished.join("files"), &unfinished] {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .expect("it syncs");
    }
    fs::rename(&unfinished, &finished).expect("it is renamed");
    File::open(root)
        .and_then(|root| root.sync_all())
        .expect("it syncs");
    let mut log = File::create(finished.join("log")).expect("writable");
    for _ in 0..2 {
        log.write_all(&[7; 8_192]).expect("writable");
        log.sync_data().expect("it syncs");
    }
    let took = began.elapsed().as_secs_f64() * 1e3;
    fs::remove_dir_all(finished).expect("it is removed");
    took
}
