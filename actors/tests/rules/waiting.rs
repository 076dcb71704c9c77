//! Backoff, admission and the order of dispatch.

use std::time::Duration;

use impresario::rules::admission::{Room, admits, retry_after_seconds};
use impresario::rules::dispatch::{FreeSlots, TOGETHER, is_due, place};
use impresario::rules::retry::{Backoff, backoff_ms};
use impresario_api::{OperationId, Timestamp};
use proptest::prelude::*;

const BACKOFF: Backoff = Backoff {
    base: Duration::from_secs(1),
    cap: Duration::from_secs(60),
};

#[test]
fn a_wait_doubles_up_to_its_cap() {
    let expected = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
    for (attempt, expected) in (1..).zip(expected) {
        assert_eq!(backoff_ms(BACKOFF, attempt, 1.0), expected);
        assert_eq!(backoff_ms(BACKOFF, attempt, 0.5), expected / 2);
        assert_eq!(backoff_ms(BACKOFF, attempt, 0.0), 0);
    }
    assert_eq!(backoff_ms(BACKOFF, 0, 1.0), 1_000, "there is no attempt 0");
    assert_eq!(backoff_ms(BACKOFF, u32::MAX, 1.0), 60_000);
    let endless = Backoff {
        base: Duration::MAX,
        cap: Duration::MAX,
    };
    assert_eq!(backoff_ms(endless, u32::MAX, 1.0), i64::MAX);
    assert_eq!(backoff_ms(BACKOFF, 1, f64::NAN), 0);
}

proptest! {
    #[test]
    fn a_wait_keeps_its_bounds(
        base in 0..10_000_000_u64,
        cap in 0..10_000_000_u64,
        attempt in any::<u32>(),
        jitter in -0.5..1.5,
    ) {
        let backoff = Backoff { base: Duration::from_millis(base), cap: Duration::from_millis(cap) };
        let wait = backoff_ms(backoff, attempt, jitter);
        let doubled = u128::from(base) << attempt.saturating_sub(1).min(63);
        prop_assert!(wait >= 0 && wait as u128 <= doubled.min(u128::from(cap)));
    }

    #[test]
    fn places_order_by_priority_then_age(a in any::<(i32, u64)>(), b in any::<(i32, u64)>()) {
        let (one, two) = (OperationId::from_u64(a.1), OperationId::from_u64(b.1));
        let first = place(a.0, one) < place(b.0, two);
        prop_assert_eq!(first, a.0 > b.0 || (a.0 == b.0 && one < two));
    }
}

/// How many of a queue, told by whether each is tiny, get a place in so many slots.
fn placed(queue: &[bool], free: usize) -> usize {
    let mut slots = FreeSlots::new(free);
    queue.iter().take_while(|tiny| slots.take(**tiny)).count()
}

#[test]
fn tiny_ones_that_follow_each_other_share_a_slot() {
    let (ordinary, tiny) = ([false; 10], [true; 200]);
    assert_eq!(placed(&ordinary, 3), 3);
    assert_eq!(placed(&tiny, 0), 0);
    assert_eq!(placed(&tiny, 1), TOGETHER);
    assert_eq!(placed(&tiny, 2), 2 * TOGETHER);
    assert_eq!(
        placed(&[true, true, false, true], 1),
        2,
        "none is passed by"
    );
    assert_eq!(placed(&[true, true, false, true], 2), 3);
    assert_eq!(placed(&[false, true, true, false], 2), 3);
    assert_eq!(placed(&[true, false, true, true], 3), 4);
}

#[test]
fn a_start_waits_where_there_is_room() {
    let room = |waiting, free_slots, queue_limit| Room {
        waiting,
        free_slots,
        queue_limit,
    };
    for (room, fits) in [
        (room(0, 0, 0), false),
        (room(0, 1, 0), true),
        (room(1, 1, 0), false),
        (room(2, 0, 3), true),
        (room(3, 0, 3), false),
        (room(3, 1, 3), true),
        (room(u64::MAX - 1, 9, u64::MAX), true),
        (room(u64::MAX, 9, u64::MAX), false),
    ] {
        assert_eq!(admits(room), fits, "{room:?}");
    }
    for (waiting, seconds) in [(0, 1), (199, 1), (200, 2), (6_000, 60), (u64::MAX, 60)] {
        assert_eq!(retry_after_seconds(room(waiting, 0, 0)), seconds);
    }
}

#[test]
fn due_at_its_very_time() {
    let now = Timestamp::from_millis(10);
    assert!(is_due(None, now) && is_due(Some(now), now));
    assert!(!is_due(Some(Timestamp::from_millis(11)), now));
}
