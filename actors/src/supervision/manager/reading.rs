//! What the manager shows of itself and of the runs that are going on.

use actix::Handler;
use impresario_api::{OperationId, Timestamp};
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
        let lanes = self
            .lanes
            .values()
            .map(|lane| lane.view(oldest(lane), now))
            .collect();
        let _ = read.reply.send(ManagerView {
            lanes,
            ..self.ledger.view()
        });
    }
}
