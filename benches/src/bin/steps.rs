//! One step of a loop, beside a bare atomic store and the `inc` of a hidden progress bar: on the caller's own
//! thread, and under a supervisor whose actor reads the progress meanwhile.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use impresario::operation::{Context, Failure, Operation, Policy, SyncOptions, run_sync_operation};
use impresario_bench::{NoParams, Samples, Target, judge, machine, supervised};

const ROUNDS: usize = 25;
const STEPS: u64 = 2_000_000;
const NAMES: [&str; 6] = [
    "relaxed atomic store",
    "indicatif inc, hidden",
    "ctx.steps",
    "ctx.steps + items.add(1)",
    "nested steps + items",
    "ctx.steps + checkpoint(&u64)",
];

/// The nanoseconds of each of [`NAMES`], by round.
type Rounds = Vec<[f64; 6]>;

struct Measure;

impl Operation for Measure {
    const KIND: &'static str = "measure";
    type Params = NoParams;
    type Output = Rounds;

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn run(&self, _: NoParams, ctx: &Context) -> Result<Rounds, Failure> {
        let (cell, bar) = (AtomicU64::new(0), indicatif::ProgressBar::hidden());
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push([
                each(STEPS, || {
                    // The compiler must assume that the cell is read, or its stores would be optimised away. The number is used in
                    // every loop alike.
                    let cell = black_box(&cell);
                    (0..STEPS).for_each(|n| cell.store(black_box(n), Ordering::Relaxed));
                    Ok(())
                })?,
                each(STEPS / 20, || {
                    (0..STEPS / 20).for_each(|_| black_box(&bar).inc(1));
                    Ok(())
                })?,
                each(STEPS, || plain(ctx))?,
                each(STEPS, || counted(ctx))?,
                each(STEPS, || nested(ctx))?,
                each(STEPS, || kept(ctx))?,
            ]);
        }
        Ok(rounds)
    }
}

fn plain(ctx: &Context) -> Result<(), Failure> {
    for step in ctx.steps("step", 0..STEPS) {
        black_box(step?);
    }
    Ok(())
}

fn counted(ctx: &Context) -> Result<(), Failure> {
    let items = ctx.items(None);
    for step in ctx.steps("step", 0..STEPS) {
        black_box(step?);
        items.add(1);
    }
    Ok(())
}

fn nested(ctx: &Context) -> Result<(), Failure> {
    let items = ctx.items(None);
    for outer in ctx.steps("outer", 0..STEPS / 100) {
        outer?;
        for inner in ctx.steps("inner", 0..100_u64) {
            black_box(inner?);
            items.add(1);
        }
    }
    Ok(())
}

fn kept(ctx: &Context) -> Result<(), Failure> {
    for step in ctx.steps("step", 0..STEPS) {
        ctx.checkpoint(&step?)?;
    }
    Ok(())
}

/// The nanoseconds for each of `count` steps.
fn each(count: u64, work: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let began = Instant::now();
    work()?;
    Ok(began.elapsed().as_nanos() as f64 / count as f64)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    machine();
    println!("ns, {ROUNDS} alternating rounds: median (quartiles)");
    let here = run_sync_operation(&Measure, NoParams {}, SyncOptions::default());
    show("run_sync_operation", &here.expect("it returns"));
    show("under a live supervisor", &supervised(Measure).await);
    machine();
}

fn show(how: &str, rounds: &Rounds) {
    let column = |at: usize| rounds.iter().map(|round| round[at]).collect::<Vec<_>>();
    println!(" {how}");
    for (at, name) in NAMES.iter().enumerate() {
        println!("  {name:40} {}", Samples::new(column(at)).spread());
    }
    let ratio = |figure, floor| Samples::ratios(&column(figure), &column(floor));
    judge("step + items / store", &ratio(3, 0), Target::AtMost(3.0));
    let nested = ratio(4, 0);
    println!("  {:40} {}", "nested step + items / store", nested.spread());
    judge("inc / step + items", &ratio(1, 3), Target::AtLeast(10.0));
}
