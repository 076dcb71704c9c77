//! The table of features and labels.

use impresario_api::Bar;

use super::{LOOK_BACK, MINIMUM_BARS, PrepareError, indicators};

/// The number of features of a row.
pub const WIDTH: usize = 13;

/// The names of the features, in order.
pub const NAMES: [&str; WIDTH] = [
    "log_return_1",
    "log_return_2",
    "log_return_5",
    "log_return_10",
    "log_return_20",
    "rsi_14",
    "macd_12_26",
    "macd_histogram_9",
    "bollinger_position_20",
    "atr_14",
    "volume_ratio_20",
    "candle_body",
    "candle_close",
];

/// Horizons of the log returns, in bars.
const HORIZONS: [usize; 5] = [1, 2, 5, 10, 20];

/// Prices are relative to the row's close, and clamped to this: no market moves so far in a window, and
/// sums, squares and `f32` can hold it, so that every feature of every bar is finite.
const FARTHEST: f64 = 1e12;

/// How many rows are computed between two calls of `watch`: some milliseconds of work.
const WATCHED_ROWS: usize = 4_096;

/// One row for each bar that has a window of bars up to it and a bar after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// rows × [`WIDTH`], row-major, unscaled.
    pub features: Vec<f32>,
    /// 1, up: the next bar closes higher than this one; 0, not up.
    pub labels: Vec<u8>,
    /// The direction of the row's own bar: 1 if it closed higher than the one before.
    pub last_direction: Vec<u8>,
}

impl Table {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }
}

/// All rows of these bars in order: as many as there are bars, minus [`LOOK_BACK`].
pub fn table(bars: &[Bar]) -> Result<Table, PrepareError> {
    table_watched(bars, |_| Ok(()))
}

/// The same as [`table`], but calls `watch` every few milliseconds with the number of rows so far, and ends
/// with its error.
pub fn table_watched<E: From<PrepareError>>(
    bars: &[Bar],
    mut watch: impl FnMut(usize) -> Result<(), E>,
) -> Result<Table, E> {
    check(bars)?;
    let rows = bars.len() - LOOK_BACK;
    let mut table = Table {
        features: Vec::with_capacity(rows * WIDTH),
        labels: Vec::with_capacity(rows),
        last_direction: Vec::with_capacity(rows),
    };
    let mut window = Window::default();
    for (seen, next) in bars.windows(LOOK_BACK).zip(&bars[LOOK_BACK..]) {
        if table.rows().is_multiple_of(WATCHED_ROWS) {
            watch(table.rows())?;
        }
        table.features.extend(window.features(seen));
        let (before, own) = (seen[LOOK_BACK - 2].close, seen[LOOK_BACK - 1].close);
        table.labels.push(u8::from(next.close > own));
        table.last_direction.push(u8::from(own > before));
    }
    Ok(table)
}

/// The features at the last bar, unscaled. They are the same as in [`table`], bit for bit, whatever comes
/// before the window.
pub fn latest(bars: &[Bar]) -> Result<Vec<f32>, PrepareError> {
    let first = bars
        .len()
        .checked_sub(LOOK_BACK)
        .ok_or(PrepareError::ShortWindow {
            bars: bars.len(),
            needed: LOOK_BACK,
        })?;
    check_prices(bars, first)?;
    Ok(Window::default().features(&bars[first..]).to_vec())
}

/// Checks whether a training can use these bars.
fn check(bars: &[Bar]) -> Result<(), PrepareError> {
    if bars.len() < MINIMUM_BARS {
        return Err(PrepareError::NotEnoughBars {
            bars: bars.len(),
            needed: MINIMUM_BARS,
        });
    }
    check_prices(bars, 0)?;
    let price = bars[0].close;
    if bars.iter().all(|bar| bar.close == price) {
        let bars = bars.len();
        return Err(PrepareError::ConstantPrices { bars, price });
    }
    Ok(())
}

/// Checks from `first` on that prices are finite, as loading also ensures, and that closes have a
/// logarithm.
fn check_prices(bars: &[Bar], first: usize) -> Result<(), PrepareError> {
    for (index, bar) in bars.iter().enumerate().skip(first) {
        let bad = |field, value, expected| PrepareError::BadPrice {
            row: index + 1,
            timestamp: bar.timestamp,
            field,
            value,
            expected,
        };
        if !(bar.close > 0.0 && bar.close.is_finite()) {
            return Err(bad("close", bar.close, "a price above 0"));
        }
        for (field, value) in [
            ("open", bar.open),
            ("high", bar.high),
            ("low", bar.low),
            ("volume", bar.volume),
        ] {
            if !value.is_finite() {
                return Err(bad(field, value, "a finite number"));
            }
        }
    }
    Ok(())
}

/// The prices of a window relative to its last close. It is reused from row to row, to avoid allocations.
#[derive(Default)]
struct Window {
    highs: Vec<f64>,
    lows: Vec<f64>,
    closes: Vec<f64>,
}

impl Window {
    /// The features of the last of these bars, in the order of [`NAMES`].
    fn features(&mut self, bars: &[Bar]) -> [f32; WIDTH] {
        let own = bars[bars.len() - 1];
        let relative = |price: f64| (price / own.close).clamp(-FARTHEST, FARTHEST);
        let refill = |column: &mut Vec<f64>, price: fn(&Bar) -> f64| {
            column.clear();
            column.extend(bars.iter().map(|bar| relative(price(bar))));
        };
        refill(&mut self.highs, |bar| bar.high);
        refill(&mut self.lows, |bar| bar.low);
        refill(&mut self.closes, |bar| bar.close);
        for close in &mut self.closes {
            *close = close.max(1.0 / FARTHEST);
        }
        let [open, high, low, close] = [own.open, own.high, own.low, own.close].map(relative);
        let returns = HORIZONS.map(|bars| indicators::log_return(&self.closes, bars));
        let macd = indicators::macd(&self.closes);
        [
            returns[0],
            returns[1],
            returns[2],
            returns[3],
            returns[4],
            indicators::rsi(&self.closes),
            macd.line,
            macd.histogram,
            indicators::bollinger_position(&self.closes),
            indicators::average_true_range(&self.highs, &self.lows, &self.closes),
            indicators::volume_ratio(bars.iter().map(|bar| bar.volume)),
            indicators::candle_body(open, high, low, close),
            indicators::candle_close(high, low, close),
        ]
        .map(|value| value as f32)
    }
}
