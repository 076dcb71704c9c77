//! Backoff, admission and the order of dispatch.

use std::time::Duration;

use impresario::rules::admission::{
    Full, Limits, Waiting, admit, most_waiting, retry_after_seconds,
};
use impresario::rules::dispatch::{is_due, rank};
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
        let first = rank(a.0, one) < rank(b.0, two);
        prop_assert_eq!(first, a.0 > b.0 || (a.0 == b.0 && one < two));
    }
}

#[test]
fn a_start_waits_where_there_is_room() {
    for (waiting, free_slots, queue_limit, fits) in [
        (0, 0, 0, false),
        (0, 1, 0, true),
        (1, 1, 0, false),
        (2, 0, 3, true),
        (3, 0, 3, false),
        (3, 1, 3, true),
        (u64::MAX - 1, 9, u64::MAX, true),
        (u64::MAX, 9, u64::MAX, false),
    ] {
        let crowd = Waiting {
            due: waiting,
            scheduled: 7,
        };
        let limits = Limits {
            waiting: most_waiting(queue_limit, free_slots),
            scheduled: 0,
        };
        let full = Full {
            waiting,
            scheduled: false,
        };
        let expected = if fits { Ok(()) } else { Err(full) };
        assert_eq!(
            admit(crowd, limits, false),
            expected,
            "{crowd:?} {limits:?}"
        );
    }
}

#[test]
fn what_waits_for_its_time_is_no_load_and_has_a_limit_of_its_own() {
    let limits = Limits {
        waiting: 1,
        scheduled: 2,
    };
    for (due, scheduled, now, later) in [
        (0, 0, true, true),
        (0, 2, true, false),
        (0, 9, true, false),
        (1, 1, false, true),
        (9, 9, false, false),
    ] {
        let crowd = Waiting { due, scheduled };
        assert_eq!(admit(crowd, limits, false).is_ok(), now, "{crowd:?}");
        let fits = admit(crowd, limits, true);
        assert_eq!(fits.is_ok(), later, "{crowd:?}");
        let full = Full {
            waiting: scheduled,
            scheduled: true,
        };
        assert!(later || fits == Err(full));
    }
}

#[test]
fn a_refused_start_is_told_when_to_try_again() {
    for (waiting, seconds) in [(0, 1), (199, 1), (200, 2), (6_000, 60), (u64::MAX, 60)] {
        let full = |scheduled| Full { waiting, scheduled };
        assert_eq!(retry_after_seconds(full(false)), seconds);
        assert_eq!(retry_after_seconds(full(true)), 60);
    }
}

#[test]
fn due_at_its_very_time() {
    let now = Timestamp::from_millis(10);
    assert!(is_due(None, now) && is_due(Some(now), now));
    assert!(!is_due(Some(Timestamp::from_millis(11)), now));
}
