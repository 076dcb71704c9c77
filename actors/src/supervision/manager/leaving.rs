//! How the manager goes: it asks what runs to go, waits for it, and ends.

use std::sync::atomic::Ordering;

use actix::{ActorContext, ActorFutureExt, AsyncContext, Handler, WrapFuture};
use tokio::sync::oneshot;

use super::Manager;
use crate::rules::lifecycle::Input;
use crate::store::Command;
use crate::supervision::lane::Lane;
use crate::supervision::messages::{Abandon, Drain, EndSystem};
use crate::supervision::writer::Entry;

impl Manager {
    /// In a shutdown, runs that were claimed just before it are asked to go too.
    pub(super) fn request_shutdown(&mut self) {
        if self.draining.is_none() {
            return;
        }
        let now = self.now();
        let going_on = self.live.iter().filter(|(_, live)| !live.ended);
        let marks = going_on.map(|(id, live)| {
            live.of.run.shut_down();
            let input = Input::ShuttingDown {
                run: live.state.run,
            };
            Entry::silent(Command::Apply {
                id: *id,
                input,
                now,
            })
        });
        self.of.link.send(marks.collect());
    }

    /// When the last run has ended in a shutdown, whoever asked for it hears so. A claim that is
    /// still on its way may bring another one. Without a store no end is recorded and no claim
    /// answered: then the functions alone are waited for.
    pub(super) fn drained(&mut self) {
        let drained = if self.given_up {
            true
        } else if self.store_failed {
            self.live.values().all(|live| live.ended)
        } else {
            self.live.is_empty() && !self.lanes.values().any(Lane::is_reserved)
        };
        if drained {
            self.tell_drained();
        }
    }

    fn tell_drained(&mut self) {
        for reply in self.draining.iter_mut().flat_map(std::mem::take) {
            let _ = reply.send(());
        }
    }
}

impl Handler<Drain> for Manager {
    type Result = ();

    fn handle(&mut self, drain: Drain, ctx: &mut Self::Context) {
        self.of.admitting.store(false, Ordering::Release);
        self.draining.get_or_insert_default().push(drain.reply);
        self.request_shutdown();
        ctx.run_later(self.of.config.shutdown_grace, |manager, _| {
            for (id, live) in &manager.live {
                let step = live
                    .of
                    .run
                    .current_step()
                    .unwrap_or_else(|| "no step".to_owned());
                log::warn!("{id} did not return within the grace period; it is in {step}");
            }
            // Once more, and for the last time.
            manager.given_up = true;
            manager.send_again();
            manager.live.clear();
            manager.tell_drained();
        });
        self.drained();
    }
}

impl Handler<Abandon> for Manager {
    type Result = ();

    fn handle(&mut self, _: Abandon, ctx: &mut Self::Context) {
        let (reply, drained) = oneshot::channel();
        self.handle(Drain { reply }, ctx);
        let ends = drained.into_actor(self);
        ctx.spawn(ends.map(|_, manager, ctx| manager.handle(EndSystem, ctx)));
    }
}

impl Handler<EndSystem> for Manager {
    type Result = ();

    fn handle(&mut self, _: EndSystem, ctx: &mut Self::Context) {
        self.of.hub.close();
        // The system, and the threads of the lanes, end with their manager.
        ctx.stop();
    }
}
