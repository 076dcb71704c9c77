//! What a training under the supervisor costs more than its function alone, and how much of that its
//! checkpoints are.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use impresario::api::{Bar, OperationId};
use impresario::operation::{
    Context, Failure, Kinds, Operation, Policy, SyncOptions, run_sync_operation,
};
use impresario::store::sqlite::{self, SqliteStore};
use impresario::{Config, LaneConfig, Options, Orchestrator, Until};
use impresario_server::domain::market::Library;
use impresario_server::domain::training::{Models, Training, TrainingOutput, TrainingParams};
use rustix::time::ClockId;

use super::{load, now, own_niceness, seconds, spread, told};

const ROUNDS: usize = 12;
const EPOCHS: u32 = 1_500;
pub(super) const HOUR: Duration = Duration::from_secs(3_600);

/// The kind `training` itself, and what its last run took. Without checkpoints it is due for one alone, and then
/// never again.
#[derive(Clone)]
pub(super) struct Timed<const KEPT: bool> {
    kind: Training,
    pub(super) last: Arc<Mutex<Option<Ran>>>,
}

/// A run of the function.
#[derive(Clone, Copy)]
pub(super) struct Ran {
    /// CPU seconds of its thread.
    pub(super) cpu: f64,
    pub(super) seconds: f64,
    pub(super) returned: Instant,
}

impl<const KEPT: bool> Timed<KEPT> {
    pub(super) fn last(&self) -> Ran {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.expect("it ran")
    }
}

impl<const KEPT: bool> Operation for Timed<KEPT> {
    const KIND: &'static str = if KEPT { "kept" } else { "not_kept" };
    type Params = TrainingParams;
    type Output = TrainingOutput;

    fn policy(&self) -> Policy {
        let policy = self.kind.policy();
        if KEPT {
            policy
        } else {
            policy.checkpoint_share(f64::MIN_POSITIVE)
        }
    }

    fn run(&self, params: TrainingParams, ctx: &Context) -> Result<TrainingOutput, Failure> {
        let (began, cpu) = (Instant::now(), now());
        let output = self.kind.run(params, ctx);
        let ran = Ran {
            cpu: now() - cpu,
            seconds: began.elapsed().as_secs_f64(),
            returned: Instant::now(),
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(ran);
        output
    }
}

/// The sample of the repository as GOOG 1d, and an orchestrator that trains on it.
pub(super) struct Stage {
    pub(super) folder: tempfile::TempDir,
    pub(super) kept: Timed<true>,
    not_kept: Timed<false>,
}

impl Stage {
    pub(super) fn new() -> Self {
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
        let last = Arc::default();
        Self {
            folder,
            kept: Timed {
                kind: kind.clone(),
                last: Arc::clone(&last),
            },
            not_kept: Timed { kind, last },
        }
    }

