//! One step of a loop, beside a bare atomic store and a hidden progress bar's `inc`.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use impresario::operation::{Context, Failure, Operation, Policy};
use impresario::store::MemoryStore;
use impresario::{Config, Options, Orchestrator, Until};
use impresario_bench::{Samples, machine, verdict};

const ROUNDS: usize = 25;
const STEPS: u64 = 2_000_000;

struct Measure;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema, garde::Validate)]
struct NoParams {}

impl Operation for Measure {
    const KIND: &'static str = "measure";
    type Params = NoParams;
    type Output = Vec<[f64; 6]>;

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn run(&self, _: NoParams, ctx: &Context) -> Result<Self::Output, Failure> {
        let (cell, bar) = (AtomicU64::new(0), indicatif::ProgressBar::hidden());
        let items = ctx.items(None);
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push([
                each(STEPS, || {
                    // The loop's number is used in every loop alike, so that none is optimised away.
                    (0..STEPS).for_each(|n| cell.store(black_box(n), Ordering::Relaxed));
                    Ok(())
                })?,
                each(STEPS / 20, || {
                    (0..STEPS / 20).for_each(|_| black_box(&bar).inc(1));
                    Ok(())
                })?,
                each(STEPS, || steps(ctx, |_| ()))?,
                each(STEPS, || steps(ctx, |_| items.add(1)))?,
                each(STEPS, || {
                    for outer in ctx.steps("outer", 0..STEPS / 100) {
                        outer?;
                        for inner in ctx.steps("inner", 0..100_u64) {
                            black_box(inner?);
                            items.add(1);
                        }
                    }
                    Ok(())
                })?,
                each(STEPS, || {
                    for step in ctx.steps("step", 0..STEPS) {
                        ctx.checkpoint(&step?)?;
                    }
                    Ok(())
                })?,
            ]);
        }
        Ok(rounds)
    }
}

fn steps(ctx: &Context, work: impl Fn(u64)) -> Result<(), Failure> {
    for step in ctx.steps("step", 0..STEPS) {
        work(black_box(step?));
    }
    Ok(())
}

/// Nanoseconds for each of `count`.
fn each(count: u64, work: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let began = Instant::now();
    work()?;
    Ok(began.elapsed().as_nanos() as f64 / count as f64)
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
    let rounds: Vec<[f64; 6]> = serde_json::from_value(output).expect("rounds");
    let column = |at: usize| Samples::new(rounds.iter().map(|round| round[at]).collect());
    let ratio =
        |a: usize, b: usize| Samples::new(rounds.iter().map(|round| round[a] / round[b]).collect());
    println!("under a live supervisor, {ROUNDS} alternating rounds, ns: median (quartiles)");
    let names = [
        "relaxed atomic store",
        "indicatif inc, hidden",
        "ctx.steps",
        "ctx.steps + items.add(1)",
        "nested steps + items",
        "ctx.steps + checkpoint(&u64)",
    ];
    for (at, name) in names.iter().enumerate() {
        println!("  {name:30} {}", column(at).spread());
    }
    let (store, bar) = (ratio(3, 0), ratio(3, 1));
    println!(
        "  step + items / store           {}  target 3: {}",
        store.spread(),
        verdict(store.percentile(50.0), 3.0)
    );
    println!(
        "  step + items / inc             {}  target 0.1: {}",
        bar.spread(),
        verdict(bar.percentile(50.0), 0.1)
    );
    orchestrator.shutdown().await;
}
