//! A failure may be a stop, so it is no error that could be given a code.

use impresario::operation::{Context, Failure, OrFail};

fn helper(ctx: &Context) -> Result<(), Failure> {
    Ok(ctx.check()?)
}

fn work(ctx: &Context) -> Result<(), Failure> {
    helper(ctx).or_fail("HELPER")
}

fn main() {
    let _ = work;
}
