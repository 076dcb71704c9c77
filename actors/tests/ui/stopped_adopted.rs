//! A stop is no error: it cannot be given a code.

use impresario::operation::{Context, Failure, OrFail};

fn work(ctx: &Context) -> Result<(), Failure> {
    ctx.check().or_fail("STOPPED")
}

fn main() {
    let _ = work;
}
