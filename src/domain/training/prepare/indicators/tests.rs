use super::*;

// The worked examples of StockCharts' ChartSchool, whose sheets have input and
// output: RSI (`cs-rsi.xls`), ATR (`cs-atr.xls`), Bollinger Bands (`cs-bbands.xls`) and
// moving averages (`cs-movavg.xls`), at
// <https://chartschool.stockcharts.com/table-of-contents/technical-indicators-and-overlays>.

/// Closes of QQQQ, from 2009-12-14 on, for RSI.
const RSI_CLOSES: [f64; 33] = [
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826,
    45.8931, 46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439,
    46.2122, 46.2521, 45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672,
    43.4205, 42.6628, 43.1314,
];

/// Their RSI 14, from the fifteenth close on.
const RSI: [f64; 19] = [
    70.5328, 66.3186, 66.5498, 69.4063, 66.3552, 57.9749, 62.9296, 63.2571, 56.0593, 62.3771,
    54.7076, 50.4228, 39.9898, 41.4605, 41.8689, 45.4632, 37.3040, 33.0795, 37.7730,
];

/// High, low and close of QQQQ for ATR.
const ATR_BARS: [[f64; 3]; 30] = [
    [48.7, 47.79, 48.16],
    [48.72, 48.14, 48.61],
    [48.9, 48.39, 48.75],
    [48.87, 48.37, 48.63],
    [48.82, 48.24, 48.74],
    [49.05, 48.635, 49.03],
    [49.2, 48.94, 49.07],
    [49.35, 48.86, 49.32],
    [49.92, 49.5, 49.91],
    [50.19, 49.87, 50.13],
    [50.12, 49.2, 49.53],
    [49.66, 48.9, 49.5],
    [49.88, 49.43, 49.75],
    [50.19, 49.725, 50.03],
    [50.36, 49.26, 50.31],
    [50.57, 50.09, 50.52],
    [50.65, 50.3, 50.41],
    [50.43, 49.21, 49.34],
    [49.63, 48.98, 49.37],
    [50.33, 49.61, 50.23],
    [50.29, 49.2, 49.2375],
    [50.17, 49.43, 49.93],
    [49.32, 48.08, 48.43],
    [48.5, 47.64, 48.18],
    [48.3201, 41.55, 46.57],
    [46.8, 44.2833, 45.41],
    [47.8, 47.31, 47.77],
    [48.39, 47.2, 47.72],
    [48.66, 47.9, 48.62],
    [48.79, 47.7301, 47.85],
];

/// Their ATR 14, from the fourteenth bar on.
const ATR: [f64; 17] = [
    0.555, 0.593929, 0.585791, 0.568949, 0.615452, 0.61792, 0.642354, 0.674329, 0.69277, 0.775429,
    0.78147, 1.209229, 1.30262, 1.38029, 1.366698, 1.336219, 1.316482,
];

/// Closes of SPY for the Bollinger Bands.
const BAND_CLOSES: [f64; 42] = [
    86.1557, 89.0867, 88.7829, 90.3228, 89.0671, 91.1453, 89.4397, 89.175, 86.9302, 87.6752,
    86.9596, 89.4299, 89.3221, 88.7241, 87.4497, 87.2634, 89.4985, 87.9006, 89.126, 90.7043,
    92.9001, 92.9784, 91.8021, 92.6647, 92.6843, 92.3021, 92.7725, 92.5373, 92.949, 93.2039,
    91.0669, 89.8318, 89.7435, 90.3994, 90.7387, 88.0177, 88.0867, 88.8439, 90.7781, 90.5416,
    91.3894, 90.65,
];

/// The lower and the upper band, from the twentieth close on.
const BANDS: [[f64; 2]; 23] = [
    [86.124018, 91.291862],
    [86.141052, 91.949268],
    [85.866895, 92.612595],
    [85.84721, 92.9342],
    [85.70365, 93.31195],
    [85.64887, 93.72845],
    [85.593408, 93.899592],
    [85.560025, 94.266255],
    [85.597414, 94.565096],
    [85.977478, 94.786912],
    [86.274259, 95.043001],
    [86.820385, 94.907605],
    [86.865268, 94.902912],
    [86.915, 94.89532],
    [87.116837, 94.861013],
    [87.633121, 94.673629],
    [87.825587, 94.556593],
    [87.562248, 94.678752],
    [87.759544, 94.575786],
    [87.966269, 94.534271],
    [87.951964, 94.532306],
    [87.963949, 94.369251],
    [87.951857, 94.148503],
];

fn near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} is not {b} ± {tolerance}");
}

