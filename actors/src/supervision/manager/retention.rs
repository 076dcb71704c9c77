//! Operations that ended long ago, or are too many, go, and the checkpoints of those that were cancelled
//! some time ago: the oldest end first, in batches that no start has to wait long for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use impresario_api::{OperationId, Status, Timestamp};

use super::Manager;
use super::times::LOOK_EVERY;
use crate::locks::lock;
use crate::store::Command;
use crate::supervision::writer::Entry;

/// Operations removed in one commit.
const AT_ONCE: usize = 250;
/// The same after one that the store could not write: its disk may be full.
const FEW: usize = 20;
/// Between two commits, so that starts come between.
const PAUSE: Duration = Duration::from_millis(20);
/// A clock that jumps further than this is not believed at once, in milliseconds.
const JUMP: i64 = 3_600_000;
/// So long nothing goes by its age when the clock is not believed.
const DOUBT: Duration = Duration::from_secs(3_600);

/// What the last look found.
pub(super) struct RetentionState {
    /// Both clocks then.
    at: (Instant, Timestamp),
    /// Until then nothing goes by its age.
    doubted_until: Option<Instant>,
    /// How many go in one commit.
    at_once: usize,
}

impl Manager {
    /// Looks from now on, every so often.
    pub(super) fn begin_retention(&mut self, ctx: &mut Context<Self>) {
        let now = self.now();
        let mut look = RetentionState {
            at: (Instant::now(), now),
            doubted_until: None,
            at_once: AT_ONCE,
        };
        if let Some(last) = self.of.last_numbers.latest {
            look.doubt(now.as_millis() - last.as_millis(), self.longest_absence());
        }
        self.retention = Some(look);
        self.look_later(ctx);
    }

    /// A server may have been off for days; what would have all of something go by its age is doubted.
    fn longest_absence(&self) -> i64 {
        let retention = self.of.config.retention;
        millis(retention.max_age.min(retention.cancelled_checkpoints)).max(JUMP)
    }

    /// A machine that slept looks as soon as it is awake, if it is time by the wall clock.
    fn look_later(&self, ctx: &mut Context<Self>) {
        let every = self.of.config.retention.every;
        ctx.run_later(every.min(LOOK_EVERY), move |manager, ctx| {
            if lock(&manager.of.link.gauge().no_room).is_some() {
                // With a batch, though it be empty, the store looks for room: no start may come to ask.
                manager.of.link.send(Vec::new());
            }
            let now = manager.now();
            if manager
                .retention
                .as_ref()
                .is_some_and(|look| look.is_over(now, every))
            {
                manager.compare_clocks();
                manager.remove_some(ctx);
            }
            manager.look_later(ctx);
        });
    }

    /// A wall clock that ran further than the steady one was set.
    fn compare_clocks(&mut self) {
        let now = self.now();
        if let Some(look) = &mut self.retention {
            let passed = i64::try_from(look.at.0.elapsed().as_millis()).unwrap_or(i64::MAX);
            look.doubt(now.as_millis() - look.at.1.as_millis() - passed, JUMP);
            look.at = (Instant::now(), now);
        }
    }

    /// Sends one batch, if anything is to go.
    fn remove_some(&self, ctx: &mut Context<Self>) {
        let reader = Arc::clone(&self.of.reader);
        let counts = async move { reader.counts().await.ok() };
        ctx.spawn(counts.into_actor(self).map(|counts, manager, _| {
            if manager.draining.is_some() || !manager.recovered || manager.store_failed {
                return;
            }
            let Some(counts) = counts else { return };
            let now = manager.now();
            let mut entries = Vec::new();
            if let Some((before, limit)) = manager.most_to_go(ended(&counts), now) {
                entries.push(Entry::silent(Command::Prune {
                    before,
                    limit,
                    dry_run: false,
                }));
            }
            let any_cancelled = counts
                .keys()
                .any(|(_, status)| *status == Status::Cancelled);
            if let Some(before) = manager.checkpoints_before(now)
                && any_cancelled
            {
                entries.push(Entry::silent(Command::RemoveCheckpoints {
                    before,
                    limit: manager.at_once(),
                }));
            }
            if !entries.is_empty() {
                manager.of.link.send(entries);
            }
        }));
    }

