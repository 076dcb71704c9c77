//! Listeners that read late, or come late, with thousands of events to catch up with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use impresario::store::{MemoryStore, StoreError};
use impresario::{Error, Interest, Subscription, Update};
use impresario_api::{Event, EventBody, OperationId, Status};
use serde_json::json;

use crate::kit::{LONG, Move, Stage, now, policy, stage, stage_with};
use crate::scripted::Blinking;

/// So many short events fall out of what is kept for listeners.
const OVERFLOW: usize = 16_500;

/// A puppet of a team, running.
fn of_team(stage: &Stage, team: &str) -> OperationId {
    let id = stage.start_with(json!({"labels": {"team": team}}));
    stage.ready();
    id.expect("room")
}

fn team(name: &str) -> Interest {
    Interest::Matching {
        kinds: Vec::new(),
        label: Some(("team".to_owned(), name.to_owned())),
    }
}

/// Has the function log so many thousand lines, and waits until all are recorded.
fn flood(stage: &Stage, id: OperationId, thousands: u64) {
    for _ in 0..thousands {
        let last = stage.view(id).row.seq + 1_000;
        stage.command(Move::Log(1_000));
        stage.ready();
        let page = now(stage.orchestrator.events(id, last - 1, 1, &[], Some(LONG)));
        assert_eq!(
            page.expect("it is kept").next_since,
            last,
            "all of them are told"
        );
    }
}

fn completes(stage: &Stage, id: OperationId) {
    stage.command(Move::Return);
    assert_eq!(stage.ended(id).row.status, Status::Completed);
}

/// The next event, past progress and snapshots.
fn next(subscription: &mut Subscription) -> Arc<Event> {
    loop {
        match now(subscription.next()).expect("the store answers") {
            Some(Update::Event(event)) => return event,
            Some(_) => {}
            None => panic!("closed before the end"),
        }
    }
}

/// Events up to the one that completes `last`.
fn until_completed(subscription: &mut Subscription, last: OperationId) -> Vec<Arc<Event>> {
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

/// All that is kept of these operations, in the order in which it was told.
fn kept(stage: &Stage, ids: &[OperationId]) -> Vec<(u64, OperationId, u64)> {
    let mut events = Vec::new();
    for id in ids {
        let page = now(stage.orchestrator.events(*id, 0, usize::MAX, &[], None));
        events.extend(numbers(&page.expect("it is kept").events));
    }
    events.sort_unstable();
    events
}

fn numbers<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<(u64, OperationId, u64)> {
    let events = events.into_iter();
    events
        .map(|event| (event.cursor, event.operation_id, event.seq))
        .collect()
}

fn arcs(events: &[Arc<Event>]) -> Vec<(u64, OperationId, u64)> {
    numbers(events.iter().map(|event| &**event))
}

#[test]
fn a_filtered_one_that_never_reads_delays_nobody_and_then_gets_each_event_once() {
    let stage = stage();
    let listen =
        || now(stage.orchestrator.subscribe_matching(team("red"), None)).expect("it listens");
    let (mut slow, mut quick) = (listen(), listen());
    let mut all = Vec::new();
    for _ in 0..2 {
        let red = of_team(&stage, "red");
        flood(&stage, red, 9);
        completes(&stage, red);
        // One that reads has it all while the other has read nothing.
        all.extend(until_completed(&mut quick, red));
        let blue = of_team(&stage, "blue");
        flood(&stage, blue, 1);
        completes(&stage, blue);
    }
    let last = all.last().expect("events").operation_id;
    let first = all.first().expect("events").operation_id;
    assert!(
        all.len() > OVERFLOW,
        "{}: the slow one must have fallen out of the queue",
        all.len()
    );
    assert_eq!(arcs(&all), kept(&stage, &[first, last]));
    assert_eq!(arcs(&until_completed(&mut slow, last)), arcs(&all));
}

#[test]
fn one_that_falls_behind_again_and_again_gets_each_event_once() {
    let stage = stage();
    let mut subscription =
        now(stage.orchestrator.subscribe_matching(team("red"), None)).expect("it listens");
    let id = of_team(&stage, "red");
    let mut read = Vec::new();
    for _ in 0..3 {
        flood(&stage, id, 17);
        // Less than it is behind, so the next flood comes in the middle of a page.
        read.extend((0..16_500).map(|_| next(&mut subscription)));
    }
    completes(&stage, id);
    read.extend(until_completed(&mut subscription, id));
    assert_eq!(arcs(&read), kept(&stage, &[id]));
}

#[test]
fn a_replay_of_one_operation_goes_over_many_pages_and_on_into_what_is_live() {
    let stage = stage();
    let id = stage.running();
    flood(&stage, id, 3);
    let mut subscription = now(stage.orchestrator.subscribe(id, Some(500))).expect("it is kept");
    let mut read: Vec<_> = (0..1_500).map(|_| next(&mut subscription)).collect();
    flood(&stage, id, 2);
    let caught_up = loop {
        match now(subscription.next()).expect("the store answers") {
            Some(Update::Event(event)) => read.push(event),
            Some(Update::Snapshot(view)) => break view.row.seq,
            other => assert!(other.is_some(), "closed before the end"),
        }
    };
    assert!(
        caught_up > 5_000,
        "the snapshot comes after the replay: {caught_up}"
    );
    assert_eq!(read.last().expect("events").seq, caught_up);
    completes(&stage, id);
    read.extend(until_completed(&mut subscription, id));
    let seqs: Vec<_> = read.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (501..=stage.view(id).row.seq).collect::<Vec<_>>());
}

#[test]
fn a_replay_by_filter_goes_over_pages_of_which_nothing_matches() {
    let stage = stage();
    let mut reds = Vec::new();
    for (name, thousands) in [("red", 2), ("blue", 3), ("red", 1), ("blue", 1), ("red", 2)] {
        let id = of_team(&stage, name);
        flood(&stage, id, thousands);
        completes(&stage, id);
        reds.extend((name == "red").then_some(id));
    }
    let told = kept(&stage, &reds);
    let last = reds[reds.len() - 1];
    // From the start, from the middle of a page, and from the middle of the others' events.
    for since in [0, 1_500, 3_000] {
        let subscription = stage
            .orchestrator
            .subscribe_matching(team("red"), Some(since));
        let mut subscription = now(subscription).expect("it listens");
        let read = until_completed(&mut subscription, last);
        let missed: Vec<_> = told.iter().filter(|one| one.0 > since).copied().collect();
        assert_eq!(arcs(&read), missed, "since {since}");
    }
}

#[test]
fn a_store_that_blinks_while_one_catches_up_costs_it_no_event() {
    let refuses = Arc::new(AtomicU32::new(0));
    let store = Blinking {
        store: MemoryStore::new(),
        refuses: Arc::clone(&refuses),
        denies: false,
    };
    let stage = stage_with(policy(), 1, store);
    let id = of_team(&stage, "red");
    completes(&stage, id);
    let told = kept(&stage, &[id]);
    let subscription = stage.orchestrator.subscribe_matching(team("red"), Some(0));
    let mut subscription = now(subscription).expect("it listens");
    refuses.store(3, Ordering::Release);
    let mut read = Vec::new();
    let mut blinks = 0;
    while read.len() < told.len() {
        match now(subscription.next()) {
            Ok(Some(Update::Event(event))) => read.push(event),
            Err(Error::Store(StoreError::Unavailable(_))) => blinks += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(blinks, 3);
    assert_eq!(arcs(&read), told);
}
