//! What the process before this one left: lost runs go on by the rules, what waited waits again in
//! order, and what can never run says so.

use std::collections::BTreeMap;
use std::time::Duration;

use actix::{AsyncContext, Context};
use impresario_api::Timestamp;

use super::Manager;
use crate::store::{Command, Done};
use crate::supervision::writer::Entry;

/// Operations of a lane that is gone which are failed in one commit.
const AT_ONCE: usize = 200;

impl Manager {
    /// The store is taken up: every lane is looked at once.
    pub(super) fn recovered(
        &mut self,
        lost: &[Done],
        waiting: BTreeMap<String, u64>,
        ctx: &mut Context<Self>,
    ) {
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
        for (name, count) in waiting {
            match self.lanes.get_mut(&name) {
                // What was submitted meanwhile is in the count.
                Some(lane) => lane.waiting = count,
                None => self.claim_lost_lane(&name),
            }
        }
        for name in self.lanes.keys().cloned().collect::<Vec<_>>() {
            self.dispatch(&name);
        }
        for done in lost {
            self.arm(&done.operation.lane, done.operation.state.not_before, ctx);
        }
    }

    /// What waits in a lane that is not configured any more is claimed, to be failed by name.
    pub(super) fn claim_lost_lane(&mut self, lane: &str) {
        let claim = Command::Claim {
            lane: lane.to_owned(),
            limit: AT_ONCE,
            now: Timestamp::now(),
        };
        self.of.link.send(vec![Entry::silent(claim)]);
    }

    /// Goes on until nothing waits there: now, or when the next one's time has come.
    pub(super) fn empty_lost_lane(
        &mut self,
        lane: &str,
        more: bool,
        next_due: Option<Timestamp>,
        ctx: &mut Context<Self>,
    ) {
        if more {
            return self.claim_lost_lane(lane);
        }
        let Some(due) = next_due else { return };
        let wait = due.as_millis().saturating_sub(Timestamp::now().as_millis());
        let (wait, lane) = (wait.max(0).unsigned_abs() + 1, lane.to_owned());
        ctx.run_later(Duration::from_millis(wait), move |manager, _| {
            manager.claim_lost_lane(&lane);
        });
    }
}
