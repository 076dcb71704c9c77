//! The CPU time of a loop of 10 µs steps under the supervisor, beside that of the bare loop.

use std::hint::black_box;

use impresario::operation::{Context, Failure, Operation, Policy};
use impresario_bench::{NoParams, Samples, Target, judge, machine, supervised};
use rustix::time::{ClockId, clock_gettime};

const PAIRS: usize = 41;
const STEPS: u64 = 20_000;

struct Measure;

impl Operation for Measure {
    const KIND: &'static str = "measure";
    type Params = NoParams;
    /// The seconds of the bare loops, and of those under the supervisor.
    type Output = (Vec<f64>, Vec<f64>);

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn run(&self, _: NoParams, ctx: &Context) -> Result<Self::Output, Failure> {
        let spins = calibrated();
        let bare = || {
            cpu(|| {
                for step in 0..STEPS {
                    black_box(work(step, spins));
                }
                Ok(())
            })
        };
        let (mut floor, mut figure) = (Vec::new(), Vec::new());
        for pair in 0..PAIRS {
            // The second loop has a warmer core, so each loop comes second half the time.
            if pair % 2 == 0 {
                floor.push(bare()?);
                figure.push(cpu(|| counted(ctx, spins))?);
            } else {
                figure.push(cpu(|| counted(ctx, spins))?);
                floor.push(bare()?);
            }
        }
        Ok((floor, figure))
    }
}

/// The same loop with everything that an author may use in one.
fn counted(ctx: &Context, spins: u64) -> Result<(), Failure> {
    let items = ctx.items(STEPS);
    for step in ctx.steps("step", 0..STEPS) {
        let step = step?;
        black_box(work(step, spins));
        items.add(1);
        ctx.checkpoint(&step)?;
    }
    Ok(())
}

fn work(seed: u64, spins: u64) -> u64 {
    let seed = black_box(seed);
    (0..spins).fold(seed, |sum, n| black_box(sum.wrapping_mul(31) ^ n))
}

/// The number of spins of [`work`] that take about 10 µs of CPU time.
fn calibrated() -> u64 {
    const SPINS: u64 = 10_000_000;
    let began = now();
    black_box(work(1, SPINS));
    (SPINS as f64 * 10e-6 / (now() - began)) as u64
}

fn now() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn cpu(work: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let began = now();
    work()?;
    Ok(now() - began)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    machine();
    let (floor, figure) = supervised(Measure).await;
    let more = Samples::ratios(&figure, &floor);
    let micros = |seconds: Vec<f64>| {
        Samples::new(seconds.iter().map(|all| all / STEPS as f64 * 1e6).collect()).spread()
    };
    println!("thread CPU time a step, µs, {PAIRS} alternating pairs: median (quartiles)");
    println!("  {:40} {}", "bare loop", micros(floor));
    println!("  {:40} {}", "steps, items, checkpoint", micros(figure));
    judge("supervised / bare", &more, Target::AtMost(1.01));
    machine();
}