    /// The next batch: those beyond the number that is kept, else those beyond their age.
    fn most_to_go(&self, ended: u64, now: Timestamp) -> Option<(Timestamp, usize)> {
        let retention = self.of.config.retention;
        let at_once = self.at_once();
        let beyond = usize::try_from(ended.saturating_sub(retention.max_operations));
        let beyond = beyond.unwrap_or(usize::MAX);
        if beyond > 0 {
            return Some((Timestamp::from_millis(i64::MAX), beyond.min(at_once)));
        }
        if ended == 0 || self.is_clock_doubted() {
            return None;
        }
        Some((before(now, retention.max_age), at_once))
    }

    /// Checkpoints of operations that were cancelled before then go.
    fn checkpoints_before(&self, now: Timestamp) -> Option<Timestamp> {
        let age = self.of.config.retention.cancelled_checkpoints;
        (!self.is_clock_doubted()).then(|| before(now, age))
    }

    /// Nothing goes by its age now.
    fn is_clock_doubted(&self) -> bool {
        let doubted = self.retention.as_ref().and_then(|look| look.doubted_until);
        doubted.is_some_and(|until| Instant::now() < until)
    }

    /// How many go in one commit.
    fn at_once(&self) -> usize {
        self.retention.as_ref().map_or(AT_ONCE, |look| look.at_once)
    }

    /// These are gone from the store; a whole batch means that there may be more.
    pub(super) fn pruned(&self, removed: &[OperationId], ctx: &mut Context<Self>) {
        self.of.sweeper.forget(removed);
        self.of.hub.removed(removed);
        if !removed.is_empty() {
            log::info!("{} ended operations were removed", removed.len());
        }
        self.perhaps_more(removed.len(), ctx);
    }

    /// The same for those of which the checkpoints are gone.
    pub(super) fn checkpoints_removed(&self, ids: &[OperationId], ctx: &mut Context<Self>) {
        self.of.sweeper.forget(ids);
        if !ids.is_empty() {
            log::info!(
                "the checkpoints of {} cancelled operations were removed",
                ids.len()
            );
        }
        self.perhaps_more(ids.len(), ctx);
    }

    fn perhaps_more(&self, removed: usize, ctx: &mut Context<Self>) {
        if removed >= self.at_once() {
            ctx.run_later(PAUSE, |manager, ctx| manager.remove_some(ctx));
        }
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// What ended before then is older than that.
fn before(now: Timestamp, age: Duration) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_sub(millis(age)))
}

/// How many have ended.
fn ended(counts: &BTreeMap<(String, Status), u64>) -> u64 {
    let ended = counts.iter().filter(|((_, status), _)| status.is_ended());
    ended.map(|(_, count)| count).sum()
}

impl RetentionState {
    /// The store could not write what was to go: fewer at a time from now on.
    pub(super) const fn not_removed(&mut self) {
        self.at_once = FEW;
    }

    /// Whether so long has passed since, by either clock.
    fn is_over(&self, now: Timestamp, every: Duration) -> bool {
        self.at.0.elapsed() >= every || now.seconds_since(self.at.1) >= every.as_secs_f64()
    }

    /// The clock is `ahead` of what was expected, in milliseconds; so much is believed.
    fn doubt(&mut self, ahead: i64, believed: i64) {
        if ahead > believed {
            log::warn!(
                "the clock is {} h ahead of what was expected; if it is wrong, set it right: nothing is removed by its age for an hour",
                ahead / JUMP
            );
            self.doubted_until = Some(Instant::now() + DOUBT);
        } else if ahead < -60_000 {
            log::warn!(
                "the clock is {} s behind what was expected; set it right: new events carry earlier times than those before them, their order is kept",
                -ahead / 1_000
            );
        }
    }
}
