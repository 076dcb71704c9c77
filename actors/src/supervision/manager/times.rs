//! What waits for a time. Timers count neither the hours of a machine that sleeps nor a clock that is
//! set, so the wall clock is looked at again and again.

use std::time::Duration;

use actix::{AsyncContext, Context, Handler};
use impresario_api::Timestamp;

use super::Manager;
use crate::rules::dispatch::is_due;
use crate::supervision::messages::EndedBefore;

/// No wait is longer without a look at the clock.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(2);

/// An hour, in milliseconds.
const HOUR: i64 = 3_600_000;

impl Manager {
    /// What the wall clock says.
    pub(super) fn now(&self) -> Timestamp {
        self.of.config.clock.now()
    }

    /// Claims again when the next operation of a lane that waits for its time is due.
    pub(super) fn arm(&mut self, lane: &str, due: Option<Timestamp>, ctx: &mut Context<Self>) {
        let Some(due) = due else { return };
        let armed = self.next_due.get(lane).copied();
        if armed.is_some_and(|(armed, _)| armed <= due) {
            return;
        }
        if let Some((_, timer)) = armed {
            ctx.cancel_future(timer);
        }
        self.look_at_clock(lane, due, ctx);
    }

    fn look_at_clock(&mut self, lane: &str, due: Timestamp, ctx: &mut Context<Self>) {
        let left = due.as_millis().saturating_sub(self.now().as_millis());
        let left = Duration::from_millis(left.max(0).unsigned_abs().saturating_add(1));
        let name = lane.to_owned();
        let timer = ctx.run_later(left.min(LOOK_EVERY), move |manager, ctx| {
            if !is_due(Some(due), manager.now()) {
                return manager.look_at_clock(&name, due, ctx);
            }
            manager.next_due.remove(&name);
            manager.promote(&name);
        });
        self.next_due.insert(lane.to_owned(), (due, timer));
    }

    /// What ended in the last hour before this process, read beside the rest: there may be much.
    pub(super) fn read_last_hour(&self, ctx: &Context<Self>) {
        let (reader, manager) = (self.of.reader.clone(), ctx.address());
        let until = self.now();
        tokio::task::spawn_blocking(move || {
            let counts = reader.ended(until.plus_millis(-HOUR), until);
            match counts.wait() {
                Ok(counts) => manager.do_send(EndedBefore(counts)),
                Err(error) => log::warn!("what ended in the last hour cannot be counted: {error}"),
            }
        });
    }
}

impl Handler<EndedBefore> for Manager {
    type Result = ();

    fn handle(&mut self, EndedBefore(counts): EndedBefore, _: &mut Self::Context) {
        self.metrics.ended_before(counts);
    }
}
