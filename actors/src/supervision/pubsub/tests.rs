//! What a subscriber holds when nobody empties it.

use impresario_api::{LogData, LogLevel, Status, StatusData};

use super::super::cursor::SubscriberCursor;
use super::super::{Counts, Hub};
use super::*;

const ONE: Interest = Interest::Operation(OperationId::from_u64(1));

fn listen() -> SubscriberCursor {
    Arc::new(Hub::default()).listen(&ONE, false)
}

/// One more who listens to the same.
fn beside(subscriber: &SubscriberCursor) -> SubscriberCursor {
    subscriber.hub.listen(&ONE, false)
}

fn tell(subscriber: &SubscriberCursor, event: &Arc<Event>) {
    subscriber.topic.events(std::slice::from_ref(event), None);
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
    let subscriber = listen();
    let most = (MOST_BYTES / EVENT_BYTES) as u64;
    let mut told = Vec::new();
    for number in 1..=most {
        let event = line(number);
        told.push(Arc::downgrade(&event));
        tell(&subscriber, &event);
        assert!(lock(&subscriber.topic.queue).bytes <= MOST_BYTES);
    }
    // What it dropped is free: nothing is held for one that lags.
    assert_eq!(told.iter().filter(|one| one.strong_count() > 0).count(), 0);
    assert!(matches!(
        subscriber.try_next(),
        Some(Notification::Lagging(_))
    ));
    tell(&subscriber, &line(most + 1));
    assert!(
        matches!(subscriber.try_next(), Some(Notification::Event(event)) if event.seq == most + 1)
    );
    assert!(subscriber.try_next().is_none());
}

#[test]
fn one_that_has_to_read_the_store_is_told_what_it_missed_first() {
    let subscriber = listen();
    let lags_from =
        |first| matches!(subscriber.try_next(), Some(Notification::Lagging(it)) if it == first);
    subscriber.topic.skip(3);
    assert!(lags_from(Some(3)));
    tell(&subscriber, &line(5));
    subscriber.topic.skip(6);
    subscriber.topic.skip(8);
    assert!(lags_from(Some(5)));
    subscriber.position().mark_lagging();
    assert!(lags_from(None));
    assert!(subscriber.try_next().is_none());
}

#[test]
fn one_that_reads_gets_everything_beside_one_that_does_not() {
    let stuck = listen();
    let quick = beside(&stuck);
    let most = (MOST_BYTES / EVENT_BYTES) as u64;
    for number in 1..=2 * most {
        tell(&stuck, &line(number));
        assert!(
            matches!(quick.try_next(), Some(Notification::Event(event)) if event.seq == number)
        );
    }
    assert!(matches!(stuck.try_next(), Some(Notification::Lagging(_))));
    // Nothing waits that everyone has passed.
    assert!(lock(&stuck.topic.queue).items.len() < 2);
}

#[test]
fn what_everyone_has_passed_is_dropped_and_a_newcomer_hears_from_now_on() {
    let early = listen();
    tell(&early, &line(1));
    let late = beside(&early);
    tell(&early, &line(2));
    assert!(matches!(late.try_next(), Some(Notification::Event(event)) if event.seq == 2));
    for number in [1, 2] {
        assert!(
            matches!(early.try_next(), Some(Notification::Event(event)) if event.seq == number)
        );
    }
    tell(&early, &line(3));
    assert_eq!(lock(&early.topic.queue).items.len(), 1);
}

