//! What a mailbox holds when nobody empties it.

use impresario_api::{LogData, LogLevel};

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
