//! How an actor's end is heard of.
//!
//! actix tells nobody that an actor's handler panicked: the address just closes. So an actor
//! starts as a task of our own, whose end, however it comes, calls back.

use std::panic::AssertUnwindSafe;

use actix::dev::channel;
use actix::{Actor, Addr, Context};
use futures_util::FutureExt;

use crate::live_count::LiveCount;
use crate::locks::panic_message;

/// The mailbox's capacity bounds nothing that `do_send` sends; admission is bounded elsewhere.
const MAILBOX: usize = 16;

/// Starts an actor on the current arbiter, counted among the `tasks`, and calls `on_end` once, when it
/// is gone: with the panic's message if a handler panicked.
pub(crate) fn start<A>(
    actor: A,
    tasks: &LiveCount,
    on_end: impl FnOnce(Option<String>) + 'static,
) -> Addr<A>
where
    A: Actor<Context = Context<A>>,
{
    let (sender, receiver) = channel::channel(MAILBOX);
    actix_rt::spawn(tasks.over(async move {
        // After a panic nothing of the actor is used again.
        let life = AssertUnwindSafe(Context::with_receiver(receiver).into_future(actor));
        let panic = life.catch_unwind().await.err();
        on_end(panic.map(|payload| panic_message(&*payload)));
    }));
    Addr::new(sender)
}