/// A price that goes up and down without repeating itself.
fn wave(count: usize) -> Vec<f64> {
    (0..count)
        .map(|i| 100.0 + 7.0 * (i as f64 * 0.7).sin() + 0.3 * (i as f64 * 1.9).cos() * i as f64)
        .collect()
}

#[test]
fn rsi_is_the_published_one() {
    for (i, expected) in RSI.iter().enumerate() {
        near(rsi(&RSI_CLOSES[..15 + i]), *expected, 1e-3);
    }
}

#[test]
fn rsi_has_its_ends_and_its_middle() {
    let rising: Vec<f64> = (1..40).map(f64::from).collect();
    let falling: Vec<f64> = rising.iter().rev().copied().collect();
    assert_eq!(
        (rsi(&rising), rsi(&falling), rsi(&[5.0; 40])),
        (100.0, 0.0, 50.0)
    );
}

#[test]
fn the_exponential_average_is_the_published_one() {
    // Intel's closes and their EMA 10, both published only to the cent.
    let closes = [
        22.27, 22.19, 22.08, 22.17, 22.18, 22.13, 22.23, 22.43, 22.24, 22.29, 22.15, 22.39, 22.38,
        22.61, 23.36, 24.05, 23.75, 23.83, 23.95, 23.63, 23.82, 23.87, 23.65, 23.19, 23.10, 23.33,
        22.68, 23.10, 22.40, 22.17,
    ];
    let published = [
        22.22, 22.21, 22.24, 22.27, 22.33, 22.52, 22.80, 22.97, 23.13, 23.28, 23.34, 23.43, 23.51,
        23.53, 23.47, 23.40, 23.39, 23.26, 23.23, 23.08, 22.92,
    ];
    let mut average = Smoothed::exponential(10);
    let values: Vec<f64> = closes.iter().filter_map(|x| average.push(*x)).collect();
    assert_eq!(values.len(), published.len());
    for (value, expected) in values.iter().zip(published) {
        near(*value, expected, 0.006);
    }
}

/// The whole series of averages as in the textbook, from the formula with two products.
fn averages(values: &[f64], period: usize) -> Vec<f64> {
    let k = 2.0 / (period as f64 + 1.0);
    let mut all = vec![values[..period].iter().sum::<f64>() / period as f64];
    for value in &values[period..] {
        all.push(value * k + all[all.len() - 1] * (1.0 - k));
    }
    all
}

#[test]
fn macd_is_what_whole_series_give() {
    for count in [34, 35, 60, 100] {
        let closes = wave(count);
        let (fast, slow) = (averages(&closes, 12), averages(&closes, 26));
        let lines: Vec<f64> = fast[14..].iter().zip(&slow).map(|(f, s)| f - s).collect();
        let signals = averages(&lines, 9);
        let (line, signal) = (lines[lines.len() - 1], signals[signals.len() - 1]);
        let made = macd(&closes);
        near(made.line, line, 1e-11);
        near(made.histogram, line - signal, 1e-11);
        assert!(line.abs() > 1e-3 && (line - signal).abs() > 1e-4);
    }
}

#[test]
fn macd_of_a_straight_line_is_half_the_difference_of_the_periods() {
    // An EMA of period n runs (n − 1) / 2 bars behind a straight line: 12.5 − 5.5 = 7.
    let closes: Vec<f64> = (0..100).map(f64::from).collect();
    near(macd(&closes).line, 7.0, 1e-9);
    near(macd(&closes).histogram, 0.0, 1e-9);
}

#[test]
fn average_true_range_is_the_published_one() {
    // The example's first true range is high − low, no close being known before: a close in that
    // range gives the same.
    let mut bars = vec![[48.2; 3]];
    bars.extend(ATR_BARS);
    let [highs, lows, closes] = [0, 1, 2].map(|at| bars.iter().map(|bar| bar[at]).collect());
    let (highs, lows, closes): (Vec<f64>, Vec<f64>, Vec<f64>) = (highs, lows, closes);
    for (i, expected) in ATR.iter().enumerate() {
        let bars = 15 + i;
        let made = average_true_range(&highs[..bars], &lows[..bars], &closes[..bars]);
        near(made, *expected, 1e-5);
    }
}

#[test]
fn the_bollinger_position_is_that_of_the_published_bands() {
    for (i, [lower, upper]) in BANDS.iter().enumerate() {
        let closes = &BAND_CLOSES[..20 + i];
        let position = (closes[19 + i] - lower) / (upper - lower);
        near(bollinger_position(closes), position, 1e-5);
    }
}

