use impresario::operation::ErrorCode;
use impresario_api::{Bar, Timestamp};

use super::*;

mod properties;

/// Bars a day apart, from (open, high above, low below, close, volume).
fn bar(day: usize, [open, above, below, close, volume]: [f64; 5]) -> Bar {
    Bar {
        timestamp: Timestamp::from_millis(day as i64 * 86_400_000),
        open,
        // A sum of the greatest numbers may overflow.
        high: (open.max(close) + above).min(f64::MAX),
        low: open.min(close) - below,
        close,
        volume,
    }
}

fn bars(values: impl IntoIterator<Item = [f64; 5]>) -> Vec<Bar> {
    let values = values.into_iter().enumerate();
    values.map(|(day, value)| bar(day, value)).collect()
}

fn from_closes(closes: impl IntoIterator<Item = f64>) -> Vec<Bar> {
    bars(
        closes
            .into_iter()
            .map(|close| [close, 0.5, 0.5, close, 1e6]),
    )
}

/// Bars that go up and down equally often.
fn wave(count: usize) -> Vec<Bar> {
    bars((0..count).map(|i| {
        let i = i as f64;
        let close = 100.0 + 9.0 * (i * 0.7).sin();
        [
            close + (i * 1.3).cos(),
            1.0,
            1.5,
            close,
            1e5 * (2.0 + i.sin()),
        ]
    }))
}

