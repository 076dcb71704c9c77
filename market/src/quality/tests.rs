use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn bar(time: i64, open: f64, close: f64) -> Bar {
    Bar {
        timestamp: Timestamp::from_millis(time),
        open,
        high: open.max(close),
        low: open.min(close),
        close,
        volume: 1.0,
    }
}

fn timeframe(name: &str) -> Timeframe {
    Timeframe::parse(name).expect("a timeframe")
}

fn warnings(name: &str, bars: &[Bar]) -> Vec<QualityWarning> {
    let mut checker = Checker::new(timeframe(name));
    bars.iter().for_each(|bar| checker.see(bar));
    checker.warnings()
}

/// The codes, each with its count and the numbers of the bars at its places.
fn told(name: &str, bars: &[Bar]) -> Vec<(String, u64, Vec<usize>)> {
    let number = |place: &QualityPlace| {
        let at = |bar: &Bar| Some(bar.timestamp) == place.time;
        bars.iter().position(at).expect("a place is a bar")
    };
    let told = |warning: QualityWarning| {
        let places = warning.places.iter().map(number).collect();
        (warning.code, warning.count, places)
    };
    warnings(name, bars).into_iter().map(told).collect()
}

/// Daily bars with these closes, which open where the one before closed.
fn days(closes: &[f64]) -> Vec<Bar> {
    let mut open = closes[0];
    let bar =
        |(day, close): (i64, &f64)| bar(day * DAY, std::mem::replace(&mut open, *close), *close);
    (0..).zip(closes).map(bar).collect()
}

/// A walk of so many steps: each is a number from −1 to 1 times `most`, from a generator of its own.
fn walk(seed: u64, steps: usize, price: f64, most: f64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f64 / f64::from(1 << 23)) - 1.0
    };
    let mut price = price;
    let step = |_| {
        // Four of them make a bell.
        price *= (most * (next() + next() + next() + next())).exp();
        price
    };
    (0..steps).map(step).collect()
}

fn code(told: &[(String, u64, Vec<usize>)]) -> Vec<&str> {
    told.iter().map(|one| one.0.as_str()).collect()
}

#[test]
fn a_close_far_from_both_neighbours_is_an_outlier_wherever_it_is() {
    let walked = walk(1, 60, 180.0, 0.01);
    for at in [0, 1, 2, 30, 57, 58, 59] {
        for factor in [100.0, 11.0, 0.09, 0.001, 0.0] {
            let mut closes = walked.clone();
            closes[at] *= factor;
            let told = told("1d", &days(&closes));
            assert_eq!(
                told,
                [("OUTLIER".to_owned(), 1, vec![at])],
                "{factor} at {at}"
            );
            let negative: Vec<_> = closes.iter().map(|close| -close).collect();
            assert_eq!(
                code(&super::tests::told("1d", &days(&negative))),
                ["OUTLIER"]
            );
        }
    }
}

#[test]
fn all_outliers_are_counted_and_ten_are_named() {
    let mut closes = walk(1, 200, 180.0, 0.01);
    (0..200).step_by(10).for_each(|at| closes[at] *= 50.0);
    let [(code, count, places)] = &told("1d", &days(&closes))[..] else {
        panic!("one warning");
    };
    assert_eq!((code.as_str(), *count), ("OUTLIER", 20));
    assert_eq!(*places, (0..100).step_by(10).collect::<Vec<_>>());
}

#[test]
fn prices_as_they_are_found_are_no_outliers() {
    for closes in [
        // Crude oil in April 2020.
        &[19.9, 18.3, -37.6, 10.0, 13.8, 16.5][..],
        &[0.0; 20],
        &[5.0; 20],
        // A spread of two prices.
        &[
            0.01, -0.2, 0.015, 0.4, -0.02, -0.5, 0.01, 0.3, 0.02, -0.4, 0.3, 0.01, 0.2,
        ],
        // A penny stock.
        &[0.0001, 0.0002, 0.0001, 0.0003, 0.0001],
        // A lasting step within a day's trading.
        &[1.0, 1.0, 1.0, 12.0, 12.0, 12.0, 12.0],
        &[1.0],
        &[1.0, 100.0],
    ] {
        assert_eq!(told("1d", &days(closes)), [], "{closes:?}");
    }
}

