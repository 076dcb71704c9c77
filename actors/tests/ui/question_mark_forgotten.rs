//! A step is a `Result`: without `?` it is no number.

use impresario::operation::{Context, Failure};

fn square(number: u64) -> u64 {
    number * number
}

fn work(ctx: &Context) -> Result<u64, Failure> {
    let mut sum = 0;
    for step in ctx.steps("step", 0..10_u64) {
        sum += square(step);
    }
    Ok(sum)
}

fn main() {
    let _ = work;
}