/// The bars of the sample in the repository.
fn google() -> Vec<Bar> {
    let text = include_str!("../../../../samples/GOOG_1d.csv");
    let lines = text.lines().skip(1).enumerate();
    lines
        .map(|(day, line)| {
            let mut numbers = line
                .split(',')
                .skip(1)
                .map(|n| n.parse::<f64>().expect("a number"));
            let mut next = || numbers.next().expect("five columns");
            Bar {
                timestamp: Timestamp::from_millis(day as i64),
                open: next(),
                high: next(),
                low: next(),
                close: next(),
                volume: next(),
            }
        })
        .collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn column(table: &Table, rows: std::ops::Range<usize>, name: &str) -> Vec<f64> {
    let at = NAMES
        .iter()
        .position(|one| *one == name)
        .expect("a feature");
    rows.map(|row| f64::from(table.features[row * WIDTH + at]))
        .collect()
}

/// A table with these labels.
fn labelled(labels: impl Iterator<Item = u8>) -> Table {
    let labels: Vec<u8> = labels.collect();
    Table {
        features: vec![0.0; labels.len() * WIDTH],
        last_direction: labels.clone(),
        labels,
    }
}

#[test]
fn labels_are_the_next_bars_direction_and_directions_the_bars_own() {
    // The closes go up, stay equal, go down, and so on. Equal is not up.
    let closes = (0..MINIMUM_BARS).map(|i| [10.0, 11.0, 11.0][i % 3]);
    let table = table(&from_closes(closes)).expect("a table");
    assert_eq!(table.rows(), MINIMUM_BARS - LOOK_BACK);
    assert_eq!(table.features.len(), table.rows() * WIDTH);
    for row in 0..table.rows() {
        let bar = row + LOOK_BACK - 1;
        assert_eq!(table.labels[row], u8::from((bar + 1) % 3 == 1), "row {row}");
        assert_eq!(
            table.last_direction[row],
            u8::from(bar % 3 == 1),
            "row {row}"
        );
    }
    assert_eq!(table.labels[..99], table.last_direction[1..]);
}

#[test]
fn every_feature_is_where_its_name_says() {
    // 100 closes at 100, and then the last doubles, so each value can be computed by hand.
    let mut values = vec![[100.0, 0.0, 0.0, 100.0, 10.0]; LOOK_BACK];
    values[LOOK_BACK - 1] = [100.0, 100.0, 0.0, 200.0, 30.0];
    let features = latest(&bars(values)).expect("features");
    let ema = |period: f64| 100.0 + 100.0 * 2.0 / (period + 1.0);
    let macd = (ema(12.0) - ema(26.0)) / 200.0;
    let expected = [
        2_f64.ln(),
        2_f64.ln(),
        2_f64.ln(),
        2_f64.ln(),
        2_f64.ln(),
        100.0,
        macd,
        macd * (1.0 - 2.0 / 10.0),
        0.5 + 19_f64.sqrt() / 4.0,
        200.0 / 14.0 / 200.0,
        (1.0_f64 + 30.0 / 11.0).ln(),
        0.5,
        0.5,
    ];
    for ((value, expected), name) in features.iter().zip(expected).zip(NAMES) {
        assert!(
            (f64::from(*value) - expected).abs() < 1e-6,
            "{name}: {value} is not {expected}"
        );
    }
}

#[test]
fn the_sample_gives_a_finite_table_with_both_classes_in_all_parts() {
    let bars = google();
    assert_eq!(bars.len(), 2_148);
    let table = table(&bars).expect("a table");
    assert_eq!(table.rows(), 2_048);
    assert!(table.features.iter().all(|value| value.is_finite()));
    let parts = split(&table).expect("parts");
    assert_eq!(
        (parts.train.len(), parts.validation.len(), parts.test.len()),
        (1_433, 307, 308)
    );
    for part in [&parts.train, &parts.validation, &parts.test] {
        let labels = &table.labels[part.clone()];
        assert!(labels.contains(&0) && labels.contains(&1), "{part:?}");
    }
    let rsi = column(&table, 0..table.rows(), "rsi_14");
    assert!(rsi.iter().all(|value| (0.0..=100.0).contains(value)));
    let atr = column(&table, 0..table.rows(), "atr_14");
    assert!(atr.iter().all(|value| (0.001..0.2).contains(value)));
}

#[test]
fn the_scaler_knows_its_own_rows_alone() {
    let table = table(&google()).expect("a table");
    let train = split(&table).expect("parts").train;
    let scaler = Scaler::fit(&table, train.clone());
    let mut changed = table.clone();
    for value in &mut changed.features[train.end * WIDTH..] {
        *value = *value * -7.0 + 1e6;
    }
    assert_eq!(scaler, Scaler::fit(&changed, train.clone()));
    changed.features[0] += 1.0;
    assert_ne!(scaler, Scaler::fit(&changed, train));
}

#[test]
fn what_is_scaled_has_mean_0_and_deviation_1() {
    let mut table = table(&google()).expect("a table");
    let train = split(&table).expect("parts").train;
    Scaler::fit(&table, train.clone()).scale(&mut table.features);
    for name in NAMES {
        let values = column(&table, train.clone(), name);
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        assert!(mean.abs() < 1e-6, "{name}: mean {mean}");
        assert!((variance - 1.0).abs() < 1e-5, "{name}: variance {variance}");
    }
}

#[test]
fn the_scaler_divides_by_the_population_deviation_and_a_constant_by_1() {
    let mut table = labelled([0, 1, 0, 1].into_iter());
    for (row, value) in [2.0, 4.0, 4.0, 6.0].into_iter().enumerate() {
        table.features[row * WIDTH] = value;
        table.features[row * WIDTH + 1] = 0.1;
    }
    let scaler = Scaler::fit(&table, 0..4);
    assert_eq!((scaler.mean[0], scaler.deviation[0]), (4.0, 2.0_f64.sqrt()));
    assert_eq!(
        (scaler.mean[1], scaler.deviation[1]),
        (f64::from(0.1_f32), 1.0)
    );
    let mut rows = table.features[..2 * WIDTH].to_vec();
    scaler.scale(&mut rows);
    assert_eq!((rows[0], rows[1]), (-(2.0_f32.sqrt()), 0.0));
    assert_eq!((rows[WIDTH], rows[WIDTH + 1]), (0.0, 0.0));
}

fn refused(error: &PrepareError, code: &str, words: &str) {
    assert_eq!(error.code(), code);
    assert_eq!(error.to_string(), words);
    assert!(error.details().is_some());
}

#[test]
fn bars_that_cannot_be_learned_from_are_refused() {
    let closes = |f: fn(usize) -> f64| from_closes((0..MINIMUM_BARS).map(f));
    refused(
        &table(&wave(MINIMUM_BARS - 1)).expect_err("refused"),
        "NOT_ENOUGH_BARS",
        "there are 199 bars; a 100-bar window and three parts need at least 200",
    );
    assert_eq!(
        table(&[]).expect_err("refused").code(),
        "NOT_ENOUGH_BARS",
        "none at all"
    );
    refused(
        &latest(&wave(LOOK_BACK - 1)).expect_err("refused"),
        "NOT_ENOUGH_BARS",
        "there are 99 bars; the features of one look back on 100",
    );
    refused(
        &table(&closes(|_| 7.5)).expect_err("refused"),
        "CONSTANT_PRICES",
        "all 200 closes are 7.5; prices that never move have no direction to learn",
    );
    let rising = table(&closes(|i| 1.0 + i as f64)).expect("a table");
    refused(
        &split(&rising).expect_err("refused"),
        "ONE_CLASS",
        "all 70 rows of the training part are of class up; both classes are needed",
    );
    let falling = table(&closes(|i| 1000.0 - i as f64)).expect("a table");
    assert!(
        split(&falling)
            .expect_err("refused")
            .to_string()
            .contains("not_up")
    );
    refused(
        &split(&labelled([0, 1].into_iter())).expect_err("refused"),
        "NOT_ENOUGH_BARS",
        "there are 102 bars; a 100-bar window and three parts need at least 200",
    );
}

#[test]
fn prices_without_a_logarithm_are_refused_where_they_are_needed() {
    for (close, words) in [
        (0.0, "close is 0, expected a price above 0"),
        (-2.5, "close is -2.5, expected a price above 0"),
        (f64::NAN, "close is NaN, expected a price above 0"),
        (f64::INFINITY, "close is inf, expected a price above 0"),
    ] {
        let mut bars = wave(MINIMUM_BARS);
        bars[50].close = close;
        let words = format!("bar 51 (1970-02-20T00:00:00.000Z): {words}");
        refused(
            &table(&bars).expect_err("refused"),
            "PRICES_NOT_POSITIVE",
            &words,
        );
        refused(
            &latest(&bars[..120]).expect_err("refused"),
            "PRICES_NOT_POSITIVE",
            &words,
        );
        assert!(latest(&bars).is_ok(), "its window begins after it");
    }
    let mut bars = wave(MINIMUM_BARS);
    bars[0].volume = f64::NAN;
    let error = table(&bars).expect_err("refused");
    assert!(error.to_string().contains("volume is NaN"), "{error}");
}

#[test]
fn a_watcher_is_told_of_the_rows_and_ends_the_making() {
    let bars = wave(10_000);
    let mut told = Vec::new();
    let made = table_watched(&bars, |rows| {
        told.push(rows);
        Ok::<_, PrepareError>(())
    });
    assert_eq!(made, table(&bars));
    assert_eq!(told, [0, 4_096, 8_192]);
    let stop = PrepareError::ShortWindow { bars: 1, needed: 2 };
    let ended = table_watched(
        &bars,
        |rows| {
            if rows > 0 { Err(stop.clone()) } else { Ok(()) }
        },
    );
    assert_eq!(ended, Err(stop));
}
