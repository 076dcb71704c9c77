//! A loop of 10 µs steps under the supervisor, beside the bare loop: the thread's own CPU time.

use std::hint::black_box;
use std::time::{Duration, Instant};

use impresario::operation::{Context, Failure, Operation, Policy};
use impresario::store::MemoryStore;
use impresario::{Config, Options, Orchestrator, Until};
use impresario_bench::{Samples, machine, verdict};
use rustix::time::{ClockId, clock_gettime};

const PAIRS: usize = 31;
const STEPS: u64 = 20_000;

struct Measure;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema, garde::Validate)]
struct NoParams {}

impl Operation for Measure {
    const KIND: &'static str = "measure";
    type Params = NoParams;
    type Output = (f64, Vec<(f64, f64)>);

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn run(&self, _: NoParams, ctx: &Context) -> Result<Self::Output, Failure> {
        let spins = calibrated();
        let mut pairs = Vec::new();
        let mut micros = 0.0;
        for _ in 0..PAIRS {
            let bare = cpu(|| {
                for step in 0..STEPS {
                    work(black_box(step), spins);
                }
                Ok(())
            })?;
            let supervised = cpu(|| {
                let items = ctx.items(STEPS);
                for step in ctx.steps("step", 0..STEPS) {
                    let step = step?;
                    work(black_box(step), spins);
                    items.add(1);
                    ctx.checkpoint(&step)?;
                }
                Ok(())
            })?;
            micros = bare / STEPS as f64 * 1e6;
            pairs.push((bare, supervised));
        }
        Ok((micros, pairs))
    }
}

fn work(seed: u64, spins: u64) -> u64 {
    (0..spins).fold(seed, |sum, n| black_box(sum.wrapping_mul(31) ^ n))
}

/// Spins of [`work`] that take about 10 µs.
fn calibrated() -> u64 {
    let began = Instant::now();
    black_box(work(1, 10_000_000));
    (10_000_000.0 * 10e-6 / began.elapsed().as_secs_f64()) as u64
}

/// Seconds of this thread's CPU time.
fn cpu(work: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    let began = now();
    work()?;
    Ok(now() - began)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    machine();
    let kinds = impresario::operation::Kinds::new().register(Measure);
    let orchestrator =
        Orchestrator::start(Config::default(), kinds, MemoryStore::new()).expect("a lane");
    let started = orchestrator.start_managed_operation::<Measure>(NoParams {}, Options::default());
    let id = started.await.expect("a start").id;
    let limit = Duration::from_secs(120);
    orchestrator
        .wait_until(id, Until::Ended, limit)
        .await
        .expect("it ends");
    let output = orchestrator.result(id).await.expect("an output");
    let (micros, pairs): (f64, Vec<(f64, f64)>) = serde_json::from_value(output).expect("pairs");
    let more = Samples::new(
        pairs
            .iter()
            .map(|(bare, it)| (it / bare - 1.0) * 100.0)
            .collect(),
    );
    println!(
        "a step of {micros:.1} µs with steps, items and checkpoint, {PAIRS} alternating pairs"
    );
    println!(
        "  more CPU time, %: {}  target 1: {}",
        more.spread(),
        verdict(more.percentile(50.0), 1.0)
    );
    orchestrator.shutdown().await;
}
