use proptest::prelude::*;

use super::*;

/// Any bar that loading accepts and whose close has a logarithm, also very unusual ones.
fn any_bar() -> impl Strategy<Value = [f64; 5]> {
    let price = || {
        prop_oneof![
            6 => 1.0..1000.0,
            1 => f64::MIN_POSITIVE..f64::MAX,
            1 => Just(5e-324),
            1 => Just(f64::MAX),
            1 => Just(100.0),
        ]
    };
    let more = || prop_oneof![4 => 0.0..5.0, 1 => Just(0.0), 1 => 0.0..1e308];
    (price(), more(), more(), price(), more())
        .prop_map(|(open, above, below, close, volume)| [open, above, below, close, volume])
}

fn any_bars(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Bar>> {
    let usual = (0.5..2.0, 0.0..2.0, 0.0..2.0, 0.5..2.0, 0.0..1e9)
        .prop_map(|(o, a, b, c, v)| [o * 100.0, a, b, c * 100.0, v]);
    let one = prop_oneof![9 => usual.boxed(), 1 => any_bar().boxed()];
    prop::collection::vec(one, count).prop_map(bars)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_row_is_made_of_its_window_and_of_nothing_else(bars in any_bars(MINIMUM_BARS..300)) {
        let table = table(&bars).expect("a table");
        for row in 0..table.rows() {
            let own = bits(&table.features[row * WIDTH..(row + 1) * WIDTH]);
            prop_assert_eq!(&bits(&latest(&bars[row..row + LOOK_BACK]).expect("features")), &own);
            prop_assert_eq!(&bits(&latest(&bars[..row + LOOK_BACK]).expect("features")), &own);
        }
    }

    #[test]
    fn no_feature_of_the_past_knows_the_future(
        (bars, other) in (any_bars(MINIMUM_BARS..260), any_bars(160..161)),
        share in 0.0..1.0,
    ) {
        let before = table(&bars).expect("a table");
        let row = (share * before.rows() as f64) as usize;
        let mut changed = bars.clone();
        // All changed bars come after the row's own, so its label may change and its features may not.
        for (bar, new) in changed[row + LOOK_BACK..].iter_mut().zip(other) {
            *bar = Bar { timestamp: bar.timestamp, ..new };
        }
        let after = table(&changed).expect("a table");
        let known = ..(row + 1) * WIDTH;
        prop_assert_eq!(bits(&before.features[known]), bits(&after.features[known]));
        prop_assert_eq!(&before.labels[..row], &after.labels[..row]);
        prop_assert_eq!(&before.last_direction[..=row], &after.last_direction[..=row]);
    }

    #[test]
    fn every_feature_of_any_bars_is_finite_also_scaled(
        values in prop::collection::vec(any_bar(), MINIMUM_BARS..260),
    ) {
        let mut table = table(&bars(values)).expect("a table");
        prop_assert!(table.features.iter().all(|value| value.is_finite()));
        let scaler = Scaler::fit(&table, 0..table.rows() / 2);
        scaler.scale(&mut table.features);
        prop_assert!(table.features.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn the_unit_of_prices_and_volumes_does_not_matter(
        values in prop::collection::vec((0.5..2.0, 0.0..2.0, 0.0..2.0, 0.5..2.0, 0.0..1e9), LOOK_BACK),
        power in -20_i32..20,
    ) {
        let bars = bars(values.into_iter().map(|(o, a, b, c, v)| [o * 100.0, a, b, c * 100.0, v]));
        let unit = 2_f64.powi(power);
        let other: Vec<Bar> = bars.iter().map(|bar| Bar {
            timestamp: bar.timestamp,
            open: bar.open * unit,
            high: bar.high * unit,
            low: bar.low * unit,
            close: bar.close * unit,
            volume: bar.volume * unit,
        }).collect();
        prop_assert_eq!(bits(&latest(&bars).expect("features")), bits(&latest(&other).expect("features")));
    }

    #[test]
    fn the_parts_are_in_order_and_are_all_rows(rows in 100_usize..5_000) {
        let parts = split(&labelled((0..rows).map(|row| (row % 2) as u8))).expect("parts");
        prop_assert_eq!(parts.train.start, 0);
        prop_assert_eq!(parts.train.end, parts.validation.start);
        prop_assert_eq!(parts.validation.end, parts.test.start);
        prop_assert_eq!(parts.test.end, rows);
        for (part, share) in [(parts.train, 0.70), (parts.validation, 0.15), (parts.test, 0.15)] {
            prop_assert!((part.len() as f64 - share * rows as f64).abs() < 2.0);
        }
    }
}