/// The bars from `at` on at a price of `old` / `new`.
fn split(bars: &[Bar], at: usize, new: f64, old: f64) -> Vec<Bar> {
    let scaled = |(number, bar): (usize, &Bar)| {
        let factor = if number < at { 1.0 } else { old / new };
        super::tests::bar(
            bar.timestamp.as_millis(),
            bar.open * factor,
            bar.close * factor,
        )
    };
    bars.iter().enumerate().map(scaled).collect()
}

#[test]
fn every_usual_split_is_suspected_in_daily_bars_and_over_night_in_shorter_ones() {
    let closes = walk(7, 120, 180.0, 0.01);
    let daily = days(&closes);
    // Six bars a day.
    let at = |bar: i64| bar / 6 * DAY + (9 + bar % 6) * HOUR;
    let moved = |(number, bar): (i64, &Bar)| super::tests::bar(at(number), bar.open, bar.close);
    let hourly: Vec<_> = (0..).zip(&daily).map(moved).collect();
    let ratios = [
        (2, 1),
        (3, 1),
        (4, 1),
        (5, 1),
        (7, 1),
        (10, 1),
        (15, 1),
        (20, 1),
        (25, 1),
        (50, 1),
        (100, 1),
        (3, 2),
        (4, 3),
        (5, 4),
        (1, 2),
        (1, 10),
        (1, 20),
        (2, 3),
    ];
    for (new, old) in ratios.map(|(new, old)| (f64::from(new), f64::from(old))) {
        for place in [60, 117, 3, 4] {
            let bars = split(&daily, place, new, old);
            let expected = [("SPLIT_SUSPECTED".to_owned(), 1, vec![place])];
            assert_eq!(told("1d", &bars), expected, "{new}:{old} at {place}");
        }
        let bars = split(&hourly, 60, new, old);
        assert_eq!(code(&told("1h", &bars)), ["SPLIT_SUSPECTED"], "{new}:{old}");
        // Within a day of trading it is none.
        let bars = split(&hourly, 63, new, old);
        assert_eq!(told("1h", &bars), [], "{new}:{old}");
    }
}

#[test]
fn a_step_that_does_not_last_or_has_no_usual_size_is_no_split() {
    let daily = days(&walk(7, 120, 180.0, 0.01));
    assert_eq!(told("1d", &split(&daily, 60, 1.15, 1.0)), []);
    assert_eq!(told("1d", &split(&daily, 60, 1.75, 1.0)), []);
    assert_eq!(told("1d", &split(&daily, 60, 6.0, 1.0)), []);
    let back = split(&split(&daily, 60, 2.0, 1.0), 63, 1.0, 2.0);
    assert_eq!(told("1d", &back), []);
    let one = split(&split(&daily, 60, 1.0, 100.0), 61, 100.0, 1.0);
    assert_eq!(code(&told("1d", &one)), ["OUTLIER"]);
}

#[test]
fn a_crash_in_a_market_that_never_rests_is_no_split() {
    for (name, length) in [("1h", HOUR), ("1d", DAY)] {
        let mut closes = walk(3, 100, 60_000.0, 0.01);
        closes[48..].iter_mut().for_each(|close| *close *= 0.5);
        let mut bars = days(&closes);
        for (number, bar) in (0..).zip(&mut bars) {
            bar.timestamp = Timestamp::from_millis(number * length);
        }
        assert_eq!(told(name, &bars), [], "{name}");
        // Hourly bars go on over midnight, where an open need not be the last close.
        if name == "1h" {
            bars[48].open *= 0.5;
            assert_eq!(told(name, &bars), []);
        }
    }
}

