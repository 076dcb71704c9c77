//! A `Stopped` cannot be kept and returned twice.

use impresario::operation::{Context, Failure};

fn work(ctx: &Context) -> Result<(), Failure> {
    if let Err(stopped) = ctx.check() {
        let kept = stopped.clone();
        return Err(kept.into());
    }
    Ok(())
}

fn main() {
    let _ = work;
}
