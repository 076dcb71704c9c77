//! What the manager shows of itself and of the runs that are going on.

use std::time::Duration;

use actix::Handler;
use impresario_api::{OperationId, SlotView};
use tokio::sync::oneshot;

use super::Manager;
use crate::supervision::messages::{ManagerView, ReadProgress, ReadRun, ReadSystem};

impl Handler<ReadProgress> for Manager {
    type Result = ();

    fn handle(&mut self, read: ReadProgress, _: &mut Self::Context) {
        let ask = |id: OperationId| {
            let live = self.live.get(&id)?;
            let (reply, answer) = oneshot::channel();
            let unrecorded = live.unrecorded_stop().cloned();
            live.actor.do_send(ReadRun { unrecorded, reply });
            Some((id, answer))
        };
        let _ = read
            .reply
            .send(read.ids.into_iter().filter_map(ask).collect());
    }
}

impl Handler<ReadSystem> for Manager {
    type Result = ();

    fn handle(&mut self, read: ReadSystem, _: &mut Self::Context) {
        let lanes = self.lanes.values().map(|lane| {
            let mut view = lane.view();
            for slot in &mut view.slots {
                self.look_at(slot);
            }
            view
        });
        let lanes = lanes.collect();
        let _ = read.reply.send(ManagerView {
            lanes,
            ..self.metrics.view(self.now())
        });
    }
}

impl Manager {
    /// When the function in a slot last advanced, and whether that is longer ago than usual.
    fn look_at(&self, slot: &mut SlotView) {
        let live = slot.operation_id.and_then(|id| self.live.get(&id));
        let Some(live) = live else { return };
        let (advanced, own) = live.of.monitor.borrow().meter.advances();
        let since = advanced.map_or(Duration::ZERO, |(_, since)| since);
        let idle = live.of.began.elapsed().saturating_sub(since);
        let usual = self.metrics.pace(&live.of.operation.kind).and(own);
        slot.advanced_at = advanced.map(|(at, _)| at);
        slot.overdue = usual.is_overdue(idle.as_secs_f64());
    }
}