    pub(super) fn orchestrator(&self) -> Orchestrator {
        // The same priority as the function that is called beside it.
        let config = Config::default()
            .nice(own_niceness())
            .lane("training", LaneConfig::default().concurrency(1))
            .checkpoint_dir(Some(self.folder.path().join("checkpoints")));
        let store = SqliteStore::open(
            &self.folder.path().join("store"),
            sqlite::Options::default(),
        )
        .expect("a store");
        let kinds = Kinds::new()
            .register(self.kept.clone())
            .register(self.not_kept.clone());
        Orchestrator::start(config, kinds, store).expect("it starts")
    }
}

pub(super) fn params(batch_size: u32, epochs: u32) -> TrainingParams {
    serde_json::from_value(serde_json::json!({
        "symbol": "GOOG", "timeframe": "1d", "epochs": epochs, "patience": 1_000_000,
        "batch_size": batch_size, "device": "cpu",
    }))
    .expect("they are params")
}

/// What a training has cost: its function, and the whole process meanwhile, in CPU seconds.
struct Cost {
    function: Ran,
    process: f64,
}

impl Cost {
    /// What the other threads had to do, by the CPU time of the function.
    fn beside(&self) -> f64 {
        (self.process - self.function.cpu) / self.function.cpu
    }
}

async fn managed<const KEPT: bool>(orchestrator: &Orchestrator, kind: &Timed<KEPT>) -> Cost {
    let began = seconds(ClockId::ProcessCPUTime);
    let start =
        orchestrator.start_managed_operation::<Timed<KEPT>>(params(32, EPOCHS), Options::default());
    let id = start.await.expect("a start").id;
    let ended = orchestrator.wait_until(id, Until::Ended, HOUR).await;
    ended.expect("it ends");
    Cost {
        function: kind.last(),
        process: seconds(ClockId::ProcessCPUTime) - began,
    }
}

fn as_function(kind: &Timed<true>) -> Cost {
    let began = seconds(ClockId::ProcessCPUTime);
    let called = kind.clone();
    let run = move || run_sync_operation(&called, params(32, EPOCHS), SyncOptions::default());
    let thread = std::thread::spawn(run);
    thread.join().expect("no panic").expect("it completes");
    Cost {
        function: kind.last(),
        process: seconds(ClockId::ProcessCPUTime) - began,
    }
}

/// How many checkpoints the runs have written, and how many seconds these have taken, as the supervisor
/// measures it.
pub(super) async fn checkpoints(orchestrator: &Orchestrator) -> (u64, f64) {
    let metrics = orchestrator.system_metrics().await.expect("it runs");
    let costs = &metrics.checkpoints["kept"];
    (costs.count(), costs.sum().as_secs_f64())
}

/// The same training with its checkpoints, metrics and progress in SQLite, without checkpoints but for one, and
/// called as a function that keeps nothing.
pub(super) fn compare() {
    let stage = Stage::new();
    let mut rounds = Vec::new();
    let (written, took) = actix_web::rt::System::new().block_on(async {
        let orchestrator = stage.orchestrator();
        for round in 0..=ROUNDS {
            let order = [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]][round % 4];
            let mut costs = [const { None }; 3];
            for which in order {
                costs[which] = Some(match which {
                    0 => managed(&orchestrator, &stage.kept).await,
                    1 => managed(&orchestrator, &stage.not_kept).await,
                    _ => as_function(&stage.kept),
                });
            }
            rounds.push(costs.map(|cost| cost.expect("each was measured")));
        }
        let told = checkpoints(&orchestrator).await;
        orchestrator.shutdown().await;
        told
    });
    let kept = rounds.iter().map(|[kept, ..]| kept.function);
    let (cpu, wall) = kept.fold((0.0, 0.0), |sum, ran| {
        (sum.0 + ran.cpu, sum.1 + ran.seconds)
    });
    println!(
        "{} trainings of {EPOCHS} epochs of GOOG 1d, batch 32, {wall:.1} s in all, with {written} checkpoints of {:.2} ms; {}",
        rounds.len(),
        took / written as f64 * 1e3,
        load()
    );
    let share = |of: f64| (took / of, format!("{:.4}", took / of));
    told(
        "in the calls that write one / wall time",
        &share(wall),
        0.02,
    );
    told(
        "the same / CPU time of the function (at most)",
        &share(cpu),
        0.02,
    );
    rounds.remove(0); // It warms up.
    let ratio = |figure: fn(&[Cost; 3]) -> f64| spread(rounds.iter().map(figure).collect());
    println!(
        "the same in turns without them, and as a function that keeps nothing: {ROUNDS} rounds"
    );
    told(
        "with / without, CPU of the process",
        &ratio(|[with, without, _]| with.process / without.process),
        1.02,
    );
    told(
        "with / without, wall",
        &ratio(|[with, without, _]| with.function.seconds / without.function.seconds),
        1.02,
    );
    println!(
        "  with / function, CPU of the function's thread     {}",
        ratio(|[with, _, function]| with.function.cpu / function.function.cpu).1
    );
    println!(
        "  without / function, CPU of the function's thread  {}",
        ratio(|[_, without, function]| without.function.cpu / function.function.cpu).1
    );
    println!(
        "  the other threads / the function: with            {}",
        ratio(|[with, ..]| with.beside()).1
    );
    println!(
        "    without (four metric points an epoch in SQLite) {}",
        ratio(|[_, without, _]| without.beside()).1
    );
    println!(
        "    as a function                                   {}",
        ratio(|[.., function]| function.beside()).1
    );
    told(
        "with / function, CPU of the process",
        &ratio(|[with, _, function]| with.process / function.process),
        1.025,
    );
    told(
        "with / function, wall",
        &ratio(|[with, _, function]| with.function.seconds / function.function.seconds),
        1.025,
    );
}

/// How many items an operation has counted.
pub(super) async fn items(orchestrator: &Orchestrator, id: OperationId) -> u64 {
    let view = orchestrator.view(id).await.expect("a view");
    view.row
        .progress
        .map_or(0, |progress| progress.items_processed)
}