#[test]
fn bars_beside_the_common_grid_are_told_and_a_grid_of_its_own_is_none() {
    const MINUTE: i64 = 60_000;
    let at =
        |times: &[i64]| -> Vec<Bar> { times.iter().map(|time| bar(*time, 1.0, 1.0)).collect() };
    let every = |length: i64, offset: i64| -> Vec<i64> {
        (0..50).map(|bar| bar * length + offset).collect()
    };
    for (name, length, offset) in [
        ("1m", MINUTE, 0),
        ("1m", MINUTE, 17_000),
        ("1h", HOUR, 30 * MINUTE),
        ("4h", 4 * HOUR, 2 * HOUR),
        ("1d", DAY, 21 * HOUR),
        ("7m", 7 * MINUTE, 0),
        ("36h", 36 * HOUR, HOUR),
        ("1w", 7 * DAY, 0),
        ("1s", 1_000, 0),
    ] {
        let mut times = every(length, offset);
        assert_eq!(told(name, &at(&times)), [], "{name}");
        times[7] += length / 3 + 1;
        let told = told(name, &at(&times));
        assert_eq!(told, [("OFF_GRID".to_owned(), 1, vec![7])], "{name}");
    }
    // Summer time: New York's sessions as bars of four hours, and its midnights.
    for (name, length) in [("4h", 4 * HOUR), ("1d", DAY)] {
        let mut times = every(length, 5 * HOUR);
        times[20..].iter_mut().for_each(|time| *time -= HOUR);
        assert_eq!(told(name, &at(&times)), [], "{name}");
    }
    // Seconds that are anything: more places than are told apart.
    let times: Vec<_> = (0..500).map(|bar| bar * MINUTE + bar % 100 * 311).collect();
    let [(code, count, places)] = &told("1m", &at(&times))[..] else {
        panic!("one warning");
    };
    assert_eq!((code.as_str(), *count, places.len()), ("OFF_GRID", 495, 10));
    assert!(places.is_sorted());
    // Months begin on any day.
    let months = [0, 31, 59, 90, 120].map(|day| day * DAY);
    assert_eq!(told("1mo", &at(&months)), []);
}

fn doubt(name: &str, minutes: &[i64], kept: Option<i64>) -> Option<String> {
    let mut spacings = Spacings::new(timeframe(name));
    let time = |minute: i64| Timestamp::from_millis(minute * 60_000);
    minutes
        .iter()
        .for_each(|minute| spacings.see(time(*minute)));
    let doubt = spacings.doubt(kept.map(time))?;
    assert_eq!(doubt.code, "SPACING_UNEXPECTED");
    Some(doubt.message)
}

#[test]
fn bars_of_another_length_are_doubted_and_holes_are_not() {
    const D: i64 = 1_440;
    for (name, minutes, kept, is_doubted) in [
        ("1d", &[0, 60, 120, 180, D][..], None, true),
        ("1h", &[0, 60, 120, D], None, false),
        ("1h", &[0, 60, 120, 180, D], None, false),
        ("4h", &[0, 360, 720, 1_080, 1_440], None, true),
        ("1h", &[0, D, 2 * D, 5 * D], None, true),
        ("1d", &[0, D, 2 * D, 5 * D, 6 * D], None, false),
        // A clock that is put forward.
        ("1d", &[0, D, 2 * D - 60, 3 * D - 60], None, false),
        // Few bars: whole numbers suffice.
        ("1d", &[0, 3 * D], None, false),
        ("1d", &[0, 3 * D, 5 * D], None, false),
        ("1d", &[0, 60], None, true),
        ("1d", &[0], None, false),
        ("1d", &[], None, false),
        // Bars to go with kept ones.
        ("1h", &[D, 2 * D, 3 * D, 4 * D], Some(0), false),
        (
            "1h",
            &[D + 1, 2 * D + 1, 3 * D + 1, 4 * D + 1],
            Some(0),
            true,
        ),
        ("1h", &[D + 30, D + 90, D + 150], Some(30), false),
        ("1d", &[D, D + 60, D + 120, D + 180], Some(0), true),
        // Months by any of their days; a quarter is three.
        ("1mo", &[0, 31 * D, 59 * D, 90 * D, 120 * D], None, false),
        ("1mo", &[0, D, 2 * D, 3 * D, 4 * D], None, true),
        (
            "1mo",
            &[30 * D, 58 * D, 89 * D, 119 * D, 150 * D],
            None,
            false,
        ),
        ("1mo", &[0, 90 * D, 181 * D, 273 * D], None, true),
        ("3mo", &[0, 90 * D, 181 * D, 273 * D], None, false),
        (
            "1w",
            &[0, 7 * D, 14 * D, 20 * D, 28 * D, 35 * D],
            None,
            false,
        ),
        ("1w", &[0, D, 2 * D, 3 * D], None, true),
    ] {
        let doubt = doubt(name, minutes, kept);
        assert_eq!(doubt.is_some(), is_doubted, "{name} {minutes:?}: {doubt:?}");
    }
}

