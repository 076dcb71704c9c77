//! A handle gives no `Stopped`; the message says what to use instead.

use impresario::operation::{Context, Failure};

fn work(ctx: &Context) -> Result<(), Failure> {
    let handle = ctx.handle();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while handle.check().is_ok() {
                handle.add(1);
            }
        });
    });
    ctx.check()?;
    Ok(())
}

fn main() {
    let _ = work;
}
