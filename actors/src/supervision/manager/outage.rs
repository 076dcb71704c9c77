//! What becomes of commands that the store could not write.

use std::sync::Arc;

use actix::{AsyncContext, Context, Handler};
use impresario_api::{EventBody, GapData, Stop, StopVerb, Timestamp, Verb};

use super::Manager;
use super::live::Live;
use crate::rules::lifecycle::{self, Input, State};
use crate::run::SavedCheckpoint;
use crate::store::{Command, End, Fact, MOST_WARNINGS, Refused, StoreError};
use crate::supervision::messages::NotCommitted;
use crate::supervision::unrecorded::not_recorded;
use crate::supervision::writer::Entry;

/// How soon a command that the store could not write, and that must be written, is tried again.
const STORE_RETRY: std::time::Duration = std::time::Duration::from_millis(250);

/// What a run still has to tell the store. It is bounded: the newest checkpoint, a few warnings,
/// and the count of everything else.
#[derive(Default)]
pub(super) struct UnwrittenBacklog {
    /// The stop is to be sent once more.
    stop: bool,
    /// The stop could not be recorded, and has not been since.
    stop_unrecorded: bool,
    checkpoint: Option<SavedCheckpoint>,
    warnings: Vec<Fact>,
    logs: u64,
    metrics: u64,
    events: u64,
}

impl UnwrittenBacklog {
    fn keep(&mut self, events: Vec<Fact>, checkpoint: Option<SavedCheckpoint>) {
        self.checkpoint = checkpoint.or_else(|| self.checkpoint.take());
        for (at, body) in events {
            match body {
                EventBody::Log(_) => self.logs += 1,
                EventBody::Metric(_) => self.metrics += 1,
                EventBody::Gap(gap) => {
                    self.logs += gap.logs;
                    self.metrics += gap.metrics;
                    self.events += gap.events;
                }
                body if self.warnings.len() < MOST_WARNINGS => self.warnings.push((at, body)),
                _ => self.events += 1,
            }
        }
    }

    /// What was dropped is told first.
    fn take_events(&mut self, now: Timestamp) -> Vec<Fact> {
        let gap = GapData {
            logs: std::mem::take(&mut self.logs),
            metrics: std::mem::take(&mut self.metrics),
            events: std::mem::take(&mut self.events),
        };
        let some = gap.logs + gap.metrics + gap.events > 0;
        let gap = some.then_some((now, EventBody::Gap(gap)));
        gap.into_iter().chain(self.warnings.drain(..)).collect()
    }

    /// A checkpoint of this time is written: an older one need not be written any more.
    pub(super) fn written(&mut self, at: Timestamp) {
        self.checkpoint.take_if(|waiting| waiting.at <= at);
    }

    /// The run's end tells all of it.
    pub(super) fn add_to(&mut self, end: &mut End) {
        end.events.splice(0..0, self.take_events(end.now));
        end.checkpoint = end.checkpoint.take().or_else(|| self.checkpoint.take());
    }
}

impl Live {
    /// The stop that was signalled, if it could not be recorded.
    pub(super) fn unrecorded_stop(&self) -> Option<&Stop> {
        let stop = self.state.stop.as_ref();
        stop.filter(|_| self.unwritten.stop_unrecorded)
    }

    /// Why a verb does not apply, where a stop that could not be recorded says so: the store does not
    /// know of it.
    pub(super) fn refuses(&self, verb: Verb, now: Timestamp) -> Option<Refused> {
        self.unrecorded_stop()?;
        let rejection = lifecycle::rule(&self.state, verb, now).err()?;
        let mut operation = (*self.of.operation).clone();
        operation.state.clone_from(&self.state);
        Some(Refused::Rejected(rejection, Arc::new(operation)))
    }

    /// A commit brought this state.
    pub(super) fn recorded(&mut self, state: &State) {
        if state.run == self.state.run && state.stop_verb() >= self.state.stop_verb() {
            self.unwritten.stop_unrecorded = false;
        }
    }