#[test]
fn the_most_common_spacing_is_named() {
    let doubt = doubt("4h", &[0, 360, 720, 1_080], None).expect("it is doubted");
    assert!(doubt.contains("6 h") && doubt.contains("4h"), "{doubt}");
}

#[test]
fn holes_are_counted_and_a_market_at_rest_is_none() {
    for (name, times, holes) in [
        ("1d", &[0, DAY, 4 * DAY, 8 * DAY][..], 0),
        ("1d", &[0, 5 * DAY, 6 * DAY, 16 * DAY], 2),
        ("1w", &[0, 7 * DAY, 15 * DAY], 0),
        ("1w", &[0, 14 * DAY, 21 * DAY], 1),
        // A night, and an hour that is missing.
        ("1h", &[9 * HOUR, 10 * HOUR, 12 * HOUR, DAY + 9 * HOUR], 1),
        ("1m", &[0, 60_000, 120_000], 0),
        ("1mo", &[0, 31 * DAY, 59 * DAY, 90 * DAY], 0),
        ("1mo", &[0, 59 * DAY, 90 * DAY], 1),
        ("1m", &[], 0),
    ] {
        let mut checker = Checker::new(timeframe(name));
        times
            .iter()
            .for_each(|time| checker.see(&bar(*time, 1.0, 1.0)));
        assert_eq!(checker.holes(), holes, "{name} {times:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Steps of up to 12 % each way: as a volatile coin's, whose price grows or falls a thousand times.
    #[test]
    fn a_random_walk_raises_nothing(
        seed in any::<u64>(), price in 0.0001_f64..100_000.0, most in 0.0001_f64..0.05, gaps in any::<bool>(),
    ) {
        let closes = walk(seed, 10_000, price, most);
        let mut bars = days(&closes);
        if gaps {
            // An open anywhere near: every night has a gap.
            let nights = walk(seed ^ 1, bars.len(), 1.0, most);
            for (bar, pair) in bars.iter_mut().skip(1).zip(nights.windows(2)) {
                bar.open *= pair[1] / pair[0];
            }
        }
        prop_assert_eq!(told("1d", &bars), []);
    }

    #[test]
    fn prices_that_move_by_ticks_raise_nothing(seed in any::<u64>(), start in 5_i32..50) {
        // A penny stock: a tick is a fifth of its price.
        let steps = walk(seed, 2_000, 1.0, 0.5);
        let mut ticks = start;
        let closes: Vec<_> = steps.windows(2).map(|pair| {
            ticks = (ticks + if pair[1] > pair[0] { 1 } else { -1 }).max(4);
            f64::from(ticks) * 0.0001
        }).collect();
        prop_assert_eq!(told("1d", &days(&closes)), []);
    }
}
