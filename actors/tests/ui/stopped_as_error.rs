//! A stop is no error: it cannot pass through `Box<dyn Error>`.

use std::error::Error;

use impresario::operation::Context;

fn work(ctx: &Context) -> Result<(), Box<dyn Error>> {
    ctx.check()?;
    Ok(())
}

fn main() {
    let _ = work;
}
