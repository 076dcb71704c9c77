//! A context stays on its function's thread, and the message says what other threads use.

use impresario::operation::{Context, Failure};

fn work(ctx: &Context) -> Result<(), Failure> {
    std::thread::scope(|scope| {
        scope.spawn(|| ctx.message("from another thread"));
    });
    Ok(())
}

fn main() {
    let _ = work;
}
