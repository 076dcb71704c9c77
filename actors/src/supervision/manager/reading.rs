//! What the manager shows of itself and of the runs that are going on.

use actix::Handler;
use impresario_api::{OperationId, SlotView, Timestamp};
use tokio::sync::oneshot;

use super::Manager;
use crate::supervision::commands::{ManagerView, ReadProgress, ReadRun, ReadSystem};
use crate::supervision::lane::Lane;

impl Handler<ReadProgress> for Manager {
    type Result = ();

    fn handle(&mut self, read: ReadProgress, _: &mut Self::Context) {
        let ask = |id: OperationId| {
            let live = self.live.get(&id)?;
            let (reply, answer) = oneshot::channel();
            live.actor.do_send(ReadRun { reply });
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
        let now = Timestamp::now();
        let oldest = |lane: &Lane| self.of.reader.oldest_pending(&lane.name).ok().flatten();
        let lanes = self.lanes.values().map(|lane| {
            let mut view = lane.view(oldest(lane), now);
            for slot in &mut view.slots {
                self.look_at(slot, now);
            }
            view
        });
        let lanes = lanes.collect();
        let _ = read.reply.send(ManagerView {
            lanes,
            ..self.ledger.view()
        });
    }
}

impl Manager {
    /// When the function in a slot last advanced, and whether that is longer ago than usual.
    fn look_at(&self, slot: &mut SlotView, now: Timestamp) {
        let live = slot.operation_id.and_then(|id| self.live.get(&id));
        let Some(live) = live else { return };
        let (advanced_at, own) = live.of.vigil.borrow().meter.advances();
        let since = advanced_at.or(slot.since);
        let idle = since.map_or(0.0, |since| now.seconds_since(since));
        let usual = self.ledger.pace(&live.of.operation.kind).and(own);
        slot.advanced_at = advanced_at;
        slot.overdue = usual.is_overdue(idle);
    }
}