#[test]
fn average_true_range_is_what_the_formula_gives_by_hand() {
    // Each range is 2, but for a gap up of 5 (|high − close before| = 7) in the last bar: so
    // fourteen true ranges of 2, then (13 × 2 + 7) / 14.
    let mut closes = vec![10.0; 15];
    closes.push(16.0);
    let highs: Vec<f64> = closes.iter().map(|close| close + 1.0).collect();
    let lows: Vec<f64> = closes.iter().map(|close| close - 1.0).collect();
    near(
        average_true_range(&highs[..15], &lows[..15], &closes[..15]),
        2.0,
        1e-12,
    );
    near(
        average_true_range(&highs, &lows, &closes),
        33.0 / 14.0,
        1e-12,
    );
    // For a gap down, the true range is the distance of the low from the close before.
    closes[15] = 4.0;
    let highs: Vec<f64> = closes.iter().map(|close| close + 1.0).collect();
    let lows: Vec<f64> = closes.iter().map(|close| close - 1.0).collect();
    near(
        average_true_range(&highs, &lows, &closes),
        33.0 / 14.0,
        1e-12,
    );
}

#[test]
fn average_true_range_is_what_whole_series_give() {
    let closes = wave(100);
    let highs: Vec<f64> = closes.iter().map(|c| c * 1.02 + 0.1).collect();
    let lows: Vec<f64> = closes.iter().map(|c| c * 0.97).collect();
    let ranges: Vec<f64> = (1..100)
        .map(|i| {
            let [a, b, c] = [
                highs[i] - lows[i],
                (highs[i] - closes[i - 1]).abs(),
                (lows[i] - closes[i - 1]).abs(),
            ];
            a.max(b).max(c)
        })
        .collect();
    let mut expected = ranges[..14].iter().sum::<f64>() / 14.0;
    for range in &ranges[14..] {
        expected = (13.0 * expected + range) / 14.0;
    }
    near(average_true_range(&highs, &lows, &closes), expected, 1e-11);
}

#[test]
fn log_returns_are_over_their_horizon() {
    let closes = [1.0, 2.0, 4.0, 2.0];
    near(log_return(&closes, 1), -std::f64::consts::LN_2, 1e-15);
    near(log_return(&closes, 2), 0.0, 1e-15);
    near(log_return(&closes, 3), std::f64::consts::LN_2, 1e-15);
}

#[test]
fn the_bollinger_position_is_0_and_1_at_the_bands() {
    // 1 to 20: mean 10.5, population variance (20² − 1) / 12, so %b of 20 is known.
    let rising: Vec<f64> = (1..=20).map(f64::from).collect();
    let deviation = (399.0_f64 / 12.0).sqrt();
    near(
        bollinger_position(&rising),
        (9.5 + 2.0 * deviation) / (4.0 * deviation),
        1e-12,
    );
    // Ten of 9 and ten of 11: mean 10, deviation 1, so 11 lies a quarter above the middle.
    let mut two = vec![9.0; 10];
    two.extend([11.0; 10]);
    near(bollinger_position(&two), 0.75, 1e-12);
    two.reverse();
    near(bollinger_position(&two), 0.25, 1e-12);
    // The greatest distance of one value among twenty: √19 deviations.
    let mut far = vec![1.0; 19];
    far.push(2.0);
    near(bollinger_position(&far), 0.5 + 19_f64.sqrt() / 4.0, 1e-12);
    assert_eq!(bollinger_position(&[0.1; 20]), 0.5);
}

#[test]
fn the_volume_ratio_knows_usual_quiet_loud_and_none() {
    let ratio = |volumes: &[f64]| volume_ratio(volumes.iter().copied());
    near(ratio(&[7.0; 30]), 2_f64.ln(), 1e-15);
    let mut volumes = vec![10.0; 20];
    volumes[19] = 0.0;
    assert_eq!(ratio(&volumes), 0.0);
    volumes[19] = 30.0;
    near(ratio(&volumes), (1.0 + 30.0 / 11.0_f64).ln(), 1e-15);
    let mut alone = vec![0.0; 20];
    alone[19] = 5.0;
    near(ratio(&alone), 21_f64.ln(), 1e-15);
    near(ratio(&[0.0; 20]), 2_f64.ln(), 1e-15);
    near(ratio(&[-3.0; 20]), 2_f64.ln(), 1e-15);
}

#[test]
fn the_candle_is_measured_in_its_range() {
    assert_eq!(candle_body(10.0, 14.0, 10.0, 13.0), 0.75);
    assert_eq!(candle_body(13.0, 14.0, 10.0, 10.0), -0.75);
    assert_eq!(candle_body(9.0, 9.0, 9.0, 9.0), 0.0);
    assert_eq!(candle_close(14.0, 10.0, 13.0), 0.75);
    assert_eq!(candle_close(9.0, 9.0, 9.0), 0.5);
}
