//! The server with three kinds more: one burns a core until it is told to stop, one reports
//! metrics, one is over at once.

use impresario::operation::{Context, Failure, Operation, Policy};
use impresario_bench::{NoParams, Nothing};

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

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema, garde::Validate)]
struct Count {
    /// How many points.
    #[garde(skip)]
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

fn main() {
    impresario_server::process::serve(|settings| {
        impresario_server::app::kinds(settings)
            .register(Burn)
            .register(Emit)
            .register(Nothing)
    });
}
