//! A step is a `Result`: without `?` it cannot be counted with.

use impresario::operation::{Context, Failure};

fn work(ctx: &Context) -> Result<u64, Failure> {
    let mut sum = 0;
    for step in ctx.steps("step", 0..10_u64) {
        sum += step;
    }
    Ok(sum)
}

fn main() {
    let _ = work;
}
