//! The actor of one run: reads how far it has come, takes what it reports, watches its time.
//!
//! It never touches the function. Its death ends nothing: the manager puts a new one on the run.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Recipient};
use impresario_api::{EventBody, Progress, StopVerb, Timestamp, Warning};

use super::messages::{Leave, LiveProgress, ReadRun, StopSignalled, TimedOut};
use super::pubsub::Hub;
use super::writer::{Entry, StoreLink};
use crate::clock::Clock;
use crate::rules::progress::Meter;
use crate::run::{Run, SavedCheckpoint};
use crate::store::{Command, StoredOperation};

/// What an operation's actor works with; kept by the manager too, for the next actor of the run.
#[derive(Clone)]
pub(crate) struct Assignment {
    pub(crate) operation: Arc<StoredOperation>,
    pub(crate) run: Arc<Run>,
    pub(crate) clock: Clock,
    pub(crate) began: Instant,
    pub(crate) timeout: Option<Duration>,
    pub(crate) grace: Duration,
    pub(crate) progress_every: Duration,
    pub(crate) store: StoreLink,
    pub(crate) hub: Arc<Hub>,
    /// What was seen of the run; the next actor of the run goes on with it.
    pub(crate) monitor: Rc<RefCell<RunMonitor>>,
}

/// What is seen of a run over time, by its actors one after another.
#[derive(Default)]
pub(crate) struct RunMonitor {
    /// How far it has come.
    pub(crate) meter: Meter,
    /// The stop under way, and since when it is to be obeyed.
    stop: Option<(StopVerb, Instant)>,
    unresponsive_since: Option<Timestamp>,
    /// The function has returned: its end tells the rest, and nothing may be told after it.
    pub(crate) over: bool,
}

impl RunMonitor {
    /// A stop was signalled. A finish may take its time; what is asked after it has a grace period
    /// of its own.
    pub(crate) fn stop_signalled(&mut self, verb: StopVerb) {
        let since = match self.stop {
            Some((before, since)) if before != StopVerb::Finish => since,
            _ => Instant::now(),
        };
        self.stop = Some((verb, since));
    }

    /// Since when a stop has been ignored past `grace`; once, when it comes to that.
    fn ignored(&mut self, grace: Duration, now: Timestamp) -> Option<(StopVerb, Duration)> {
        let (verb, since) = self.stop?;
        let ignored = since.elapsed();
        if verb == StopVerb::Finish || self.unresponsive_since.is_some() || ignored < grace {
            return None;
        }
        self.unresponsive_since = Some(now);
        Some((verb, ignored))
    }
}

pub(crate) struct OperationActor {
    of: Assignment,
    timed_out: Recipient<TimedOut>,
    shown: Progress,
    published: Progress,
}

impl OperationActor {
    pub(crate) fn new(of: Assignment, timed_out: Recipient<TimedOut>) -> Self {
        Self {
            of,
            timed_out,
            shown: Progress::default(),
            published: Progress::default(),
        }
    }

    fn number(&self) -> u32 {
        self.of.operation.state.run
    }

    /// Reads the run's counters, if the function does not hold their lock just now.
    fn read(&mut self) {
        if let Some(snapshot) = self.of.run.read() {
            let (now, ran) = (self.of.clock.now(), self.of.began.elapsed());
            let meter = &mut self.of.monitor.borrow_mut().meter;
            self.shown = meter.update(now, ran, &snapshot);
        }
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        if self.of.monitor.borrow().over {
            return;
        }
        self.read();
        if self.shown != self.published {
            let now = self.of.clock.now();
            self.of
                .hub
                .publish_progress(&self.of.operation, now, &self.shown);
            self.published = self.shown.clone();
        }
        let mut events = self.of.run.drain();
        events.extend(self.unresponsive());
        let checkpoint = self.of.run.take_checkpoint();
        if !events.is_empty() || checkpoint.is_some() {
            self.append(events, checkpoint);
        }
        self.of.run.look_at_checkpoint_time(Instant::now());
        ctx.run_later(self.of.progress_every, Self::tick);
    }

    fn append(&self, events: Vec<(Timestamp, EventBody)>, checkpoint: Option<SavedCheckpoint>) {
        let append = Command::Append {
            id: self.of.operation.id,
            run: self.number(),
            events,
            checkpoint,
        };
        self.of.store.send(vec![Entry::silent(append)]);
    }

