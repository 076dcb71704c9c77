//! The indicators from which the features are computed, each over slices that end at the row's own bar and
//! seeded at their first value. Divided by the close, none depends on the unit of prices.

/// A running mean, seeded by the simple mean of its first `period` values (what came before the
/// window is not known), and from then on `value += weight × (x − value)`.
struct Smoothed {
    period: usize,
    weight: f64,
    seen: usize,
    value: f64,
}

impl Smoothed {
    /// The exponential moving average of `period` values: weight 2 / (period + 1).
    const fn exponential(period: usize) -> Self {
        Self::of(period, 2.0 / (period as f64 + 1.0))
    }

    /// Wilder's smoothing (New Concepts in Technical Trading Systems, 1978): weight 1 / period.
    const fn wilder(period: usize) -> Self {
        Self::of(period, 1.0 / period as f64)
    }

    const fn of(period: usize, weight: f64) -> Self {
        Self {
            period,
            weight,
            seen: 0,
            value: 0.0,
        }
    }

    /// Adds `x` and returns the mean; `None` until the seed is complete.
    fn push(&mut self, x: f64) -> Option<f64> {
        if self.seen >= self.period {
            self.value += self.weight * (x - self.value);
            return Some(self.value);
        }
        self.seen += 1;
        self.value += x / self.period as f64;
        (self.seen == self.period).then_some(self.value)
    }
}

/// ln(close / close `bars` before), in nats, any sign. Campbell, Lo and MacKinlay, The
/// Econometrics of Financial Markets (1997), section 1.4.
pub(super) fn log_return(closes: &[f64], bars: usize) -> f64 {
    let last = closes.len() - 1;
    (closes[last] / closes[last - bars]).ln()
}

/// Relative strength index: 100 × G / (G + L), where G and L are Wilder's averages over 14 of the
/// closes' rises and falls; 0 to 100, and 50 where nothing moved. Wilder (1978).
pub(super) fn rsi(closes: &[f64]) -> f64 {
    let (mut rises, mut falls) = (Smoothed::wilder(14), Smoothed::wilder(14));
    for pair in closes.windows(2) {
        let change = pair[1] - pair[0];
        rises.push(change.max(0.0));
        falls.push((-change).max(0.0));
    }
    let both = rises.value + falls.value;
    if both > 0.0 {
        100.0 * (rises.value / both)
    } else {
        50.0
    }
}

/// Moving average convergence/divergence, in units of price.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Macd {
    /// EMA 12 − EMA 26 of the closes. Appel, Technical Analysis: Power Tools for Active Investors
    /// (2005).
    pub(super) line: f64,
    /// The line − its own EMA 9, the signal.
    pub(super) histogram: f64,
}

/// See [`Macd`]. It needs at least 34 closes, from which the signal can be seeded.
pub(super) fn macd(closes: &[f64]) -> Macd {
    let (mut fast, mut slow) = (Smoothed::exponential(12), Smoothed::exponential(26));
    let mut signal = Smoothed::exponential(9);
    let mut macd = Macd::default();
    for &close in closes {
        let (Some(fast), Some(slow)) = (fast.push(close), slow.push(close)) else {
            continue;
        };
        macd.line = fast - slow;
        macd.histogram = macd.line - signal.push(macd.line).unwrap_or(macd.line);
    }
    macd
}

/// The position of the close between the Bollinger bands of the last 20 closes (mean ± 2 population
/// standard deviations), %b: 0 at the lower, 1 at the upper, 0.5 at the mean and where nothing
/// moved. Twenty values bound it to 0.5 ± √19 / 4. Bollinger on Bollinger Bands (2001).
pub(super) fn bollinger_position(closes: &[f64]) -> f64 {
    let last = closes[closes.len() - 1];
    let window = &closes[closes.len() - 20..];
    // Distances from the close are used, so that equal closes have a deviation of exactly 0.
    let mean = window.iter().map(|close| close - last).sum::<f64>() / 20.0;
    let squares = window.iter().map(|close| (close - last - mean).powi(2));
    let deviation = (squares.sum::<f64>() / 20.0).sqrt();
    if deviation > 0.0 {
        0.5 - mean / (4.0 * deviation)
    } else {
        0.5
    }
}

/// Average true range: Wilder's average over 14 of max(high − low, |high − close before|,
/// |low − close before|), in units of price, 0 or more. Wilder (1978).
pub(super) fn average_true_range(highs: &[f64], lows: &[f64], closes: &[f64]) -> f64 {
    let mut average = Smoothed::wilder(14);
    for ((high, low), before) in highs[1..].iter().zip(&lows[1..]).zip(closes) {
        let range = (high - low).max((high - before).abs());
        average.push(range.max((low - before).abs()));
    }
    average.value
}

/// ln(1 + volume / mean volume of the last 20 bars, this one included): 0 to ln 21, and ln 2 for
/// a usual bar. Where none of the 20 had any volume the ratio is 1; a negative volume counts as 0.
/// Volume against its own recent past: Gervais, Kaniel and Mingelgrin, The High-Volume Return
/// Premium, Journal of Finance 56 (2001).
pub(super) fn volume_ratio(volumes: impl DoubleEndedIterator<Item = f64>) -> f64 {
    let mut recent = volumes.rev().map(|volume| volume.max(0.0)).take(20);
    let own = recent.next().unwrap_or(0.0);
    // Each volume is divided before it is added, because the sum of twenty may overflow.
    let mean = recent.fold(own / 20.0, |mean, volume| mean + volume / 20.0);
    if mean > 0.0 {
        (own / mean).min(20.0).ln_1p()
    } else {
        1_f64.ln_1p()
    }
}

/// The candle's body in its range: (close − open) / (high − low), −1 to 1, and 0 where high and
/// low are equal. Nison, Japanese Candlestick Charting Techniques (1991).
pub(super) fn candle_body(open: f64, high: f64, low: f64, close: f64) -> f64 {
    let range = high - low;
    if range > 0.0 {
        ((close - open) / range).clamp(-1.0, 1.0)
    } else {
        0.0
    }
}

/// The position of the close in the bar's range: (close − low) / (high − low), 0 to 1, and 0.5 where
/// high and low are equal. The stochastic %K of one bar: Lane, Lane's Stochastics, Technical
/// Analysis of Stocks & Commodities 2 (1984).
pub(super) fn candle_close(high: f64, low: f64, close: f64) -> f64 {
    let range = high - low;
    if range > 0.0 {
        ((close - low) / range).clamp(0.0, 1.0)
    } else {
        0.5
    }
}

#[cfg(test)]
mod tests;
