//! Events that were removed before a listener could read them: all are counted, where they were.

use std::time::Duration;

use impresario::{Interest, Update};
use impresario_api::{OperationId, Status};
use serde_json::json;

use crate::kit::{Move, Stage, now, stage};

const FAR: &str = "2099-01-01T00:00:00Z";

/// One of a team that waits for its time, and is kept.
fn kept(stage: &Stage, team: &str) -> OperationId {
    let options = json!({"not_before": FAR, "labels": {"team": team}});
    stage.start_with(options).expect("room")
}

/// One of a team that has ended.
fn ended(stage: &Stage, team: &str) {
    let id = stage.start_with(json!({"labels": {"team": team}}));
    let id = id.expect("room");
    stage.ready();
    stage.command(Move::Return);
    assert_eq!(stage.ended(id).row.status, Status::Completed);
}

fn cursor(stage: &Stage) -> u64 {
    now(stage.orchestrator.cursor()).expect("the store answers")
}

/// Removes so many that have ended: what ended in this very millisecond did not end before it.
fn prune(stage: &Stage, mut left: u64) {
    while left > 0 {
        let pruned = stage.orchestrator.prune(Duration::ZERO, false);
        left -= now(pruned).expect("it is done");
    }
}

/// What one who was away since then is told, up to the word that it has caught up.
fn told(stage: &Stage, label: Option<&str>, since: u64) -> Vec<Update> {
    let label = label.map(|team| ("team".to_owned(), team.to_owned()));
    let all = Interest::Matching {
        kinds: vec![],
        label,
    };
    let subscription = stage.orchestrator.subscribe_matching(all, Some(since));
    let mut subscription = now(subscription).expect("it listens");
    let mut told = Vec::new();
    loop {
        let update = now(subscription.next()).expect("the store answers");
        let update = update.expect("it is open");
        let is_last = matches!(update, Update::CaughtUp(_));
        told.push(update);
        if is_last {
            return told;
        }
    }
}

/// Removed ones first, between and last: the cursors that are kept, and the last one.
fn with_holes(stage: &Stage) -> (Vec<u64>, u64) {
    let mut left = Vec::new();
    for team in ["red", "blue"] {
        ended(stage, "red");
        kept(stage, team);
        left.push(cursor(stage));
    }
    ended(stage, "blue");
    prune(stage, 3);
    (left, cursor(stage))
}

#[test]
fn events_and_gaps_together_lead_from_any_since_to_the_last_cursor() {
    let stage = stage();
    let (left, last) = with_holes(&stage);
    for since in 0..=last {
        let mut place = since;
        let mut events = Vec::new();
        for update in told(&stage, None, since) {
            match update {
                Update::Gap(0) => panic!("a gap of nothing"),
                Update::Gap(count) => place += count,
                Update::Event(event) => {
                    place += 1;
                    assert_eq!(event.cursor, place, "since {since}");
                    events.push(place);
                }
                Update::CaughtUp(cursor) => assert_eq!((place, cursor), (last, last), "{since}"),
                other => panic!("{other:?}"),
            }
        }
        let wanted: Vec<_> = left.iter().copied().filter(|one| *one > since).collect();
        assert_eq!(events, wanted, "since {since}");
    }
}

#[test]
fn a_filter_is_told_of_all_that_are_gone_and_not_again_from_where_that_led() {
    let stage = stage();
    let (left, last) = with_holes(&stage);
    let removed = last - left.len() as u64;
    let (mut gone, mut events, mut led) = (0, Vec::new(), 0);
    for update in told(&stage, Some("blue"), 0) {
        match update {
            Update::Gap(count) => gone += count,
            Update::Event(event) => events.push(event.cursor),
            Update::CaughtUp(cursor) => led = cursor,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((gone, events, led), (removed, vec![left[1]], last));
    let again = told(&stage, Some("blue"), led);
    assert!(
        matches!(again[..], [Update::CaughtUp(cursor)] if cursor == last),
        "{again:?}"
    );
}

#[test]
fn one_that_was_up_to_date_is_told_of_no_gap_in_what_it_was_not_to_hear() {
    let stage = stage();
    let red = Interest::Matching {
        kinds: vec![],
        label: Some(("team".to_owned(), "red".to_owned())),
    };
    let mut subscription =
        now(stage.orchestrator.subscribe_matching(red, None)).expect("it listens");
    for _ in 0..3 {
        ended(&stage, "blue");
    }
    prune(&stage, 3);
    // More than what waits for listeners holds: it has to read the store.
    let id = stage.start_with(json!({"labels": {"team": "red"}}));
    let id = id.expect("room");
    stage.ready();
    for _ in 0..17 {
        let last = stage.view(id).row.seq + 1_000;
        stage.command(Move::Log(1_000));
        stage.ready();
        let page = now(stage
            .orchestrator
            .events(id, last - 1, 1, &[], Some(crate::kit::LONG)));
        assert_eq!(page.expect("it is kept").next_since, last);
    }
    stage.command(Move::Return);
    let seqs = stage.ended(id).row.seq;
    let mut read = 0;
    while read < seqs {
        match now(subscription.next()).expect("the store answers") {
            Some(Update::Event(event)) => {
                read += 1;
                assert_eq!((event.operation_id, event.seq), (id, read));
            }
            Some(Update::Gap(count)) => panic!("a gap of {count}"),
            Some(_) => {}
            None => panic!("closed before the end"),
        }
    }
}
