//! What a mailbox holds when nobody empties it.

use impresario_api::{LogData, LogLevel, Status, StatusData};

use super::*;

fn all() -> Interest {
    Interest::Matching {
        kinds: Vec::new(),
        label: None,
    }
}

fn line(number: u64) -> Arc<Event> {
    let body = EventBody::Log(LogData {
        level: LogLevel::Info,
        message: number.to_string(),
        run: 1,
    });
    Arc::new(Event {
        operation_id: OperationId::from_u64(1),
        seq: number,
        cursor: number,
        at: Timestamp::from_millis(0),
        body,
    })
}

#[test]
fn one_that_nobody_empties_holds_a_bounded_number_of_events_and_keeps_none_alive() {
    let mailbox = Hub::default().listen(&all(), false);
    let mut told = Vec::new();
    for number in 1..=5_000 {
        let event = line(number);
        told.push(Arc::downgrade(&event));
        mailbox.event(&event);
        assert!(lock(&mailbox.waiting).events.len() <= MOST_EVENTS);
    }
    // What it dropped is free: the hub itself holds nothing for it.
    assert_eq!(told.iter().filter(|one| one.strong_count() > 0).count(), 0);
    assert!(matches!(mailbox.try_next(), Some(Post::Lagging)));
    mailbox.event(&line(5_001));
    assert!(matches!(mailbox.try_next(), Some(Post::Event(event)) if event.seq == 5_001));
    assert!(mailbox.try_next().is_none());
}

#[test]
fn one_that_nobody_empties_holds_the_newest_progress_of_a_bounded_number_of_operations() {
    let mailbox = Hub::default().listen(&all(), false);
    let mut progress = Progress::default();
    for round in 0..3 {
        progress.items_processed = round;
        for number in 0..5_000 {
            let id = OperationId::from_u64(number);
            mailbox.progress(id, Timestamp::from_millis(0), &progress);
        }
    }
    let waiting = lock(&mailbox.waiting);
    assert_eq!(waiting.progress.len(), MOST_PROGRESS);
    assert!(
        waiting
            .progress
            .values()
            .all(|(_, one)| one.items_processed == 2)
    );
}

fn end(number: u64) -> Arc<Event> {
    let body = EventBody::Status(StatusData {
        status: Status::Completed,
        run: 1,
        attempt: 1,
        stop: None,
        stopped_early: false,
        error: None,
        verbs: Vec::new(),
        started_at: None,
        completed_at: None,
        not_before: None,
    });
    Arc::new(Event {
        body,
        ..(*line(number)).clone()
    })
}

fn tell_progress(mailbox: &Mailbox) {
    let id = OperationId::from_u64(1);
    mailbox.progress(id, Timestamp::from_millis(0), &Progress::default());
}

#[test]
fn no_progress_comes_after_the_end_even_where_the_end_itself_was_dropped() {
    let mailbox = Mailbox::new(false);
    tell_progress(&mailbox);
    for number in 0..=MOST_EVENTS as u64 {
        mailbox.event(&line(number));
    }
    mailbox.event(&end(9_999));
    assert!(matches!(mailbox.try_next(), Some(Post::Lagging)));
    assert!(mailbox.try_next().is_none(), "progress after the end");
}

#[test]
fn the_last_progress_comes_just_before_the_end() {
    let mailbox = Mailbox::new(false);
    mailbox.event(&line(1));
    tell_progress(&mailbox);
    mailbox.event(&end(2));
    assert!(matches!(mailbox.try_next(), Some(Post::Event(event)) if event.seq == 1));
    assert!(matches!(mailbox.try_next(), Some(Post::Progress(..))));
    assert!(matches!(mailbox.try_next(), Some(Post::Event(event)) if event.seq == 2));
}