#[test]
fn one_that_nobody_empties_holds_the_newest_progress_of_a_bounded_number_of_operations() {
    let subscriber = listen();
    let mut progress = Progress::default();
    for round in 0..3 {
        progress.items_processed = round;
        for number in 0..5_000 {
            let id = OperationId::from_u64(number);
            subscriber
                .topic
                .progress(id, Timestamp::from_millis(0), &progress);
        }
    }
    let queue = lock(&subscriber.topic.queue);
    assert_eq!(queue.progress.len(), MOST_PROGRESS);
    assert_eq!(queue.numbers.len(), MOST_PROGRESS);
    let mut readings = queue.progress.values();
    assert!(readings.all(|reading| reading.progress.items_processed == 2));
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

fn tell_progress(subscriber: &SubscriberCursor) {
    let id = OperationId::from_u64(1);
    subscriber
        .topic
        .progress(id, Timestamp::from_millis(0), &Progress::default());
}

#[test]
fn no_progress_comes_after_the_end_even_where_the_end_itself_was_dropped() {
    let subscriber = listen();
    tell_progress(&subscriber);
    for number in 0..=(MOST_BYTES / EVENT_BYTES) as u64 {
        tell(&subscriber, &line(number));
    }
    tell(&subscriber, &end(9_999));
    assert!(matches!(
        subscriber.try_next(),
        Some(Notification::Lagging(_))
    ));
    assert!(subscriber.try_next().is_none(), "progress after the end");
}

#[test]
fn the_last_progress_comes_just_before_the_end() {
    let subscriber = listen();
    tell(&subscriber, &line(1));
    tell_progress(&subscriber);
    tell(&subscriber, &end(2));
    assert!(matches!(subscriber.try_next(), Some(Notification::Event(event)) if event.seq == 1));
    assert!(matches!(
        subscriber.try_next(),
        Some(Notification::Progress(..))
    ));
    assert!(matches!(subscriber.try_next(), Some(Notification::Event(event)) if event.seq == 2));
}

#[test]
fn a_progress_that_was_given_is_not_given_again_before_the_end() {
    let subscriber = listen();
    tell_progress(&subscriber);
    assert!(matches!(
        subscriber.try_next(),
        Some(Notification::Progress(..))
    ));
    tell(&subscriber, &end(1));
    assert!(matches!(subscriber.try_next(), Some(Notification::Event(event)) if event.seq == 1));
    assert!(subscriber.try_next().is_none());
}

#[test]
fn a_run_after_the_end_is_told_of_after_the_end() {
    let subscriber = listen();
    tell_progress(&subscriber);
    tell(&subscriber, &end(1));
    tell_progress(&subscriber);
    assert!(matches!(
        subscriber.try_next(),
        Some(Notification::Progress(..))
    ));
    assert!(matches!(
        subscriber.try_next(),
        Some(Notification::Event(_))
    ));
    assert!(matches!(
        subscriber.try_next(),
        Some(Notification::Progress(..))
    ));
    assert!(subscriber.try_next().is_none());
}

#[test]
fn a_topic_goes_with_its_last_listener_whoever_tells_something_meanwhile() {
    let hub = Arc::new(Hub::default());
    let filter = Interest::Matching {
        kinds: vec!["dummy".to_owned()],
        label: None,
    };
    for interest in [ONE, filter] {
        let (first, second) = (hub.listen(&interest, false), hub.listen(&interest, true));
        // What a publisher, and the way back of an answer, hold for a moment.
        let (topic, position) = (Arc::clone(&first.topic), first.position());
        let counts = |topics, listeners| Counts { topics, listeners };
        assert_eq!(hub.counts(), counts(1, 2));
        drop(first);
        assert_eq!(hub.counts(), counts(1, 1));
        drop(second);
        assert_eq!(hub.counts(), counts(0, 0));
        topic.events(&[line(1)], None);
        position.mark_lagging();
        let again = hub.listen(&interest, false);
        assert!(
            again.try_next().is_none(),
            "it was told before this one listened"
        );
        assert_eq!(hub.counts(), counts(1, 1));
        drop((topic, position));
        assert_eq!(hub.counts(), counts(1, 1));
    }
    assert_eq!(hub.counts().topics, 0);
}

#[test]
fn a_hub_that_is_closed_tells_so_to_whoever_comes_and_keeps_nothing_of_them() {
    let subscriber = listen();
    subscriber.hub.close();
    let late = beside(&subscriber);
    for one in [&subscriber, &late] {
        assert!(matches!(one.try_next(), Some(Notification::Closed)));
    }
    let hub = Arc::clone(&subscriber.hub);
    drop((subscriber, late));
    assert_eq!(hub.counts().topics, 0);
}
