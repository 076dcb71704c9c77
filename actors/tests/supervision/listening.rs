//! Subscriptions lose nothing.

use std::sync::Arc;

use impresario::{Interest, Update};
use impresario_api::{Event, EventBody, Status};

use crate::kit::{LONG, Move, now, stage};

/// Events of a subscription up to the one that completes the operation.
pub(crate) fn events(subscription: &mut impresario::Subscription) -> Vec<Arc<Event>> {
    let mut events = Vec::new();
    loop {
        match now(subscription.next()).expect("the store answers") {
            Some(Update::Event(event)) => {
                let last =
                    matches!(&event.body, EventBody::Status(it) if it.status == Status::Completed);
                events.push(event);
                if last {
                    return events;
                }
            }
            Some(_) => {}
            None => panic!("closed before the end"),
        }
    }
}

#[test]
fn a_snapshot_comes_first_and_then_every_event_after_it() {
    let stage = stage();
    let id = stage.running();
    let mut subscription = now(stage.orchestrator.subscribe(id, None)).expect("it is kept");
    let Ok(Some(Update::Snapshot(view))) = now(subscription.next()) else {
        panic!("a snapshot")
    };
    stage.command(Move::Log(3));
    stage.ready();
    stage.command(Move::Return);
    let seqs: Vec<_> = events(&mut subscription)
        .iter()
        .map(|event| event.seq)
        .collect();
    assert_eq!(
        seqs,
        (view.row.seq + 1..=stage.view(id).row.seq).collect::<Vec<_>>()
    );
}

#[test]
fn one_that_reads_nothing_for_thousands_of_events_still_gets_each_of_them_once() {
    let stage = stage();
    let id = stage.running();
    let mut subscription = now(stage.orchestrator.subscribe(id, None)).expect("it is kept");
    for thousands in 1..=17 {
        stage.command(Move::Log(1_000));
        stage.ready();
        let recorded = stage
            .orchestrator
            .events(id, thousands * 1_000, 1, &[], Some(LONG));
        assert!(!now(recorded).expect("it is kept").events.is_empty());
    }
    stage.command(Move::Return);
    stage.ended(id);
    let events = events(&mut subscription);
    let last = stage.view(id).row.seq;
    assert!(
        last > 16_500,
        "{last} events: it must have fallen out of the queue"
    );
    assert_eq!(
        events.iter().map(|event| event.seq).collect::<Vec<_>>(),
        (3..=last).collect::<Vec<_>>()
    );
}

#[test]
fn one_that_was_cut_off_gets_what_it_missed_then_a_snapshot() {
    let stage = stage();
    let id = stage.running();
    stage.command(Move::Return);
    let end = stage.ended(id).row.seq;
    let mut subscription = now(stage.orchestrator.subscribe(id, Some(1))).expect("it is kept");
    let missed: Vec<_> = events(&mut subscription)
        .iter()
        .map(|event| event.seq)
        .collect();
    assert_eq!(missed, (2..=end).collect::<Vec<_>>());
    assert!(matches!(
        now(subscription.next()),
        Ok(Some(Update::Snapshot(_)))
    ));
}

#[test]
fn a_filter_hears_of_every_operation_that_matches_from_its_first_event() {
    let stage = stage();
    let label = Some(("team".to_owned(), "blue".to_owned()));
    let interest = Interest::Matching {
        kinds: vec!["puppet".to_owned()],
        label,
    };
    let mut subscription =
        now(stage.orchestrator.subscribe_matching(interest, None)).expect("it listens");
    let other = stage.running();
    stage.command(Move::Return);
    stage.ended(other);
    let id = stage
        .start_with(serde_json::json!({"labels": {"team": "blue"}}))
        .expect("room");
    stage.ready();
    stage.command(Move::Return);
    let events = events(&mut subscription);
    assert!(events.iter().all(|event| event.operation_id == id));
    assert_eq!(events.first().map(|event| event.seq), Some(1));
}

#[test]
fn a_shutdown_closes_subscriptions() {
    let stage = stage();
    let id = stage.running();
    stage.command(Move::Return);
    stage.ended(id);
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
        stage.command(Move::Step);
        stage.ready();
    }
    stage.command(Move::Return);
    stage.ended(id);
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
            Update::Snapshot(_) | Update::CaughtUp(_) | Update::Gap(_) => {}
        }
    }
    assert!(over);
    assert_eq!(steps, Some(3), "merged, and the last one arrives");
}
