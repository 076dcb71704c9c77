//! `steps` takes ranges; the message names the call for everything else.

use impresario::operation::{Context, Failure};

fn work(ctx: &Context, rows: &[u64]) -> Result<(), Failure> {
    for row in ctx.steps("row", rows.iter()) {
        row?;
    }
    Ok(())
}

fn main() {
    let _ = work;
}
