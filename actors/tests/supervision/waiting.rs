//! Callers that wait for what comes of what they ask.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use impresario::store::MemoryStore;
use impresario::{Asked, Error, Options, Started, Until};
use impresario_api::{OperationId, Status, Verb};

use crate::kit::{LONG, Move, NoParams, Puppet, Stage, now, policy, stage, stage_of, stage_with};
use crate::scripted::{Blinking, Says, cut};

fn waiting(wait: Duration) -> Options {
    Options::default().wait(wait)
}

fn start(stage: &Stage, wait: Duration) -> Result<Started, Error> {
    let options = waiting(wait);
    now(stage
        .orchestrator
        .start_managed_operation::<Puppet>(NoParams {}, options))
}

fn ask(stage: &Stage, id: OperationId, verb: Verb) -> Result<Asked, Error> {
    now(stage.orchestrator.ask(id, verb, None, waiting(LONG)))
}

/// What `work` gives, and that it did not take the whole wait.
fn at_once<T>(work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let given = work();
    assert!(began.elapsed() < LONG / 2, "it waited for nothing");
    given
}

#[test]
fn a_wait_ends_when_its_caller_is_gone() {
    let stage = stage();
    let options = waiting(LONG);
    let gone = options.gone.clone();
    std::thread::scope(|scope| {
        let start = || {
            let starting = stage
                .orchestrator
                .start_managed_operation::<Puppet>(NoParams {}, options);
            now(starting)
        };
        let caller = scope.spawn(start);
        stage.ready();
        gone.cancel();
        let started = at_once(|| caller.join().expect("no panic"));
        assert_eq!(started.expect("a start").status, Status::Pending);
        stage.command(Move::Return);
    });
}

#[test]
fn a_start_that_is_refused_or_not_recorded_is_answered_at_once_however_long_it_would_wait() {
    let (out, store) = cut();
    let stage = stage_with(policy(), 1, store);
    stage.running();
    for _ in 0..3 {
        stage.start();
    }
    let refused = at_once(|| start(&stage, LONG));
    assert!(
        matches!(refused, Err(Error::QueueFull { .. })),
        "{refused:?}"
    );
    out.store(true, Release);
    let failed = at_once(|| start(&stage, LONG));
    assert!(matches!(failed, Err(Error::Store(_))), "{failed:?}");
}

#[test]
fn a_replayed_start_that_waits_is_answered_at_once() {
    let stage = stage();
    let twice = || waiting(LONG).idempotency_key("once");
    std::thread::scope(|scope| {
        let one = || {
            now(stage
                .orchestrator
                .start_managed_operation::<Puppet>(NoParams {}, twice()))
        };
        let first = scope.spawn(one);
        stage.ready();
        let second = at_once(one).expect("a replay");
        stage.command(Move::Return);
        let first = first.join().expect("no panic").expect("a start");
        assert_eq!((first.id, second.replayed), (second.id, true));
    });
}

#[test]
fn a_verb_that_waits_is_answered_by_what_it_brings_about_or_at_once_if_it_changes_nothing() {
    let stage = stage_of(policy(), 2);
    let (cancelled, paused) = (stage.running(), stage.running());
    stage.command(Move::Sleep);
    stage.command(Move::Sleep);
    let asked = at_once(|| ask(&stage, cancelled, Verb::Cancel));
    assert!(
        matches!(asked, Ok(Asked::Done { changed: true, .. })),
        "{asked:?}"
    );
    assert_eq!(stage.view(cancelled).row.status, Status::Cancelled);
    at_once(|| ask(&stage, paused, Verb::Pause)).expect("a pause");
    assert_eq!(stage.view(paused).row.status, Status::Paused);
    for (id, verb) in [(cancelled, Verb::Cancel), (paused, Verb::Pause)] {
        let again = at_once(|| ask(&stage, id, verb));
        assert!(
            matches!(again, Ok(Asked::Done { changed: false, .. })),
            "{again:?}"
        );
    }
    let wrong = at_once(|| ask(&stage, cancelled, Verb::Finish));
    assert!(wrong.is_err(), "{wrong:?}");
}

#[test]
fn a_key_whose_operation_goes_while_it_is_looked_up_is_what_the_store_makes_of_it() {
    let refuses = Arc::new(AtomicU32::new(0));
    let store = Blinking {
        store: MemoryStore::new(),
        refuses: Arc::clone(&refuses),
        says: Says::NotThere,
    };
    let stage = stage_with(policy(), 1, store);
    let keyed = || {
        let options = Options::default().idempotency_key("once");
        now(stage
            .orchestrator
            .start_managed_operation::<Puppet>(NoParams {}, options))
        .expect("a start")
    };
    let first = keyed();
    stage.ready();
    // It is found by its key, and not there when it is read.
    refuses.store(1, Release);
    let second = keyed();
    assert_eq!((second.id, second.replayed), (first.id, true));
    assert_eq!(refuses.load(Acquire), 0);
    stage.command(Move::Return);
}

/// Asks once, and goes: a caller who does not stay for the answer.
pub(crate) fn leaves<F: Future>(asked: F) {
    let mut asked = std::pin::pin!(asked);
    let mut context = Context::from_waker(Waker::noop());
    // It may be answered already; mostly it is not.
    let _ = asked.as_mut().poll(&mut context);
}

/// Topics, callers that wait, and all who listen.
fn listening(stage: &Stage) -> (u64, u64, u64) {
    let system = stage.system();
    (system.topics, system.watches, system.subscribers)
}

/// A start that waits, with a key.
fn keyed(stage: &Stage, key: usize) -> impl Future<Output = Result<Started, Error>> {
    let options = waiting(LONG).idempotency_key(key.to_string());
    stage
        .orchestrator
        .start_managed_operation::<Puppet>(NoParams {}, options)
}

#[test]
fn nothing_is_kept_of_a_wait_however_it_ends() {
    let stage = stage();
    let of = &stage.orchestrator;
    let (none, nobody) = ((0, 0, 0), OperationId::from_u64(1));
    for round in 0..20 {
        // What is waited for comes about.
        std::thread::scope(|scope| {
            let caller = scope.spawn(|| start(&stage, LONG));
            stage.ready();
            assert_eq!(listening(&stage), (1, 1, 1));
            stage.command(Move::Return);
            caller.join().expect("no panic").expect("a start");
        });
        assert_eq!(listening(&stage), none);
        // The time is up; then callers leave, and one waits for what a verb brings about.
        let started = start(&stage, Duration::from_millis(1)).expect("a start");
        stage.ready();
        stage.command(Move::Sleep);
        leaves(of.events(started.id, 1_000, 1, &[], Some(LONG)));
        leaves(of.wait_until(started.id, Until::Ended, LONG));
        leaves(of.ask(started.id, Verb::Pause, None, waiting(LONG)));
        ask(&stage, started.id, Verb::Cancel).expect("a cancel");
        assert_eq!(listening(&stage), none);
        // A caller of a start leaves; another start replays it.
        leaves(keyed(&stage, round));
        assert!(now(keyed(&stage, round)).expect("a start").replayed);
        assert_eq!(listening(&stage), none);
        stage.ready();
        stage.command(Move::Return);
        // What is asked for is not there.
        now(of.wait_until(nobody, Until::Ended, LONG)).expect_err("nobody");
        ask(&stage, nobody, Verb::Cancel).expect_err("nobody");
        assert!(now(of.subscribe(nobody, None)).is_err());
        assert!(now(of.subscribe(nobody, Some(1))).is_err());
        assert_eq!(listening(&stage), none);
    }
}
