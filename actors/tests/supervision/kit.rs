//! A fake operation whose every move a test commands, and an orchestrator around it.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use impresario::operation::{Context, Failure, Kinds, Operation, Policy};
use impresario::store::{MemoryStore, Store};
use impresario::{
    Asked, Config, Error, Interest, LaneConfig, Options, Orchestrator, Subscription, Until, Update,
};
use impresario_api::{
    Event, EventBody, LaneView, OperationId, OperationView, Status, SystemView, Verb,
};
use serde_json::{Value, json};

/// Far longer than anything here takes: past it something hangs.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// What a test commands the function to do next.
pub(crate) enum Move {
    /// Do one step, and give a checkpoint.
    Step,
    /// Wait for an hour, or a stop.
    Sleep,
    /// Return Ok.
    Return,
    /// Return a failure that another attempt may mend.
    Retry,
    /// Return a failure that none would.
    Fail,
    /// Panic.
    Panic,
    /// Report this many log lines.
    Log(u32),
}

/// A function under command. Its steps count in `done`; it tells when it is ready for a move, and
/// waits for one without hearing of stops, unless it is told to sleep.
pub(crate) struct Puppet {
    policy: Policy,
    moves: Receiver<Move>,
    ready: Sender<u32>,
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct NoParams {}

impl Operation for Puppet {
    const KIND: &'static str = "puppet";
    type Params = NoParams;
    type Output = u32;

    fn policy(&self) -> Policy {
        self.policy.clone()
    }

    fn run(&self, _: NoParams, ctx: &Context) -> Result<u32, Failure> {
        let mut done = ctx.restored::<u32>()?.unwrap_or(0);
        for step in ctx.steps("step", done..1_000) {
            step?;
            loop {
                // A test that has gone wants nothing any more.
                if self.ready.send(ctx.run()).is_err() {
                    return Ok(done);
                }
                match self.moves.recv().unwrap_or(Move::Return) {
                    Move::Step => break,
                    Move::Sleep => ctx.sleep(Duration::from_secs(3_600))?,
                    Move::Return => return Ok(done),
                    Move::Retry => return Err(Failure::new("NOT_YET", "try again").retryable()),
                    Move::Fail => return Err(Failure::new("NEVER", "it cannot be done")),
                    Move::Panic => panic!("the strings broke"),
                    Move::Log(lines) => {
                        (0..lines).for_each(|n| ctx.log(impresario::operation::LogLevel::Info, n));
                    }
                }
            }
            done += 1;
            ctx.checkpoint(&done)?;
        }
        Ok(done)
    }
}

impl Puppet {
    /// One with its strings.
    pub(crate) fn new(policy: Policy) -> (Self, Sender<Move>, Receiver<u32>) {
        let (moves, commanded) = unbounded();
        let (tells, ready) = unbounded();
        let puppet = Self {
            policy,
            moves: commanded,
            ready: tells,
        };
        (puppet, moves, ready)
    }
}

/// An orchestrator with one lane of puppets, and the strings.
pub(crate) struct Stage {
    pub(crate) orchestrator: Orchestrator,
    pub(crate) moves: Sender<Move>,
    pub(crate) ready: Receiver<u32>,
}

pub(crate) fn policy() -> Policy {
    let soon = Duration::from_millis(1);
    Policy::lane("puppets")
        .pausable()
        .finishable()
        .backoff(soon, soon)
}

pub(crate) fn stage() -> Stage {
    stage_of(policy(), 1)
}

/// With a new store in memory.
pub(crate) fn stage_of(policy: Policy, concurrency: usize) -> Stage {
    stage_with(policy, concurrency, MemoryStore::new())
}

pub(crate) fn stage_with(policy: Policy, concurrency: usize, store: impl Store) -> Stage {
    stage_in(Config::default(), policy, concurrency, store)
}

/// With a configuration of its own, but for the lane.
pub(crate) fn stage_in(
    config: Config,
    policy: Policy,
    concurrency: usize,
    store: impl Store,
) -> Stage {
    let (puppet, moves, ready) = Puppet::new(policy);
    let lane = LaneConfig::default()
        .concurrency(concurrency)
        .queue_limit(3)
        .delayed_limit(2)
        .threads(1);
    let config = config.progress_every(Duration::from_millis(5));
    let kinds = Kinds::new().register(puppet);
    let orchestrator = Orchestrator::start(config.lane("puppets", lane), kinds, store);
    Stage {
        orchestrator: orchestrator.expect("the lane is configured"),
        moves,
        ready,
    }
}

/// Runs a future on this thread, with no runtime of anyone's.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(output) = future
            .as_mut()
            .poll(&mut std::task::Context::from_waker(&waker))
        {
            return output;
        }
        std::thread::park();
    }
}

impl Stage {
    pub(crate) fn start(&self) -> OperationId {
        self.start_with(json!({})).expect("a start")
    }

    /// With start options.
    pub(crate) fn start_with(&self, options: Value) -> Result<OperationId, Error> {
        let start = serde_json::from_value(options).expect("start options");
        let options = Options::default().start(start);
        now(self
            .orchestrator
            .start_managed_operation::<Puppet>(NoParams {}, options))
        .map(|started| started.id)
    }

    /// Waits until a function is ready for its next move: its run.
    pub(crate) fn ready(&self) -> u32 {
        self.ready
            .recv_timeout(LONG)
            .expect("the function asks for a move")
    }

