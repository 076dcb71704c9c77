//! Checks of bars.

use impresario_api::Bar;

/// What is wrong with a bar: the field, what was expected, and what came.
#[derive(Debug, PartialEq)]
pub(super) struct BarFault {
    pub(super) field: &'static str,
    pub(super) expected: String,
    pub(super) got: f64,
}

/// Checks a bar: its numbers are finite, none is above the high or below the low, and the volume is not
/// negative. (Prices may be negative: crude oil traded at −37 dollars in April 2020.)
pub(super) fn check(bar: &Bar) -> Result<(), BarFault> {
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

/// Checks each of these bars, and that it comes after the one before it.
pub fn check_bars(bars: &[Bar]) -> Result<(), SeriesFault> {
    for (index, bar) in bars.iter().enumerate() {
        check(bar).map_err(|fault| SeriesFault {
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
