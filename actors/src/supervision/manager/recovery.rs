//! What the process before this one left: lost runs go on by the rules, what waited waits again in
//! order, and what can never run says so.

use actix::Context;

use super::Manager;
use crate::store::Done;
use crate::supervision::writer::Entry;

/// Operations of a lane that is gone which are failed in one commit.
const AT_ONCE: usize = 200;

impl Manager {
    /// The store is taken up: every lane is looked at once.
    pub(super) fn recovered(&mut self, lost: &[Done], waiting: &[String], ctx: &mut Context<Self>) {
        self.recovered = true;
        self.of.sweeper.recovered();
        for done in lost {
            self.note(done);
        }
        if !lost.is_empty() {
            log::warn!(
                "{} runs were lost with the process before this one",
                lost.len()
            );
        }
        let gone = waiting.iter();
        for name in gone.filter(|name| !self.lanes.contains_key(*name)) {
            self.claim_lost_lane(name);
        }
        for name in self.lanes.keys().cloned().collect::<Vec<_>>() {
            self.promote(&name);
        }
        for done in lost {
            let due = done.operation.state.waits_until();
            self.arm(&done.operation.lane, due, ctx);
        }
    }

    /// What waits in a lane that is not configured any more is claimed, to be failed by name.
    pub(super) fn claim_lost_lane(&self, lane: &str) {
        let claim = self.claim_of(lane, AT_ONCE);
        self.of.link.send(vec![Entry::silent(claim)]);
    }

    /// Goes on until nothing is due there; the next one's time is watched as any other lane's.
    pub(super) fn empty_lost_lane(&self, lane: &str, more: bool) {
        if more {
            self.claim_lost_lane(lane);
        }
    }
}
