//! The server with one kind more: it burns a core until it is told to stop.

use impresario::operation::{Context, Failure, Operation, Policy};
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

fn main() {
    impresario_server::process::serve(|settings| {
        impresario_server::app::kinds(settings).register(Burn)
    });
}