    /// A warning, once, when a stop has been ignored past the kind's grace period.
    fn unresponsive(&mut self) -> Option<(Timestamp, EventBody)> {
        if self.of.monitor.borrow().over {
            return None;
        }
        let now = self.of.clock.now();
        let (verb, ignored) = self.of.monitor.borrow_mut().ignored(self.of.grace, now)?;
        let step = self.of.run.current_step();
        let place = step.map(|step| format!(", in {step}")).unwrap_or_default();
        let message = format!(
            "a stop was asked {:.1} s ago (now {verb}) and the function has not returned{place}",
            ignored.as_secs_f64()
        );
        log::warn!("{}: {message}", self.of.operation.id);
        let warning = Warning {
            code: "UNRESPONSIVE".to_owned(),
            message,
            run: self.number(),
            at: now,
        };
        Some((now, EventBody::Warning(warning)))
    }
}

impl Actor for OperationActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_later(self.of.progress_every, Self::tick);
        if let Some(timeout) = self.of.timeout {
            let (id, run) = (self.of.operation.id, self.number());
            let reason = format!("one run may take {} s", timeout.as_secs_f64());
            ctx.run_later(
                timeout.saturating_sub(self.of.began.elapsed()),
                move |actor, _| {
                    actor.timed_out.do_send(TimedOut { id, run, reason });
                },
            );
        }
    }
}

impl Handler<ReadRun> for OperationActor {
    type Result = ();

    fn handle(&mut self, read: ReadRun, _: &mut Self::Context) {
        self.read();
        let _ = read.reply.send(LiveProgress {
            run: self.number(),
            progress: self.shown.clone(),
            elapsed: self.of.began.elapsed(),
            unresponsive_since: self.of.monitor.borrow().unresponsive_since,
            unrecorded: read.unrecorded,
        });
    }
}

impl Handler<StopSignalled> for OperationActor {
    type Result = ();

    fn handle(&mut self, _: StopSignalled, ctx: &mut Self::Context) {
        // Looked at as soon as the grace period is over, not at the tick after it.
        ctx.run_later(self.of.grace, |actor, _| {
            if let Some(event) = actor.unresponsive() {
                actor.append(vec![event], None);
            }
        });
    }
}

impl Handler<Leave> for OperationActor {
    type Result = ();

    fn handle(&mut self, _: Leave, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(0);
    const AN_HOUR: Duration = Duration::from_secs(3_600);

    fn asked(verb: StopVerb, ago: Duration) -> RunMonitor {
        let mut monitor = RunMonitor::default();
        monitor.stop_signalled(verb);
        let since = Instant::now().checked_sub(ago);
        monitor.stop = Some((verb, since.expect("the machine is up for longer")));
        monitor
    }

    #[test]
    fn a_finish_may_take_its_time_and_a_cancel_after_it_has_a_grace_period_of_its_own() {
        let mut monitor = asked(StopVerb::Finish, Duration::from_secs(60));
        assert_eq!(monitor.ignored(Duration::ZERO, NOW), None);
        monitor.stop_signalled(StopVerb::Cancel);
        assert_eq!(
            monitor.ignored(Duration::from_secs(30), NOW),
            None,
            "just asked"
        );
        assert!(monitor.ignored(Duration::ZERO, NOW).is_some());
    }

    #[test]
    fn a_stronger_stop_does_not_restart_the_grace_period_of_a_pause() {
        let mut monitor = asked(StopVerb::Pause, Duration::from_secs(60));
        monitor.stop_signalled(StopVerb::Cancel);
        let told = monitor.ignored(Duration::from_secs(30), NOW);
        assert_eq!(told.map(|(verb, _)| verb), Some(StopVerb::Cancel));
        assert_eq!(monitor.ignored(Duration::ZERO, NOW), None, "told once");
    }

    #[test]
    fn nothing_is_ignored_where_nothing_was_asked_or_the_time_is_not_over() {
        assert_eq!(RunMonitor::default().ignored(Duration::ZERO, NOW), None);
        let mut monitor = asked(StopVerb::Cancel, Duration::from_secs(1));
        assert_eq!(monitor.ignored(AN_HOUR, NOW), None);
    }
}
