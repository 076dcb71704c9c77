//! Checks of bars: one set of rules, whatever they come from.

use impresario_api::Bar;

/// What is wrong with a bar: the field, what was expected, and what came.
#[derive(Debug, PartialEq)]
pub struct BarFault {
    /// The field.
    pub field: &'static str,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: f64,
}

/// How far a price may lie beyond the high or the low, as a share of itself: what adjusting prices for
/// dividends rounds away in the last places.
const ROUNDED: f64 = 1e-9;

/// Checks a bar: its numbers are finite, none is above the high or below the low, and the volume is not
/// negative. (Prices may be negative: crude oil traded at −37 dollars in April 2020.)
pub fn check(bar: &Bar) -> Result<(), BarFault> {
    let &Bar {
        open,
        high,
        low,
        close,
        volume,
        ..
    } = bar;
    // A good bar needs only this comparison. A NaN makes it false as well.
    let orderly = low <= open && low <= close && open <= high && close <= high && volume >= 0.0;
    // Everything between two finite numbers is finite.
    if orderly && low.is_finite() && high.is_finite() && volume.is_finite() {
        return Ok(());
    }
    Err(fault(bar))
}

/// Checks a bar, and lifts the high, or lowers the low, to a price that lies beyond it by no more than rounding
/// does. Returns whether it did.
#[inline]
pub fn mend(bar: &mut Bar) -> Result<bool, BarFault> {
    match check(bar) {
        Ok(()) => Ok(false),
        Err(fault) => mend_rounded(bar, fault).map(|()| true),
    }
}

#[cold]
fn mend_rounded(bar: &mut Bar, fault: BarFault) -> Result<(), BarFault> {
    let prices = [bar.open, bar.high, bar.low, bar.close];
    let highest = prices.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let lowest = prices.into_iter().fold(f64::INFINITY, f64::min);
    let is_rounding = |apart: f64, price: f64| apart <= price.abs() * ROUNDED;
    let mended = Bar {
        high: highest,
        low: lowest,
        ..*bar
    };
    // The high of a bar whose low is far above it is no rounding: both have to be near.
    let is_near = is_rounding(highest - bar.high, highest) && is_rounding(bar.low - lowest, lowest);
    if !is_near || check(&mended).is_err() {
        return Err(fault);
    }
    *bar = mended;
    Ok(())
}

#[cold]
fn fault(bar: &Bar) -> BarFault {
    let of = |field, expected: String, got| BarFault {
        field,
        expected,
        got,
    };
    let prices = [
        ("open", bar.open),
        ("high", bar.high),
        ("low", bar.low),
        ("close", bar.close),
    ];
    let numbers = prices.into_iter().chain([("volume", bar.volume)]);
    if let Some((field, got)) = numbers.into_iter().find(|(_, number)| !number.is_finite()) {
        return of(field, "a finite number".to_owned(), got);
    }
    if let Some((name, price)) = prices.into_iter().find(|(_, price)| *price > bar.high) {
        return of("high", format!("at least the {name}, {price}"), bar.high);
    }
    if let Some((name, price)) = prices.into_iter().find(|(_, price)| *price < bar.low) {
        return of("low", format!("at most the {name}, {price}"), bar.low);
    }
    of("volume", "0 or more".to_owned(), bar.volume)
}

/// What is wrong with one of several bars.
#[derive(Debug, PartialEq)]
pub struct SeriesFault {
    /// The bar's number, from 0.
    pub index: usize,
    /// The field.
    pub field: &'static str,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: String,
}

/// Checks each of these bars, and that it comes after the one before it. What rounding does to a high or a low is
/// no fault, as in a file.
pub fn check_bars(bars: &[Bar]) -> Result<(), SeriesFault> {
    for (index, bar) in bars.iter().enumerate() {
        mend(&mut bar.clone()).map_err(|fault| SeriesFault {
            index,
            field: fault.field,
            expected: fault.expected,
            got: fault.got.to_string(),
        })?;
        let before = index.checked_sub(1).map(|before| bars[before].timestamp);
        if let Some(before) = before
            && before >= bar.timestamp
        {
            return Err(SeriesFault {
                index,
                field: "timestamp",
                expected: format!("later than {before}, the bar before it"),
                got: bar.timestamp.to_string(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use impresario_api::Timestamp;

    use super::*;

    fn bar([open, high, low, close, volume]: [f64; 5]) -> Bar {
        Bar {
            timestamp: Timestamp::from_millis(0),
            open,
            high,
            low,
            close,
            volume,
        }
    }

    #[test]
    fn rounding_is_mended_and_nothing_else() {
        let high = 178.923_456_794_588_25;
        for (numbers, wanted) in [
            ([1.0, 2.0, 0.5, 1.5, 3.0], Some(false)),
            ([1.0, high, 0.5, high + high * 1e-15, 3.0], Some(true)),
            ([1.0, high, 0.5, high * (1.0 + 0.9e-9), 3.0], Some(true)),
            ([1.0, high, 0.5, high * (1.0 + 1.1e-9), 3.0], None),
            ([0.5 * (1.0 - 0.9e-9), 2.0, 0.5, 1.0, 3.0], Some(true)),
            ([0.5 * (1.0 - 1.1e-9), 2.0, 0.5, 1.0, 3.0], None),
            ([-2.0, -1.0, -2.0 + 1e-10, -1.5, 0.0], Some(true)),
            ([0.0, 0.0, 0.0, 1e-300, 0.0], None),
            ([1.0, 2.0, 0.5, 1.5, -1e-15], None),
            ([f64::NAN, 2.0, 0.5, 1.5, 1.0], None),
            ([1.0, f64::INFINITY, 0.5, 1.5, 1.0], None),
        ] {
            let mut one = bar(numbers);
            let mended = mend(&mut one);
            assert_eq!(
                mended.as_ref().ok(),
                wanted.as_ref(),
                "{numbers:?}: {mended:?}"
            );
            if wanted.is_some() {
                assert_eq!(check(&one), Ok(()), "{numbers:?}");
            }
        }
    }
}
