//! A context stays on its function's thread.

use impresario::operation::{Context, Failure};

fn work(ctx: &Context) -> Result<(), Failure> {
    std::thread::scope(|scope| {
        scope.spawn(|| ctx.message(format_args!("from another thread")));
    });
    Ok(())
}

fn main() {
    let _ = work;
}