    pub(crate) fn command(&self, next: Move) {
        self.moves.send(next).expect("the function listens");
    }

    /// Starts one and waits until its function runs.
    pub(crate) fn running(&self) -> OperationId {
        let id = self.start();
        self.ready();
        id
    }

    /// Lets it do one step, and waits until it asks for the next move.
    pub(crate) fn step(&self) {
        self.command(Move::Step);
        self.ready();
    }

    /// Lets the function return, and waits until this operation has ended.
    pub(crate) fn returns(&self, id: OperationId) -> OperationView {
        self.command(Move::Return);
        self.ended(id)
    }

    /// Asks a verb that is recorded: it leaves this status, and whether it has changed anything.
    pub(crate) fn does(&self, id: OperationId, verb: Verb, status: Status, changed: bool) {
        assert_eq!(done(self.ask(id, verb)), (status, changed, true), "{verb}");
    }

    pub(crate) fn ask(&self, id: OperationId, verb: Verb) -> Result<Asked, Error> {
        let options = Options::default().requested_by("a test");
        now(self
            .orchestrator
            .ask(id, verb, Some("because".to_owned()), options))
    }

    pub(crate) fn view(&self, id: OperationId) -> OperationView {
        now(self.orchestrator.view(id)).expect("the operation is kept")
    }

    /// Waits until it has ended or rests.
    pub(crate) fn ended(&self, id: OperationId) -> OperationView {
        let view = now(self.orchestrator.wait_until(id, Until::EndedOrPaused, LONG));
        let view = view.expect("the operation is kept");
        assert!(
            Until::EndedOrPaused.is_met(view.row.status),
            "it hangs: {view:#?}"
        );
        view
    }

    pub(crate) fn system(&self) -> SystemView {
        now(self.orchestrator.system()).expect("it lives")
    }

    /// The lane of the puppets.
    pub(crate) fn lane(&self) -> LaneView {
        let mut lanes = self.system().lanes.into_iter();
        let lane = lanes.find(|lane| lane.name == "puppets");
        lane.expect("it is configured")
    }

    /// Listens to every operation: what the manager tells of, it has counted.
    pub(crate) fn listen(&self) -> Subscription {
        let all = Interest::Matching {
            kinds: vec![],
            label: None,
        };
        now(self.orchestrator.subscribe_matching(all, None)).expect("it listens")
    }

    /// All events of these types; of every type where none is named.
    pub(crate) fn events(&self, id: OperationId, types: &[&str]) -> Vec<Event> {
        let page = now(self.orchestrator.events(id, 0, usize::MAX, types, None));
        page.expect("the operation is kept").events
    }

    /// Waits until an event is as wanted.
    pub(crate) fn event(&self, id: OperationId, wanted: impl Fn(&EventBody) -> bool) -> Event {
        let mut since = 0;
        loop {
            let page = now(self.orchestrator.events(id, since, 100, &[], Some(LONG)));
            let page = page.expect("the operation is kept");
            assert!(!page.events.is_empty(), "the event never came");
            since = page.next_since;
            if let Some(event) = page.events.into_iter().find(|event| wanted(&event.body)) {
                return event;
            }
        }
    }

    /// Waits for a warning.
    pub(crate) fn warning(&self, id: OperationId, code: &str) -> String {
        let event = self.event(
            id,
            |body| matches!(body, EventBody::Warning(it) if it.code == code),
        );
        let EventBody::Warning(warning) = event.body else {
            unreachable!("as wanted")
        };
        warning.message
    }

    /// The statuses that were told, in order; `resumed` among them. Every number is there once.
    pub(crate) fn told(&self, id: OperationId) -> Vec<String> {
        let events = self.events(id, &[]);
        let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
        assert_eq!(
            numbers,
            (1..=events.len() as u64).collect::<Vec<_>>(),
            "contiguous"
        );
        let told = events.iter().filter_map(|event| match &event.body {
            EventBody::Status(status) => Some(status.status.to_string()),
            EventBody::Resumed(_) => Some("resumed".to_owned()),
            _ => None,
        });
        told.collect()
    }
}

/// The next event of a subscription, past progress and snapshots.
pub(crate) fn next(subscription: &mut Subscription) -> Arc<Event> {
    loop {
        match now(subscription.next()).expect("the store answers") {
            Some(Update::Event(event)) => return event,
            Some(_) => {}
            None => panic!("closed before the end"),
        }
    }
}

/// Events of a subscription up to the one that completes `last`.
pub(crate) fn until_completed(
    subscription: &mut Subscription,
    last: OperationId,
) -> Vec<Arc<Event>> {
    let mut events = Vec::new();
    loop {
        let event = next(subscription);
        let over = matches!(&event.body, EventBody::Status(it) if it.status == Status::Completed);
        let over = over && event.operation_id == last;
        events.push(event);
        if over {
            return events;
        }
    }
}

/// Looks until it is so.
pub(crate) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what} did not come");
        std::thread::yield_now();
    }
}

pub(crate) fn done(asked: Result<Asked, Error>) -> (Status, bool, bool) {
    match asked {
        Ok(Asked::Done {
            view,
            changed,
            durable,
        }) => (view.row.status, changed, durable),
        other => panic!("not done: {other:?}"),
    }
}