    /// What it owes, as commands that tell it.
    fn pay(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        if std::mem::take(&mut self.unwritten.stop) {
            commands.extend(self.stop_again());
        }
        let (events, checkpoint) = (
            self.unwritten.take_events(self.of.clock.now()),
            self.unwritten.checkpoint.take(),
        );
        if !events.is_empty() || checkpoint.is_some() {
            commands.push(Command::Append {
                id: self.of.operation.id,
                run: self.state.run,
                events,
                checkpoint,
            });
        }
        commands
    }

    /// The stop that was signalled, to be recorded.
    fn stop_again(&self) -> Option<Command> {
        let stop = self.state.stop.clone()?;
        let (run, by, reason) = (self.state.run, stop.requested_by, stop.reason);
        let asked = |verb| Input::Asked {
            verb,
            by,
            reason: reason.clone(),
        };
        let input = match stop.verb {
            StopVerb::Finish => asked(Verb::Finish),
            StopVerb::Pause => asked(Verb::Pause),
            StopVerb::Cancel => asked(Verb::Cancel),
            StopVerb::Deadline => Input::TimedOut {
                run,
                reason: reason.unwrap_or_default(),
            },
        };
        Some(Command::Apply {
            id: self.of.operation.id,
            input,
            now: stop.requested_at,
        })
    }
}

impl Manager {
    /// Keeps of a command what must not be lost; one that is simply to be sent again comes back.
    fn not_committed(&mut self, command: Command) -> Option<Command> {
        match command {
            // An end is never given up: it is written once there is room.
            Command::End(mut end) => {
                if let Some(live) = self.live.get_mut(&end.id) {
                    live.unwritten.add_to(&mut end);
                }
                Some(Command::End(end))
            }
            Command::Recover { .. } => Some(command),
            Command::Claim(claim) => {
                if let Some(lane) = self.lanes.get_mut(&claim.lane) {
                    lane.settle(claim.limit);
                }
                None
            }
            Command::Append {
                id,
                run,
                events,
                checkpoint,
            } => {
                if let Some(live) = self.live.get_mut(&id)
                    && live.state.run == run
                {
                    live.unwritten.keep(events, checkpoint);
                }
                None
            }
            // Who asked has been answered; a stop that was signalled is recorded later.
            Command::Apply { id, .. } => {
                if let Some(live) = self.live.get_mut(&id) {
                    live.unwritten.stop = true;
                    live.unwritten.stop_unrecorded = true;
                }
                None
            }
            Command::Prune { .. } | Command::RemoveCheckpoints { .. } => {
                if let Some(look) = &mut self.retention {
                    look.not_removed();
                }
                None
            }
            Command::Submit(_) => None,
        }
    }
}

impl Manager {
    /// All that could not be written and is still to be.
    fn owed(&mut self) -> Vec<Command> {
        let mut owed = std::mem::take(&mut self.again);
        let live = self.live.values_mut().filter(|live| !live.ended);
        owed.extend(live.flat_map(Live::pay));
        owed
    }

    pub(super) fn send_again(&mut self) {
        let owed = self.owed();
        if !owed.is_empty() {
            self.of
                .link
                .send(owed.into_iter().map(Entry::silent).collect());
        }
    }
}

impl Handler<NotCommitted> for Manager {
    type Result = ();

    fn handle(&mut self, failed: NotCommitted, ctx: &mut Context<Self>) {
        // Once: it is tried again and again, and the log may lie on the same full disk.
        if !std::mem::replace(&mut self.store_degraded, true) {
            log::error!(
                "the store could not write {} commands: {}",
                failed.commands.len(),
                failed.error
            );
        }
        if matches!(failed.error, StoreError::Fatal(_)) {
            self.store_failed = true;
            // Who listens hears that nothing will come any more.
            self.of.hub.close();
            return self.drained();
        }
        if self.given_up {
            return not_recorded(&failed.commands, &failed.error);
        }
        let again = failed
            .commands
            .into_iter()
            .filter_map(|command| self.not_committed(command));
        let again: Vec<_> = again.collect();
        self.again.extend(again);
        ctx.run_later(STORE_RETRY, move |manager, _| {
            manager.send_again();
            for lane in manager.lanes.keys().cloned().collect::<Vec<_>>() {
                manager.dispatch(&lane);
            }
        });
        self.drained();
    }
}
