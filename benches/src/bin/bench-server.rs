//! The server with four more kinds: one computes until it is stopped, one reports metrics, one reports much
//! and slowly, one takes a long list.

use std::time::Duration;

use impresario::operation::{Context, Failure, LogLevel, Operation, Policy};
use impresario_bench::NoParams;

struct Burn;

impl Operation for Burn {
    const KIND: &'static str = "burn";
    type Params = NoParams;
    type Output = u64;

    fn policy(&self) -> Policy {
        Policy::lane("burn")
    }

    fn run(&self, _: NoParams, ctx: &Context) -> Result<u64, Failure> {
        let mut sum = 0_u64;
        for round in ctx.steps("round", 0..u64::MAX / 2) {
            let round = round?;
            sum = (0..10_000_u64).fold(sum, |sum, n| {
                std::hint::black_box(sum.wrapping_mul(31) ^ n ^ round)
            });
        }
        Ok(sum)
    }
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Count {
    count: u64,
}

/// Reports that many points of a metric, all at once.
struct Emit;

impl Operation for Emit {
    const KIND: &'static str = "emit";
    type Params = Count;
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("burn")
    }

    fn run(&self, params: Count, ctx: &Context) -> Result<(), Failure> {
        (0..params.count).for_each(|step| ctx.metric("validation_loss_of_this_run", step, 0.125));
        Ok(())
    }
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Talk {
    points: u64,
    lines: u64,
}

/// Reports slowly enough that all of it is kept.
struct Talker;

impl Operation for Talker {
    const KIND: &'static str = "talk";
    type Params = Talk;
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("burn")
    }

    fn run(&self, params: Talk, ctx: &Context) -> Result<(), Failure> {
        let rest = Duration::from_millis(150);
        for point in 0..params.points {
            ctx.metric("loss", point, 0.125);
            if point % 2_000 == 0 {
                ctx.sleep(rest)?;
            }
        }
        let line = "\"".repeat(4_000);
        for n in 0..params.lines {
            ctx.log(LogLevel::Info, &line);
            if n % 40 == 0 {
                ctx.sleep(rest)?;
            }
        }
        Ok(())
    }
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Shelves {
    numbers: Vec<u64>,
}

/// Takes a long list and ignores it.
struct Shelf;

impl Operation for Shelf {
    const KIND: &'static str = "shelf";
    type Params = Shelves;
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("burn")
    }

    fn run(&self, _: Shelves, _: &Context) -> Result<(), Failure> {
        Ok(())
    }
}

fn main() {
    impresario_server::process::serve(|settings| {
        impresario_server::app::kinds(settings)
            .register(Burn)
            .register(Emit)
            .register(Talker)
            .register(Shelf)
    });
}
