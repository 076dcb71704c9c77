//! A call that may say that the function is to stop has to be heard.

#![deny(unused_must_use)]

use std::time::Duration;

use impresario::operation::{Context, Failure};

fn work(ctx: &Context) -> Result<(), Failure> {
    ctx.check();
    ctx.sleep(Duration::from_secs(1));
    ctx.checkpoint(&1);
    ctx.steps("step", 0..10);
    Ok(())
}

fn main() {
    let _ = work;
}
