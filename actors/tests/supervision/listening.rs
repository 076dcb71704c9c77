//! Subscriptions lose nothing: also where a listener reads late, or comes late, and has thousands of
//! events to catch up with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use impresario::store::{MemoryStore, StoreError};
use impresario::{Error, Interest, Update};
use impresario_api::{Event, EventBody, OperationId, Status, Verb};
use serde_json::json;

use crate::kit::{
    LONG, Move, Stage, eventually, next, now, policy, stage, stage_with, until_completed,
};
use crate::scripted::{Blinking, Says};

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
    assert_eq!(stage.returns(id).row.status, Status::Completed);
}

/// All that is kept of these operations, in the order in which it was told.
fn kept(stage: &Stage, ids: &[OperationId]) -> Vec<(u64, OperationId, u64)> {
    let mut events = Vec::new();
    for id in ids {
        events.extend(numbers(&stage.events(*id, &[])));
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
fn one_that_reads_nothing_for_thousands_of_events_still_gets_each_of_them_once() {
    let stage = stage();
    let id = stage.running();
    let mut subscription = now(stage.orchestrator.subscribe(id, None)).expect("it is kept");
    flood(&stage, id, 17);
    completes(&stage, id);
    let events = until_completed(&mut subscription, id);
    let last = stage.view(id).row.seq;
    assert!(
        last > OVERFLOW as u64,
        "{last} events: it must have fallen out of the queue"
    );
    let seqs: Vec<_> = events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (3..=last).collect::<Vec<_>>());
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
        says: Says::Nothing,
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

#[test]
fn what_another_process_commits_between_is_heard_in_its_place() {
    let store = MemoryStore::new();
    let stage = stage_with(policy(), 1, store.clone());
    let other = stage_with(policy(), 1, store);
    let mut heard = stage.listen();
    let later = || json!({"not_before": "2099-01-01T00:00:00Z"});
    // The other one has then taken up what was there: it takes no run of this one for lost.
    let first = other.start_with(later()).expect("a start");
    let id = stage.running();
    let scheduled = other.start_with(later()).expect("a start");
    completes(&stage, id);
    let told = kept(&stage, &[first, id, scheduled]);
    let read: Vec<_> = told.iter().map(|_| next(&mut heard)).collect();
    assert_eq!(arcs(&read), told);
    let cursors: Vec<_> = told.iter().map(|(cursor, ..)| *cursor).collect();
    assert!(
        cursors.is_sorted_by(|one, next| one + 1 == *next),
        "{cursors:?}"
    );
}

#[test]
fn a_shutdown_closes_subscriptions() {
    let stage = stage();
    let id = stage.running();
    stage.returns(id);
    let mut subscription = now(stage.orchestrator.subscribe(id, None)).expect("it is kept");
    now(stage.orchestrator.shutdown());
    while let Some(update) = now(subscription.next()).expect("the store answers") {
        assert!(
            !matches!(update, Update::Event(_)),
            "nothing happened meanwhile"
        );
    }
}

#[test]
fn the_last_progress_comes_before_the_terminal_event_and_none_after_it() {
    let stage = stage();
    let id = stage.running();
    let mut subscription = now(stage.orchestrator.subscribe(id, None)).expect("it is kept");
    for _ in 0..3 {
        stage.step();
    }
    stage.returns(id);
    now(stage.orchestrator.shutdown());
    let mut steps = None;
    let mut over = false;
    while let Some(update) = now(subscription.next()).expect("the store answers") {
        match update {
            Update::Progress { progress, .. } => {
                assert!(!over, "progress after the end");
                steps = Some(progress.steps[0].current);
            }
            Update::Event(event) => {
                over |= matches!(&event.body, EventBody::Status(it) if it.status.is_ended());
            }
            _ => {}
        }
    }
    assert!(over);
    assert_eq!(steps, Some(3), "merged, and the last one arrives");
}

#[test]
fn one_of_a_single_operation_ends_when_the_operation_has_ended() {
    let stage = stage();
    let id = stage.running();
    let subscribe = |since| now(stage.orchestrator.subscribe(id, since)).expect("it is kept");
    let mut all = vec![subscribe(None), subscribe(Some(0))];
    completes(&stage, id);
    let last = stage.view(id).row.seq;
    // Beside those that listened, some that come late, of which some have to catch up.
    all.extend([None, Some(0), Some(last - 1), Some(last)].map(subscribe));
    for mut subscription in all {
        let mut told = None;
        while let Some(update) = now(subscription.next()).expect("the store answers") {
            match update {
                Update::Event(event) => told = told.max(Some(event.seq)),
                Update::Snapshot(view) => told = told.max(Some(view.row.seq)),
                _ => {}
            }
        }
        assert_eq!(told, Some(last), "it ended before it had told all");
        assert!(now(subscription.next()).expect("it stays so").is_none());
    }
}

#[test]
fn one_that_reads_a_resume_goes_on_to_the_last_end_and_one_until_closed_goes_on_after_it() {
    let stage = stage();
    let id = stage.running();
    stage.step();
    let subscribe = |since| now(stage.orchestrator.subscribe(id, since)).expect("it is kept");
    let mut open = subscribe(None).until_closed();
    stage.command(Move::Fail);
    assert_eq!(stage.ended(id).row.status, Status::Failed);
    let is_failed =
        |event: &Event| matches!(&event.body, EventBody::Status(it) if it.status == Status::Failed);
    while !is_failed(&next(&mut open)) {}
    stage.does(id, Verb::Resume, Status::Pending, true);
    stage.ready();
    completes(&stage, id);
    let events = until_completed(&mut open, id);
    assert!(
        matches!(events[0].body, EventBody::Resumed(_)),
        "{events:?}"
    );
    // A replay passes over the first end.
    let mut replay = subscribe(Some(0));
    let read = until_completed(&mut replay, id);
    assert_eq!(arcs(&read), kept(&stage, &[id]));
    let snapshot = now(replay.next()).expect("the store answers");
    assert!(
        matches!(snapshot, Some(Update::Snapshot(_))),
        "{snapshot:?}"
    );
    assert!(now(replay.next()).expect("the store answers").is_none());
    now(stage.orchestrator.shutdown());
    assert!(now(open.next()).expect("the store answers").is_none());
}

#[test]
fn one_until_closed_ends_when_its_operation_is_removed() {
    let stage = stage();
    let id = stage.running();
    let subscribe = || now(stage.orchestrator.subscribe(id, None)).expect("it is kept");
    let (mut waits, mut late) = (subscribe().until_closed(), subscribe().until_closed());
    completes(&stage, id);
    until_completed(&mut waits, id);
    eventually("its removal", || {
        let removed = now(stage.orchestrator.prune(Duration::ZERO, false));
        removed.expect("the store answers") == 1
    });
    assert!(now(waits.next()).expect("it ends").is_none());
    // One that has still to take what waits for it is given that first.
    until_completed(&mut late, id);
    assert!(now(late.next()).expect("it ends").is_none());
}

#[test]
fn one_whose_operation_is_removed_before_it_has_read_the_end_ends_too() {
    let stage = stage();
    let id = stage.running();
    let subscribe = |since| now(stage.orchestrator.subscribe(id, since)).expect("it is kept");
    let mut replay = subscribe(Some(0));
    completes(&stage, id);
    // Once its end is in the past.
    eventually("its removal", || {
        let removed = now(stage.orchestrator.prune(Duration::ZERO, false));
        removed.expect("the store answers") == 1
    });
    let told = now(replay.next());
    assert!(
        matches!(&told, Err(Error::NotFound(of)) if *of == id),
        "{told:?}"
    );
    assert!(now(replay.next()).expect("it stays so").is_none());
}
